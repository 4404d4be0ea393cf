// A party while a topology is made: its uses with the stores they read, before those told apart by nothing become one class.

import type { Authority, PartyId, StoreId, UseId } from '../model/ids.ts';
import type { ProofKind } from '../model/step.ts';
import type { Reread, Source, StoreClass, Topology, Use, UseKind } from '../model/topology.ts';
import type { Holds, Value } from '../model/value.ts';
import { byKey } from './survey.ts';

/** One end of a channel. Ends of one channel meet: every `…:verifies` with every `…:presents`. */
export type End =
  | `api server, server certificate:${'verifies' | 'presents'}`
  | `api server, client certificate:${'verifies' | 'presents'}`
  | `kubelet, client certificate:${'verifies' | 'presents'}`
  | `kubelet, server certificate:${'verifies' | 'presents'}`
  | `aggregated api server, front-proxy certificate:${'verifies' | 'presents'}`
  | `call of ${string}, server certificate:${'verifies' | 'presents'}`;

/** What a flow looks for. */
export type Tag = 'root-ca' | 'projected' | 'own-rotation' | 'flight';

export interface PartStore {
  id: StoreId;
  holds: Holds;
  /** What it holds now; several for members that were not all seen. Empty: filled by a flow. */
  values: readonly Value[];
  /** The real stores of a class. */
  members?: readonly StoreId[];
  proof?: ProofKind;
  tag?: Tag;
}

export interface PartUse {
  name: string;
  authority: Authority;
  kind: UseKind;
  holds: Holds;
  reread: Reread;
  proof: ProofKind;
  sources: readonly { store: PartStore; when?: NonNullable<Source['when']> }[];
  /** What the running party may have loaded; undefined: what its sources hold. */
  memory?: readonly Value[];
  end?: End;
  untouched?: true;
  /** Parties whose restart makes it read anew, where that is not the part's. */
  parties?: readonly PartyId[];
}

export interface Part {
  party: PartyId;
  parties: readonly PartyId[];
  uses: readonly PartUse[];
}

export const useId = (party: PartyId, name: string): UseId => `${party}:${name}`;

/** Parts of one kind in groups told apart by nothing the check looks at. */
export const alike = <T>(items: readonly T[], keyOf: (item: T) => string): T[][] => [...byKey(items, keyOf).values()];

/** What the check can tell about a part: everything but names. */
export const shapeOf = (part: Part): string =>
  JSON.stringify(
    part.uses.map(({ name, reread, memory, sources }) => [
      name,
      reread,
      memory,
      sources.map(({ store, when }) => [store.values, when?.is]),
    ]),
  );

/** Parts of one shape as one part: the first stands for all, each of its stores for those of the others. */
export function folded(parts: readonly Part[], label: string): Part {
  const [first] = parts;
  if (!first || parts.length === 1) return first ?? { party: label, parties: [], uses: [] };
  return {
    party: first.party,
    parties: parts.flatMap((part) => part.parties),
    uses: first.uses.map((use, u) => ({
      ...use,
      sources: use.sources.map((source, s) => ({
        ...source,
        store: {
          ...source.store,
          id: classId(label, use.name, s),
          members: [...new Set(parts.map((part) => part.uses[u]?.sources[s]?.store.id ?? ''))],
        },
      })),
    })),
  };
}

/** A class's id is none of its members'. */
export const classId = (label: string, name: string, index = 0): StoreId =>
  `class/${label}#${name}${index > 0 ? `-${index}` : ''}`;

/** The parts put together: stores once, uses with their ids, what is held at first, and who meets whom. */
export function assembled(parts: readonly Part[]): {
  topology: Pick<Topology, 'stores' | 'uses' | 'pairs' | 'initial'>;
  tagged: (tag: Tag) => StoreId[];
} {
  const stores = new Map<StoreId, StoreClass>();
  const tags = new Map<Tag, Set<StoreId>>();
  const initialStores: Record<StoreId, readonly Value[]> = {};
  const initialUses: Record<UseId, readonly Value[]> = {};
  const uses: Use[] = [];
  const taken = new Set<UseId>();
  const ends = new Map<string, { verifies: UseId[]; presents: UseId[] }>();
  for (const part of parts) {
    for (const use of part.uses) {
      for (const { store } of use.sources) {
        stores.set(store.id, classOf(store, use.authority));
        if (store.values.length > 0) initialStores[store.id] = store.values;
        if (store.tag) tags.set(store.tag, (tags.get(store.tag) ?? new Set()).add(store.id));
      }
      const made = useOf(part, use, taken);
      uses.push(made);
      if (use.memory) initialUses[made.id] = use.memory;
      if (use.end) meet(ends, use.end, made.id);
    }
  }
  const pairs = [...ends].flatMap(([channel, { verifies, presents }]) =>
    verifies.length > 0 && presents.length > 0 ? [{ channel, verifiers: verifies, presenters: presents }] : [],
  );
  return {
    topology: { stores: [...stores.values()], uses, pairs, initial: { stores: initialStores, uses: initialUses } },
    tagged: (tag) => [...(tags.get(tag) ?? [])],
  };
}

const classOf = (store: PartStore, authority: Authority): StoreClass => ({
  id: store.id,
  authority,
  holds: store.holds,
  members: store.members ?? [store.id],
  ...(store.proof === undefined ? {} : { proof: store.proof }),
});

/** An object may hold one CA under two keys, a pod mount two files of one name. */
function freeId(wanted: UseId, taken: Set<UseId>): UseId {
  let id = wanted;
  for (let n = 2; taken.has(id); n++) id = `${wanted}-${n}`;
  taken.add(id);
  return id;
}

const useOf = (part: Part, use: PartUse, taken: Set<UseId>): Use => ({
  id: freeId(useId(part.party, use.name), taken),
  party: part.party,
  parties: use.parties ?? part.parties,
  authority: use.authority,
  kind: use.kind,
  holds: use.holds,
  sources: use.sources.map(({ store, when }) => ({ store: store.id, ...(when ? { when } : {}) })),
  reread: use.reread,
  proof: use.proof,
  ...(use.untouched ? { untouched: true } : {}),
});

function meet(ends: Map<string, { verifies: UseId[]; presents: UseId[] }>, end: End, id: UseId): void {
  const colon = end.lastIndexOf(':');
  const channel = end.slice(0, colon);
  const sides = ends.get(channel) ?? { verifies: [], presents: [] };
  sides[end.slice(colon + 1) as 'verifies' | 'presents'].push(id);
  ends.set(channel, sides);
}
