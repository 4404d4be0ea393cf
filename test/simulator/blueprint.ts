// A topology unfolded for the simulator: every member of every class is a store of its own, every party of every use a process of its own.

import type { PartyId, StoreId, UseId } from '../../src/core/model/ids.ts';
import type { Actor } from '../../src/core/model/step.ts';
import type { Flow, Reread, Topology, Use, UseKind } from '../../src/core/model/topology.ts';
import type { Holds } from '../../src/core/model/value.ts';
import { type Content, contentOf, type Purpose } from './material.ts';

export interface Member {
  readonly id: StoreId;
  readonly holds: Holds;
  readonly purpose: Purpose;
  /** What it may hold at first; empty for a store that nothing fills yet. */
  readonly first: readonly Content[];
}

export interface Read {
  /** The instance whose flags decide, and what they must be; -1 for none. */
  readonly flags: number;
  readonly is: 'found' | 'split';
  readonly member: number;
}

/** A use of one party. An elected use is one instance: what the leader has in memory. */
export interface Instance {
  readonly use: UseId;
  readonly party: PartyId;
  readonly kind: UseKind;
  readonly holds: Holds;
  readonly reread: Reread;
  readonly first: readonly Content[];
  /** By party for an elected use, else one list. */
  readonly reads: readonly (readonly Read[])[];
  readonly electedFrom: readonly PartyId[] | undefined;
}

export interface Channel {
  readonly name: string;
  readonly verifier: number;
  readonly presenter: number;
  readonly usage: 'serverAuth' | 'clientAuth';
}

export interface Pipe {
  readonly id: string;
  readonly how: Flow['how'];
  readonly actor: Actor | undefined;
  readonly fromMembers: readonly number[];
  readonly fromInstances: readonly number[];
  readonly toMembers: readonly number[];
  readonly toInstances: readonly number[];
  /** Source k goes to target k only: a pod's own file, a process's own connections. */
  readonly paired: boolean;
}

export interface Blueprint {
  readonly members: readonly Member[];
  readonly instances: readonly Instance[];
  readonly channels: readonly Channel[];
  readonly channelsOf: readonly (readonly number[])[];
  readonly pipes: readonly Pipe[];
  readonly membersOf: ReadonlyMap<StoreId, readonly number[]>;
  readonly instancesOf: ReadonlyMap<UseId, readonly number[]>;
  /** Instances that a start of this party fills; flags first. */
  readonly startedBy: ReadonlyMap<PartyId, readonly number[]>;
  readonly elected: readonly number[];
  readonly candidates: readonly PartyId[];
  readonly actors: readonly Actor[];
  /** Members of stores that are queues: each holds what was made and not yet taken. */
  readonly queues: ReadonlySet<number>;
}

/**
 * `elected` names the uses of elected parties, `queues` the stores of things in flight. `shownAs` is for which use bridges are made
 * in all stores; by default that of each store's readers.
 */
export function unfold(
  t: Topology,
  elected: readonly UseId[],
  queues: readonly StoreId[],
  shownAs?: Purpose,
): Blueprint {
  const members: Member[] = [];
  const membersOf = new Map<StoreId, number[]>();
  for (const store of t.stores) {
    const purpose = shownAs ?? purposeOf(t, store.id);
    const first = (t.initial.stores[store.id] ?? []).map((value) => contentOf(store.holds, value, purpose));
    const own = store.members.map((id) => members.push({ id, holds: store.holds, purpose, first }) - 1);
    membersOf.set(store.id, own);
    for (const [k, id] of store.members.entries()) membersOf.set(id, [own[k]!]);
  }
  const { instances, instancesOf } = instancesIn(t, elected, membersOf);
  const channels = channelsIn(t, instancesOf);
  const channelsOf = instances.map((_, i) =>
    [...channels.keys()].filter((c) => channels[c]!.verifier === i || channels[c]!.presenter === i),
  );
  const electedInstances = elected.flatMap((use) => instancesOf.get(use) ?? []);
  return {
    members,
    instances,
    channels,
    channelsOf,
    pipes: t.flows.map((flow) => pipeOf(flow, membersOf, instancesOf)),
    membersOf,
    instancesOf,
    startedBy: startsOf(instances),
    elected: electedInstances,
    candidates: instances[electedInstances[0] ?? -1]?.electedFrom ?? [],
    actors: t.actors,
    queues: new Set(queues.flatMap((id) => membersOf.get(id) ?? [])),
  };
}

