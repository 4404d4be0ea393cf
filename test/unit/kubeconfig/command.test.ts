import { chmodSync, existsSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { registerKubeconfig } from '../../../src/cli/commands/kubeconfig.ts';
import { materialIn } from '../../../src/kubeconfig/edit.ts';
import { readLocal, writeLocal } from '../../../src/kubeconfig/local-files.ts';
import { keyToPem } from '../../../src/pki/pem.ts';
import { put, tempDir, withFileSizeLimit } from '../backup/local-node.ts';
import { base64, clientKey, kubeconfig, newCA, oldCA } from './material.ts';

let dir: string;
let file: string;
let caFile: string;
beforeEach(() => {
  dir = tempDir();
  file = put(join(dir, 'ann.conf'), kubeconfig(), 0o640);
  chmodSync(file, 0o640);
  caFile = put(join(dir, 'new.crt'), newCA.certificate.pem);
});

async function run(...args: string[]): Promise<string> {
  let written = '';
  const spy = vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    written += String(text);
    return true;
  });
  try {
    const root = new Command().exitOverride().configureOutput({ writeErr: () => {} });
    registerKubeconfig(root);
    await root.parseAsync(['kubeconfig', ...args], { from: 'user' });
    return written;
  } finally {
    spy.mockRestore();
  }
}

const trusts = (path: string) =>
  materialIn({ text: readFileSync(path, 'utf8'), what: path, choice: {} }).anchors.map((anchor) => anchor.subject);

