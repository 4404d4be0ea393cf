// The loop: observe, plan, check, act, prove, record; again until a plan has nothing left to do. Resume is the same loop from what is found.

import { topologyOf } from '../core/catalog/topology.ts';
import { apply } from '../core/model/apply.ts';
import { explain } from '../core/model/explain.ts';
import { effectOf, gateOf } from '../core/model/gate.ts';
import { check } from '../core/model/invariant.ts';
import type { Move } from '../core/model/rotation.ts';
import { Contradiction, initialState, type State } from '../core/model/state.ts';
import type { Blocker, Effect, Plan, Proof, Refusal, Step } from '../core/model/step.ts';
import type { Topology } from '../core/model/topology.ts';
import { onlyProves } from '../core/plan/plan.ts';
import { EXIT, RerootError, reasonOf } from '../errors.ts';
import { type Observation, prove } from '../prove/prove.ts';
import { act } from './act.ts';
import type { Context } from './context.ts';
import { probeContext } from './probes.ts';
import { writeRecord } from './record.ts';
import { settle } from './shrink-union.ts';
import { proveAll } from './wait.ts';

/** More rounds than any rotation needs: each one begins with a fresh look, and a healthy one ends in the second. */
const ROUNDS = 8;

export interface Course {
  /** Looks at the cluster again. */
  observe: () => Promise<Context['inventory']>;
  /** Plans from what was seen. */
  plan: (ctx: Context) => Plan;
  until: Move;
}

/**
 * Runs until a plan changes nothing any more and what it must have reached was measured. Throws RerootError with exit code 3 (blocked),
 * 4 (failed, left safe) or 130 (interrupted).
 */
export async function run(ctx: Context, course: Course): Promise<void> {
  for (let round = 0; round < ROUNDS; round += 1) {
    ctx.inventory = await course.observe();
    const plan = course.plan(ctx);
    const reached = onlyProves(plan) && plan.refusal === undefined;
    // What the round before has just proved need not be measured again.
    if (reached && round > 0) return;
    tellPlan(ctx, plan);
    await runSteps(ctx, plan);
    await saveRecord(ctx);
    if (plan.refusal) throw refused(plan.refusal);
    if (reached) return;
  }
  throw new RerootError(
    EXIT.failedSafe,
    `after ${ROUNDS} rounds there is still something to do: something else changes what reroot writes`,
    { hints: ['reroot plan shows what is left; look for GitOps, Ansible or kubeadm that turns files back'] },
  );
}

const refused = (refusal: Refusal): RerootError =>
  new RerootError(EXIT.blocked, `${refusal.reason}: ${refusal.message}`, {
    hints: [refusal.hint ?? 'reroot plan shows the whole way and what stands in it'],
  });

function tellPlan(ctx: Context, plan: Plan): void {
  const steps = plan.steps.map((step) => ({ id: step.id, move: step.move, title: step.title }));
  ctx.emit({
    type: 'plan',
    message: steps.length === 0 ? 'nothing left to do' : `${steps.length} steps to do`,
    data: { steps, restarts: plan.restarts, routes: plan.routes },
  });
}

async function runSteps(ctx: Context, plan: Plan): Promise<void> {
  const topology = topologyOf(ctx.inventory, ctx.rotation, ctx.now());
  let state = initialState(topology);
  let move: Move | undefined;
  for (const step of plan.steps) {
    if (step.move !== move) {
      if (move) ctx.emit({ type: 'move', move, message: `${move} is reached`, data: { state: 'reached' } });
      move = step.move;
      ctx.emit({ type: 'move', move, message: `${move} begins`, data: { state: 'begin' } });
    }
    try {
      state = await runStep(ctx, topology, state, step);
    } catch (thrown) {
      if (!(thrown instanceof Contradiction)) throw thrown;
      // Something is as it could not be by what reroot knows: somebody else acted. A new look, and a plan from there.
      ctx.emit({ type: 'warning', step: step.id, message: `${thrown.message}; looks again and plans anew` });
      return;
    }
  }
}

async function runStep(ctx: Context, topology: Topology, before: State, step: Step): Promise<State> {
  const common = { step: step.id, move: step.move, authority: step.authority };
  if (ctx.signal.aborted)
    throw new RerootError(EXIT.interrupted, `interrupted before: ${step.title}`, { hints: [GO_ON] });
  if (step.blockers.length > 0) throw blocked(ctx, step);

  let state = await passGate(ctx, topology, before, step);
  const begun = ctx.now();
  ctx.emit({ type: 'step', ...common, message: step.title, data: { state: 'begin', targets: targetsOf(step) } });
  const entry = { id: step.id, move: step.move, title: step.title, begunAt: iso(begun), state: 'begun' as const };
  ctx.record.steps = [...ctx.record.steps.filter((known) => known.id !== step.id), entry];
  await saveRecordNowAndThen(ctx);
  try {
    state = (await showInstead(ctx, topology, state, step)) ?? (await actAndShow(ctx, topology, state, step));
  } catch (thrown) {
    await failStep(ctx, step, thrown);
    throw thrown;
  }
  const seconds = Math.round((ctx.now() - begun) / 10) / 100;
  ctx.record.steps = ctx.record.steps.map((known) =>
    known.id === step.id ? { ...known, state: 'done' as const, endedAt: iso(ctx.now()) } : known,
  );
  ctx.emit({ type: 'step', ...common, message: step.title, data: { state: 'done', seconds } });
  return state;
}

