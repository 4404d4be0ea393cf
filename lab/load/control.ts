// How the load is told to stop and where to make a mark, while it runs: by lines on standard input and by signals.

import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';

export interface Mark {
  name: string;
  t: number;
}

export interface Control {
  /** Aborted when the load is to stop. */
  stopped: AbortSignal;
  close(): void;
}

/** `stop`, `mark NAME`, or undefined for any other line. */
export function commandOf(line: string): { stop: true } | { mark: string } | undefined {
  const [word = '', ...rest] = line.trim().split(/\s+/);
  if (word === 'stop' && rest.length === 0) return { stop: true };
  return word === 'mark' && rest.length > 0 ? { mark: rest.join(' ') } : undefined;
}

/**
 * Listens until closed. SIGTERM and SIGINT stop, SIGUSR2 marks; a second SIGTERM or SIGINT ends the process at once, and what the
 * load made stays behind. The end of the input is no command: a load in the background has none.
 */
export function listen(input: Readable, onMark: (mark: Mark) => void): Control {
  const stopping = new AbortController();
  const onSignal = (): void => {
    if (stopping.signal.aborted) process.exit(130);
    stopping.abort();
  };
  const onUser = (): void => onMark({ name: 'SIGUSR2', t: Date.now() });
  const lines = createInterface({ input });
  lines.on('line', (line) => {
    const command = commandOf(line);
    if (command === undefined) process.stderr.write('reroot: the load takes the lines "stop" and "mark NAME"\n');
    else if ('stop' in command) stopping.abort();
    else onMark({ name: command.mark, t: Date.now() });
  });
  process.on('SIGTERM', onSignal).on('SIGINT', onSignal).on('SIGUSR2', onUser);
  return {
    stopped: stopping.signal,
    close() {
      process.off('SIGTERM', onSignal).off('SIGINT', onSignal).off('SIGUSR2', onUser);
      lines.close();
      input.destroy();
    },
  };
}
