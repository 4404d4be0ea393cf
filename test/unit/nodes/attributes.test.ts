// What a file has beside content, mode and owner, through a write.

import { execFileSync } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { NodeAccess } from '../../../src/nodes/access.ts';
import { writeFile, writeLinked } from '../../../src/nodes/files.ts';
import { localAccess } from '../../../src/nodes/local.ts';

// By perl, which every Debian has: setfacl and setfattr are on few machines. The numbers are those of the kernel for each architecture.
const CALLS: Record<string, { set: number; get: number }> = { x64: { set: 188, get: 191 }, arm64: { set: 5, get: 8 } };
const SET = '$v = pack("H*", $ARGV[3]); syscall($ARGV[0] + 0, $ARGV[1], $ARGV[2], $v, length $v, 0) == 0 or die "$!\n"';
const GET =
  '$b = "\\0" x 999; $n = syscall($ARGV[0] + 0, $ARGV[1], $ARGV[2], $b, 999); print $n < 0 ? "none" : unpack("H*", substr($b, 0, $n))';
const call = CALLS[process.arch] ?? { set: 0, get: 0 };
const perl = (script: string, ...args: string[]) => execFileSync('perl', ['-e', script, ...args]).toString();
const setAttribute = (path: string, name: string, hex: string) => perl(SET, String(call.set), path, name, hex);
const attribute = (path: string, name: string) => perl(GET, String(call.get), path, name);

const ACL = 'system.posix_acl_access';
/** linux/posix_acl_xattr.h: the owner writes, user 65534 reads by the mask, the group and others nothing. */
const ACL_BYTES =
  '02000000' + '01000600ffffffff' + '02000400feff0000' + '04000000ffffffff' + '10000400ffffffff' + '20000000ffffffff';

const local = localAccess('n1');
let dir: string;
let file: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'reroot-attributes-'));
  file = join(dir, 'client.key');
  writeFileSync(file, 'old', { mode: 0o600 });
  setAttribute(file, ACL, ACL_BYTES);
  setAttribute(file, 'user.note', 'abcd');
});
afterEach(() => rmSync(dir, { recursive: true }));

const has = (path: string) => [attribute(path, ACL), attribute(path, 'user.note'), statSync(path).mode & 0o777];
const SAME = [ACL_BYTES, 'abcd', 0o640];

describe('a file with an ACL', () => {
  it('keeps it with its other attributes: the mask does not become the right of the group', async () => {
    expect(has(file)).toEqual(SAME);

    await writeFile(local, file, Buffer.from('new'));

    expect(has(file)).toEqual(SAME);
    expect(readFileSync(file, 'utf8')).toBe('new');
    expect(Date.now() - statSync(file).mtimeMs).toBeLessThan(60_000);
    expect(readdirSync(dir)).toEqual(['client.key']);
  });

  it('gives it to the file to which a link is turned over', async () => {
    const link = join(dir, 'kubelet-client-current.pem');
    symlinkSync(file, link);

    await writeLinked(local, link, Buffer.from('new'));

    expect(readFileSync(link, 'utf8')).toBe('new');
    expect(has(link)).toEqual(SAME);
  });

  it('has the mode that is asked for, and then no ACL', async () => {
    await writeFile(local, file, Buffer.from('new'), { mode: 0o600 });

    expect(has(file)).toEqual(['none', 'none', 0o600]);
  });

  it('keeps mode and owner where cp cannot carry more', async () => {
    const bin = join(dir, 'bin');
    mkdirSync(bin);
    writeFileSync(join(bin, 'cp'), '#!/bin/sh\necho "Usage: cp [-arPLHpfinlsTu] SOURCE DEST"\n', { mode: 0o755 });
    const old: NodeAccess = {
      node: 'n1',
      run: (argv, options) => local.run(['env', `PATH=${bin}:${process.env.PATH}`, ...argv], options),
    };

    await writeFile(old, file, Buffer.from('new'));

    expect(has(file)).toEqual(['none', 'none', 0o640]);
    expect(readFileSync(file, 'utf8')).toBe('new');
  });

  it('is left as it was where its attributes cannot be had', async () => {
    const bin = join(dir, 'bin');
    mkdirSync(bin);
    const cp =
      '#!/bin/sh\n[ "$1" != --help ] || { echo --attributes-only; exit; }\necho "cp: Operation not permitted" >&2; exit 1\n';
    writeFileSync(join(bin, 'cp'), cp, { mode: 0o755 });
    const denied: NodeAccess = {
      node: 'n1',
      run: (argv, options) => local.run(['env', `PATH=${bin}:${process.env.PATH}`, ...argv], options),
    };

    await expect(writeFile(denied, file, Buffer.from('new'))).rejects.toMatchObject({ trouble: 'permission' });

    expect(readFileSync(file, 'utf8')).toBe('old');
    expect(readdirSync(dir).sort()).toEqual(['bin', 'client.key']);
  });
});
