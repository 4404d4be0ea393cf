// Standard output and error that cannot be written any more: a pipe that was closed, a full disk, a terminal that is gone.

import { closeSync } from 'node:fs';
import { failedSafe } from '../errors.ts';
import { showError } from './show-error.ts';

interface Outlet {
  on(event: 'error', listener: (error: NodeJS.ErrnoException) => void): unknown;
}

/** Set by the first command that changes something. It stays: the last lines may fail after the work is done, and the exit code is the command's. */
let insteadOfEnding: (() => void) | undefined;

/** Called once, before any command. */
export function guardOutput(
  outlets: { stdout: Outlet; stderr: Outlet } = process,
  end: (code?: number) => void = process.exit,
): void {
  insteadOfEnding = undefined;
  outlets.stdout.on('error', (error) => {
    leaveLost(error);
    if (insteadOfEnding) return insteadOfEnding();
    // `reroot … | head` closes the pipe early: there is nobody left to tell.
    if (error.code === 'EPIPE') return end();
    end(showError(failedSafe(`standard output cannot be written: ${error.message}`, error)));
  });
  // What stands here is said beside the work: without a reader the work goes on.
  outlets.stderr.on('error', (error) => {
    leaveLost(error);
    insteadOfEnding?.();
  });
}

/** Node resets its terminal as its last act and aborts where that is gone (EIO): the core dump of a process that had CA keys in memory. */
function leaveLost(error: NodeJS.ErrnoException): void {
  if (error.code === 'EIO') process.off('exit', closeAll).once('exit', closeAll);
}

function closeAll(): void {
  for (const fd of [0, 1, 2]) {
    try {
      closeSync(fd);
    } catch {
      // It was closed before.
    }
  }
}

/** From now on output that fails ends nothing; `failed` is called at each write that does. */
export function onOutputFailure(failed: () => void): void {
  insteadOfEnding = failed;
}