function purposeOf(t: Topology, store: StoreId): Purpose {
  const readers = t.uses.filter((use) => use.sources.some((source) => source.store === store));
  if (readers.some((use) => use.authority === 'etcd')) return 'peer';
  return readers.some((use) => use.kind === 'presents-as-client') ? 'client' : 'serving';
}

function instancesIn(t: Topology, elected: readonly UseId[], membersOf: ReadonlyMap<StoreId, readonly number[]>) {
  const instances: Instance[] = [];
  const instancesOf = new Map<UseId, number[]>();
  const flagsFirst = [...t.uses].sort((a, b) => Number(b.kind === 'flags') - Number(a.kind === 'flags'));
  for (const use of flagsFirst) {
    const shownAs: Purpose =
      use.authority === 'etcd' ? 'peer' : use.kind === 'presents-as-client' ? 'client' : 'serving';
    const first = (t.initial.uses[use.id] ?? []).map((value) => contentOf(use.holds, value, shownAs));
    const common = { use: use.id, kind: use.kind, holds: use.holds, reread: use.reread, first };
    const one = elected.includes(use.id);
    const add = (party: PartyId, reads: Read[][]) =>
      instances.push({ ...common, party, reads, electedFrom: one ? use.parties : undefined }) - 1;
    const readsAt = (k: number, party?: PartyId) => readsOf(t, use, k, party, membersOf, instancesOf);
    const own = one
      ? [
          add(
            use.party,
            use.parties.map((party) => readsAt(0, party)),
          ),
        ]
      : use.parties.map((party, k) => add(party, [readsAt(k)]));
    instancesOf.set(use.id, own);
  }
  return { instances, instancesOf };
}

function readsOf(
  t: Topology,
  use: Use,
  k: number,
  party: PartyId | undefined,
  membersOf: ReadonlyMap<StoreId, readonly number[]>,
  instancesOf: ReadonlyMap<UseId, readonly number[]>,
): Read[] {
  const flagsBelongTo = (flags: UseId) => t.uses.find((one) => one.id === flags)?.party;
  return use.sources
    .filter(({ when }) => party === undefined || !when || flagsBelongTo(when.flags) === party)
    .map(({ store, when }) => {
      const own = membersOf.get(store)!;
      return {
        flags: when ? instancesOf.get(when.flags)![0]! : -1,
        is: when?.is ?? 'found',
        member: own[k % own.length]!,
      };
    });
}

function channelsIn(t: Topology, instancesOf: ReadonlyMap<UseId, readonly number[]>): Channel[] {
  const kinds = new Map(t.uses.map((use) => [use.id, use.kind]));
  const pairs = (t.pairs ?? []).flatMap(({ channel, verifiers, presenters }) =>
    verifiers.flatMap((verifier) => presenters.map((presenter) => ({ channel, verifier, presenter }))),
  );
  return [...t.edges, ...pairs].flatMap((edge) => {
    const usage =
      kinds.get(edge.presenter) === 'presents-as-server' ? ('serverAuth' as const) : ('clientAuth' as const);
    return instancesOf
      .get(edge.verifier)!
      .flatMap((verifier) =>
        instancesOf.get(edge.presenter)!.map((presenter) => ({ name: edge.channel, verifier, presenter, usage })),
      );
  });
}

function pipeOf(
  flow: Flow,
  membersOf: ReadonlyMap<StoreId, readonly number[]>,
  instancesOf: ReadonlyMap<UseId, readonly number[]>,
): Pipe {
  const fromMembers = flow.from.flatMap((id) => membersOf.get(id) ?? []);
  const fromInstances = flow.from.flatMap((id) => instancesOf.get(id) ?? []);
  const toMembers = membersOf.get(flow.to) ?? [];
  const toInstances = instancesOf.get(flow.to) ?? [];
  const sources = fromMembers.length + fromInstances.length;
  const paired = flow.from.length === 1 && sources > 1 && sources === toMembers.length + toInstances.length;
  return { id: flow.id, how: flow.how, actor: flow.actor, fromMembers, fromInstances, toMembers, toInstances, paired };
}

function startsOf(instances: readonly Instance[]): Map<PartyId, number[]> {
  const starts = new Map<PartyId, number[]>();
  instances.forEach((instance, i) => {
    if (instance.electedFrom) return;
    const own = starts.get(instance.party);
    if (own) own.push(i);
    else starts.set(instance.party, [i]);
  });
  return starts;
}

/** The blueprint of the kubeadm cluster of kubeadm.ts. */
export const unfoldKubeadm = (t: Topology, n: { leader: PartyId; flight: StoreId }): Blueprint =>
  unfold(t, [`${n.leader}:signer`, `${n.leader}:root-ca`], [n.flight]);
