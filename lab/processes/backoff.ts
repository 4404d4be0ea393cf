// How long a component that stopped has to wait for its next start.

/** A run of this length, in milliseconds, wipes out what was before. */
export const SETTLED_MS = 10_000;
const DELAYS_MS = [0, 1_000, 2_000, 4_000, 8_000, 10_000];

export interface Backoff {
  /** Runs in a row that ended before they settled. */
  short: number;
}

/** After a run of `uptime` milliseconds: the first restart is immediate, then 1, 2, 4, 8 and 10 seconds. */
export function nextStart(before: Backoff, uptime: number): { delay: number; after: Backoff } {
  const short = uptime >= SETTLED_MS ? 0 : before.short;
  return { delay: DELAYS_MS[Math.min(short, DELAYS_MS.length - 1)] ?? 0, after: { short: short + 1 } };
}
