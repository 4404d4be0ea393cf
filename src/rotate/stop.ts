// Whether more may be begun. Asked before each change, and wherever a step that takes long looks around.

import { EXIT, RerootError } from '../errors.ts';
import type { Context } from './context.ts';
import { GO_ON } from './tell.ts';

type Stoppable = Pick<Context, 'signal' | 'checkLease'>;

/** The user interrupted, or the Lease is not ours any more. */
export function isStopped(ctx: Stoppable): boolean {
  ctx.checkLease?.();
  return ctx.signal.aborted;
}

export function stopBefore(ctx: Stoppable, what: string): void {
  if (isStopped(ctx)) throw new RerootError(EXIT.interrupted, `interrupted before: ${what}`, { hints: [GO_ON] });
}
