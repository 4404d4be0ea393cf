// What must be so before a lab is made. Each check fails with the command that mends it, and has changed nothing.

import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, statfsSync } from 'node:fs';
import { dirname } from 'node:path';
import { EXIT, RerootError } from '../../src/errors.ts';
import { isRoot } from './identity.ts';

const MIB = 1024 ** 2;

const notReady = (message: string, ...hints: string[]): RerootError =>
  new RerootError(EXIT.checkFailed, message, { hints });

export function demandLinux(): void {
  if (process.platform !== 'linux')
    throw notReady(`labs need Linux, and this is ${process.platform}`, 'run it in a Linux machine or container');
  for (const tool of isRoot() ? ['setpriv', 'unshare', 'cp'] : ['setpriv', 'cp']) {
    if (spawnSync(tool, ['--version'], { stdio: 'ignore' }).error)
      throw notReady(`there is no ${tool} in PATH`, 'apt-get install util-linux coreutils');
  }
}

/** Measured: 2.1 GiB of resident memory with three control planes, 0.8 with one; half of it is shared. */
const memoryNeeded = (controlPlanes: number): number => (controlPlanes === 1 ? 700 : 1500) * MIB;
const DISK_NEEDED = 1024 * MIB;

export function demandRoom(labs: string, controlPlanes: number): void {
  const available = Number(/^MemAvailable:\s+(\d+) kB/m.exec(readFileSync('/proc/meminfo', 'utf8'))?.[1] ?? 0) * 1024;
  const needed = memoryNeeded(controlPlanes);
  if (available < needed) {
    throw notReady(
      `the lab takes about ${needed / MIB} MiB of memory, and ${Math.round(available / MIB)} MiB are available`,
      controlPlanes === 1
        ? 'end something, such as another lab: reroot lab down --name NAME'
        : 'take a smaller one: --control-planes 1',
    );
  }
  let folder = labs;
  while (!existsSync(folder)) folder = dirname(folder);
  const { bavail, bsize } = statfsSync(folder);
  if (bavail * bsize >= DISK_NEEDED) return;
  throw notReady(
    `the lab takes up to ${DISK_NEEDED / MIB} MiB in ${labs}, and ${Math.round((bavail * bsize) / MIB)} MiB are free`,
    'make room, or set REROOT_LABS to a folder where there is some',
  );
}
