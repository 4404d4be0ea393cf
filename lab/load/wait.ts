import { setTimeout as sleep } from 'node:timers/promises';
import { failedSafe, reasonOf } from '../../src/errors.ts';

/** Asks again every `everyMs` until there is an answer; a time-out says what was waited for, and the last error. */
export async function waitFor<T>(
  what: string,
  timeoutMs: number,
  ask: () => Promise<T | undefined>,
  { everyMs = 100, hints = [] as string[] } = {},
): Promise<T> {
  const until = Date.now() + timeoutMs;
  let last: unknown;
  for (;;) {
    try {
      const answer = await ask();
      if (answer !== undefined) return answer;
      last = undefined;
    } catch (thrown) {
      last = thrown;
    }
    if (Date.now() > until) {
      const why = last === undefined ? '' : `: ${reasonOf(last)}`;
      throw failedSafe(`${what}: not so after ${timeoutMs / 1_000} s${why}`, last, ...hints);
    }
    await sleep(everyMs);
  }
}

/** For conditions: the answer `waitFor` looks for, or none yet. */
export const isTrue = (condition: boolean): true | undefined => (condition ? true : undefined);
