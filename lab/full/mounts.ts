// Mounts below a lab's folder, as the kernel lists them (proc(5), /proc/PID/mountinfo).

import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { failedSafe } from '../../src/errors.ts';
import { command } from './command.ts';
import type { FullPlace } from './place.ts';

/** Blanks, tabs, line ends and backslashes are octal there. */
const decode = (path: string): string =>
  path.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));

/** All mount points at or below `folder`, the last mounted first. */
export function mountsBelow(folder: string, mountinfo = readFileSync('/proc/self/mountinfo', 'utf8')): string[] {
  return mountinfo
    .split('\n')
    .map((line) => decode(line.split(' ')[4] ?? ''))
    .filter((path) => path === folder || path.startsWith(`${folder}/`))
    .reverse();
}

/** Lazily: what is still open keeps the file system until it is closed, but nothing finds it any more. */
export function unmountBelow(folder: string): number {
  let ended = 0;
  for (let left = mountsBelow(folder); left.length > 0; left = mountsBelow(folder)) {
    const { status, stderr } = spawnSync('umount', ['--lazy', '--no-canonicalize', left[0] ?? ''], {
      encoding: 'utf8',
    });
    if (status !== 0) throw failedSafe(`${left[0]} cannot be unmounted: ${stderr.trim()}`);
    ended++;
  }
  return ended;
}

/** A file system of its own, in memory, of bounded size: when it is full, only what lies in it is. */
export const mountBounded = (place: FullPlace, at: string, size: string, signal?: AbortSignal): Promise<string> =>
  command(place, ['mount', '-t', 'tmpfs', '-o', `size=${size},mode=0700`, `lab-${place.lab.name}`, at], {
    ...(signal ? { signal } : {}),
    as: `mount ${at}`,
  });
