// Parts that nobody has asked for in a while go: each change of the program's sources makes half a GiB of others.

import { existsSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Cached } from '../../cached.ts';

const DAY_MS = 86_400_000;
/** Since a lab was last made of it. */
const KEPT_MS = 3 * DAY_MS;

/** Everything that is mounted in any process's namespace: a node's overlay names its lower layer there (proc(5), mountinfo). */
export function allMounts(proc = '/proc'): string {
  const texts = new Set<string>();
  for (const pid of readdirSync(proc).filter((name) => /^\d+$/.test(name))) {
    try {
      texts.add(readFileSync(join(proc, pid, 'mountinfo'), 'utf8'));
    } catch {
      // It has ended.
    }
  }
  return [...texts].join('');
}

/** Removes old ones beside those that are `used` now, and gives their names. What a running node stands on stays. */
export function prune(used: readonly Cached[], mounts: () => string = allMounts, now = Date.now()): string[] {
  const keep = new Set(used.map(({ folder }) => folder));
  const old = [...new Set(used.map(({ folder }) => join(folder, '..')))]
    .filter((shelf) => existsSync(shelf))
    .flatMap((shelf) => readdirSync(shelf).map((name) => join(shelf, name)))
    .filter((path) => !keep.has(path) && isOld(path, now));
  if (old.length === 0) return [];
  const mounted = mounts();
  return old.filter((path) => {
    if (mounted.includes(`${path}/`)) return false;
    rmSync(path, { recursive: true, force: true });
    return true;
  });
}

/** Folders only, for locks clear themselves. What was left in the making this long ago is nobody's. */
function isOld(path: string, now: number): boolean {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat?.isDirectory() === true && now - stat.mtimeMs > KEPT_MS;
}
