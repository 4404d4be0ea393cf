// `reroot lab snapshot` and `restore`: all files of a lab as they are with every component stopped.

import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { failedSafe, wrongUse } from '../../src/errors.ts';
import { withLock } from '../lock.ts';
import { processesOfLab } from '../proc.ts';
import { awaitHealth } from './health.ts';
import { busy, labLock } from './lab-lock.ts';
import { type Place, placeOf } from './layout.ts';
import { awaitNewLeaders } from './leaders.ts';
import { demandLab } from './status.ts';
import { startSupervisor, stopSupervisor } from './supervisor-process.ts';

/** What a snapshot holds of a lab's folder: not the programs, which do not change, and not the process ids. */
const HELD = ['nodes', 'events.jsonl', 'reroot.yaml', 'lab.json', 'kubeconfig'];
const BACK_MS = 120_000;

/** Stops the lab, copies its files into a folder, starts it again. What is in that folder is replaced. */
export const snapshot = (name: string, to: string): Promise<void> =>
  whileStopped(name, (place) => {
    rmSync(`${to}.making`, { recursive: true, force: true });
    mkdirSync(`${to}.making`, { recursive: true, mode: 0o700 });
    copyAll(place.dir, `${to}.making`);
    rmSync(to, { recursive: true, force: true });
    renameSync(`${to}.making`, to);
  });

/** Stops the lab, puts the snapshot's files in place of its own, starts it again. */
export const restore = (name: string, from: string): Promise<void> =>
  whileStopped(name, (place) => {
    for (const part of HELD) rmSync(join(place.dir, part), { recursive: true, force: true });
    copyAll(from, place.dir);
  });

function whileStopped(name: string, work: (place: Place) => void): Promise<void> {
  return withLock(labLock(name), { taken: busy(name) }, async () => {
    const { dir, lab } = demandLab(name);
    if (lab.phase !== 'up') throw wrongUse(`lab "${name}" is not up, but ${lab.phase}`, `reroot lab up --name ${name}`);
    const place = placeOf(dir, lab);
    await stopSupervisor(dir);
    const left = processesOfLab(dir);
    if (left.length > 0) {
      startSupervisor(place);
      throw failedSafe(
        `something else still runs in lab "${name}": process ${left.join(', ')}`,
        undefined,
        'end the load, or the command on a node, first',
      );
    }
    const stoppedAt = Date.now();
    try {
      work(place);
    } finally {
      startSupervisor(place);
    }
    await awaitNewLeaders(place, stoppedAt);
    await awaitHealth(place, () => true, BACK_MS);
  });
}

/** Owner, mode and times are kept; blocks are shared where the file system can. */
function copyAll(from: string, to: string): void {
  const parts = HELD.map((part) => join(from, part)).filter((path) => existsSync(path));
  const copy = spawnSync('cp', ['--archive', '--reflink=auto', ...parts, to], { encoding: 'utf8' });
  if (copy.status !== 0) throw failedSafe(`the copy failed: ${copy.stderr.trim()}`, copy.error);
}
