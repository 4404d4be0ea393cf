// What must be so before the parts of a full lab are made. Nothing is written by any of it.

import { existsSync, statfsSync } from 'node:fs';
import { dirname } from 'node:path';
import { EXIT, RerootError } from '../../../src/errors.ts';
import { type Cached, isCached } from '../../cached.ts';
import { isRoot } from '../../processes/identity.ts';
import { cacheFolder } from '../../state.ts';
import { demandNoOverlay } from './containerd-base.ts';
import { planHostPackages } from './host-packages.ts';

const MIB = 1024 ** 2;
/** Measured: 1.0 GiB of parts for one version; and what lies beside them while they are made. */
const ROOM = 2560 * MIB;

const notReady = (message: string, ...hints: string[]): RerootError =>
  new RerootError(EXIT.checkFailed, message, { hints });

export function demandRights(): void {
  if (process.platform !== 'linux') throw notReady(`labs need Linux, and this is ${process.platform}`);
  if (!isRoot())
    throw notReady('the full lab needs root', 'run it with sudo', 'or take the process lab: --kind processes');
}

/** Packages, and room for what is not in the cache yet. */
export function demandArtifacts(parts: readonly Cached[]): void {
  planHostPackages();
  if (parts.every(isCached)) return;
  const cache = cacheFolder();
  demandNoOverlay(cache);
  demandRoom(cache);
}

function demandRoom(cache: string): void {
  let folder = cache;
  while (!existsSync(folder)) folder = dirname(folder);
  const { bavail, bsize } = statfsSync(folder);
  if (bavail * bsize >= ROOM) return;
  throw notReady(
    `the parts of a full lab take up to ${ROOM / MIB} MiB in ${cache}, and ${Math.round((bavail * bsize) / MIB)} MiB are free`,
    `make room (with no full lab up: rm -r ${cache}/full), or set REROOT_CACHE to a folder where there is some`,
  );
}
