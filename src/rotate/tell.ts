// Words and events about steps and those who stand in their way.

import { someLines } from '../core/model/some.ts';
import type { Blocker, Plan, Step } from '../core/model/step.ts';
import { EXIT, RerootError } from '../errors.ts';
import type { Context } from './context.ts';

export const GO_ON = 'run the same command again to go on from here';
export const iso = (millis: number): string => new Date(millis).toISOString();
export const targetsOf = (step: Step): readonly string[] => {
  const { action } = step;
  switch (action.do) {
    case 'write':
      return action.stores;
    case 'restart':
      return action.waves.flat();
    case 'evict':
      return action.pods;
    case 'roll':
      return action.workloads;
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

/** Nodes that nobody sees into, with the reason: what needs them waits, and everything else goes on. */
export function tellAway(ctx: Context): void {
  const waived = new Set(ctx.rotation.waivers.map(({ party }) => party));
  for (const { name, reached, unsupported, why } of ctx.inventory.nodes) {
    const party = `node/${name}`;
    if (reached || unsupported || waived.has(party)) continue;
    const message = `${name} was not reached: ${why ?? 'it does not answer'}; what needs it waits for it, or for --waive ${party}=REASON`;
    ctx.emit({ type: 'warning', party, message, data: { reason: 'node-not-reached' } });
  }
}

export function tellPlan(ctx: Context, plan: Plan): void {
  const steps = plan.steps.map((step) => ({ id: step.id, move: step.move, title: step.title }));
  ctx.emit({
    type: 'plan',
    message: steps.length === 0 ? 'nothing left to do' : `${steps.length} steps to do`,
    data: { steps, restarts: plan.restarts, routes: plan.routes },
  });
}

/** Tells of each blocker, and makes the failure that names them. */
export function blocked(ctx: Context, step: Step): RerootError {
  for (const blocker of step.blockers) tellBlocker(ctx, step, blocker);
  const named = step.blockers.map((blocker) => `${blocker.party}: ${blocker.message}`);
  const ways = [...new Set(step.blockers.flatMap((blocker) => blocker.ways))].slice(0, 6);
  // The way back goes as far as it can; the others do not begin.
  const waits = step.move === 'rollback' ? 'rollback waits before this step' : `${step.move} waits, and was not begun`;
  return new RerootError(EXIT.blocked, `${waits}: ${step.title}${someLines(named)}`, {
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
