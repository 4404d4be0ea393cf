import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { NodeAccess } from '../../../src/nodes/access.ts';
import {
  copyDir,
  type FileFailed,
  findFiles,
  freeBytes,
  makeDir,
  readFiles,
  removeFile,
  writeFile,
  writeLinked,
} from '../../../src/nodes/files.ts';
import { localAccess } from '../../../src/nodes/local.ts';
import { prepared, recording, UNPRIVILEGED_IDS, unprivileged } from './access.ts';

const local = localAccess('n1');
const sha = (text: string | Buffer) => createHash('sha256').update(text).digest('hex');
let dir: string;
let file: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "reroot files 'x' "));
  chmodSync(dir, 0o755);
  file = join(dir, 'a $HOME "b".crt');
});
afterEach(() => {
  chmodSync(dir, 0o755);
  rmSync(dir, { recursive: true });
});
const failure = async (act: Promise<unknown>): Promise<FileFailed> =>
  act.then(
    () => {
      throw new Error('it did not fail');
    },
    (thrown: FileFailed) => thrown,
  );

describe('readFiles', () => {
  it('gives content, mode, owner, time, inode and links of many files in one command', async () => {
    const bytes = Buffer.from([0, 255, 10, 64, 32, 10, 46, 10]);
    writeFileSync(file, bytes);
    chmodSync(file, 0o640);
    utimesSync(file, new Date(1_700_000_000_125), new Date(1_700_000_000_125));
    linkSync(file, join(dir, 'second name'));
    symlinkSync('a $HOME "b".crt', join(dir, 'link'));
    writeFileSync(join(dir, 'empty'), '');
    const access = recording(local);
    const asked = [file, join(dir, 'link'), join(dir, 'empty'), join(dir, 'none'), dir];

    const seen = await readFiles(access, asked);

    expect(access.argvs).toHaveLength(1);
    expect([...seen.keys()]).toEqual(asked);
    const stat = statSync(file);
    const found = {
      kind: 'file',
      bytes,
      sha256: sha(bytes),
      mode: 0o640,
      links: 2,
      changedAt: 1_700_000_000_125,
      inode: String(stat.ino),
    };
    expect(seen.get(file)).toMatchObject({ ...found, ownerIds: `${stat.uid}:${stat.gid}` });
    expect(seen.get(file)?.kind === 'file' && seen.get(file)).not.toHaveProperty('target');
    expect(seen.get(join(dir, 'link'))).toMatchObject({ ...found, target: 'a $HOME "b".crt', realPath: file });
    expect(seen.get(join(dir, 'empty'))?.bytes).toHaveLength(0);
    expect(seen.get(join(dir, 'none'))).toMatchObject({ kind: 'fault', reason: 'absent' });
    expect(seen.get(dir)).toMatchObject({ kind: 'fault', reason: 'not-a-file' });
  });

  it('says when it may not read, when a link leads nowhere, and when a file is too large', async () => {
    writeFileSync(file, 'secret');
    chmodSync(file, 0o000);
    chownSync(file, process.getuid?.() ?? 0, process.getgid?.() ?? 0);
    symlinkSync('/nowhere', join(dir, 'dangling'));
    writeFileSync(join(dir, 'log'), Buffer.alloc(5 * 1024 * 1024));

    const seen = await readFiles(unprivileged(), [file, join(dir, 'dangling'), join(dir, 'log')]);

    expect([...seen.values()].map((each) => each.kind === 'fault' && each.reason)).toEqual([
      'permission',
      'absent',
      'too-large',
    ]);
  });

  it('reads one by one when one of many is too large', async () => {
    const files = ['a', 'b', 'c', 'd'].map((name) => join(dir, name));
    for (const path of files) writeFileSync(path, path);
    writeFileSync(join(dir, 'log'), Buffer.alloc(5 * 1024 * 1024));

    const seen = await readFiles(local, [...files, join(dir, 'log')]);

    expect(files.map((path) => seen.get(path)?.bytes?.toString())).toEqual(files);
    expect(seen.get(join(dir, 'log'))).toMatchObject({ kind: 'fault', reason: 'too-large' });
  });

  it('reads one by one when a file is written to meanwhile', async () => {
    const files = ['a', 'b', 'c', 'd', 'e'].map((name) => join(dir, name));
    for (const path of files) writeFileSync(path, `content of ${path}`);
    // The first base64 that runs replaces a file, as somebody else might between the two looks at its state.
    const tools = join(dir, 'tools');
    mkdirSync(tools);
    const base64 = `#!/bin/sh\n[ -e "${dir}/done" ] || { touch "${dir}/done"; echo longer >"${files[1]}.new"; mv "${files[1]}.new" "${files[1]}"; }\nexec /usr/bin/base64 "$@"\n`;
    writeFileSync(join(tools, 'base64'), base64, { mode: 0o755 });
    const path = `PATH=${tools}:${process.env.PATH}`;
    const access = recording({ node: 'n1', run: (argv, options) => local.run(['env', path, ...argv], options) });

    const seen = await readFiles(access, files);

    expect(access.argvs).toHaveLength(2);
    expect([...seen.values()].map((each) => each.bytes?.toString())).toEqual(
      files.map((each, i) => (i === 1 ? 'longer\n' : `content of ${each}`)),
    );
  });

  it('takes no path that is not absolute or has a line break', async () => {
    await expect(readFiles(local, ['etc/x'])).rejects.toMatchObject({ exitCode: 2 });
    await expect(readFiles(local, ['/etc/a\n/etc/b'])).rejects.toMatchObject({ exitCode: 2 });
  });

  it('gives back any bytes', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 3_000 }), async (bytes) => {
        await writeFile(local, file, bytes);
        const seen = (await readFiles(local, [file])).get(file);
        return seen?.bytes !== undefined && Buffer.compare(seen.bytes, Buffer.from(bytes)) === 0;
      }),
      { numRuns: 25 },
    );
  });
});

