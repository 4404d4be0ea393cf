// The loop: observe, plan, check, act, prove, record; again until a plan has nothing left to do. Resume is the same loop from what is found.

import { topologyOf } from '../core/catalog/topology.ts';
import type { Move } from '../core/model/rotation.ts';
import { Contradiction, initialState } from '../core/model/state.ts';
import type { Plan, Refusal, Step } from '../core/model/step.ts';
import type { Topology } from '../core/model/topology.ts';
import { onlyProves } from '../core/plan/plan.ts';
import { EXIT, RerootError } from '../errors.ts';
import type { Context } from './context.ts';
import { saveRecord } from './keep-record.ts';
import { refuseAway } from './open.ts';
import { type CutOff, refuseOwnCutOff } from './own-kubeconfig.ts';
import { runStep } from './run-step.ts';
import { blocked, tellPlan } from './tell.ts';
import { haveCome } from './unseen-callees.ts';

/** More rounds than any rotation needs: each one begins with a look, and a healthy one ends in the second. */
const ROUNDS = 8;
/** Rounds that end because another look must come first (pods were restarted, retire begins) say nothing of a fight: of these there may be as many more as steps of that kind. */
const LOOKS = 32;

/** Milliseconds for which the look that opened the rotation still counts, so that the first round needs none of its own. Every write looks at its file again. */
const FRESH = 60_000;

export interface Course {
  /** Looks at the cluster again. */
  observe: () => Promise<Context['inventory']>;
  /** Plans from what was seen. */
  plan: (ctx: Context) => Plan;
}

/**
 * Runs until a plan changes nothing any more and what it must have reached was measured. Throws RerootError with exit code 3 (blocked),
 * 4 (failed, left safe) or 130 (interrupted).
 */
export async function run(ctx: Context, course: Course): Promise<void> {
  let looks = 0;
  let isProved = false;
  for (let round = 0; round - looks < ROUNDS; round += 1) {
    const isFresh = round === 0 && ctx.now() - ctx.inventory.takenAt < FRESH;
    if (!isFresh) ctx.inventory = await course.observe();
    refuseAway(ctx);
    const plan = course.plan(ctx);
    const reached = onlyProves(plan) && plan.refusal === undefined;
    // What the round before has just proved need not be measured again.
    if (reached && isProved) return;
    tellPlan(ctx, plan);
    const end = await runSteps(ctx, plan);
    await saveRecord(ctx);
    if (end === 'look-first' && looks < LOOKS) looks += 1;
    isProved = end === 'done';
    if (end !== 'done') continue;
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

/** `look-first`: it ended before the last of them, because another look must come first. `contradicted`: so it did because somebody else acted. */
async function runSteps(ctx: Context, plan: Plan): Promise<'done' | 'look-first' | 'contradicted'> {
  if ((await askFirst(ctx, plan)) === 'look-first') return 'look-first';
  const topology = topologyOf(ctx.inventory, ctx.rotation, ctx.now());
  let state = initialState(topology);
  let move: Move | undefined;
  let hasChanged = false;
  for (const step of plan.steps) {
    if (step.move !== move) {
      if (move) ctx.emit({ type: 'move', move, message: `${move} is reached`, data: { state: 'reached' } });
      // The one move that cannot be undone is not decided on a look from before the others: nodes join and pods start meanwhile.
      if (step.move === 'retire' && hasChanged) return 'look-first';
      move = step.move;
      ctx.emit({ type: 'move', move, message: `${move} begins`, data: { state: 'begin' } });
    }
    try {
      if (await haveCome(ctx, step)) return 'look-first';
      const cut = ownCut(topology, step);
      if (cut) refuseOwnCutOff(ctx, cut);
      state = await runStep(ctx, topology, state, step);
      hasChanged ||= step.action.do !== 'prove';
      if (movesPods(step)) return 'look-first';
    } catch (thrown) {
      if (!(thrown instanceof Contradiction)) throw thrown;
      // Something is as it could not be by what reroot knows: somebody else acted. A new look, and a plan from there.
      ctx.emit({ type: 'warning', step: step.id, message: `${thrown.message}; looks again and plans anew` });
      return 'contradicted';
    }
  }
  return 'done';
}

/** On the way back, what a step takes from reroot itself: by then the signer is old, and its user can get a certificate from it. */
function ownCut({ uses }: Topology, { move, action }: Step): CutOff | undefined {
  if (move !== 'rollback' || action.do !== 'write' || action.value !== 'old') return undefined;
  const touches = (end: string): boolean =>
    uses.some(
      ({ id, sources }) =>
        id.endsWith(`/kube-apiserver:${end}`) && sources.some(({ store }) => action.stores.includes(store)),
    );
  const cut: CutOff = { left: 'old', serving: touches('serving'), clients: touches('client-ca') };
  return cut.serving || cut.clients ? cut : undefined;
}

/**
 * Who stands in the way of the first change is told before anything is measured, which can take minutes (client-go's timer) and moves
 * nobody: blockers are those whom no proof helps. Retire is always the first change of its round.
 */
async function askFirst(ctx: Context, plan: Plan): Promise<'look-first' | undefined> {
  const step = plan.steps.find(({ action }) => action.do !== 'prove');
  if (!step) return undefined;
  if (step.move === 'retire') refuseCutOff(ctx, plan);
  if (await haveCome(ctx, step)) return 'look-first';
  if (step.blockers.length > 0) throw blocked(ctx, step);
  return undefined;
}

/** Others run now in the place of pods that went. Behind webhooks and aggregated APIs they have other addresses, and nothing is proved at the old ones. */
const movesPods = ({ action }: Step): boolean => action.do === 'evict' || action.do === 'roll';

/** Whoever else blocks retire is named with it: nobody wants to hear of them one night after the other. */
function refuseCutOff(ctx: Context, { steps }: Plan): void {
  try {
    refuseOwnCutOff(ctx);
  } catch (thrown) {
    const waits = steps.find(({ move, blockers }) => move === 'retire' && blockers.length > 0);
    if (!(thrown instanceof RerootError) || !waits) throw thrown;
    const others = blocked(ctx, waits);
    throw new RerootError(thrown.exitCode, `${thrown.message}\n${others.message}`, {
      hints: [...thrown.hints, ...others.hints],
    });
  }
}
