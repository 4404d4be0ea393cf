// What must be shown around a step: its gate before it, its proof after it, each looked at until it is seen and then kept as evidence.

import { apply } from '../core/model/apply.ts';
import { explain } from '../core/model/explain.ts';
import { effectOf, gateOf } from '../core/model/gate.ts';
import { check, type Violation } from '../core/model/invariant.ts';
import type { State } from '../core/model/state.ts';
import type { Proof, Step } from '../core/model/step.ts';
import type { Topology } from '../core/model/topology.ts';
import { EXIT, RerootError } from '../errors.ts';
import { type Observation, prove } from '../prove/prove.ts';
import type { Context } from './context.ts';
import { probeContext } from './probes.ts';
import { settle } from './shrink-union.ts';
import { GO_ON, iso } from './tell.ts';
import { proveAll } from './wait.ts';

/** The gate: what the plan says must be shown, then the check on the state as it is really known; what that still lacks is asked for once. */
export async function passGate(ctx: Context, topology: Topology, before: State, step: Step): Promise<State> {
  let state = await proveInto(ctx, topology, before, step, step.gate);
  const wrong = wrongIn(topology, state, step);
  if (wrong.length === 0) return state;
  const lacking = gateOf(topology, state, wrong);
  ctx.emit({ type: 'wait', step: step.id, message: explain(topology, state, wrong), data: { lacking } });
  state = await proveInto(ctx, topology, state, step, lacking);
  const left = wrongIn(topology, state, step);
  if (left.length === 0) return state;
  throw new RerootError(
    EXIT.blocked,
    `this step is not safe now and was not run: ${step.title}\n${explain(topology, state, left)}`,
    { hints: ['nothing was changed by it; reroot plan shows what it lacks', GO_ON] },
  );
}

/** What the step's writes would violate, each on top of those before it. */
function wrongIn(topology: Topology, before: State, step: Step): Violation[] {
  let state = before;
  for (const effect of step.effects) {
    if (effect.kind !== 'write') continue;
    const found = check(topology, state, effect);
    if (found.length > 0) return found;
    state = apply(topology, state, effect);
  }
  return [];
}

/**
 * A restart of a party that may have taken the change up by itself: looked at first, for the best restart is none. Then what was seen
 * stands in the place of the step and its proof. undefined where the step is to be done.
 */
export async function showInstead(
  ctx: Context,
  topology: Topology,
  before: State,
  step: Step,
): Promise<State | undefined> {
  if (!step.unless) return undefined;
  for (const proof of step.unless) {
    const seen = await prove(proof, probeContext(ctx));
    const isGood = (of: string): boolean =>
      seen.some((one) => one.of === of && one.value !== undefined && proof.keep.includes(one.value));
    if (!proof.of.every(isGood)) return undefined;
    for (const observation of seen) noteEvidence(ctx, step, proof, observation);
  }
  const common = { step: step.id, move: step.move, authority: step.authority };
  ctx.emit({ type: 'step', ...common, message: `${step.title}: not needed`, data: { state: 'skipped' } });
  return step.unless.reduce((known, proof) => apply(topology, known, effectOf(proof)), before);
}

export async function proveInto(
  ctx: Context,
  topology: Topology,
  state: State,
  step: Step,
  proofs: readonly Proof[],
): Promise<State> {
  if (proofs.length === 0) return state;
  // That a union stays as it was edited is a watch, not a look. Where both may be held nothing is dropped, and a look is enough.
  const isWatch = ({ kind, keep }: Proof): boolean => kind === 'settled' && !keep.includes('both');
  for (const proof of proofs.filter(isWatch)) {
    for (const observation of await settle(ctx, proof)) noteEvidence(ctx, step, proof, observation);
  }
  const looks = proofs.filter((proof) => !isWatch(proof));
  await proveAll(looks, probeContext(ctx), {
    step: step.id,
    emit: ctx.emit,
    now: ctx.now,
    signal: ctx.signal,
    onShown: (proof, observation) => noteEvidence(ctx, step, proof, observation),
  });
  return proofs.reduce((known, proof) => apply(topology, known, effectOf(proof)), state);
}

function noteEvidence(ctx: Context, step: Step, proof: Proof, observation: Observation): void {
  const value = String(observation.value);
  ctx.record.evidence.push({
    at: iso(observation.at),
    step: step.id,
    proof: proof.kind,
    of: observation.of,
    value,
    evidence: observation.evidence,
  });
  ctx.emit({
    type: 'proof',
    step: step.id,
    move: step.move,
    authority: proof.authority,
    message: `${observation.of} ${proof.kind} ${value}`,
    data: { of: observation.of, proof: proof.kind, value, evidence: observation.evidence },
  });
}
