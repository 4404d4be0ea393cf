// Runs a program to its end. Everything that is started for a lab carries its mark, for `down` to find it after a kill.

import { spawn } from 'node:child_process';
import { failedSafe } from '../../src/errors.ts';
import type { FullPlace } from './place.ts';

export const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

export const fullEnvironment = (dir: string): Record<string, string> => ({ PATH, LANG: 'C.UTF-8', REROOT_LAB: dir });

export interface CommandOptions {
  input?: string;
  signal?: AbortSignal;
  /** How it is named in an error; default: its first words. */
  as?: string;
}

/** Gives standard output; throws with the end of standard error. */
export function command(
  place: Pick<FullPlace, 'dir'>,
  argv: readonly string[],
  options: CommandOptions = {},
): Promise<string> {
  const { input, signal, as } = options;
  const [program = '', ...args] = argv;
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
      env: fullEnvironment(place.dir),
      cwd: '/',
      ...(signal ? { signal } : {}),
    });
    let out = '';
    let err = '';
    child.stdout?.on('data', (chunk) => {
      out += String(chunk);
    });
    child.stderr?.on('data', (chunk) => {
      err = (err + String(chunk)).slice(-8_000);
    });
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(input);
    child.on('error', reject);
    child.on('close', (code, killed) => {
      if (code === 0) return resolve(out);
      const name = as ?? argv.slice(0, 3).join(' ');
      const tail = err.trim().split('\n').slice(-6).join('\n  ');
      reject(failedSafe(`${name} ended with ${code ?? killed}:\n  ${tail}`));
    });
  });
}
