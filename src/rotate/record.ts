// The record on the control-plane nodes: read from all, written to all. The copy with the highest sequence is right, and
// one node that is reached is enough to go on.

import { RerootError, reasonOf } from '../errors.ts';
import type { NodeAccess } from '../nodes/access.ts';
import { makeDir, readFiles, writeFile } from '../nodes/files.ts';
import type { Folder } from './folder.ts';
import type { AuthorityMaterial } from './material.ts';
import type { RotationRecord } from './record-types.ts';

export type AccessOf = (node: string) => NodeAccess;

export interface FoundRecord {
  record: RotationRecord;
  node: string;
}

/** The newest record among the nodes, or undefined where no rotation was ever begun. A malformed copy is an error: reroot does not guess. */
export async function readRecord(folders: readonly Folder[], accessOf: AccessOf): Promise<FoundRecord | undefined> {
  const found = await Promise.all(folders.map((folder) => readCopy(folder, accessOf)));
  return found
    .filter((copy): copy is FoundRecord => copy !== undefined)
    .sort((a, b) => b.record.sequence - a.record.sequence)[0];
}

async function readCopy(folder: Folder, accessOf: AccessOf): Promise<FoundRecord | undefined> {
  const seen = (await readFiles(accessOf(folder.node), [folder.record])).get(folder.record);
  if (!seen?.bytes) return undefined;
  try {
    const record = JSON.parse(Buffer.from(seen.bytes).toString('utf8')) as RotationRecord;
    if (record.version !== 1) throw new Error(`its version is ${String(record.version)}, this reroot knows version 1`);
    return { record, node: folder.node };
  } catch (thrown) {
    throw new RerootError(
      3,
      `the rotation's record ${folder.record} on ${folder.node} cannot be read: ${reasonOf(thrown)}`,
      {
        hints: ['copy the record of another control-plane node over it, or move it away if none is open there'],
      },
    );
  }
}

/** Writes the record to every node and fails only when no node took it: resume needs one. */
export async function writeRecord(
  record: RotationRecord,
  folders: readonly Folder[],
  accessOf: AccessOf,
): Promise<{ failed: { node: string; why: string }[] }> {
  record.sequence += 1;
  const bytes = Buffer.from(`${JSON.stringify(record, undefined, 1)}\n`);
  const results = await Promise.allSettled(
    folders.map((folder) => writeFile(accessOf(folder.node), folder.record, bytes, { mode: 0o600 })),
  );
  const failed = results.flatMap((result, index) =>
    result.status === 'rejected' ? [{ node: folders[index]?.node ?? '?', why: reasonOf(result.reason) }] : [],
  );
  if (failed.length === folders.length) {
    throw new RerootError(4, `the rotation's record could be written to no control-plane node: ${failed[0]?.why}`, {
      hints: ['make room on the nodes or mend the permissions, then run the command again'],
    });
  }
  return { failed };
}

/** Makes `<pki>/reroot` on every node, 0700. */
export async function makeHomes(folders: readonly Folder[], accessOf: AccessOf): Promise<void> {
  await Promise.all(folders.map((folder) => makeDir(accessOf(folder.node), folder.home, 0o700)));
}

export interface BeginOptions {
  id: string;
  /** Of the rotation before, on any node: a copy of its record that a snapshot brings back must not outrank this one's. */
  after?: number;
  server: string;
  now: number;
  clocks?: Record<string, number>;
  newKeys: boolean;
  compromised: boolean;
  restart: 'none' | 'stale' | 'all';
}

export function newRecord(options: BeginOptions, materials: readonly AuthorityMaterial[]): RotationRecord {
  return {
    version: 1,
    id: options.id,
    sequence: options.after ?? 0,
    server: options.server,
    startedAt: new Date(options.now).toISOString(),
    ...(options.clocks ? { clocks: options.clocks } : {}),
    state: 'open',
    authorities: materials.map((material) => ({
      authority: material.authority,
      route: material.route,
      because: material.because,
      oldCA: material.old.certificate.pem,
      newCA: material.new.certificate.pem,
      bridges: Object.fromEntries(
        Object.entries(material.bridges).map(([purpose, bridge]) => [purpose, bridge.pem]),
      ) as RotationRecord['authorities'][number]['bridges'],
      external: material.external ?? false,
      ...(material.made ? { made: true } : {}),
      replaced: {},
    })),
    waivers: [],
    newKeys: options.newKeys,
    compromised: options.compromised,
    restart: options.restart,
    steps: [],
    restarts: [],
    evidence: [],
    left: [],
  };
}
