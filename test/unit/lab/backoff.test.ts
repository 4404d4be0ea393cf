import { describe, expect, it } from 'vitest';
import { type Backoff, nextStart, SETTLED_MS } from '../../../lab/processes/backoff.ts';

/** The delays after runs of these lengths. */
function delays(...uptimes: number[]): number[] {
  let state: Backoff = { short: 0 };
  return uptimes.map((uptime) => {
    const { delay, after } = nextStart(state, uptime);
    state = after;
    return delay;
  });
}

describe('back-off of a component', () => {
  it('restarts at once, then later and later, up to 10 s', () => {
    expect(delays(5, 5, 5, 5, 5, 5, 5, 5)).toEqual([0, 1000, 2000, 4000, 8000, 10_000, 10_000, 10_000]);
  });

  it('forgets what was before a run of 10 s', () => {
    expect(delays(5, 5, 5, SETTLED_MS, 5)).toEqual([0, 1000, 2000, 0, 1000]);
    expect(delays(5, 5, SETTLED_MS - 1)).toEqual([0, 1000, 2000]);
  });
});
