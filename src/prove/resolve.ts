// From the ids in a proof to the things behind them, by the topology that the plan was made from.

import { topologyOf } from '../core/catalog/topology.ts';
import type { PartyId, StoreId, UseId } from '../core/model/ids.ts';
import type { Callee, Instance, Inventory, Pod, Store } from '../core/model/inventory.ts';
import type { AuthorityRotation } from '../core/model/rotation.ts';
import type { Proof } from '../core/model/step.ts';
import type { StoreClass, Topology, Use } from '../core/model/topology.ts';
import { atOnce, combined, safely } from './combine.ts';
import type { Look, ProbeContext } from './context.ts';

interface Known {
  topology: Topology;
  uses: Map<UseId, Use>;
  /** The class a real store belongs to. */
  classes: Map<StoreId, StoreClass>;
  stores: Map<StoreId, Store>;
  instances: Map<PartyId, Instance>;
  callees: Map<PartyId, Callee>;
  pods: Map<PartyId, Pod>;
}

const cache = new WeakMap<Inventory, { rotation: unknown; known: Known }>();

/** Indexes over the inventory, made once for each look at the cluster. */
export function known(ctx: ProbeContext): Known {
  const cached = cache.get(ctx.inventory);
  if (cached?.rotation === ctx.rotation) return cached.known;
  const { inventory, rotation } = ctx;
  const topology = topologyOf(inventory, rotation, ctx.now());
  const made: Known = {
    topology,
    uses: byId(topology.uses),
    classes: new Map(
      topology.stores.flatMap((store) => [store.id, ...store.members].map((id) => [id, store] as const)),
    ),
    stores: byId(inventory.stores),
    instances: byId(inventory.instances),
    callees: byId(inventory.callees),
    pods: byId(inventory.pods),
  };
  cache.set(inventory, { rotation, known: made });
  return made;
}

const byId = <T extends { id: string }>(items: readonly T[]): Map<string, T> =>
  new Map(items.map((item) => [item.id, item]));

/** The generations that a proof is about. Throws for an authority that is not in the rotation: a mistake of the caller. */
export function generationsOf(ctx: ProbeContext, proof: Pick<Proof, 'authority'>): AuthorityRotation {
  const found = ctx.rotation.authorities.find(({ authority }) => authority === proof.authority);
  if (!found) throw new Error(`the rotation does not turn ${proof.authority}`);
  return found;
}

/** `cp1/kube-apiserver:serving` as its party and its name. A party may hold colons (`file/n1:/x`), a name does not. */
export function splitUse(use: UseId): { party: PartyId; name: string } {
  const colon = use.lastIndexOf(':');
  return { party: use.slice(0, colon), name: use.slice(colon + 1) };
}

export interface Member {
  party: PartyId;
  use: Use;
  name: string;
}

/** The parties that a use stands for: one, or those of a class. */
export function membersOf(ctx: ProbeContext, id: UseId): Member[] {
  const use = known(ctx).uses.get(id);
  if (!use) return [];
  const { party, name } = splitUse(id);
  // A callee's use may list who must restart for it; the party itself is then none of those.
  const parties = use.parties.includes(party) ? use.parties : [party];
  return parties.map((one) => ({ party: one, use, name }));
}

/** Looks at each party that a use stands for: it is shown when each of them is. */
export async function atMembers(
  proof: Proof,
  of: UseId,
  ctx: ProbeContext,
  look: (member: Member) => Promise<Look>,
): Promise<Look> {
  const looks = membersOf(ctx, of).map((member) =>
    atOnce(async () => ({ member: member.party, ...(await safely(() => look(member))) })),
  );
  return combined(await Promise.all(looks), proof.keep);
}