describe('writeFile', () => {
  it('replaces the content in one rename and keeps mode and owner', async () => {
    writeFileSync(file, 'old');
    chmodSync(file, 0o640);
    if (process.getuid?.() === 0) chownSync(file, 0, 42);
    const before = statSync(file);

    await writeFile(local, file, Buffer.from('new'), { expect: sha('old') });

    const after = statSync(file);
    expect(readFileSync(file, 'utf8')).toBe('new');
    expect({ mode: after.mode, uid: after.uid, gid: after.gid }).toEqual({
      mode: before.mode,
      uid: before.uid,
      gid: before.gid,
    });
    expect(after.ino).not.toBe(before.ino);
    expect(readdirSync(dir)).toEqual(['a $HOME "b".crt']);
  });

  it('makes a file with the mode asked for, 0600 otherwise', async () => {
    await writeFile(local, file, Buffer.from('key'), { expect: 'absent' });
    await writeFile(local, join(dir, 'pub'), Buffer.from('crt'), { mode: 0o644, expect: 'absent' });

    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(statSync(join(dir, 'pub')).mode & 0o777).toBe(0o644);
  });

  it('never puts the content into an argument', async () => {
    const access = recording(local);

    await writeFile(access, file, Buffer.from('-----BEGIN PRIVATE KEY----- s3cret'));

    expect(JSON.stringify(access.argvs)).not.toMatch(/s3cret|PRIVATE/);
    expect(access.argvs).toHaveLength(1);
  });

  it('leaves other hard links of the old content alone: a reader of one keeps the old bytes', async () => {
    writeFileSync(file, 'old');
    linkSync(file, join(dir, 'other name'));

    await writeFile(local, file, Buffer.from('new'));

    expect(readFileSync(join(dir, 'other name'), 'utf8')).toBe('old');
    expect(statSync(file).nlink).toBe(1);
  });

  it('follows a link and leaves it', async () => {
    mkdirSync(join(dir, 'real'));
    writeFileSync(join(dir, 'real', 'ca.crt'), 'old');
    symlinkSync('real/ca.crt', join(dir, 'ca.crt'));

    await writeFile(local, join(dir, 'ca.crt'), Buffer.from('new'));

    expect(readlinkSync(join(dir, 'ca.crt'))).toBe('real/ca.crt');
    expect(readFileSync(join(dir, 'real', 'ca.crt'), 'utf8')).toBe('new');
  });

  it('refuses when the content is not the one expected', async () => {
    writeFileSync(file, 'somebody else was here');

    for (const expected of [sha('old'), 'absent']) {
      const thrown = await failure(writeFile(local, file, Buffer.from('new'), { expect: expected }));
      expect(thrown).toMatchObject({ trouble: 'changed', node: 'n1', path: file, exitCode: 4 });
    }
    const gone = await failure(writeFile(local, join(dir, 'gone'), Buffer.from('new'), { expect: sha('old') }));

    expect(gone.trouble).toBe('changed');
    expect(readFileSync(file, 'utf8')).toBe('somebody else was here');
    expect(readdirSync(dir)).toHaveLength(1);
  });

  it('removes what an earlier write that was killed has left', async () => {
    writeFileSync(join(dir, '.a $HOME "b".crt.reroot.AbCdEf'), 'half a key');

    await writeFile(local, file, Buffer.from('new'));

    expect(readdirSync(dir)).toEqual(['a $HOME "b".crt']);
  });

  it('is whole or not at all for one who reads all the time', async () => {
    writeFileSync(file, 'a'.repeat(50_000));
    const seen = new Set<string>();
    const watching = setInterval(() => seen.add(sha(readFileSync(file))), 0);

    await writeFile(local, file, Buffer.from('b'.repeat(50_000)));
    await writeFile(local, file, Buffer.from('a'.repeat(50_000)));
    clearInterval(watching);

    for (const hash of seen) expect([sha('a'.repeat(50_000)), sha('b'.repeat(50_000))]).toContain(hash);
  });
});

