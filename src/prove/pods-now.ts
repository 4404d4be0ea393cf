// Pods as they are now: whether they still run, since when, and what their projected volumes hold.

import type { PartyId } from '../core/model/ids.ts';
import type { Millis, Pod } from '../core/model/inventory.ts';
import { listReduced } from '../discover/paged.ts';
import { type PodVolumes, readPodCAs } from '../discover/pod-volumes.ts';
import { type PodObject, podFact } from '../discover/pods.ts';
import { reasonOf } from '../errors.ts';
import type { Certificate } from '../pki/certificate.ts';
import { atOnce } from './combine.ts';
import type { LookContext } from './context.ts';

export interface PodNow {
  pod: Pod;
  uid: string;
  /** Anchors in its projected volume; undefined where the node does not show any. */
  holds?: Certificate[];
  /** When that was written, by the node's clock. */
  changedAt?: Millis;
  why?: string;
}

export type PodsNow = Map<PartyId, PodNow>;

/** Those of the wanted pods that still run. One list, and one look at each node concerned. */
export async function podsNow(ctx: LookContext, wanted: ReadonlySet<PartyId>): Promise<PodsNow> {
  const running = await listReduced<PodObject, { pod: Pod; uid: string }>(ctx.cluster, '/api/v1/pods', (object) => {
    if (!wanted.has(`pod/${object.metadata.namespace}/${object.metadata.name}`)) return undefined;
    const pod = podFact(object, new Set());
    return pod && { pod, uid: object.metadata.uid };
  });
  const nodes = [...new Set(running.map(({ pod }) => pod.node))];
  const volumes = new Map(
    await Promise.all(nodes.map((node) => atOnce(async () => [node, await volumesOf(ctx, node)] as const))),
  );
  return new Map(
    running.map(({ pod, uid }): [PartyId, PodNow] => {
      const seen = volumes.get(pod.node);
      if (typeof seen === 'string') return [pod.id, { pod, uid, why: seen }];
      const volume = seen?.get(uid);
      if (!volume) return [pod.id, { pod, uid, why: `no projected CA of it was found on ${pod.node}` }];
      return [pod.id, { pod, uid, holds: volume.certificates, changedAt: volume.changedAt }];
    }),
  );
}

async function volumesOf(ctx: LookContext, node: string): Promise<Map<string, PodVolumes> | string> {
  const kubelet = ctx.inventory.instances.find((one) => one.node === node && one.component === 'kubelet');
  try {
    return await readPodCAs(ctx.accessOf(node), kubelet);
  } catch (thrown) {
    return reasonOf(thrown);
  }
}