describe('reroot kubeconfig', () => {
  it('show tells what is trusted and presented and prints no key', async () => {
    const text = await run('show', file);
    const [json] = JSON.parse(await run('show', '-o', 'json', file));

    expect(text).toContain('server    https://10.0.0.10:6443');
    expect(text).toContain(`sha256 ${oldCA.certificate.fingerprint}`);
    expect(text).toContain('issued by CN=kubernetes');
    expect(json).toMatchObject({
      file,
      context: 'prod',
      user: 'ann',
      login: 'certificate',
      ca: [{ subject: 'CN=kubernetes' }],
    });
    for (const output of [text, JSON.stringify(json)]) {
      expect(output).not.toContain('PRIVATE KEY');
      expect(output).not.toContain(base64(keyToPem(clientKey)).slice(0, 40));
    }
  });

  it('add shows the change, writes it, and keeps mode and comments', async () => {
    const output = await run('add', '--ca', caFile, file);

    expect(output).toContain('+ certificate CN=kubernetes-2026');
    expect(trusts(file)).toEqual(['CN=kubernetes', 'CN=kubernetes-2026']);
    expect(statSync(file).mode & 0o777).toBe(0o640);
    expect(readFileSync(file, 'utf8')).toContain("# Ann's clusters");
    expect(existsSync(`${file}.reroot-bak`)).toBe(false);
    expect(await run('add', '--ca', caFile, file)).toContain('nothing to change');
  });

  it('--dry-run shows the same and changes nothing', async () => {
    const before = statSync(file);

    const output = await run('add', '--dry-run', '--backup', '--ca', caFile, file);

    expect(output).toContain('+ certificate CN=kubernetes-2026');
    expect(trusts(file)).toEqual(['CN=kubernetes']);
    expect(statSync(file).ino).toBe(before.ino);
    expect(existsSync(`${file}.reroot-bak`)).toBe(false);
  });

  it('--backup keeps the file as it was, and never over an earlier copy', async () => {
    const before = readFileSync(file, 'utf8');

    await run('add', '--backup', '--ca', caFile, file);

    expect(readFileSync(`${file}.reroot-bak`, 'utf8')).toBe(before);
    expect(statSync(`${file}.reroot-bak`).mode & 0o777).toBe(0o640);
    const drop = run('drop', '--backup', '--fingerprint', oldCA.certificate.fingerprint, file);
    await expect(drop).rejects.toThrow(/reroot-bak exists already/);
    expect(trusts(file)).toHaveLength(2);
  });

  it('drop takes a fingerprint with colons, or a file', async () => {
    const second = put(join(dir, 'b.conf'), kubeconfig({ ca: oldCA.certificate.pem + newCA.certificate.pem }));
    await run('add', '--ca', caFile, file);
    const colons = (oldCA.certificate.fingerprint.match(/../g) ?? []).join(':').toUpperCase();

    await run('drop', '--fingerprint', colons, file);
    await run('drop', '--ca', put(join(dir, 'old.crt'), oldCA.certificate.pem), second);

    expect(trusts(file)).toEqual(['CN=kubernetes-2026']);
    expect(trusts(second)).toEqual(['CN=kubernetes-2026']);
  });

  it('one bad file among good ones changes none', async () => {
    const bad = put(join(dir, 'bad.conf'), 'kind: Pod\n');

    await expect(run('add', '--ca', caFile, file, bad)).rejects.toMatchObject({ exitCode: 2 });

    expect(trusts(file)).toEqual(['CN=kubernetes']);
  });

  it('writes through a link and leaves it a link', async () => {
    const link = join(dir, 'config');
    symlinkSync('ann.conf', link);

    await run('add', '--ca', caFile, link);

    expect(trusts(file)).toHaveLength(2);
    expect(statSync(link).ino).toBe(statSync(file).ino);
  });

  it('reissues with a CA and says what changed', async () => {
    const key = put(join(dir, 'new.key'), keyToPem(newCA.key), 0o600);

    const output = await run('reissue', '--ca-cert', caFile, '--ca-key', key, file);

    expect(output).toContain('- certificate CN=ann,O=developers');
    expect(materialIn({ text: readFileSync(file, 'utf8'), what: file, choice: {} }).client[0]?.issuer).toBe(
      'CN=kubernetes-2026',
    );
  });

  it.each([
    ['no such file', () => ['add', '--ca', caFile, join(dir, 'none')], /cannot read .*none/],
    ['a folder', () => ['add', '--ca', caFile, dir], /is not a file/],
    ['a CA file that is none', () => ['add', '--ca', put(join(dir, 'x.crt'), 'hello'), file], /holds no certificate/],
    ['a binary file', () => ['show', binary()], /is not a text file/],
    ['half a CA', () => ['reissue', '--ca-cert', caFile, file], /go together/],
    [
      "a key that is another one's",
      () => ['reissue', '--ca-cert', caFile, '--ca-key', put(join(dir, 'o.key'), keyToPem(oldCA.key)), file],
      /is not that certificate's key/,
    ],
    ['a fingerprint that is too short', () => ['drop', '--fingerprint', 'abcd', file], /no SHA-256 fingerprint/],
    ['nothing to drop', () => ['drop', file], /nothing to drop was named/],
  ])('%s is wrong use and changes nothing', async (_, args, reason) => {
    const before = readFileSync(file, 'utf8');
    const command = args();

    await expect(run(...command)).rejects.toMatchObject({ exitCode: 2, message: expect.stringMatching(reason) });

    expect(readFileSync(file, 'utf8')).toBe(before);
  });

  it('an earlier copy of one file stops the change of all, before anything is written', async () => {
    const before = readFileSync(file, 'utf8');
    const second = put(join(dir, 'second.conf'), kubeconfig());
    writeFileSync(`${second}.reroot-bak`, 'mine');

    await expect(run('add', '--backup', '--ca', caFile, file, second)).rejects.toMatchObject({ exitCode: 2 });

    expect(readFileSync(file, 'utf8')).toBe(before);
    expect(existsSync(`${file}.reroot-bak`)).toBe(false);
    expect(readFileSync(`${second}.reroot-bak`, 'utf8')).toBe('mine');
  });
});

describe('a write that fails', () => {
  const edit = (path: string, text: string) => ({ file: readLocal(path), text });

  it('half-way leaves the file as it was, no rest beside it, and says what was written before', async () => {
    const second = put(join(dir, 'second.conf'), 'two');
    const third = put(join(dir, 'third.conf'), 'three');

    const writing = writeLocal(
      [edit(second, 'short'), edit(third, 'x'.repeat(300_000))],
      { backup: false },
      withFileSizeLimit(64, 'this machine'),
    );

    await expect(writing).rejects.toMatchObject({
      exitCode: 4,
      message: expect.stringMatching(
        /third\.conf on this machine: a file size limit.*written before that: .*second\.conf/,
      ),
    });
    expect(readFileSync(second, 'utf8')).toBe('short');
    expect(readFileSync(third, 'utf8')).toBe('three');
    expect(readdirSync(dir).filter((name) => name.includes('reroot'))).toEqual([]);
  });

  it('because somebody else wrote in between touches nothing', async () => {
    const stale = edit(file, 'ours');
    writeFileSync(file, 'theirs');

    await expect(writeLocal([stale], { backup: false })).rejects.toThrow(/somebody else changed it/);

    expect(readFileSync(file, 'utf8')).toBe('theirs');
  });
});

function binary(): string {
  const path = join(dir, 'binary');
  writeFileSync(path, Buffer.from([0xff, 0xfe, 0x00, 0x80]));
  return path;
}
