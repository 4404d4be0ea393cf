// Files back to what a backup has: compared first, written only where they differ, read back.

import { createHash } from 'node:crypto';
import { posix } from 'node:path';
import type { NodeName } from '../core/model/ids.ts';
import { EXIT, RerootError } from '../errors.ts';
import type { NodeAccess } from '../nodes/access.ts';
import { FileFailed, type FileFound, makeDir, readFiles, writeFile, writeLinked } from '../nodes/files.ts';
import { runScript } from '../nodes/script.ts';
import type { Archive } from './archive.ts';
import { readManifest, verifyNodeBackup } from './node-backup.ts';

export interface RestoreItem {
  node: NodeName;
  path: string;
  bytes: Buffer;
  mode: number;
  /** `0:0`. */
  owner: string;
  /** What the link at `path` said, where it was one. */
  link?: string;
}

export interface FileChange {
  item: RestoreItem;
  /** What is there now; absent where there is nothing. */
  current?: FileFound;
  /** Empty: it is already as in the backup. */
  differs: ('absent' | 'content' | 'mode' | 'owner')[];
  /** Cannot be compared, so it is not written. */
  fault?: string;
}

/** The files of an archive, of all nodes or of some. */
export const itemsOfArchive = (archive: Archive, nodes?: ReadonlySet<string>): RestoreItem[] =>
  archive.files
    .filter((file) => !nodes || nodes.has(file.node))
    .map((file) => ({
      node: file.node,
      path: file.file,
      bytes: Buffer.from(file.content, 'base64'),
      mode: Number.parseInt(file.mode, 8),
      owner: file.owner,
      ...(file.link === undefined ? {} : { link: file.link }),
    }));

/** The files of the backup that `rotate` made on a node; undefined where no whole one is there. Throws when it is not what was copied. */
export async function itemsOfNodeBackup(access: NodeAccess, dir: string): Promise<RestoreItem[] | undefined> {
  const check = await verifyNodeBackup(access, dir);
  if (check.absent) return undefined;
  if (!check.ok) {
    throw new RerootError(
      EXIT.failedSafe,
      `the backup ${dir} on ${access.node} cannot be trusted: ${check.problems.join('; ')}`,
      {
        hints: ['nothing was changed; is there another backup? ls -d <pki>/reroot/backup-*'],
      },
    );
  }
  const entries = ((await readManifest(access, dir))?.files ?? []).filter((entry) => entry.copy !== undefined);
  const seen = await readFiles(
    access,
    entries.map((entry) => posix.join(dir, entry.copy ?? '')),
  );
  return entries.map((entry) => {
    const path = posix.join(dir, entry.copy ?? '');
    const copy = seen.get(path);
    if (copy?.kind !== 'file') throw new FileFailed('read', access.node, path, 'other', copy?.fault ?? 'no answer');
    return {
      node: access.node,
      path: entry.path,
      bytes: copy.bytes,
      mode: Number.parseInt(entry.mode ?? '600', 8),
      owner: entry.owner ?? copy.ownerIds,
      ...(entry.link === undefined ? {} : { link: entry.link }),
    };
  });
}

/** Holds what is on a node against the items. Changes nothing. */
export async function compareFiles(access: NodeAccess, items: readonly RestoreItem[]): Promise<FileChange[]> {
  const seen = await readFiles(
    access,
    items.map((item) => item.path),
  );
  return items.map((item) => {
    const current = seen.get(item.path);
    if (current?.kind === 'file') return { item, current, differs: differences(item, current) };
    if (!current || current.reason === 'absent') return { item, differs: ['absent'] };
    return { item, differs: [], fault: current.fault };
  });
}

function differences(item: RestoreItem, current: FileFound): FileChange['differs'] {
  return [
    ...(current.sha256 === sha256(item.bytes) ? [] : (['content'] as const)),
    ...(current.mode === item.mode ? [] : (['mode'] as const)),
    ...(current.ownerIds === item.owner ? [] : (['owner'] as const)),
  ];
}

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/**
 * Writes one file back (atomically, with mode and owner) and reads it back. The file must still be what the comparison saw. Throws FileFailed; then it is as it was.
 */
export async function restoreFile(access: NodeAccess, change: FileChange): Promise<void> {
  const { item, current } = change;
  if (change.fault !== undefined || change.differs.length === 0) return;
  const options = { mode: item.mode, owner: item.owner, expect: current?.sha256 ?? 'absent' };
  if (current?.target !== undefined) await writeLinked(access, item.path, item.bytes, options);
  else if (!current && item.link !== undefined) await writeWithLink(access, item, item.link);
  else await writeMaking(access, item.path, item.bytes, options);
  const [now] = await compareFiles(access, [item]);
  if (now?.fault === undefined && now?.differs.length === 0) return;
  throw new FileFailed(
    'restore',
    access.node,
    item.path,
    'damaged',
    now?.fault ?? `${now?.differs.join(', ')} differ after the write`,
  );
}

type Options = Parameters<typeof writeFile>[3];

/** Folders that are gone are made as kubeadm makes them: 0755, keys have modes of their own. */
async function writeMaking(access: NodeAccess, path: string, bytes: Buffer, options: Options): Promise<void> {
  try {
    await writeFile(access, path, bytes, options);
  } catch (thrown) {
    if (!(thrown instanceof FileFailed) || thrown.trouble !== 'no-folder') throw thrown;
    await makeDir(access, posix.dirname(path), 0o755);
    await writeFile(access, path, bytes, options);
  }
}

// A link that leads nowhere is turned to where the backup's led. One that leads somewhere by now was made after the comparison.
const LINK = `
path=$1 link=$2 real=$3
[ "$path" -ef "$real" ] && exit 0
[ ! -e "$path" ] || exit 3
(umask 022 && mkdir -p -- "\${path%/*}") && ln -sfn -- "$link" "$path"
`;

/** A kubelet's `-current.pem` must be a link, or its next rotation fails (client-go util/certificate/certificate_store.go). */
async function writeWithLink(access: NodeAccess, item: RestoreItem, link: string): Promise<void> {
  const real = posix.resolve(posix.dirname(item.path), link);
  await writeMaking(access, real, item.bytes, { mode: item.mode, owner: item.owner });
  const { code, stderr } = await runScript(access, LINK, [item.path, link, real]);
  if (code === 0) return;
  throw new FileFailed('make the link', access.node, item.path, code === 3 ? 'changed' : 'other', stderr.trim());
}
