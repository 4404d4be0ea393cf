// The closure: whatever re-reads, restarts by itself, fails over, crashes, rotates or publishes only adds to what may be.
// It runs after every effect, from the nodes that changed to the least fixpoint. Work is linear in what changes.

import { BELIEFS, type Belief, NOTHING, valueAt } from './belief.ts';
import type { PartyId } from './ids.ts';
import { unionTable } from './reading.ts';
import { CAUSES_PER_NODE as CAUSES, type Cause, type Round, type State } from './state-types.ts';
import type { Actor } from './step.ts';
import type { Index, Inflow, NodeIndex } from './topology-index.ts';

/** How a value got into a node, before it is tied to the node, the value and the step. */
export type Origin = Pick<Cause, 'by' | 'flow' | 'from' | 'given'>;

/** A state being made from another: owned by one effect, never seen outside. */
export interface Draft {
  readonly ix: Index;
  readonly step: number;
  readonly beliefs: Uint8Array;
  readonly boot: Uint8Array;
  readonly causes: (Cause | undefined)[];
  readonly rounds: Map<number, Round>;
  readonly actors: Set<Actor>;
  /** Replaced, not changed: a waiver of a class may name very many, and states share the set. */
  waived: ReadonlySet<string>;
  /** Adds values, records their cause, and has everyone look who reads the node. */
  add(node: NodeIndex, values: Belief, origin: Origin): void;
  /** Leaves only these values, and has the node look at its sources again, which may bring the others back. */
  keep(node: NodeIndex, values: Belief): void;
  /** Has a node look at its sources. */
  look(node: NodeIndex): void;
  next(): NodeIndex | undefined;
  /** Nodes that were filtered. */
  readonly kept: NodeIndex[];
}

export function draftOf(ix: Index, s: State, step: number): Draft {
  const beliefs = s.beliefs.slice();
  const causes = s.causes.slice();
  const queue: NodeIndex[] = [];
  const queued = new Uint8Array(ix.size);
  const kept: NodeIndex[] = [];
  let head = 0;
  const look = (node: NodeIndex) => {
    if (queued[node] === 1) return;
    queued[node] = 1;
    queue.push(node);
  };
  return {
    ix,
    step,
    beliefs,
    boot: s.boot.slice(),
    causes,
    rounds: new Map(s.rounds),
    actors: new Set(s.actors),
    waived: s.waived,
    add(node, values, origin) {
      const added = values & ~beliefs[node]!;
      if (added === NOTHING) return;
      beliefs[node]! |= added;
      const holds = ix.holds[node]!;
      for (let rest = added; rest !== 0; rest &= rest - 1) {
        const bit = rest & -rest;
        const at = node * CAUSES + 31 - Math.clz32(bit);
        causes[at] = { node: ix.ids[node]!, value: valueAt(holds, bit), step, ...origin };
      }
      for (const reader of ix.readers[node]!) look(reader);
    },
    keep(node, values) {
      for (let gone = beliefs[node]! & ~values; gone !== 0; gone &= gone - 1) {
        causes[node * CAUSES + 31 - Math.clz32(gone & -gone)] = undefined;
      }
      beliefs[node]! &= values;
      kept.push(node);
      look(node);
    },
    kept,
    look,
    next() {
      const node = queue[head++];
      if (node !== undefined) queued[node] = 0;
      return node;
    },
  };
}

/** Runs the draft to its fixpoint and gives it out as a state. */
export function close(d: Draft): State {
  for (let node = d.next(); node !== undefined; node = d.next()) {
    takeOver(d, node);
    if (d.ix.groupOf[node]! >= 0) takeOverAtStart(d, node);
  }
  for (const node of d.kept) renewCauses(d, node);
  const { beliefs, boot, rounds, causes, actors, waived, step } = d;
  return { beliefs, boot, rounds, causes, actors, waived, step };
}

const active = (d: Draft, inflow: Inflow): boolean => inflow.actor === undefined || d.actors.has(inflow.actor);

