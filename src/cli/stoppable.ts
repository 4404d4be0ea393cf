// Work that changes something and must not end in mid-step: whoever wants it to stop is heard, and the step under way is finished first.

import { onOutputFailure } from './output-failure.ts';

/**
 * Runs `work`; its signal aborts on SIGINT, SIGTERM, SIGHUP (an ssh session that dropped), and when output cannot be written. The second SIGINT or SIGTERM
 * ends the process at once. `told`: called once, for a signal; where output fails nobody reads it.
 */
export async function stoppable<T>(work: (signal: AbortSignal) => Promise<T>, told: () => void = () => {}): Promise<T> {
  const stop = new AbortController();
  const onSignal = (): void => {
    if (stop.signal.aborted) return;
    told();
    stop.abort();
  };
  process.once('SIGINT', onSignal).once('SIGTERM', onSignal);
  // One that drops may say so twice, the shell and then the kernel, and nobody is there to mean the second one.
  process.on('SIGHUP', onSignal);
  onOutputFailure(() => stop.abort());
  try {
    return await work(stop.signal);
  } finally {
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal).off('SIGHUP', onSignal);
  }
}