async function actAndShow(ctx: Context, topology: Topology, before: State, step: Step): Promise<State> {
  await act(ctx, step);
  const isActed = ({ kind }: Effect): boolean => kind === 'write' || kind === 'restart';
  const acted = step.effects.filter(isActed).reduce((known, effect) => apply(topology, known, effect), before);
  const shown = await proveInto(ctx, topology, acted, step, step.proof);
  return step.effects
    .filter((effect) => !isActed(effect))
    .reduce((known, effect) => apply(topology, known, effect), shown);
}

/**
 * A restart of a party that may have taken the change up by itself: looked at first, for the best restart is none. Then what was seen
 * stands in the place of the step and its proof. undefined where the step is to be done.
 */
async function showInstead(ctx: Context, topology: Topology, before: State, step: Step): Promise<State | undefined> {
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

/** The gate: what the plan says must be shown, then the check on the state as it is really known; what that still lacks is asked for once. */
async function passGate(ctx: Context, topology: Topology, before: State, step: Step): Promise<State> {
  let state = await proveInto(ctx, topology, before, step, step.gate);
  const writes = step.effects.filter((effect): effect is Extract<Effect, { kind: 'write' }> => effect.kind === 'write');
  for (const write of writes) {
    const violations = check(topology, state, write);
    if (violations.length === 0) continue;
    const lacking = gateOf(topology, state, violations);
    ctx.emit({ type: 'wait', step: step.id, message: explain(topology, state, violations[0]!), data: { lacking } });
    state = await proveInto(ctx, topology, state, step, lacking);
    const left = check(topology, state, write);
    if (left.length > 0) {
      throw new RerootError(
        EXIT.blocked,
        `this step is not safe now and was not run: ${step.title}\n${explain(topology, state, left[0]!)}`,
        {
          hints: ['nothing was changed by it; reroot plan shows what it lacks', GO_ON],
        },
      );
    }
  }
  return state;
}

async function proveInto(
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

function blocked(ctx: Context, step: Step): RerootError {
  for (const blocker of step.blockers) tellBlocker(ctx, step, blocker);
  const named = step.blockers.slice(0, 8).map((blocker) => `\n  ${blocker.party}: ${blocker.message}`);
  const more = step.blockers.length > 8 ? `\n  and ${step.blockers.length - 8} more` : '';
  const ways = [...new Set(step.blockers.flatMap((blocker) => blocker.ways))].slice(0, 6);
  return new RerootError(EXIT.blocked, `${step.move} waits, and was not begun: ${step.title}${named.join('')}${more}`, {
    hints: [...ways, GO_ON],
  });
}

function tellBlocker(ctx: Context, step: Step, blocker: Blocker): void {
  ctx.emit({
    type: 'blocked',
    step: step.id,
    move: step.move,
    authority: step.authority,
    party: blocker.party,
    message: blocker.message,
    data: { reason: blocker.reason, ways: blocker.ways },
  });
}

async function failStep(ctx: Context, step: Step, thrown: unknown): Promise<void> {
  const message = reasonOf(thrown);
  ctx.record.steps = ctx.record.steps.map((known) =>
    known.id === step.id ? { ...known, state: 'failed' as const, endedAt: iso(ctx.now()), error: message } : known,
  );
  ctx.emit({
    type: 'step',
    step: step.id,
    move: step.move,
    authority: step.authority,
    message,
    data: { state: 'failed' },
  });
  // The failure itself is what the user must see; a record that cannot be written as well must not hide it.
  await saveRecord(ctx).catch((failure) => ctx.emit({ type: 'warning', message: reasonOf(failure) }));
}

/** Milliseconds between two copies of the record while steps go by: all that resume needs is in the cluster itself. */
const RECORD_EVERY = 3_000;
const savedAt = new WeakMap<Context['record'], number>();

async function saveRecordNowAndThen(ctx: Context): Promise<void> {
  if (ctx.now() - (savedAt.get(ctx.record) ?? 0) >= RECORD_EVERY) await saveRecord(ctx);
}

async function saveRecord(ctx: Context): Promise<void> {
  savedAt.set(ctx.record, ctx.now());
  const { failed } = await writeRecord(ctx.record, ctx.folders, ctx.accessOf);
  for (const { node, why } of failed) {
    ctx.emit({ type: 'warning', party: `node/${node}`, message: `the record could not be written on ${node}: ${why}` });
  }
}

const GO_ON = 'run the same command again to go on from here';
const iso = (millis: number): string => new Date(millis).toISOString();
const targetsOf = (step: Step): readonly string[] => {
  const { action } = step;
  switch (action.do) {
    case 'write':
      return action.stores;
    case 'restart':
      return action.waves.flat();
    case 'evict':
      return action.pods;
    case 'nudge':
      return action.parties;
    case 'shrink-union':
      return [action.store, ...(action.more ?? [])];
    case 'freeze':
    case 'unfreeze':
    case 'prove':
      return [];
  }
};
