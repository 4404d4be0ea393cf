// The state of beliefs: what every store may hold and every use may have loaded, and how each of these values may have got there.

import { type Belief, NOTHING, valuesOf } from './belief.ts';
import { close, draftOf } from './closure.ts';
import type { PartyId, StoreId, UseId } from './ids.ts';
import { CAUSES_PER_NODE, type Cause, type State } from './state-types.ts';
import type { Topology } from './topology.ts';
import { index, nodeOf } from './topology-index.ts';
import type { Value } from './value.ts';

export type { Cause, Round, State } from './state-types.ts';

/** A belief became empty: what was measured is nothing that could have been. Someone else acted; the way on is a new inventory. */
export class Contradiction extends Error {
  readonly node: StoreId | UseId;
  readonly believed: readonly Value[];
  readonly shown: readonly Value[];
  constructor(node: StoreId | UseId, believed: readonly Value[], shown: readonly Value[]) {
    super(`${node} could hold ${believed.join(' or ')} only, yet was shown to hold ${shown.join(' or ')}`);
    this.name = 'Contradiction';
    this.node = node;
    this.believed = believed;
    this.shown = shown;
  }
}

/** The state in which nothing was done yet, closed under everything that may happen by itself. */
export function initialState(t: Topology): State {
  const ix = index(t);
  const empty: State = {
    beliefs: new Uint8Array(ix.size),
    boot: new Uint8Array(ix.size),
    rounds: new Map(),
    causes: new Array<Cause | undefined>(ix.size * CAUSES_PER_NODE).fill(undefined),
    actors: new Set(t.actors),
    waived: new Set(),
    step: 0,
  };
  const draft = draftOf(ix, empty, 0);
  for (let node = 0; node < ix.size; node++) draft.add(node, ix.start[node] ?? NOTHING, { by: 'start' });
  for (let node = 0; node < ix.size; node++) draft.look(node);
  return close(draft);
}

/** What a store or use may hold. */
export function believed(t: Topology, s: State, id: StoreId | UseId): Value[] {
  const ix = index(t);
  const node = nodeOf(ix, id);
  return valuesOf(ix.holds[node]!, (s.beliefs[node] ?? NOTHING) as Belief);
}

/** Answers by waived set and list of parties: both are kept from state to state, and a class of pods has very many. */
const judged = new WeakMap<ReadonlySet<string>, WeakMap<readonly PartyId[], boolean>>();

/** Whether all that goes by this use was waived, so that its channels may break. */
export function isWaived(s: State, parties: readonly PartyId[]): boolean {
  if (s.waived.size === 0 || parties.length === 0) return false;
  const known = judged.get(s.waived) ?? new WeakMap<readonly PartyId[], boolean>();
  judged.set(s.waived, known);
  const before = known.get(parties);
  if (before !== undefined) return before;
  const all = parties.every((party) => s.waived.has(party));
  known.set(parties, all);
  return all;
}
