// holds: a store read back.

import { IN_FLIGHT } from '../core/catalog/published.ts';
import type { StoreId } from '../core/model/ids.ts';
import type { Proof } from '../core/model/step.ts';
import { describeAnchors, trustIn } from './chain.ts';
import { contentOf } from './content.ts';
import type { Look, LookContext } from './context.ts';
import { inFlight } from './in-flight.ts';
import type { PodsNow } from './pods-now.ts';
import { generationsOf, known } from './resolve.ts';

export async function holds(proof: Proof, id: StoreId, ctx: LookContext, pods: PodsNow): Promise<Look> {
  if (id === IN_FLIGHT) return inFlight(proof, ctx);
  const pod = podOf(id);
  if (pod !== undefined) return projected(proof, pod, ctx, pods);
  const store = known(ctx).classes.get(id);
  if (!store) return { value: undefined, evidence: 'nothing is known by this name in what was seen last' };
  return contentOf(ctx, id, store.holds, generationsOf(ctx, proof));
}

/** `object/Pod/NS/NAME#ca.crt`, the projected file of a pod, as `pod/NS/NAME`. */
export function podOf(id: StoreId): string | undefined {
  const match = /^object\/Pod\/([^/]+)\/([^#]+)#ca\.crt$/.exec(id);
  return match ? `pod/${match[1]}/${match[2]}` : undefined;
}

function projected(proof: Proof, pod: string, ctx: LookContext, pods: PodsNow): Look {
  const now = pods.get(pod);
  if (!now) return { value: proof.keep[0], evidence: 'the pod is gone' };
  if (!now.holds) return { value: undefined, evidence: now.why ?? 'its volume was not seen' };
  const value = trustIn(ctx, now.holds, generationsOf(ctx, proof));
  return { value, evidence: `its projected ca.crt on ${now.pod.node} holds ${describeAnchors(now.holds)}` };
}
