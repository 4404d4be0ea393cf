// A wait that is no proof of a step: for nodes, pods and servers to be as they were. It ends by what is seen or by its limit, and says on whom it waits.

import { setTimeout as pause } from 'node:timers/promises';
import type { PartyId } from '../core/model/ids.ts';
import type { Step } from '../core/model/step.ts';
import { EXIT, RerootError } from '../errors.ts';
import type { Context } from './context.ts';
import { isStopped } from './stop.ts';
import { GO_ON } from './tell.ts';

/** What is still open. */
export interface Open {
  /** In words, behind “waits for”. */
  what: string;
  missing: readonly PartyId[];
}

/** Milliseconds. */
export interface Patience {
  limit: number;
  every: number;
  /** How long nothing is told of it: most waits are over in a moment. Default 1 000. */
  quiet?: number;
}

/**
 * Looks until nothing is open, and tells on whom it waits once a second. Gives whether that was so before the limit. Throws what `look` throws, and
 * RerootError when it is interrupted. `waited`: milliseconds since the first look.
 */
export async function untilNothingIsOpen(
  ctx: Context,
  step: Step,
  { limit, every, quiet = 1_000 }: Patience,
  look: (waited: number) => Promise<Open | undefined>,
): Promise<boolean> {
  const begun = ctx.now();
  let tellAt = begun + quiet;
  for (;;) {
    const open = await look(ctx.now() - begun);
    if (!open) return true;
    const waited = ctx.now() - begun;
    if (waited > limit) return false;
    if (isStopped(ctx))
      throw new RerootError(EXIT.interrupted, `interrupted while waiting for ${open.what}`, { hints: [GO_ON] });
    if (ctx.now() >= tellAt) {
      tellAt = ctx.now() + 1_000;
      const data = { seconds: Math.round(waited / 100) / 10, missing: open.missing };
      ctx.emit({ type: 'wait', step: step.id, message: `waits for ${open.what}`, data });
    }
    await pause(every);
  }
}
