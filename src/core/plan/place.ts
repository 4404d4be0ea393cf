// Adds a step to a course: its writes checked, its gate found, those who stand in its way named.

import { apply } from '../model/apply.ts';
import { explain } from '../model/explain.ts';
import { afterProofs, gateOf } from '../model/gate.ts';
import type { Authority } from '../model/ids.ts';
import { check, type Violation } from '../model/invariant.ts';
import type { State } from '../model/state.ts';
import type { Action, Blocker, Effect, Proof, Refusal } from '../model/step.ts';
import type { Value } from '../model/value.ts';
import { blockersOf, helpless } from './blockers.ts';
import type { Course } from './course.ts';

/** A step before its gate is known. */
export interface Draft {
  id: string;
  authority: Authority;
  title: string;
  action: Action;
  effects: readonly Effect[];
  /** Proofs that must be had first whatever the check says. */
  gate?: readonly Proof[];
  proof: readonly Proof[];
  unless?: readonly Proof[];
  inverse?: Action;
  before?: Readonly<Record<string, Value | 'various'>>;
  after?: Readonly<Record<string, Value>>;
}

/**
 * Adds a step: checks each of its writes against the beliefs so far, puts into the gate what the check lacks, names those whom only
 * their owner can move, and goes on as if all that had been had. A write that stays wrong ends the plan with its counterexample.
 */
export function place(c: Course, draft: Draft): void {
  if (c.refusal) return;
  const passed = pass(c, draft);
  if (passed.left.length > 0) {
    c.refusal = noSafeOrder(c, draft, passed.left);
    return;
  }
  c.state = passed.state;
  for (const effect of draft.effects) {
    if (effect.kind === 'write' || effect.kind === 'restart') c.state = apply(c.t, c.state, effect);
  }
  const proved = afterProofs(c.t, c.state, draft.proof);
  if (!proved) throw new Error(`step ${draft.id} has a proof that contradicts the step itself`);
  c.state = proved;
  for (const effect of draft.effects) {
    if (effect.kind !== 'write' && effect.kind !== 'restart') c.state = apply(c.t, c.state, effect);
  }
  const { inverse, unless } = draft;
  c.steps.push({
    id: draft.id,
    move: c.move,
    authority: draft.authority,
    title: draft.title,
    action: draft.action,
    effects: draft.effects,
    before: draft.before ?? {},
    after: draft.after ?? {},
    gate: passed.gate,
    proof: draft.proof,
    blockers: passed.blockers,
    ...(inverse ? { inverse } : {}),
    ...(unless ? { unless } : {}),
  });
}

/** Whether a write could be made safe now, without adding it. */
export const isPossible = (c: Course, draft: Draft): boolean => pass(c, draft).left.length === 0;

interface Passed {
  state: State;
  gate: Proof[];
  blockers: Blocker[];
  left: Violation[];
}

function pass(c: Course, draft: Draft): Passed {
  const gate = [...(draft.gate ?? [])];
  const passed: Passed = { state: afterProofs(c.t, c.state, gate) ?? c.state, gate, blockers: [], left: [] };
  for (const effect of draft.effects) {
    if (effect.kind !== 'write') continue;
    passed.left = settle(c, passed, effect);
    if (passed.left.length > 0) break;
  }
  return passed;
}

/** Rounds of gate proofs: one usually does, for sources are asked for with their consumers. */
const ROUNDS = 8;

function settle(c: Course, passed: Passed, write: Effect): Violation[] {
  for (let round = 0; round < ROUNDS; round++) {
    const found = check(c.t, passed.state, write);
    if (found.length === 0) return [];
    const stuck = helpless(c, passed.state, found);
    if (stuck.length > 0) {
      passed.blockers = passed.blockers.concat(stuck.flatMap(({ use, value }) => blockersOf(c, use, value)));
      passed.state = apply(c.t, passed.state, { kind: 'waive', parties: stuck.flatMap(({ use }) => use.parties) });
      continue;
    }
    const proofs = gateOf(c.t, passed.state, found);
    const next = proofs.length > 0 ? afterProofs(c.t, passed.state, proofs) : undefined;
    if (!next || sameBeliefs(next, passed.state)) return found;
    passed.gate.push(...proofs);
    passed.state = next;
  }
  return check(c.t, passed.state, write);
}

const sameBeliefs = (a: State, b: State): boolean => a.beliefs.every((belief, i) => belief === b.beliefs[i]);

function noSafeOrder(c: Course, draft: Draft, left: readonly Violation[]): Refusal {
  return {
    reason: 'no-safe-order',
    message: `${draft.title} (${draft.id}) would not be safe, and nothing that could be shown makes it so\n${explain(c.t, c.state, left)}`,
    hint: 'reroot inspect shows what was found; a party that cannot follow is given up by --waive ID=REASON',
  };
}
