// The names of images that the lab's nodes have, as the cluster itself tells them.

import { z } from 'zod';
import { failedSafe } from '../../../src/errors.ts';
import type { Api } from '../../load/api.ts';
import { LAB_IMAGE } from '../artifacts/image-list.ts';

const pods = z.object({
  items: z.array(z.object({ spec: z.object({ containers: z.array(z.object({ image: z.string() })) }) })),
});
const nodes = z.object({
  items: z.array(
    z.object({ status: z.object({ images: z.array(z.object({ names: z.array(z.string()).nullish() })).optional() }) }),
  ),
});

export interface Images {
  etcd: string;
  pause: string;
}

/** Throws when the nodes lack the lab's own image: pods of it would wait for ever. */
export async function imagesOf(api: Api): Promise<Images> {
  const members = pods.parse(await api.get('/api/v1/namespaces/kube-system/pods?labelSelector=component%3Detcd'));
  const etcd = members.items[0]?.spec.containers[0]?.image;
  const known = nodes
    .parse(await api.get('/api/v1/nodes'))
    .items.flatMap(({ status }) => (status.images ?? []).flatMap(({ names }) => names ?? []));
  const pause = known.find((name) => /\/pause:[\w.]+$/.test(name));
  if (etcd === undefined || pause === undefined || !known.includes(LAB_IMAGE)) {
    const lacking = [etcd ? '' : 'etcd', pause ? '' : 'pause', known.includes(LAB_IMAGE) ? '' : LAB_IMAGE];
    throw failedSafe(
      `the nodes lack images: ${lacking.filter((name) => name !== '').join(', ')}`,
      undefined,
      'make the lab anew: reroot lab down, then reroot lab up --kind full',
    );
  }
  return { etcd, pause };
}