function takeOver(d: Draft, node: NodeIndex): void {
  for (const inflow of d.ix.inflows[node]!) {
    if (!active(d, inflow)) continue;
    if (inflow.flags >= 0 && (d.beliefs[inflow.flags]! & inflow.flagsBit) === 0) continue;
    const own = d.beliefs[node]!;
    const brought = bring(inflow, own, d.beliefs[inflow.from]!);
    for (let rest = brought & ~own; rest !== 0; rest &= rest - 1) {
      const bit = rest & -rest;
      d.add(node, bit, originOf(d, inflow, own, bit));
    }
  }
}

/** What a proof left standing is told by how it may come about now, where it may: how it first did is no news any more. */
function renewCauses(d: Draft, node: NodeIndex): void {
  for (const inflow of d.ix.inflows[node]!) {
    if (!active(d, inflow)) continue;
    if (inflow.flags >= 0 && (d.beliefs[inflow.flags]! & inflow.flagsBit) === 0) continue;
    const own = d.beliefs[node]!;
    for (let rest = bring(inflow, own, d.beliefs[inflow.from]!) & own; rest !== 0; rest &= rest - 1) {
      const bit = rest & -rest;
      const at = node * CAUSES + 31 - Math.clz32(bit);
      const old = d.causes[at];
      if (!old || old.step === d.step) continue;
      d.causes[at] = { node: old.node, value: old.value, step: d.step, ...originOf(d, inflow, own, bit) };
    }
  }
}

const bring = (inflow: Inflow, own: Belief, source: Belief): Belief =>
  inflow.union ? unionTable[own * BELIEFS + inflow.brings[source]!]! : inflow.brings[source]!;

const causeOf = (d: Draft, node: NodeIndex, bit: Belief): Cause | undefined =>
  d.causes[node * CAUSES + 31 - Math.clz32(bit)];

/** The first value of the source that brings this one, with its own cause. */
function originOf(d: Draft, inflow: Inflow, own: Belief, bit: Belief): Origin {
  let from: Cause | undefined;
  for (let rest = d.beliefs[inflow.from]!; rest !== 0 && !from; rest &= rest - 1) {
    const value = rest & -rest;
    if ((bring(inflow, own, value) & bit) !== 0) from = causeOf(d, inflow.from, value);
  }
  const given = inflow.flags >= 0 ? causeOf(d, inflow.flags, inflow.flagsBit) : undefined;
  return {
    by: inflow.flow === undefined ? 'reads' : 'flow',
    ...(inflow.flow !== undefined && { flow: inflow.flow }),
    ...(from && { from }),
    ...(given && { given }),
  };
}

/** The same into the boot snapshot of a pending restart: from the flags and memories of the restarted processes, not of those before. */
function takeOverAtStart(d: Draft, node: NodeIndex): void {
  const group = d.ix.groupOf[node]!;
  const round = d.rounds.get(group);
  if (!round) return;
  let brought: Belief = NOTHING;
  for (const inflow of d.ix.inflows[node]!) {
    if (!active(d, inflow)) continue;
    if (inflow.flags >= 0 && (flagsAtStart(d, group, round, inflow.flags) & inflow.flagsBit) === 0) continue;
    const sameStart = d.ix.groupOf[inflow.from] === group;
    brought |= bring(inflow, d.boot[node]!, sameStart ? d.boot[inflow.from]! : d.beliefs[inflow.from]!);
  }
  const added = brought & ~d.boot[node]!;
  if (added === NOTHING) return;
  d.boot[node]! |= added;
  for (const reader of d.ix.readers[node]!) d.look(reader);
}

/** Flags that a restarted process can have; nothing for an instance of an elected party that was not restarted yet. */
function flagsAtStart(d: Draft, group: number, round: Round, flags: NodeIndex): Belief {
  const of = d.ix.groupOf[flags]!;
  if (of === group) return d.boot[flags]!;
  if (!overlap(d.ix.groups[of]!.parties, round.restarted)) return NOTHING;
  return d.rounds.has(of) ? d.boot[flags]! : d.beliefs[flags]!;
}

function overlap(some: ReadonlySet<PartyId>, others: ReadonlySet<PartyId>): boolean {
  for (const one of some) if (others.has(one)) return true;
  return false;
}
