// Starts one thing again and again at a steady rate, whatever became of the one before.

export interface Pace {
  /** Starts nothing more; resolves when everything that was started has ended. */
  stop(): Promise<void>;
}

/** A program that got no processor for a while makes up for this many milliseconds of turns, and no more. */
const CATCH_UP_MS = 1_000;

/**
 * Calls `act` `perSecond` times a second, with at most `limit` of them under way: a turn that finds no room is left out.
 * `act` must not reject. The first turn comes after a random part of the interval, so that kinds do not march in step.
 */
export function startPace(perSecond: number, limit: number, act: () => Promise<void>): Pace {
  const interval = 1_000 / perSecond;
  const running = new Set<Promise<void>>();
  let next = performance.now() + Math.random() * interval;
  const turn = (): void => {
    if (running.size >= limit) return;
    const one: Promise<void> = act().finally(() => running.delete(one));
    running.add(one);
  };
  let timer: NodeJS.Timeout;
  // Turns are due by the clock and not by the timer, which comes late on a busy machine.
  const wait = (): void => {
    timer = setTimeout(
      () => {
        const now = performance.now();
        next = Math.max(next, now - CATCH_UP_MS);
        for (; next <= now; next += interval) turn();
        wait();
      },
      Math.max(1, next - performance.now()),
    );
  };
  wait();
  return {
    async stop() {
      clearTimeout(timer);
      await Promise.all(running);
    },
  };
}
