// Kubeconfigs on this machine: read whole, replaced whole, mode and owner kept. Several files are all looked at before the first is written.

import { createHash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { EXIT, RerootError, reasonOf, wrongUse } from '../errors.ts';
import type { NodeAccess } from '../nodes/access.ts';
import { readFiles, writeFile } from '../nodes/files.ts';
import { localAccess } from '../nodes/local.ts';

export interface LocalFile {
  /** Absolute. */
  path: string;
  text: string;
  sha256: string;
}

export interface LocalEdit {
  file: LocalFile;
  text: string;
}

/** Far more than any kubeconfig; keeps a device or a log given by mistake out of memory. */
const MAX_BYTES = 4 * 1024 * 1024;

/** Throws wrongUse for what is not a readable text file. */
export function readLocal(name: string): LocalFile {
  const path = resolve(name);
  try {
    const stat = statSync(path);
    if (!stat.isFile()) throw wrongUse(`${path} is not a file`);
    if (stat.size > MAX_BYTES) throw wrongUse(`${path} is larger than 4 MiB: it is no kubeconfig or certificate`);
    const bytes = readFileSync(path);
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    return { path, text: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes), sha256 };
  } catch (thrown) {
    if (thrown instanceof RerootError) throw thrown;
    if (thrown instanceof TypeError) throw wrongUse(`${path} is not a text file`);
    throw wrongUse(`cannot read ${path}: ${reasonOf(thrown)}`, 'name a file on this machine that you may read');
  }
}

const HERE = 'this machine';
const BACKUP = '.reroot-bak';

/**
 * Writes the edits in order; a file that somebody else changed since it was read is not touched. With `backup` each file's content so far is first kept beside
 * it as `FILE.reroot-bak`, which must not exist yet. Throws naming the files that were written before the failure.
 */
export async function writeLocal(
  edits: readonly LocalEdit[],
  options: { backup: boolean },
  access: NodeAccess = localAccess(HERE),
): Promise<void> {
  if (options.backup) await keepCopies(edits, access);
  const written: string[] = [];
  for (const { file, text } of edits) {
    try {
      await writeFile(access, file.path, Buffer.from(text), { expect: file.sha256 });
      written.push(file.path);
    } catch (thrown) {
      throw withWritten(thrown, written);
    }
  }
}

async function keepCopies(edits: readonly LocalEdit[], access: NodeAccess): Promise<void> {
  const seen = await readFiles(
    access,
    edits.flatMap(({ file }) => [file.path, `${file.path}${BACKUP}`]),
  );
  for (const { file } of edits) {
    const copy = seen.get(`${file.path}${BACKUP}`);
    if (copy?.kind === 'fault' && copy.reason === 'absent') continue;
    throw wrongUse(
      `${file.path}${BACKUP} exists already: a copy from an earlier change`,
      'move it away, or leave --backup out',
    );
  }
  for (const { file } of edits) {
    const now = seen.get(file.path);
    const mode = now?.kind === 'file' ? now.mode : 0o600;
    await writeFile(access, `${file.path}${BACKUP}`, Buffer.from(file.text), { mode, expect: 'absent' });
  }
}

function withWritten(thrown: unknown, written: readonly string[]): unknown {
  if (written.length === 0 || !(thrown instanceof RerootError)) return thrown;
  return new RerootError(EXIT.failedSafe, `${thrown.message}; written before that: ${written.join(', ')}`, {
    hints: [...thrown.hints, 'the same command again leaves those as they are and goes on'],
    cause: thrown,
  });
}
