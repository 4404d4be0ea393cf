import pLimit from 'p-limit';
import type { RunOptions, RunResult } from './access.ts';
import type { Shell } from './shell.ts';

/** Sessions of one connection at the same time: sshd allows ten (MaxSessions), and others share the connection. */
const AT_ONCE = 4;

/** A few shells on one node, opened when they are needed and kept; each runs one command at a time, and what comes beyond that waits. */
export function shellsOn(open: () => Shell): (command: string, options?: RunOptions) => Promise<RunResult> {
  const limit = pLimit(AT_ONCE);
  let idle: Shell[] = [];
  return (command, options) =>
    limit(async () => {
      idle = idle.filter((one) => !one.ended);
      const shell = idle.pop() ?? open();
      const result = await shell.run(command, options);
      idle.push(shell);
      return result;
    });
}
