// Stale pods go by the Eviction API, so that disruption budgets hold, whatever owns them.

import { setTimeout as pause } from 'node:timers/promises';
import { evict } from '../cluster/evict.ts';
import type { PartyId } from '../core/model/ids.ts';
import type { Step } from '../core/model/step.ts';
import { EXIT, RerootError } from '../errors.ts';
import type { Context } from './context.ts';

/** Milliseconds that a budget may hold one pod up. */
const EVICTION_LIMIT = 600_000;

export async function evictAll(ctx: Context, step: Step, pods: readonly PartyId[]): Promise<void> {
  for (const party of pods) await evictOne(ctx, step, party);
}

async function evictOne(ctx: Context, step: Step, party: PartyId): Promise<void> {
  const [, namespace = '', name = ''] = party.split('/');
  const begun = ctx.now();
  for (;;) {
    const eviction = await evict(ctx.cluster, namespace, name);
    if (eviction.outcome !== 'held') break;
    const waited = ctx.now() - begun;
    if (waited > EVICTION_LIMIT) {
      throw new RerootError(
        EXIT.blocked,
        `${party} cannot be evicted: its disruption budget has allowed none for ${EVICTION_LIMIT / 1000} s`,
        {
          hints: [`make room in the budget, restart the pod yourself, or waive it: --waive ${party}=REASON`],
        },
      );
    }
    if (ctx.signal.aborted) throw new RerootError(EXIT.interrupted, `interrupted while evicting ${party}`);
    ctx.emit({
      type: 'wait',
      step: step.id,
      party,
      message: `${party} waits for its disruption budget: ${eviction.why}`,
      data: { seconds: Math.round(waited / 1000) },
    });
    await pause(2_000);
  }
  ctx.emit({ type: 'restart', step: step.id, party, message: `${party} was evicted`, data: { state: 'done' } });
}
