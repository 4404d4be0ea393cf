// Every request of every client goes through here: timed, judged and entered into the books.

import { classOf, type Failure, textOf } from './failure.ts';
import type { Answer } from './https-client.ts';
import type { Tally } from './tally.ts';

export interface Attempt {
  kind: string;
  /** What of several was asked. */
  target?: string;
  /** Whether a failure is none because the client's pod is gone. Asked only after a failure. */
  excused?: (failure: Failure) => Promise<boolean>;
}

export interface Recorder {
  /** Resolves with the answer, or with undefined after a failure. Never rejects. */
  attempt(attempt: Attempt, act: () => Promise<Answer>): Promise<Answer | undefined>;
  /** By kind, how long the oldest request under way has been waiting. */
  waitingMs(): Record<string, number>;
}

export function createRecorder(tally: Tally, now: () => number = Date.now): Recorder {
  const underWay = new Set<{ kind: string; since: number }>();
  return {
    async attempt({ kind, target, excused }, act) {
      const since = now();
      const entry = { kind, since };
      underWay.add(entry);
      const about = target === undefined ? { kind } : { kind, target };
      try {
        const answer = await act();
        tally.ok({ ...about, ms: now() - since, resent: answer.resent });
        return answer;
      } catch (thrown) {
        const failure = { t: now(), ...about, class: classOf(thrown), text: textOf(thrown), ms: now() - since };
        if (await excused?.(failure)) tally.cut(kind);
        else tally.failed(failure);
        return undefined;
      } finally {
        underWay.delete(entry);
      }
    },
    waitingMs() {
      const oldest: Record<string, number> = {};
      for (const { kind, since } of underWay) oldest[kind] = Math.max(oldest[kind] ?? 0, now() - since);
      return oldest;
    },
  };
}
