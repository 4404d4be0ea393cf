// The effects: how a step changes a state of beliefs. Writes add, proofs only filter, and the closure follows each of them.

import { bitOf, maskOf, NOTHING, valuesOf } from './belief.ts';
import { close, type Draft, draftOf } from './closure.ts';
import type { PartyId, StoreId, UseId } from './ids.ts';
import { Contradiction, type Round, type State } from './state.ts';
import type { Actor, Effect } from './step.ts';
import type { Topology } from './topology.ts';
import { type Index, index, type NodeIndex, nodeOf } from './topology-index.ts';
import type { Value } from './value.ts';

/**
 * The state after an effect and all that may follow from it by itself. The given state is left as it is.
 * Throws Contradiction when a proof shows something that could not have been.
 */
export function apply(t: Topology, s: State, e: Effect): State {
  const draft = draftOf(index(t), s, s.step + 1);
  change(draft, e);
  return close(draft);
}

function change(d: Draft, e: Effect): void {
  switch (e.kind) {
    case 'write':
      write(d, e.stores, e.value);
      break;
    case 'restart':
      restart(d, e.parties);
      break;
    case 'read':
      filter(d, e.stores, e.keep);
      break;
    case 'probe':
      filter(d, e.uses, e.keep);
      break;
    case 'restarted':
      restarted(d, e.parties);
      break;
    case 'actor':
      switchActor(d, e.actor, e.on);
      break;
    case 'waive':
      d.waived = new Set([...d.waived, ...e.parties]);
      break;
  }
}

/** Of a class, some members have the value now and some may not: each holds one of those in the belief. */
function write(d: Draft, stores: readonly StoreId[], value: Value): void {
  for (const id of stores) {
    const node = d.ix.classOf.get(id) ?? nodeOf(d.ix, id);
    if (node >= d.ix.storeCount) throw new Error(`"${id}" is a use: only stores are written`);
    d.add(node, bitOf(d.ix.holds[node]!, value), { by: 'write' });
  }
}

/** Filters each node that was shown whole; a class of which some members were not shown keeps its belief. */
function filter(d: Draft, ids: readonly (StoreId | UseId)[], keep: readonly Value[]): void {
  for (const node of shownWhole(d, ids)) {
    const before = d.beliefs[node]!;
    const after = before & maskOf(d.ix.holds[node]!, keep);
    if (before !== NOTHING && after === NOTHING) throw contradiction(d.ix, node, before, keep);
    d.keep(node, after);
  }
}

function shownWhole(d: Draft, ids: readonly (StoreId | UseId)[]): Set<NodeIndex> {
  const whole = new Set<NodeIndex>();
  const parts = new Map<NodeIndex, Set<StoreId>>();
  for (const id of ids) {
    const node = d.ix.classOf.get(id);
    if (node === undefined) whole.add(nodeOf(d.ix, id));
    else parts.set(node, (parts.get(node) ?? new Set()).add(id));
  }
  for (const [node, shown] of parts) {
    const members = d.ix.storeAt[node]!.members;
    if (members.every((member) => shown.has(member) || d.waived.has(member))) whole.add(node);
  }
  return whole;
}

const contradiction = (ix: Index, node: NodeIndex, before: number, shown: readonly Value[]): Contradiction =>
  new Contradiction(ix.ids[node]!, valuesOf(ix.holds[node]!, before), shown);

/**
 * A restart proves what could be read from its start on, so the boot snapshot is filled from here. A second wave joins the round
 * of the first; restarting all of a round's parties again starts it afresh.
 */
function restart(d: Draft, parties: readonly PartyId[]): void {
  for (const [group, some] of byGroup(d, parties)) {
    const before = d.rounds.get(group);
    const fresh = !before || [...before.restarted].every((party) => some.has(party));
    // Whoever was proved before in this round holds what the snapshot has, restarted once more or not.
    d.rounds.set(group, {
      restarted: new Set(fresh ? some : [...before.restarted, ...some]),
      proved: fresh ? new Set() : before.proved,
    });
    for (const use of d.ix.groups[group]!.uses) {
      if (fresh) d.boot[use] = NOTHING;
      d.look(use);
    }
  }
}

/** Once every party of a group is shown to have restarted, its uses hold what they can have read since: flags first, by the snapshot. */
function restarted(d: Draft, parties: readonly PartyId[]): void {
  for (const [group, some] of byGroup(d, parties)) {
    const round = d.rounds.get(group);
    if (!round) continue;
    const proved = new Set(round.proved);
    for (const party of some) if (round.restarted.has(party)) proved.add(party);
    if (isComplete(d, group, proved)) endRound(d, group);
    else d.rounds.set(group, { ...round, proved } satisfies Round);
  }
}

const isComplete = (d: Draft, group: number, proved: ReadonlySet<PartyId>): boolean =>
  [...d.ix.groups[group]!.parties].every((party) => proved.has(party) || d.waived.has(party));

function endRound(d: Draft, group: number): void {
  d.rounds.delete(group);
  for (const use of d.ix.groups[group]!.uses) {
    const boot = d.boot[use]!;
    d.boot[use] = NOTHING;
    // A use without anything to read from: a restart says nothing about it.
    if (boot === NOTHING) continue;
    const before = d.beliefs[use]!;
    if ((before & boot) === NOTHING) throw contradiction(d.ix, use, before, valuesOf(d.ix.holds[use]!, boot));
    d.keep(use, before & boot);
  }
}

function byGroup(d: Draft, parties: readonly PartyId[]): Map<number, Set<PartyId>> {
  const found = new Map<number, Set<PartyId>>();
  for (const party of parties) {
    for (const group of d.ix.groupsOfParty.get(party) ?? []) {
      const some = found.get(group);
      if (some) some.add(party);
      else found.set(group, new Set([party]));
    }
  }
  return found;
}

/** Off means shown to be off: whoever was coming has come or gone, and is no longer a party of this topology. */
function switchActor(d: Draft, actor: Actor, on: boolean): void {
  if (!on) {
    d.actors.delete(actor);
    for (const node of d.ix.comingWith.get(actor) ?? []) d.keep(node, NOTHING);
    return;
  }
  d.actors.add(actor);
  d.ix.inflows.forEach((list, node) => {
    if (list.some((inflow) => inflow.actor === actor)) d.look(node);
  });
}
