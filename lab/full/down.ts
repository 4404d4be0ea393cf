// Takes a full lab away: what runs, what is mounted, its cgroups, its folder. Works on half of one and on what a kill or a reboot left.

import { existsSync, readdirSync, readlinkSync, rmSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { processesOfLab } from '../proc.ts';
import { hasCgroups, processesIn, removeCgroups } from './cgroups.ts';
import { lowerInotify } from './inotify.ts';
import { mountsBelow, unmountBelow } from './mounts.ts';
import { endAll } from './node.ts';
import { scopeOf } from './place.ts';

/** Whether something of a full lab is here, whatever its file says. */
export const hasFullTraces = (dir: string): boolean =>
  existsSync(join(dir, 'run/net')) || mountsBelow(dir).length > 0 || hasCgroups(scopeOf(dir, basename(dir)));

/** Says whether there was anything. */
export async function removeFull(dir: string): Promise<boolean> {
  const there = existsSync(dir);
  const scope = scopeOf(dir, basename(dir));
  const networks = networksOf(dir);
  // The keeper first, or it would start the load balancer again; it carries the mark, and all marked ones are ended at once, again and again.
  const ended = await endAll(() => [
    ...new Set([...processesOfLab(dir), ...processesIn(scope), ...processesInNetworks(networks)]),
  ]);
  unmountBelow(dir);
  await removeCgroups(scope);
  rmSync(dir, { recursive: true, force: true, maxRetries: 5 });
  lowerInotify();
  return there || ended > 0;
}

/** Inode numbers of the lab's network namespaces: whoever was sent into one, as ssh's pipes are, is found by it. */
function networksOf(dir: string): Set<string> {
  const folder = join(dir, 'run/net');
  const bound = mountsBelow(folder);
  return new Set(bound.map((file) => String(statSync(file).ino)));
}

function processesInNetworks(networks: ReadonlySet<string>): number[] {
  if (networks.size === 0) return [];
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .filter((name) => networks.has(networkOf(name)))
    .map(Number);
}

function networkOf(pid: string): string {
  try {
    return /\d+/.exec(readlinkSync(`/proc/${pid}/ns/net`))?.[0] ?? '';
  } catch {
    return '';
  }
}
