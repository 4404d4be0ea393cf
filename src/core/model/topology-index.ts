// A topology as numbers: stores and uses become nodes, sources and flows become the inflows of a node. Made once for a topology.

import { type Acceptance, acceptanceOf, beliefOf, bitOf, NOTHING } from './belief.ts';
import type { PartyId, StoreId, UseId } from './ids.ts';
import { bringTable } from './reading.ts';
import type { Actor } from './step.ts';
import type { RolePair, StoreClass, Topology, Use } from './topology.ts';
import type { Holds } from './value.ts';

/** A store class or a use; stores come first. */
export type NodeIndex = number;

/** One way in which a value gets into a node: a file that a use reads, or a flow. */
export interface Inflow {
  readonly from: NodeIndex;
  /** What each belief of the source brings (reading.ts). */
  readonly brings: Uint8Array;
  readonly union: boolean;
  /** The flags use and bit that must be possible; flags is -1 for none. */
  readonly flags: NodeIndex;
  readonly flagsBit: number;
  readonly actor: Actor | undefined;
  /** The flow's id; undefined for a source. */
  readonly flow: string | undefined;
}

/** Uses of the same parties: they restart together. */
export interface Group {
  readonly parties: ReadonlySet<PartyId>;
  readonly uses: readonly NodeIndex[];
}

/** Every verifier checks every presenter. An edge is a pair of one and one. */
export interface Pair {
  readonly channel: string;
  readonly verifiers: readonly NodeIndex[];
  readonly presenters: readonly NodeIndex[];
  readonly accepts: Acceptance;
}

export interface Index {
  readonly size: number;
  readonly storeCount: number;
  readonly ids: readonly (StoreId | UseId)[];
  readonly holds: readonly Holds[];
  /** Undefined for uses, respectively stores. */
  readonly storeAt: readonly (StoreClass | undefined)[];
  readonly useAt: readonly (Use | undefined)[];
  readonly nodeOf: ReadonlyMap<string, NodeIndex>;
  /** A member of a class of several, to its class. */
  readonly classOf: ReadonlyMap<StoreId, NodeIndex>;
  readonly inflows: readonly (readonly Inflow[])[];
  /** Nodes that must be looked at again when this one may hold more. */
  readonly readers: readonly (readonly NodeIndex[])[];
  readonly start: Uint8Array;
  readonly groups: readonly Group[];
  /** -1 for stores. */
  readonly groupOf: Int32Array;
  readonly groupsOfParty: ReadonlyMap<PartyId, readonly number[]>;
  readonly pairs: readonly Pair[];
  /** Nodes of parties that exist only while the actor is on: nothing at first, and filled by that actor's flows alone. */
  readonly comingWith: ReadonlyMap<Actor, readonly NodeIndex[]>;
}

const made = new WeakMap<Topology, Index>();

/** The index of a topology, made at its first use. Topologies are values: one that is changed afterwards is not seen. */
export function index(t: Topology): Index {
  let found = made.get(t);
  if (!found) {
    found = build(t);
    made.set(t, found);
  }
  return found;
}

/** The node with this id. Throws for an unknown one: a mistake in a topology or plan. */
export function nodeOf(ix: Index, id: string): NodeIndex {
  const node = ix.nodeOf.get(id);
  if (node === undefined) throw new Error(`the topology has no store or use "${id}"`);
  return node;
}

function build(t: Topology): Index {
  const storeCount = t.stores.length;
  const ids = [...t.stores.map((s) => s.id), ...t.uses.map((u) => u.id)];
  const holds = [...t.stores.map((s) => s.holds), ...t.uses.map((u) => u.holds)];
  const nodes = new Map(ids.map((id, i) => [id, i]));
  if (nodes.size !== ids.length) throw new Error(`two stores or uses share the id "${duplicate(ids)}"`);
  const at = (id: string): NodeIndex => {
    const node = nodes.get(id);
    if (node === undefined) throw new Error(`the topology has no store or use "${id}"`);
    return node;
  };
  const inflows = inflowsOf(t, storeCount, holds, at);
  const start = new Uint8Array(ids.length);
  for (const [id, values] of [...Object.entries(t.initial.stores), ...Object.entries(t.initial.uses)]) {
    start[at(id)] = beliefOf(holds[at(id)]!, values);
  }
  const { groups, groupOf, groupsOfParty } = groupsOf(t, storeCount);
  return {
    size: ids.length,
    storeCount,
    ids,
    holds,
    storeAt: [...t.stores, ...t.uses.map(() => undefined)],
    useAt: [...t.stores.map(() => undefined), ...t.uses],
    nodeOf: nodes,
    classOf: membersOf(t, nodes),
    inflows,
    readers: readersOf(inflows),
    start,
    groups,
    groupOf,
    groupsOfParty,
    pairs: pairsOf(t, at),
    comingWith: comingWith(t, inflows, start),
  };
}

