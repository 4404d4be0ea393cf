// What is written is on disk before it is called done, and a disk that says no is believed.

import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { copyFiles } from '../../../src/backup/node-copy.ts';
import type { NodeAccess } from '../../../src/nodes/access.ts';
import { copyDir, makeDir, NotFlushed, removeFile, writeFile, writeLinked } from '../../../src/nodes/files.ts';
import { localAccess } from '../../../src/nodes/local.ts';

let root: string;
let dir: string;
let file: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'reroot-flush-'));
  dir = join(root, 'pki');
  file = join(dir, 'ca.crt');
  mkdirSync(dir);
  writeFileSync(file, 'old');
});
afterEach(() => rmSync(root, { recursive: true }));

/** A node whose `sync` is this shell script; `$last` is its last argument. */
function withSync(usage: string, body: string): NodeAccess {
  const bin = join(root, 'bin');
  mkdirSync(bin, { recursive: true });
  const script = `#!/bin/sh\n[ "$1" != --help ] || { echo "Usage: sync ${usage}"; exit; }\nfor last; do :; done\n${body}\n`;
  writeFileSync(join(bin, 'sync'), script, { mode: 0o755 });
  const local = localAccess('n1');
  return {
    node: 'n1',
    run: (argv, options) => local.run(['env', `PATH=${bin}:${process.env.PATH}`, ...argv], options),
  };
}
const OPERANDS = '[OPTION] [FILE]...';
const says = (error: string) => `echo "sync: error syncing '$last': ${error}" >&2; exit 1`;
const failure = (act: Promise<unknown>): Promise<unknown> =>
  act.then(
    () => 'it did not fail',
    (thrown: unknown) => thrown,
  );

describe('a write whose content the disk does not take', () => {
  it.each([
    ['No space left on device', 'no-space'],
    ['Read-only file system', 'read-only'],
    ['Input/output error', 'disk'],
  ])('%s: leaves everything as it was', async (error, trouble) => {
    const full = withSync(OPERANDS, `[ -d "$last" ] || { ${says(error)}; }`);

    const thrown = await failure(writeFile(full, file, Buffer.from('new')));

    expect(thrown).toMatchObject({ trouble, path: file, exitCode: 4 });
    expect(thrown).not.toBeInstanceOf(NotFlushed);
    expect(readFileSync(file, 'utf8')).toBe('old');
    expect(readdirSync(dir)).toEqual(['ca.crt']);
  });
});

describe('a folder that the disk does not take after the change', () => {
  const full = () => withSync(OPERANDS, `[ ! -d "$last" ] || { ${says('No space left on device')}; }`);
  const words = (done: string, path: string) =>
    `${path} on n1 is ${done}, but a power cut may undo that: no space is left on the device, or a quota is used up`;

  it('is told as that, with the file written', async () => {
    const thrown = await failure(writeFile(full(), file, Buffer.from('new')));

    expect(thrown).toBeInstanceOf(NotFlushed);
    expect(thrown).toMatchObject({ trouble: 'no-space', message: words('written', file), exitCode: 4 });
    expect(readFileSync(file, 'utf8')).toBe('new');
    expect(readdirSync(dir)).toEqual(['ca.crt']);
  });

  it('is told as that, with a link turned over, and with a file removed', async () => {
    const link = join(dir, 'kubelet-client-current.pem');
    symlinkSync(file, link);

    expect(await failure(writeLinked(full(), link, Buffer.from('new')))).toMatchObject({
      message: words('written', link),
    });
    expect(await failure(removeFile(full(), file))).toMatchObject({ message: words('removed', file) });

    expect(readFileSync(link, 'utf8')).toBe('new');
    expect(existsSync(file)).toBe(false);
  });

  it('is no folder made, and no copy of a folder', async () => {
    await expect(makeDir(full(), join(root, 'made'))).rejects.toMatchObject({ trouble: 'no-space' });
    await expect(copyDir(full(), dir, join(root, 'copy'))).rejects.toMatchObject({ trouble: 'no-space' });
    expect(existsSync(join(root, 'copy'))).toBe(false);
  });

  it('is no backup: nothing of it is left', async () => {
    const backup = join(root, 'backup-1');
    mkdirSync(backup);

    await expect(copyFiles(full(), [file], backup, { fresh: true })).rejects.toMatchObject({
      trouble: 'no-space',
      path: backup,
    });

    expect(existsSync(backup)).toBe(false);
  });
});

it('a sync that takes no operand brings everything to disk', async () => {
  const asked = join(root, 'asked');
  const plain = withSync('', `echo "$#" >>'${asked}'; [ $# -eq 0 ]`);

  await writeFile(plain, file, Buffer.from('new'));
  await makeDir(plain, join(root, 'made'));
  await copyDir(plain, dir, join(root, 'copy'));
  await copyFiles(plain, [file], join(root, 'made'), { fresh: false });

  expect(readFileSync(file, 'utf8')).toBe('new');
  expect(readFileSync(asked, 'utf8')).toBe('0\n'.repeat(5));
});
