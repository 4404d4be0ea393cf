// Every channel of the cluster, measured now.

import { agreementChecks } from './agreement.ts';
import { callChecks } from './calls.ts';
import { type Check, check, type VerifyContext } from './check.ts';
import { clientChecks } from './clients.ts';
import { logChecks } from './logs.ts';
import { podLogChecks } from './pod-logs.ts';
import { servingChecks } from './serving.ts';

export type { Check, VerifyContext } from './check.ts';

/** All checks, sorted by kind. Nodes that were not reached are lines of their own: what is on them was not measured. */
export async function verifyAll(ctx: VerifyContext): Promise<Check[]> {
  const away = ctx.inventory.nodes
    .filter(({ reached }) => !reached)
    .map(({ name, why }) => check('node', `node/${name}`, undefined, `not reached: ${why ?? 'no reason given'}`));
  const [serving, clients, calls, logs, pods] = await Promise.all([
    servingChecks(ctx),
    clientChecks(ctx),
    callChecks(ctx),
    logChecks(ctx),
    podLogChecks(ctx),
  ]);
  return [...away, ...serving, ...clients, ...calls, ...agreementChecks(ctx), ...logs, ...pods];
}