const duplicate = (ids: readonly string[]): string | undefined => ids.find((id, i) => ids.indexOf(id) !== i);

function inflowsOf(
  t: Topology,
  storeCount: number,
  holds: readonly Holds[],
  at: (id: string) => NodeIndex,
): Inflow[][] {
  const inflows: Inflow[][] = holds.map(() => []);
  t.uses.forEach((use, i) => {
    for (const { store, when } of use.sources) {
      const from = at(store);
      inflows[storeCount + i]!.push({
        from,
        brings: bringTable('copy', holds[from]!, use.holds),
        union: false,
        flags: when ? at(when.flags) : -1,
        flagsBit: when ? bitOf('flags', when.is) : 0,
        actor: undefined,
        flow: undefined,
      });
    }
  });
  for (const flow of t.flows) {
    const to = at(flow.to);
    for (const from of flow.from.map(at)) {
      const brings = bringTable(flow.how, holds[from]!, holds[to]!);
      const union = flow.how === 'union';
      inflows[to]!.push({ from, brings, union, flags: -1, flagsBit: 0, actor: flow.actor, flow: flow.id });
    }
  }
  return inflows;
}

function readersOf(inflows: readonly (readonly Inflow[])[]): NodeIndex[][] {
  const readers: Set<NodeIndex>[] = inflows.map(() => new Set());
  inflows.forEach((list, node) => {
    for (const { from, flags, union } of list) {
      readers[from]!.add(node);
      if (flags >= 0) readers[flags]!.add(node);
      // What a union makes hangs on what its target holds.
      if (union) readers[node]!.add(node);
    }
  });
  return readers.map((set) => [...set]);
}

function groupsOf(t: Topology, storeCount: number) {
  const groups: { parties: Set<PartyId>; uses: NodeIndex[] }[] = [];
  const groupOf = new Int32Array(storeCount + t.uses.length).fill(-1);
  const byKey = new Map<string, number>();
  const groupsOfParty = new Map<PartyId, number[]>();
  t.uses.forEach((use, i) => {
    const key = use.parties.join('\n');
    let group = byKey.get(key);
    if (group === undefined) {
      group = groups.length;
      byKey.set(key, group);
      groups.push({ parties: new Set(use.parties), uses: [] });
      for (const party of new Set(use.parties)) {
        const of = groupsOfParty.get(party);
        if (of) of.push(group);
        else groupsOfParty.set(party, [group]);
      }
    }
    groups[group]!.uses.push(storeCount + i);
    groupOf[storeCount + i] = group;
  });
  return { groups, groupOf, groupsOfParty };
}

function membersOf(t: Topology, nodes: ReadonlyMap<string, NodeIndex>): Map<StoreId, NodeIndex> {
  const classOf = new Map<StoreId, NodeIndex>();
  for (const store of t.stores) {
    if (store.members.length === 1 && store.members[0] === store.id) continue;
    for (const member of store.members) {
      if (nodes.has(member)) throw new Error(`"${member}" is a member of "${store.id}" and a store of its own`);
      classOf.set(member, nodes.get(store.id)!);
    }
  }
  return classOf;
}

function pairsOf(t: Topology, at: (id: string) => NodeIndex): Pair[] {
  const kinds = new Map(t.uses.map((use) => [use.id, use.kind]));
  const pairOf = ({ channel, verifiers, presenters }: RolePair): Pair => ({
    channel,
    verifiers: verifiers.map(at),
    presenters: presenters.map(at),
    accepts: acceptanceOf(kinds.get(presenters[0] ?? '')),
  });
  const edges = t.edges.map((e) => pairOf({ channel: e.channel, verifiers: [e.verifier], presenters: [e.presenter] }));
  return [...edges, ...(t.pairs ?? []).map(pairOf)];
}

function comingWith(t: Topology, inflows: readonly (readonly Inflow[])[], start: Uint8Array): Map<Actor, NodeIndex[]> {
  const actors = new Set(t.flows.flatMap((flow) => (flow.actor ? [flow.actor] : [])));
  const coming = new Map<Actor, NodeIndex[]>();
  for (const actor of actors) {
    const nodes = new Set([...inflows.keys()].filter((n) => start[n] === NOTHING && inflows[n]!.length > 0));
    const belongs = (n: NodeIndex) => inflows[n]!.every((i) => i.actor === actor || nodes.has(i.from));
    for (let before = -1; before !== nodes.size; ) {
      before = nodes.size;
      for (const n of nodes) if (!belongs(n)) nodes.delete(n);
    }
    coming.set(actor, [...nodes]);
  }
  return coming;
}
