// Files on this machine: new ones for backups, replaced ones for kubeconfigs. There whole or not at all, never world-readable by accident.

import { randomBytes } from 'node:crypto';
import { type FileHandle, link, open, rename, stat, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { EXIT, RerootError, reasonOf, wrongUse } from '../errors.ts';

/** Refuses a name that is taken, or whose folder cannot take a new file, before any work is done for it. */
export async function assertNewFile(path: string): Promise<void> {
  const there = await stat(path).catch(() => undefined);
  if (there)
    throw wrongUse(`${path} exists already and is not overwritten`, 'give another name, or move the file away');
  const folder = await stat(dirname(path)).catch(() => undefined);
  if (!folder?.isDirectory())
    throw wrongUse(`the folder ${dirname(path)} does not exist`, `make it: mkdir -p ${dirname(path)}`);
}

/** Streams to a new file (0600): to a temporary one beside it, to disk, then to its name. Fails, leaving nothing, if the name is taken by then. */
export async function writeNewFile(path: string, chunks: AsyncIterable<Uint8Array>): Promise<number> {
  await assertNewFile(path);
  const temporary = temporaryFor(path);
  try {
    const bytes = await fill(temporary, 0o600, chunks);
    await placeNew(temporary, path);
    await syncFolder(dirname(path));
    return bytes;
  } catch (thrown) {
    await unlink(temporary).catch(() => {});
    throw thrown instanceof RerootError ? thrown : writeFailed(path, thrown);
  }
}

const temporaryFor = (path: string): string =>
  join(dirname(path), `.${basename(path)}.reroot-${randomBytes(6).toString('hex')}`);

async function fill(temporary: string, mode: number, chunks: AsyncIterable<Uint8Array>): Promise<number> {
  let handle: FileHandle | undefined;
  let bytes = 0;
  try {
    handle = await open(temporary, 'wx', mode);
    for await (const chunk of chunks) {
      await handle.writeFile(chunk);
      bytes += chunk.byteLength;
    }
    await handle.sync();
    return bytes;
  } finally {
    await handle?.close();
  }
}

/** A link fails when the name is taken, a rename would replace. Where there are no links (FAT, some network shares) the check before has to do. */
async function placeNew(temporary: string, path: string): Promise<void> {
  try {
    await link(temporary, path);
    await unlink(temporary);
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'EEXIST')
      throw wrongUse(`${path} exists already and is not overwritten`);
    await rename(temporary, path);
  }
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  await handle.sync().catch(() => {});
  await handle.close();
}

export function writeFailed(path: string, thrown: unknown): RerootError {
  const code = (thrown as NodeJS.ErrnoException).code ?? '';
  const known: Record<string, [string, string]> = {
    ENOSPC: ['no space is left on the device', 'free space there, or give a path on another disk'],
    EDQUOT: ['a quota is used up', 'free space there, or give a path on another disk'],
    EROFS: ['the file system is read-only', 'give a path on a disk that can be written'],
    EACCES: ['permission denied', 'run as a user who may write there'],
    EPERM: ['permission denied', 'run as a user who may write there'],
    EFBIG: ['a file size limit is in force', 'raise the limit (ulimit -f)'],
  };
  const [why, hint] = known[code] ?? [reasonOf(thrown), 'nothing was changed'];
  return new RerootError(EXIT.failedSafe, `cannot write ${path}: ${why}`, { hints: [hint], cause: thrown });
}
