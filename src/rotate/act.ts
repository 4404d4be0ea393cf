// One step's action, done. What each action means in bytes and commands lives in the files it calls.

import type { Step } from '../core/model/step.ts';
import type { Context } from './context.ts';
import { evictAll } from './evict-pods.ts';
import { freeze, unfreeze } from './freeze.ts';
import { nudge } from './nudge.ts';
import { restartWaves } from './restart.ts';
import { rollOut } from './roll-out.ts';
import { shrinkUnion } from './shrink-union.ts';
import { writeStores } from './write.ts';

/** Does the step's action; returns when the cluster was told, not when it has taken it up (that is the step's proof). */
export async function act(ctx: Context, step: Step): Promise<void> {
  const { action } = step;
  switch (action.do) {
    case 'write':
      return writeStores(ctx, step, action.stores, action.value);
    case 'restart':
      return restartWaves(ctx, step, action.waves);
    case 'evict':
      return evictAll(ctx, step, action.pods);
    case 'roll':
      return rollOut(ctx, step, action.workloads);
    case 'freeze':
      return freeze(ctx, action.authority);
    case 'unfreeze':
      return unfreeze(ctx, action.authority);
    case 'shrink-union':
      return shrinkUnion(ctx, [action.store, ...(action.more ?? [])]);
    case 'nudge':
      return nudge(ctx, step, action.parties);
    case 'prove':
      return;
  }
}
