import {
  chmodSync,
  existsSync,
  linkSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { backupNode, verifyNodeBackup } from '../../../src/backup/node-backup.ts';
import { node, put, tempDir, withFileSizeLimit } from './local-node.ts';

function fixture() {
  const root = tempDir();
  const ca = put(join(root, 'pki/ca.crt'), 'certificate of old\n');
  const key = put(join(root, 'pki/ca.key'), 'key of old\n', 0o600);
  utimesSync(ca, new Date('2020-01-02T03:04:05Z'), new Date('2020-01-02T03:04:05Z'));
  return { root, ca, key, dir: join(root, 'pki/reroot/backup-r1') };
}

describe('the backup on a node', () => {
  it('is a real copy of each file with mode, owner and time, in a folder for its owner only', async () => {
    const { ca, key, dir } = fixture();

    const result = await backupNode(node(), [ca, key], dir);

    expect(result.copied).toBe(2);
    expect(statSync(dir).mode & 0o777).toBe(0o700);
    const copy = join(dir, result.manifest.files.find((entry) => entry.path === ca)?.copy ?? '');
    expect(readFileSync(copy, 'utf8')).toBe('certificate of old\n');
    expect(statSync(copy).mtime.toISOString()).toBe('2020-01-02T03:04:05.000Z');
    expect(statSync(copy).ino).not.toBe(statSync(ca).ino);
    expect(statSync(copy).nlink).toBe(1);
    const keyEntry = result.manifest.files.find((entry) => entry.path === key);
    expect(keyEntry).toMatchObject({ mode: '600', owner: `${process.getuid?.()}:${process.getgid?.()}`, size: 11 });
    expect(statSync(join(dir, 'manifest.json')).mode & 0o777).toBe(0o600);
    expect(await verifyNodeBackup(node(), dir)).toMatchObject({ ok: true, files: 2, problems: [] });
  });

  it('never takes the half-rotated state for the original one', async () => {
    const { ca, key, dir } = fixture();
    await backupNode(node(), [ca], dir);
    writeFileSync(ca, 'both\n');

    const again = await backupNode(node(), [ca, key], dir);

    const entry = again.manifest.files.find((file) => file.path === ca);
    expect(readFileSync(join(dir, entry?.copy ?? ''), 'utf8')).toBe('certificate of old\n');
    expect(again.copied).toBe(1);
    expect(again.manifest.files.map((file) => file.path)).toEqual([ca, key]);
  });

  it('starts over when it was killed before it was whole', async () => {
    const { ca, dir } = fixture();
    const { manifest } = await backupNode(node(), [ca], dir);
    rmSync(join(dir, 'manifest.json'));
    writeFileSync(ca, 'renewed in between\n');

    expect((await verifyNodeBackup(node(), dir)).ok).toBe(false);
    await backupNode(node(), [ca], dir);

    expect(readFileSync(join(dir, manifest.files[0]?.copy ?? ''), 'utf8')).toBe('renewed in between\n');
    expect((await verifyNodeBackup(node(), dir)).ok).toBe(true);
  });

  it('keeps what a link says and the bytes at its end', async () => {
    const { root, dir } = fixture();
    const dated = put(join(root, 'kubelet/kubelet-client-2026.pem'), 'pair\n', 0o600);
    const link = join(root, 'kubelet/kubelet-client-current.pem');
    symlinkSync('kubelet-client-2026.pem', link);

    const { manifest } = await backupNode(node(), [link], dir);

    expect(manifest.files[0]).toMatchObject({ path: link, link: 'kubelet-client-2026.pem', real: dated, mode: '600' });
    expect(readFileSync(join(dir, manifest.files[0]?.copy ?? ''), 'utf8')).toBe('pair\n');
  });

  it('copies a file that has other hard links into one of its own', async () => {
    const { root, ca, dir } = fixture();
    linkSync(ca, join(root, 'pki/ca-other-name.crt'));

    const { manifest } = await backupNode(node(), [ca], dir);

    expect(statSync(join(dir, manifest.files[0]?.copy ?? '')).nlink).toBe(1);
  });

  it('notes a file that is not there', async () => {
    const { root, ca, dir } = fixture();
    const missing = join(root, 'pki/not-there.crt');

    const { manifest } = await backupNode(node(), [ca, missing], dir);

    expect(manifest.files).toContainEqual({ path: missing, absent: true });
  });

  it('takes names with spaces and quotes', async () => {
    const { root, dir } = fixture();
    const odd = put(join(root, `pki/it's a "file" $HOME.crt`), 'x');

    const { manifest } = await backupNode(node(), [odd], dir);

    expect(readFileSync(join(dir, manifest.files[0]?.copy ?? ''), 'utf8')).toBe('x');
    expect((await verifyNodeBackup(node(), dir)).ok).toBe(true);
  });

  it('leaves nothing of a first try that fails half-way, and says on which file', async () => {
    const { root, ca, dir } = fixture();
    const large = put(join(root, 'pki/large.crt'), 'x'.repeat(300_000));

    await expect(backupNode(withFileSizeLimit(64), [ca, large], dir)).rejects.toThrow(
      /back up .*large\.crt on cp1: a file size limit/,
    );

    expect(existsSync(dir)).toBe(false);
    expect(readFileSync(ca, 'utf8')).toBe('certificate of old\n');
  });

  it('keeps the whole backup when a later addition fails', async () => {
    const { root, ca, dir } = fixture();
    await backupNode(node(), [ca], dir);
    const large = put(join(root, 'pki/large.crt'), 'x'.repeat(300_000));

    await expect(backupNode(withFileSizeLimit(64), [ca, large], dir)).rejects.toThrow(/large\.crt/);

    expect(await verifyNodeBackup(node(), dir)).toMatchObject({ ok: true, files: 1 });
  });

  it('refuses a folder in the place of a file', async () => {
    const { root, dir } = fixture();

    await expect(backupNode(node(), [join(root, 'pki')], dir)).rejects.toThrow(/not a regular file/);
  });

  it('refuses a place that is not one of its own', async () => {
    const { root, ca } = fixture();

    for (const dir of [root, '/', join(root, 'backup-x/../../etc'), join(root, 'backup-'), `${root}/a/../backup-1`]) {
      await expect(backupNode(node(), [ca], dir)).rejects.toThrow(/no place for a backup/);
    }
  });
});

describe('a check of a backup', () => {
  it('finds a changed copy, a missing one, a hard link and an open folder', async () => {
    const { root, ca, key, dir } = fixture();
    const third = put(join(root, 'pki/third.crt'), 'third');
    const { manifest } = await backupNode(node(), [ca, key, third], dir);
    const copy = (path: string) => join(dir, manifest.files.find((entry) => entry.path === path)?.copy ?? '');
    writeFileSync(copy(ca), 'tampered\n');
    rmSync(copy(key));
    linkSync(copy(third), join(root, 'another-name'));
    chmodSync(dir, 0o755);

    const check = await verifyNodeBackup(node(), dir);

    expect(check.ok).toBe(false);
    expect(check.problems).toEqual([
      `${dir} has mode 755, not 700: others may read keys in it`,
      `the copy of ${ca} is not what was copied`,
      `the copy of ${key} is missing or cannot be read`,
      `the copy of ${third} has 2 hard links`,
    ]);
  });
});
