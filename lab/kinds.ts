// The commands that work on a lab of either kind.

import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { wrongUse } from '../src/errors.ts';
import { execOnFull, setClockFull } from './full/exec.ts';
import { restoreFull, snapshotFull } from './full/snapshot.ts';
import { fullStatusOf } from './full/status.ts';
import { execOn, setClock } from './processes/exec.ts';
import { restore, snapshot } from './processes/snapshot.ts';
import { demandLab, type LabStatus, statusOf } from './processes/status.ts';

/** Throws wrongUse when there is no such lab; so do all here. */
export function statusOfAny(name: string): Promise<LabStatus> {
  const { dir, lab } = demandLab(name);
  return lab.kind === 'full' ? fullStatusOf(dir, lab) : statusOf(name);
}

/** Gives the command's exit code. */
export function execOnAny(name: string, node: string, command: readonly string[]): Promise<number> {
  const { dir, lab } = demandLab(name);
  return lab.kind === 'full' ? execOnFull(dir, lab, node, command) : execOn(name, node, command);
}

export function setClockOfAny(name: string, node: string, seconds: number): void {
  const { dir, lab } = demandLab(name);
  if (lab.kind === 'full') setClockFull(dir, lab, node, seconds);
  else setClock(name, node, seconds);
}

export function snapshotAny(name: string, as: string): Promise<void> {
  const { dir, lab } = demandLab(name);
  const to = snapshotDir(dir, as);
  return lab.kind === 'full' ? snapshotFull(dir, lab, to) : snapshot(name, to);
}

export function restoreAny(name: string, from: string): Promise<void> {
  const { dir, lab } = demandLab(name);
  const source = snapshotDir(dir, from);
  if (!existsSync(source)) {
    const folder = join(dir, 'snapshots');
    const known = existsSync(folder) ? readdirSync(folder) : [];
    throw wrongUse(
      `lab "${name}" has no snapshot "${from}"`,
      known.length > 0 ? `it has: ${known.join(', ')}` : `reroot lab snapshot --name ${name}`,
    );
  }
  return lab.kind === 'full' ? restoreFull(dir, lab, source) : restore(name, source);
}

function snapshotDir(dir: string, snapshot: string): string {
  if (!/^[a-z0-9][a-z0-9.-]*$/.test(snapshot))
    throw wrongUse(`"${snapshot}" is no name for a snapshot`, 'take a-z, 0-9, - and .');
  return join(dir, 'snapshots', snapshot);
}
