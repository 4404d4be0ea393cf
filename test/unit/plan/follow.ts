// Follows a plan the way the runner does: beliefs from the inventory, gates before writes, proofs after, and the check before each write.

import { topologyOf } from '../../../src/core/catalog/topology.ts';
import { apply } from '../../../src/core/model/apply.ts';
import { explain } from '../../../src/core/model/explain.ts';
import { effectOf } from '../../../src/core/model/gate.ts';
import { check } from '../../../src/core/model/invariant.ts';
import type { Inventory } from '../../../src/core/model/inventory.ts';
import type { Rotation } from '../../../src/core/model/rotation.ts';
import { initialState, type State } from '../../../src/core/model/state.ts';
import type { Plan, Proof, Step } from '../../../src/core/model/step.ts';
import type { Topology } from '../../../src/core/model/topology.ts';
import { type Truth, untrue } from './truth.ts';
import { turn } from './world.ts';

export const MINUTE = 60_000;

export interface Followed {
  end: Inventory;
  /** The inventory before the first step and after each, where asked for. */
  worlds: Inventory[];
}

/** Throws with the counterexample where a write is not safe once its gate was passed. Blockers are taken as waived. */
export function follow(start: Inventory, rotation: Rotation, made: Plan, from: number, keep = false): Followed {
  const t = topologyOf(start, rotation, from);
  let state = initialState(t);
  const end = structuredClone(start);
  const worlds = keep ? [structuredClone(start)] : [];
  made.steps.forEach((step, i) => {
    const truth = { world: end, rotation, t };
    if (step.blockers.length === 0) demand(truth, step, step.gate);
    state = believe(t, state, step);
    turn(end, rotation, step, from + (i + 1) * MINUTE);
    demand(truth, step, step.proof);
    if (keep) worlds.push(structuredClone(end));
  });
  return { end, worlds };
}

/** A plan that asks for what cannot be shown would wait for ever. */
function demand(truth: Truth, step: Step, proofs: readonly Proof[]): void {
  for (const proof of proofs) {
    const why = untrue(truth, proof);
    if (why) throw new Error(`${step.id} asks for what is not so: ${why}`);
  }
}

/** What the runner knows after a step: as in src/rotate/run.ts. */
function believe(t: Topology, before: State, step: Step): State {
  let state = before;
  if (step.blockers.length > 0)
    state = apply(t, state, { kind: 'waive', parties: step.blockers.map((one) => one.party) });
  for (const proof of step.gate) state = apply(t, state, effectOf(proof));
  for (const effect of step.effects) {
    if (effect.kind !== 'write' && effect.kind !== 'restart') continue;
    const found = effect.kind === 'write' ? check(t, state, effect) : [];
    if (found.length > 0) throw new Error(`${step.id} is not safe:\n${explain(t, state, found)}`);
    state = apply(t, state, effect);
  }
  for (const proof of step.proof) state = apply(t, state, effectOf(proof));
  for (const effect of step.effects) {
    if (effect.kind !== 'write' && effect.kind !== 'restart') state = apply(t, state, effect);
  }
  return state;
}

/** Everything these steps write, as `STORE = VALUE`, each once. */
export const writes = (steps: readonly Step[]): string[] =>
  [
    ...new Set(
      steps.flatMap(({ action }) =>
        action.do === 'write'
          ? action.stores.map((id) => `${id} = ${action.value}`)
          : action.do === 'restart'
            ? []
            : action.do === 'prove' || action.do === 'nudge'
              ? []
              : [JSON.stringify(action)],
      ),
    ),
  ].sort();

/** Restarts of each party. */
export function restarts(steps: readonly Step[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { action } of steps) {
    if (action.do !== 'restart') continue;
    for (const party of action.waves.flat()) counts.set(party, (counts.get(party) ?? 0) + 1);
  }
  return counts;
}

/** Steps that change something. */
export const changing = (made: Plan): string[] =>
  made.steps.filter((step) => step.action.do !== 'prove' && step.action.do !== 'nudge').map((step) => step.id);
