// What reroot does not turn, with what does it instead: said by `inspect` in the same words as by a rotation that does not begin.

import type { Finding } from '../core/model/inventory.ts';
import { unsupported } from '../core/plan/preconditions-support.ts';
import type { Seen } from './seen.ts';

/** Told by other findings in more detail. */
const ELSEWHERE = new Set(['version-not-supported', 'node-not-supported']);

export function supportFindings({ inventory }: Seen): Finding[] {
  // A control-plane node that was not reached is a finding of its own.
  const isAway = inventory.nodes.length === 0 || inventory.nodes.some(({ roles }) => roles.includes('control-plane'));
  const cluster = unsupported(inventory)
    .filter(({ reason }) => !ELSEWHERE.has(reason) && !(reason === 'no-control-plane' && isAway))
    .map(
      ({ reason, message, hint }): Finding => ({
        severity: 'error',
        reason,
        subject: inventory.cluster.server,
        message,
        ...(hint ? { fix: hint } : {}),
      }),
    );
  const nodes = inventory.nodes.flatMap(({ name, unsupported: why, roles }): Finding[] =>
    why
      ? [
          {
            severity: roles.includes('control-plane') ? 'error' : 'warning',
            reason: 'node-not-supported',
            subject: `node/${name}`,
            message: `${why.what}; reroot reads and writes nothing there, so retire waits for it`,
            fix: `${why.instead}; then waive it: --waive node/${name}=REASON`,
          },
        ]
      : [],
  );
  return [...cluster, ...nodes];
}