describe('a write that cannot be done says why and leaves everything as it was', () => {
  const attempt = async (access: NodeAccess, size = 3) => {
    writeFileSync(file, 'old');
    const thrown = await failure(writeFile(access, file, Buffer.alloc(size, 'n')));
    expect(readFileSync(file, 'utf8')).toBe('old');
    expect(readdirSync(dir)).toEqual(['a $HOME "b".crt']);
    expect(thrown.hints).toHaveLength(1);
    return thrown;
  };

  it('a folder that may not be written', async () => {
    chmodSync(dir, 0o555);

    const thrown = await attempt(unprivileged());

    expect(thrown).toMatchObject({ trouble: 'permission' });
    expect(thrown.message).toBe(`cannot write ${file} on n1: permission denied`);
  });

  it('a file that belongs to another: its owner cannot be kept', async (context) => {
    if (process.getuid?.() !== 0) return context.skip('needs root to make a file of another user');
    chownSync(dir, UNPRIVILEGED_IDS.uid, UNPRIVILEGED_IDS.gid);

    await expect(attempt(unprivileged())).resolves.toMatchObject({ trouble: 'permission' });
  });

  it('a file size limit, which holds for root as well', async () => {
    await expect(attempt(prepared('ulimit -f 1'), 20_000)).resolves.toMatchObject({ trouble: 'too-large' });
  });

  it('a disk that is full, a disk that is read-only', async (context) => {
    const mounted = (options: string) =>
      prepared(
        `unshare -rm sh -c "mount -t tmpfs -o ${options} none \\"\\$1\\" && printf old >\\"\\$1/f\\"; mount -o remount,${options} \\"\\$1\\"; shift; exec \\"\\$@\\"" sh "${dir.replaceAll("'", `'"'"'`)}" "$@"; exit`,
      );
    const probe = await mounted('size=64k').run(['true']);
    if (probe.code !== 0) return context.skip(`no user namespaces here: ${probe.stderr.trim()}`);
    const path = join(dir, 'f');

    const full = await failure(writeFile(mounted('size=64k'), path, Buffer.alloc(200_000, 'n')));
    const readOnly = await failure(writeFile(mounted('size=64k,ro'), path, Buffer.from('n')));

    expect(full.trouble).toBe('no-space');
    expect(readOnly.trouble).toBe('read-only');
  });

  it('a folder that is not there, a folder in the place of the file', async () => {
    const missing = await failure(writeFile(local, join(dir, 'none', 'x'), Buffer.from('n')));
    const folder = await failure(writeFile(local, dir, Buffer.from('n')));

    expect(missing.trouble).toBe('no-folder');
    expect(folder.trouble).toBe('not-a-file');
    expect(readdirSync(dir)).toEqual([]);
  });

  it('an input that is cut off on the way', async () => {
    const cut: NodeAccess = { node: 'n1', run: (argv, options) => local.run(argv, { ...options, stdin: 'n' }) };

    await expect(attempt(cut)).resolves.toMatchObject({ trouble: 'other' });
  });

  it('an abort in the middle', async () => {
    writeFileSync(file, 'old');
    const bin = join(dir, 'bin');
    mkdirSync(bin);
    writeFileSync(join(bin, 'sync'), '#!/bin/sh\nsleep 5\n', { mode: 0o755 });
    const access: NodeAccess = {
      node: 'n1',
      run: (argv, options) => local.run(['env', `PATH=${bin}:${process.env.PATH}`, ...argv], options),
    };

    const write = writeFile(access, file, Buffer.from('new'), { signal: AbortSignal.timeout(400) });

    await expect(write).rejects.toMatchObject({ name: 'TimeoutError' });
    await expect.poll(() => readdirSync(dir).sort(), { timeout: 3_000 }).toEqual(['a $HOME "b".crt', 'bin']);
    expect(readFileSync(file, 'utf8')).toBe('old');
  });
});

describe('writeLinked', () => {
  const link = () => join(dir, 'kubelet-client-current.pem');
  beforeEach(() => {
    writeFileSync(join(dir, 'kubelet-client-2026-01-01-00-00-00.pem'), 'old', { mode: 0o600 });
    symlinkSync(join(dir, 'kubelet-client-2026-01-01-00-00-00.pem'), link());
  });

  it('turns the link over to a new dated file, as the kubelet does', async () => {
    await writeLinked(local, link(), Buffer.from('new'), { expect: sha('old'), now: new Date('2026-11-24T12:34:56Z') });

    expect(readlinkSync(link())).toBe(join(dir, 'kubelet-client-2026-11-24-12-34-56.pem'));
    expect(readFileSync(link(), 'utf8')).toBe('new');
    expect(statSync(link()).mode & 0o777).toBe(0o600);
    expect(readFileSync(join(dir, 'kubelet-client-2026-01-01-00-00-00.pem'), 'utf8')).toBe('old');
    expect(readdirSync(dir)).toHaveLength(3);
  });

  it('never writes over a file that has the name already', async () => {
    const now = new Date('2026-01-01T00:00:00Z');

    await writeLinked(local, link(), Buffer.from('new'), { now });

    expect(readlinkSync(link())).toBe(join(dir, 'kubelet-client-2026-01-01-00-00-00-2.pem'));
    expect(readFileSync(join(dir, 'kubelet-client-2026-01-01-00-00-00.pem'), 'utf8')).toBe('old');
  });

  it('removes what an earlier write by this link that was killed has left, and nothing else', async () => {
    const left = ['01-02-03', '01-02-03-2'].map((time) => `.kubelet-client-2026-10-01-${time}.pem.reroot.AbCdEf`);
    const others = [
      '.kubelet-client-2026-10-01-01-02-03.pem.swp',
      '.kubelet-client-mine.pem.reroot.AbCdEf',
      '.kubelet-server-2026-10-01-01-02-03.pem.reroot.AbCdEf',
    ];
    for (const name of [...left, ...others]) writeFileSync(join(dir, name), 'half a key');

    await writeLinked(local, link(), Buffer.from('new'));

    expect(readdirSync(dir).filter((name) => name.startsWith('.'))).toEqual(others);
  });

  it('leaves the link and no file when it cannot be done', async () => {
    const changed = await failure(writeLinked(local, link(), Buffer.from('new'), { expect: sha('other') }));
    const large = await failure(writeLinked(prepared('ulimit -f 1'), link(), Buffer.alloc(20_000)));

    expect([changed.trouble, large.trouble]).toEqual(['changed', 'too-large']);
    expect(readdirSync(dir)).toHaveLength(2);
    expect(readFileSync(link(), 'utf8')).toBe('old');
  });

  it('writes through any other link', async () => {
    symlinkSync('kubelet-client-2026-01-01-00-00-00.pem', join(dir, 'cert.pem'));

    await writeLinked(local, join(dir, 'cert.pem'), Buffer.from('new'));

    expect(lstatSync(join(dir, 'cert.pem')).isSymbolicLink()).toBe(true);
    expect(readFileSync(join(dir, 'kubelet-client-2026-01-01-00-00-00.pem'), 'utf8')).toBe('new');
  });
});

describe('folders and the rest', () => {
  it('makes private folders, and none in the place of a link', async () => {
    await makeDir(local, join(dir, 'a', 'b'));
    symlinkSync('/tmp', join(dir, 'link'));

    expect(statSync(join(dir, 'a', 'b')).mode & 0o777).toBe(0o700);
    await makeDir(local, join(dir, 'a', 'b'), 0o750);
    expect(statSync(join(dir, 'a', 'b')).mode & 0o777).toBe(0o750);
    await expect(makeDir(local, join(dir, 'link'))).rejects.toThrow(/cannot make the folder/);
  });

  it.each([
    ['755', 0o755],
    ['750', 0o750],
    ['700', 0o700],
  ])('makes each folder that is missing with the mode %s, and leaves those that are there', async (_, mode) => {
    chmodSync(dir, 0o711);

    await makeDir(local, join(dir, 'a', 'b', 'c'), mode);

    const made = ['a', 'a/b', 'a/b/c'].map((name) => statSync(join(dir, name)).mode & 0o777);
    expect(made).toEqual([mode, mode, mode]);
    expect(statSync(dir).mode & 0o777).toBe(0o711);
  });

  it('copies a folder for real: no hard link to the source nor between the copies', async () => {
    const from = join(dir, 'pki');
    mkdirSync(from);
    writeFileSync(join(from, 'ca.key'), 'key', { mode: 0o600 });
    linkSync(join(from, 'ca.key'), join(from, 'ca.key.bak'));
    symlinkSync('ca.key', join(from, 'current'));
    utimesSync(join(from, 'ca.key'), 1_700_000_000, 1_700_000_000);

    await copyDir(local, from, join(dir, 'backup', 'pki'));

    const copy = join(dir, 'backup', 'pki');
    const [a, b, source] = [join(copy, 'ca.key'), join(copy, 'ca.key.bak'), join(from, 'ca.key')].map((path) =>
      statSync(path),
    );
    expect(new Set([a?.ino, b?.ino, source?.ino]).size).toBe(3);
    expect(a).toMatchObject({ nlink: 1, mtimeMs: 1_700_000_000_000 });
    expect((a?.mode ?? 0) & 0o777).toBe(0o600);
    expect(readlinkSync(join(copy, 'current'))).toBe('ca.key');
    expect(statSync(copy).mode & 0o777).toBe(0o700);
    await expect(copyDir(local, from, copy)).rejects.toThrow(/exists/);
    await expect(copyDir(local, join(dir, 'none'), join(dir, 'c'))).rejects.toThrow(/not a folder/);
    expect(existsSync(join(dir, 'c'))).toBe(false);
  });

  it('finds files and links by name below the roots that exist', async () => {
    mkdirSync(join(dir, 'deep', 'er'), { recursive: true });
    writeFileSync(join(dir, 'deep', 'er', 'x.conf'), '');
    writeFileSync(join(dir, 'y.pem'), '');
    writeFileSync(join(dir, 'z.txt'), '');
    symlinkSync('y.pem', join(dir, 'l.pem'));

    await expect(findFiles(local, [dir, '/none'], ['*.conf', '*.pem'])).resolves.toEqual(
      [join(dir, 'deep', 'er', 'x.conf'), join(dir, 'l.pem'), join(dir, 'y.pem')].sort(),
    );
    await expect(findFiles(local, [dir], ['*.conf'], { depth: 1 })).resolves.toEqual([]);
  });

  it('removes a file, and nothing that is another than expected', async () => {
    writeFileSync(file, 'old');

    await expect(removeFile(local, file, { expect: sha('other') })).rejects.toMatchObject({ trouble: 'changed' });
    await removeFile(local, file, { expect: sha('old') });
    await removeFile(local, file);

    expect(existsSync(file)).toBe(false);
    await expect(removeFile(local, dir)).rejects.toMatchObject({ trouble: 'not-a-file' });
  });

  it('knows the free space, also where nothing is yet', async () => {
    const [, , , available = ''] =
      execFileSync('df', ['-B1', '-P', dir]).toString().trim().split('\n')[1]?.split(/\s+/) ?? [];

    const free = await freeBytes(local, join(dir, 'not', 'yet'));

    expect(Math.abs(free - Number(available))).toBeLessThan(1_000_000_000);
    expect(free).toBeGreaterThan(0);
  });
});
