// The number of inotify instances that a user may have is counted for root over all namespaces, and Debian's 128 just about carry one lab. `up` raises it where it
// must and says so; the last lab that goes puts it back.

import { existsSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { EXIT, RerootError, reasonOf } from '../../src/errors.ts';
import { anyCgroups } from './cgroups.ts';

/** Measured on 3 control planes and 2 workers with workloads: 21 to 28 on a control plane, 15 on a worker (systemd, kubelet, control plane, containerd). */
const PER_NODE = 30;
/** What the limit is raised to where it is less. Instances. */
const ENOUGH = 1_024;

interface Places {
  limit: string;
  /** What it was, gone with a reboot as the raised limit itself. */
  earlier: string;
  proc: string;
}
const HERE: Places = {
  limit: '/proc/sys/fs/inotify/max_user_instances',
  earlier: '/run/reroot-lab-inotify.json',
  proc: '/proc',
};

/** Throws RerootError, with the command that mends it, where the limit is too low and cannot be written. */
export function raiseInotify(nodes: number, say: (line: string) => void, places = HERE): void {
  const limit = Number(readFileSync(places.limit, 'utf8'));
  const needed = instances(places.proc) + nodes * PER_NODE;
  if (limit >= needed) return;
  const ours = Math.max(ENOUGH, needed * 2);
  const known = earlierOf(places);
  // A lab beside another raises it once more: what it was before the first of them is what comes back.
  const first = known?.ours === limit ? known.limit : limit;
  try {
    writeFileSync(places.earlier, JSON.stringify({ limit: first, ours }));
    writeFileSync(places.limit, String(ours));
  } catch (thrown) {
    if (known) writeFileSync(places.earlier, JSON.stringify(known));
    else rmSync(places.earlier, { force: true });
    throw new RerootError(
      EXIT.checkFailed,
      `the lab takes up to ${nodes * PER_NODE} inotify instances, this machine allows ${limit}, and the limit cannot be raised: ${reasonOf(thrown)}`,
      { hints: [`sysctl fs.inotify.max_user_instances=${ours}`] },
    );
  }
  say(`fs.inotify.max_user_instances goes from ${limit} to ${ours} until the last lab is down`);
}

interface Earlier {
  limit: number;
  ours: number;
}

const earlierOf = (places: Places): Earlier | undefined =>
  existsSync(places.earlier) ? (JSON.parse(readFileSync(places.earlier, 'utf8')) as Earlier) : undefined;

/** Puts the limit back once no full lab is left, unless somebody has set another one since. */
export function lowerInotify(places = HERE, others = anyCgroups): void {
  const earlier = earlierOf(places);
  if (!earlier || others()) return;
  const { limit, ours } = earlier;
  if (Number(readFileSync(places.limit, 'utf8')) === ours) writeFileSync(places.limit, String(limit));
  rmSync(places.earlier, { force: true });
}

/** In use now, whoever's: on a machine for a lab nearly all are root's. */
function instances(proc: string): number {
  let count = 0;
  for (const pid of readdirSync(proc).filter((name) => /^\d+$/.test(name))) {
    const folder = join(proc, pid, 'fd');
    for (const fd of listed(folder)) if (target(join(folder, fd)) === 'anon_inode:inotify') count += 1;
  }
  return count;
}

/** A process may end while it is looked at. */
function listed(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function target(link: string): string {
  try {
    return readlinkSync(link);
  } catch {
    return '';
  }
}
