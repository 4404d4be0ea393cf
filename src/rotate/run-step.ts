// One step: its gate, its write-ahead entry in the record, its action, its proof.

import { apply } from '../core/model/apply.ts';
import type { State } from '../core/model/state.ts';
import type { Effect, Step } from '../core/model/step.ts';
import type { Topology } from '../core/model/topology.ts';
import { reasonOf } from '../errors.ts';
import { act } from './act.ts';
import type { Context } from './context.ts';
import { saveRecord, saveRecordNowAndThen } from './keep-record.ts';
import { passGate, proveInto, showInstead } from './show.ts';
import { stopBefore } from './stop.ts';
import { blocked, iso, targetsOf } from './tell.ts';

/** The state of beliefs after the step. Throws RerootError where it is blocked, fails or is interrupted; then it is recorded as that. */
export async function runStep(ctx: Context, topology: Topology, before: State, step: Step): Promise<State> {
  const common = { step: step.id, move: step.move, authority: step.authority };
  stopBefore(ctx, step.title);
  if (step.blockers.length > 0) throw blocked(ctx, step);

  let state = await passGate(ctx, topology, before, step);
  stopBefore(ctx, step.title);
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
