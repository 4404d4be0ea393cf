// Runs one of the lab's own programs to its end.

import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { failedSafe } from '../../src/errors.ts';
import type { Place } from './layout.ts';

/** Gives standard output; throws with the end of standard error. */
export function runOf(place: Place, program: string, args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(join(place.bin, program), args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: labEnvironment(place),
      cwd: place.dir,
    });
    let out = '';
    let err = '';
    child.stdout.on('data', (chunk) => {
      out += String(chunk);
    });
    child.stderr.on('data', (chunk) => {
      err += String(chunk);
    });
    child.on('error', reject);
    child.on('close', (code) => {
      if (code === 0) return resolve(out);
      const what = [program, ...args.filter((arg) => !arg.startsWith('/'))].join(' ');
      reject(failedSafe(`${what} ended with ${code}: ${err.trim().split('\n').slice(-4).join(' / ')}`));
    });
  });
}

/** What every process of a lab is started with. REROOT_LAB is how `down` finds it again. */
export function labEnvironment(place: Pick<Place, 'dir' | 'bin'>): Record<string, string> {
  return {
    PATH: [place.bin, '/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'].join(':'),
    HOME: join(place.dir, 'home'),
    LANG: 'C.UTF-8',
    REROOT_LAB: place.dir,
  };
}
