// Whether a proof could be had in the world as it is: a plan that asks for what cannot be shown would wait for ever.

import { IN_FLIGHT, JOINING } from '../../../src/core/catalog/published.ts';
import { flagSetOf } from '../../../src/core/catalog/split.ts';
import { credentialOf, signerOf, trustOf } from '../../../src/core/catalog/value-of.ts';
import type { StoreId } from '../../../src/core/model/ids.ts';
import type { Inventory, Store } from '../../../src/core/model/inventory.ts';
import type { AuthorityRotation, Rotation } from '../../../src/core/model/rotation.ts';
import type { Proof } from '../../../src/core/model/step.ts';
import type { Topology, Use } from '../../../src/core/model/topology.ts';
import type { Holds, Value } from '../../../src/core/model/value.ts';

export interface Truth {
  world: Inventory;
  rotation: Rotation;
  t: Topology;
}

/** What is not so, in words; undefined when the proof can be had. */
export function untrue(truth: Truth, proof: Proof): string | undefined {
  for (const of of proof.of) {
    const why = proof.kind === 'restarted' ? notYoung(truth, of, proof.keep) : notHeld(truth, proof, of);
    if (why) return `${proof.kind} ${of} = ${proof.keep.join('|')}: ${why}`;
  }
  return undefined;
}

function notHeld(truth: Truth, proof: Proof, of: string): string | undefined {
  const a = truth.rotation.authorities.find((one) => one.authority === proof.authority) as AuthorityRotation;
  const use = truth.t.uses.find((one) => one.id === of);
  if (!use) return contentOf(truth, a, of, undefined, proof.keep);
  if (use.party === JOINING) return undefined;
  const sources = use.sources.filter(({ when }) => !when || flagsOf(truth, when.flags) === when.is);
  for (const { store } of sources) {
    const why = contentOf(truth, a, store, use.holds, proof.keep) ?? notTakenUp(truth, use, store);
    if (why) return why;
  }
  return undefined;
}

const flagsOf = ({ world }: Truth, use: string): string | undefined => {
  const instance = world.instances.find((one) => `${one.id}:flags` === use);
  return instance && flagSetOf(instance.flags);
};

function contentOf(
  truth: Truth,
  a: AuthorityRotation,
  id: StoreId,
  holds: Holds | undefined,
  keep: readonly Value[],
): string | undefined {
  if (id === IN_FLIGHT || id.startsWith('object/Pod/')) return undefined;
  const known = truth.t.stores.find((one) => one.id === id || one.members.includes(id));
  const members = known && known.id === id ? known.members : [id];
  for (const member of members) {
    if (member.startsWith('object/Pod/')) continue;
    const store = truth.world.stores.find((one) => one.id === member);
    if (!store) return `${member} is not there`;
    const value = worth(truth, store, known?.holds ?? holds ?? 'trust', a);
    if (!keep.includes(value)) return `${member} holds ${value}`;
  }
  return undefined;
}

function worth({ world }: Truth, store: Store, holds: Holds, a: AuthorityRotation): Value {
  switch (holds) {
    case 'trust':
      return trustOf(store.certs, a);
    case 'credential':
      return credentialOf(store.certs, a);
    case 'signer':
      return signerOf(store, a);
    case 'flags': {
      const reader = world.instances.find(
        (one) => 'manifest' in one.management && store.id.endsWith(`${one.node}:${one.management.manifest}`),
      );
      return reader ? flagSetOf(reader.nextFlags ?? reader.flags) : 'found';
    }
  }
}

/** Read at the start only: then the process must be younger than the file. */
function notTakenUp({ world, t }: Truth, use: Use, id: StoreId): string | undefined {
  if (
    use.reread === 'at-once' ||
    use.reread === 'five-minutes' ||
    (use.party.startsWith('pod/') && use.reread !== 'restart')
  )
    return undefined;
  const members = new Set(t.stores.find((one) => one.id === id)?.members ?? [id]);
  for (const store of world.stores.filter((one) => members.has(one.id))) {
    const readers = [...world.instances, ...world.pods].filter(
      (one) => use.parties.includes(one.id) && one.node === store.node,
    );
    const old = readers.find((one) => (one.startedAt ?? 0) <= (store.changedAt ?? 0));
    if (old) return `${old.id} started before ${store.id} changed`;
  }
  return undefined;
}

function notYoung(truth: Truth, party: string, keep: readonly Value[]): string | undefined {
  const { t, world } = truth;
  const instance = world.instances.find((one) => one.id === party);
  if (!instance && !world.pods.some((one) => one.id === party)) return 'it does not run';
  if (keep.length === 0) return 'nothing is asked for';
  if (instance?.nextFlags) return 'it runs with other flags than its manifest names';
  const uses = t.uses.filter((use) => use.party === party && use.sources.length > 0);
  return uses
    .map((use) => use.sources.map(({ store }) => notTakenUp(truth, use, store)).find((why) => why))
    .find((why) => why);
}
