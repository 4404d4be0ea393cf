// Who showed nothing to the look may only be on its way: a Pod behind a webhook that was evicted a moment ago, a Service that has its endpoint in a second.

import type { Step } from '../core/model/step.ts';
import { lookAtCallees } from '../discover/callees.ts';
import type { Context } from './context.ts';
import { untilNothingIsOpen } from './patience.ts';

/** Milliseconds. A Pod that takes another's place is ready in seconds. */
const LIMIT = 60_000;

/** Waits for those that a step waits for because nothing of them was seen. True when each was seen by now: then another look must come first. */
export async function haveCome(ctx: Context, step: Step): Promise<boolean> {
  const waited = step.blockers.flatMap(({ party, reason }) => (reason === 'callee-not-seen' ? [party] : []));
  if (waited.length === 0) return false;
  return untilNothingIsOpen(ctx, step, { limit: LIMIT, every: 1_000 }, async () => {
    const seen = await lookAtCallees(ctx.cluster, ctx.dial);
    const missing = seen.filter(({ id, why }) => why !== undefined && waited.includes(id));
    const [first] = missing;
    return first && { what: `${first.id} to show what it serves: ${first.why}`, missing: missing.map(({ id }) => id) };
  });
}
