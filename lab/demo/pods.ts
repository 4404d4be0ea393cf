// Pods that were restarted or replaced between two looks. Static pods are components and counted as such; Jobs end by themselves.

import { z } from 'zod';
import { connect } from '../../src/cluster/client.ts';

const pod = z.object({
  metadata: z.object({
    namespace: z.string(),
    name: z.string(),
    uid: z.string(),
    annotations: z.record(z.string(), z.string()).optional(),
    ownerReferences: z.array(z.object({ kind: z.string() })).optional(),
  }),
  status: z.object({ containerStatuses: z.array(z.object({ restartCount: z.number() })).optional() }),
});

export type PodLook = ReadonlyMap<string, number>;

/** By namespace, name and uid: how often its containers were restarted. */
export async function lookAtPods(kubeconfig: string): Promise<PodLook> {
  const cluster = connect({ kubeconfig });
  try {
    const found = (await cluster.list('/api/v1/pods')).map((one) => pod.parse(one));
    const counted = found.filter(
      ({ metadata }) =>
        metadata.annotations?.['kubernetes.io/config.mirror'] === undefined &&
        !metadata.ownerReferences?.some(({ kind }) => kind === 'Job'),
    );
    return new Map(
      counted.map(({ metadata, status }) => [
        `${metadata.namespace}/${metadata.name}/${metadata.uid}`,
        (status.containerStatuses ?? []).reduce((sum, { restartCount }) => sum + restartCount, 0),
      ]),
    );
  } finally {
    await cluster.close();
  }
}

/** Containers restarted and pods gone since the earlier look. */
export const podRestarts = (before: PodLook, after: PodLook): number =>
  [...before].reduce((sum, [id, count]) => sum + Math.max(0, (after.get(id) ?? count + 1) - count), 0);
