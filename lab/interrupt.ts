// Ctrl-C in the middle of making something: what was made is taken away again.

import { EXIT, RerootError } from '../src/errors.ts';

/** Runs `work`; on SIGINT or SIGTERM aborts it, runs `cleanUp`, and throws with the exit code for an interruption. */
export async function interruptible<T>(
  work: (signal: AbortSignal) => Promise<T>,
  cleanUp: () => Promise<string>,
): Promise<T> {
  const controller = new AbortController();
  const abort = (): void => controller.abort();
  process.on('SIGINT', abort).on('SIGTERM', abort);
  try {
    return await work(controller.signal);
  } catch (thrown) {
    if (!controller.signal.aborted) throw thrown;
    throw new RerootError(EXIT.interrupted, `interrupted: ${await cleanUp()}`);
  } finally {
    process.off('SIGINT', abort).off('SIGTERM', abort);
  }
}
