// Starts one thing again and again at a steady rate, whatever became of the one before.

export interface Pace {
  /** Starts nothing more; resolves when everything that was started has ended. */
  stop(): Promise<void>;
}

/**
 * Calls `act` `perSecond` times a second, with at most `limit` of them under way: a turn that finds no room is left out.
 * `act` must not reject. The first turn comes after a random part of the interval, so that kinds do not march in step.
 */
export function startPace(perSecond: number, limit: number, act: () => Promise<void>): Pace {
  const interval = 1_000 / perSecond;
  const running = new Set<Promise<void>>();
  const turn = (): void => {
    if (running.size >= limit) return;
    const one: Promise<void> = act().finally(() => running.delete(one));
    running.add(one);
  };
  let timer = setTimeout(() => {
    turn();
    timer = setInterval(turn, interval);
  }, Math.random() * interval);
  return {
    async stop() {
      clearTimeout(timer);
      clearInterval(timer);
      await Promise.all(running);
    },
  };
}
