// The load's pods as the cluster tells of them: which there are, and where their logs lie.

import { z } from 'zod';
import { CLIENT_CONTAINER, CLIENT_LABEL } from '../../full/workloads/clients.ts';
import type { Api } from '../api.ts';
import { NAMESPACE } from '../objects.ts';
import type { LogPlace } from './tail.ts';

export interface ClientPodSeen {
  /** One container of one pod: another one after a restart. */
  id: string;
  kind: string;
  name: string;
  log: LogPlace;
  startedAt: number;
}

const list = z.object({
  items: z.array(
    z.object({
      metadata: z.object({
        name: z.string(),
        namespace: z.string(),
        uid: z.string(),
        deletionTimestamp: z.string().optional(),
        labels: z.record(z.string(), z.string()).default({}),
        annotations: z.record(z.string(), z.string()).default({}),
      }),
      spec: z.object({ nodeName: z.string().optional() }),
      status: z.object({
        containerStatuses: z
          .array(
            z.object({
              name: z.string(),
              restartCount: z.number(),
              state: z.object({ running: z.object({ startedAt: z.string() }).optional() }).optional(),
            }),
          )
          .default([]),
      }),
    }),
  ),
});

const SELECTOR = `labelSelector=${encodeURIComponent(CLIENT_LABEL)}`;
export const CLIENT_PODS_PATH = `/api/v1/namespaces/${NAMESPACE}/pods?${SELECTOR}`;
const STATIC_PODS_PATH = `/api/v1/namespaces/kube-system/pods?${SELECTOR}`;

/** Those whose client runs. */
export async function clientPods(api: Api): Promise<ClientPodSeen[]> {
  const [ours, statics] = await Promise.all([CLIENT_PODS_PATH, STATIC_PODS_PATH].map((path) => api.get(path)));
  return [...seenIn(ours), ...seenIn(statics)];
}

export function seenIn(answer: unknown): ClientPodSeen[] {
  return list.parse(answer).items.flatMap(({ metadata, spec, status }) => {
    const client = status.containerStatuses.find(({ name }) => name === CLIENT_CONTAINER);
    const { namespace, name, uid, labels, annotations, deletionTimestamp } = metadata;
    if (!client?.state?.running || spec.nodeName === undefined || deletionTimestamp !== undefined) return [];
    // A static pod's folder has the hash of its manifest, for the mirror's uid is the API's (K:pkg/kubelet/kuberuntime/helpers.go BuildPodLogsDirectory).
    const own = annotations['kubernetes.io/config.hash'] ?? uid;
    const path = `/var/log/pods/${namespace}_${name}_${own}/${CLIENT_CONTAINER}/${client.restartCount}.log`;
    return [
      {
        id: `${own}/${client.restartCount}`,
        kind: labels[CLIENT_LABEL] ?? '',
        name,
        log: { node: spec.nodeName, path },
        startedAt: Date.parse(client.state.running.startedAt),
      },
    ];
  });
}
