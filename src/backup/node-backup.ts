// The backup that a rotation makes on each node before its first write: plain copies in a folder of their own (0700), on that node,
// so that no key travels. It is whole when its manifest is there; the manifest is written last.

import { posix } from 'node:path';
import { z } from 'zod';
import { EXIT, RerootError, reasonOf, wrongUse } from '../errors.ts';
import type { NodeAccess } from '../nodes/access.ts';
import { FileFailed, makeDir, readFiles, writeFile } from '../nodes/files.ts';
import { type Copied, copyFiles, sumCopies } from './node-copy.ts';

const entrySchema = z.object({
  /** As it was asked for. */
  path: z.string().startsWith('/'),
  /** Where the bytes lie, for a path that is a symbolic link; and what the link says. */
  real: z.string().startsWith('/').optional(),
  link: z.string().optional(),
  /** Below the backup's folder. Absent with `absent`. */
  copy: z.string().optional(),
  sha256: z.string().optional(),
  size: z.number().optional(),
  /** Octal, as `644`. */
  mode: z.string().optional(),
  /** `0:0`. */
  owner: z.string().optional(),
  /** Milliseconds since the epoch, by the node's clock. */
  changedAt: z.number().optional(),
  /** There was no such file. A restore says so and removes nothing. */
  absent: z.literal(true).optional(),
});

const manifestSchema = z.object({
  version: z.literal(1),
  node: z.string(),
  takenAt: z.string(),
  files: z.array(entrySchema),
});

export type BackupEntry = z.infer<typeof entrySchema>;
export type BackupManifest = z.infer<typeof manifestSchema>;

export interface BackupResult {
  node: string;
  dir: string;
  manifest: BackupManifest;
  /** Copies made by this call; 0 when the backup was there already. */
  copied: number;
}

/**
 * Copies files of a node to `dir` on the same node (`<pki>/reroot/backup-ID`), with mode, owner and time: real copies, never links (trap 10).
 * Files that do not exist are noted. Called again it adds files that are new in the list and never touches a copy that it has, so the
 * backup stays what was there before the rotation. Throws FileFailed (full disk, read-only, no permission); a first call that fails leaves nothing.
 */
export async function backupNode(access: NodeAccess, files: readonly string[], dir: string): Promise<BackupResult> {
  assertBackupDir(dir);
  const before = await readManifest(access, dir);
  const known = new Set(before?.files.map((entry) => entry.path));
  const wanted = [...new Set(files)].filter((path) => !known.has(path)).sort();
  if (before && wanted.length === 0) return { node: access.node, dir, manifest: before, copied: 0 };
  if (!before) await makeDir(access, dir, 0o700);
  const copied = await copyFiles(access, wanted, dir, { fresh: !before });
  const manifest: BackupManifest = {
    version: 1,
    node: access.node,
    takenAt: before?.takenAt ?? new Date().toISOString(),
    files: [...(before?.files ?? []), ...copied.map(entryOf)],
  };
  await writeFile(access, manifestPath(dir), Buffer.from(`${JSON.stringify(manifest, undefined, 1)}\n`), {
    mode: 0o600,
  });
  return { node: access.node, dir, manifest, copied: copied.filter((file) => !file.absent).length };
}

export const manifestPath = (dir: string): string => posix.join(dir, 'manifest.json');

function entryOf(file: Copied): BackupEntry {
  if (file.absent) return { path: file.path, absent: true };
  const { path, link, real, copy, sha256, size, mode, owner, changedAt } = file;
  return { path, ...(link === undefined ? {} : { link, real }), copy, sha256, size, mode, owner, changedAt };
}

/** The manifest of a whole backup; undefined where there is none, an error where it cannot be understood. */
export async function readManifest(access: NodeAccess, dir: string): Promise<BackupManifest | undefined> {
  const path = manifestPath(dir);
  const seen = (await readFiles(access, [path])).get(path);
  if (!seen || seen.kind === 'fault') {
    if (!seen || seen.reason === 'absent') return undefined;
    throw new FileFailed('read', access.node, path, seen.reason === 'permission' ? 'permission' : 'other', seen.fault);
  }
  try {
    return manifestSchema.parse(JSON.parse(seen.bytes.toString('utf8')));
  } catch (thrown) {
    throw new RerootError(EXIT.failedSafe, `the backup ${dir} on ${access.node} has a manifest that cannot be read`, {
      hints: ['move the folder away and run the command again; do not trust what is in it'],
      cause: reasonOf(thrown),
    });
  }
}

export interface BackupCheck {
  ok: boolean;
  /** There is none, or one that was not finished. */
  absent?: true;
  node: string;
  dir: string;
  /** In words; empty when every copy is what the manifest says. */
  problems: string[];
  files: number;
}

/** Reads every copy again and holds it against the manifest: content, mode of the folder, and that no copy is a hard link. */
export async function verifyNodeBackup(access: NodeAccess, dir: string): Promise<BackupCheck> {
  assertBackupDir(dir);
  const manifest = await readManifest(access, dir);
  if (!manifest) {
    return {
      ok: false,
      absent: true,
      node: access.node,
      dir,
      problems: [`no whole backup is there: ${manifestPath(dir)} is missing`],
      files: 0,
    };
  }
  const copies = manifest.files.filter((entry) => entry.copy !== undefined);
  const sums = await sumCopies(
    access,
    dir,
    copies.map((entry) => posix.join(dir, entry.copy ?? '')),
  );
  const problems = copies.flatMap((entry) => {
    const seen = sums.copies.get(posix.join(dir, entry.copy ?? ''));
    if (!seen) return [`the copy of ${entry.path} is missing or cannot be read`];
    if (seen.sha256 !== entry.sha256) return [`the copy of ${entry.path} is not what was copied`];
    return seen.links === 1 ? [] : [`the copy of ${entry.path} has ${seen.links} hard links`];
  });
  if (sums.mode !== '700') problems.unshift(`${dir} has mode ${sums.mode}, not 700: others may read keys in it`);
  return { ok: problems.length === 0, node: access.node, dir, problems, files: copies.length };
}

/** Folders are made and, after a failed first try, removed: only a name of our own form is touched. */
function assertBackupDir(dir: string): void {
  if (posix.normalize(dir) === dir && /^\/.+\/backup-[A-Za-z0-9][A-Za-z0-9._-]*$/.test(dir)) return;
  throw wrongUse(`${dir} is no place for a backup`, 'backups lie at <pki>/reroot/backup-ID');
}
