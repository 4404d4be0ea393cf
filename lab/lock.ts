// A lock in the file system that does not outlive its holder.

import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { markOf, type ProcessMark, sameProcess } from './proc.ts';

/**
 * Runs `work` while this process holds the lock file. One that is held by a living process is waited for when `waiting` is given (called
 * once), else `taken` says what to throw.
 */
export async function withLock<T>(
  path: string,
  held: { taken: (holder: number) => Error } | { waiting: (holder: number) => void },
  work: () => Promise<T>,
): Promise<T> {
  mkdirSync(dirname(path), { recursive: true });
  let told = false;
  for (;;) {
    const holder = take(path);
    if (holder === undefined) break;
    if ('taken' in held) throw held.taken(holder.pid);
    if (!told) held.waiting(holder.pid);
    told = true;
    await pause(500);
  }
  try {
    return await work();
  } finally {
    rmSync(path, { force: true });
  }
}

/** Takes the lock, or says who holds it. A link is made only where no file is, so two cannot both succeed. */
function take(path: string): ProcessMark | undefined {
  const mine = `${path}.${process.pid}`;
  writeFileSync(mine, JSON.stringify(markOf(process.pid)));
  try {
    for (;;) {
      try {
        linkSync(mine, path);
        return undefined;
      } catch (thrown) {
        if ((thrown as NodeJS.ErrnoException).code !== 'EEXIST') throw thrown;
      }
      const holder = holderOf(path);
      if (holder && sameProcess(holder)) return holder;
      if (holder) clearStale(path, holder, `${mine}.stale`);
    }
  } finally {
    rmSync(mine, { force: true });
  }
}

function holderOf(path: string): ProcessMark | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as ProcessMark;
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    return { pid: 0, start: '' };
  }
}

/** Moves a dead holder's file away; when another took the lock in between, its file is put back. */
function clearStale(path: string, dead: ProcessMark, aside: string): void {
  try {
    renameSync(path, aside);
  } catch {
    return;
  }
  const moved = holderOf(aside);
  if (moved && moved.pid !== dead.pid && sameProcess(moved)) renameSync(aside, path);
  else rmSync(aside, { force: true });
}
