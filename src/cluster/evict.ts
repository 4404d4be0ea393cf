import { apiErrorOf } from './api-error.ts';
import type { Cluster } from './client.ts';

export type Eviction =
  | { outcome: 'evicted' }
  /** The pod has gone, or another of that name has taken its place. */
  | { outcome: 'gone' }
  /** A PodDisruptionBudget holds it; ask again later. The server's words say which. */
  | { outcome: 'held'; why: string };

/** Asks for a pod's eviction, once: budgets hold (policy/v1 Eviction; 429 means a budget, kubernetes pkg/registry/core/pod/storage/eviction.go). */
export async function evict(cluster: Cluster, namespace: string, name: string, uid?: string): Promise<Eviction> {
  const path = `/api/v1/namespaces/${namespace}/pods/${name}/eviction`;
  const answer = await cluster.request('POST', path, {
    retryFor: 0,
    body: {
      apiVersion: 'policy/v1',
      kind: 'Eviction',
      metadata: { name, namespace },
      ...(uid ? { deleteOptions: { preconditions: { uid } } } : {}),
    },
  });
  if (answer.status < 300) return { outcome: 'evicted' };
  if (answer.status === 404 || answer.status === 409) return { outcome: 'gone' };
  const error = apiErrorOf(`POST ${path}`, answer.status, answer.body);
  if (answer.status === 429) return { outcome: 'held', why: error.said };
  throw error;
}
