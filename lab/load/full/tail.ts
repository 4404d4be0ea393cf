// Follows one container's log on its node, whatever happens to the way there. The API is not asked: it is what is measured.

import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';

export interface Tail {
  stop(): void;
}

export interface LogPlace {
  node: string;
  /** Absolute, on the node. */
  path: string;
}

const AGAIN_MS = 1_000;

/**
 * Hands on each line, from the log's first. When the connection breaks it begins anew from the first line: whoever takes the lines knows by their
 * numbers which are new. A log that was rotated away goes on with the next one of its name.
 */
export function tailOver(sshConfig: string, { node, path }: LogPlace, take: (line: string) => void): Tail {
  const stopping = new AbortController();
  void follow();
  return { stop: () => stopping.abort() };

  async function follow(): Promise<void> {
    while (!stopping.signal.aborted) {
      await once();
      await pause(AGAIN_MS, undefined, { signal: stopping.signal }).catch(() => undefined);
    }
  }

  function once(): Promise<void> {
    // A connection of its own: sessions over a shared one are few, and reroot needs them. Without inotify, of whose instances a machine has 128.
    const argv = ['-F', sshConfig, '-o', 'ControlPath=none', '-o', 'ControlMaster=no', '-o', 'BatchMode=yes'];
    const alive = ['-o', 'ServerAliveInterval=10', '-o', 'LogLevel=ERROR', '-T', '--', node];
    const command = `exec tail ---disable-inotify -s 0.3 -n +1 -F '${path}' 2>/dev/null`;
    const child = spawn('ssh', [...argv, ...alive, command], { stdio: ['ignore', 'pipe', 'ignore'] });
    const end = (): void => void child.kill();
    stopping.signal.addEventListener('abort', end, { once: true });
    createInterface({ input: child.stdout }).on('line', (line) => {
      if (!stopping.signal.aborted) take(line);
    });
    return new Promise((resolve) => {
      child.on('error', () => resolve());
      child.on('close', () => {
        stopping.signal.removeEventListener('abort', end);
        resolve();
      });
    });
  }
}
