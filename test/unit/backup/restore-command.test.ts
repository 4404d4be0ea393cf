// The whole command against a node that is a folder of this machine, while no API server answers.
import { createHash } from 'node:crypto';
import { readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { generateX25519Identity, identityToRecipient } from 'age-encryption';
import { Command } from 'commander';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type ArchivedFile, encrypterFor, writeArchive } from '../../../src/backup/archive.ts';
import { backupNode } from '../../../src/backup/node-backup.ts';
import { registerRestore } from '../../../src/cli/commands/restore.ts';
import { keyToPem } from '../../../src/pki/pem.ts';
import { startApi, type TestApi } from '../cluster/api-server.ts';
import { newCA, oldCA } from '../kubeconfig/material.ts';
import { record } from '../views/fixtures.ts';
import { node, put, tempDir } from './local-node.ts';

const me = `${process.getuid?.()}:${process.getgid?.()}`;
let pki: string;
let ca: string;
let key: string;
let archive: string;
let identity: string;
let config: string;
let common: string[];
/** Writes the archive anew, of the cluster with this UID. */
let archiveOf: (clusterUid?: string) => Promise<void>;

beforeEach(async () => {
  const root = tempDir();
  pki = join(root, 'pki');
  ca = put(join(pki, 'ca.crt'), newCA.certificate.pem);
  key = put(join(pki, 'ca.key'), keyToPem(newCA.key), 0o600);
  const secret = await generateX25519Identity();
  identity = put(join(root, 'key.txt'), `${secret}\n`, 0o600);
  archive = join(root, 'backup.age');
  const header = {
    reroot: 'backup' as const,
    version: 1 as const,
    takenAt: '2026-11-24T22:00:00.000Z',
    server: 'https://127.0.0.1:1',
    kubernetes: 'v1.36.3',
    nodes: [{ name: 'cp1' }],
    folders: [{ node: 'cp1', home: join(pki, 'reroot') }],
  };
  const recipient = await identityToRecipient(secret);
  archiveOf = async (clusterUid) => {
    const entries = [archived(ca, oldCA.certificate.pem, '644'), archived(key, keyToPem(oldCA.key), '600')];
    const uid = clusterUid === undefined ? {} : { clusterUid };
    rmSync(archive, { force: true });
    await writeArchive(archive, encrypterFor([recipient]), { ...header, ...uid }, stream(entries));
  };
  await archiveOf();
  config = put(join(root, 'reroot.yaml'), 'access: local\n');
  common = ['--config', config, '--kubeconfig', join(root, 'none')];
});

async function* stream<T>(values: T[]): AsyncGenerator<T> {
  yield* values;
}

const archived = (file: string, content: string, mode: string): ArchivedFile => ({
  file,
  node: 'cp1',
  mode,
  owner: me,
  sha256: createHash('sha256').update(content).digest('hex'),
  changedAt: 1,
  content: Buffer.from(content).toString('base64'),
});

async function run(...args: string[]): Promise<{ out: string; err: string; exitCode: unknown }> {
  const written = { out: '', err: '' };
  const into = (name: 'out' | 'err') => (text: string | Uint8Array) => {
    written[name] += String(text);
    return true;
  };
  const spies = [
    vi.spyOn(process.stdout, 'write').mockImplementation(into('out')),
    vi.spyOn(process.stderr, 'write').mockImplementation(into('err')),
  ];
  try {
    const root = new Command().exitOverride();
    registerRestore(root);
    await root.parseAsync(['restore', ...args, ...common], { from: 'user' });
    return { ...written, exitCode: process.exitCode };
  } finally {
    for (const spy of spies) spy.mockRestore();
    process.exitCode = 0;
  }
}

const fromFile = () => ['--in', archive, '--identity', identity];

describe('reroot restore', () => {
  it('--dry-run shows certificates and that the key differs, prints no key, changes nothing', async () => {
    const { out, err } = await run(...fromFile(), '--dry-run');

    expect(out).toContain(`cp1:${ca}`);
    expect(out).toContain('- certificate CN=kubernetes-2026');
    expect(out).toContain('+ certificate CN=kubernetes ');
    expect(out).toContain('~ private key: of public key');
    expect(out).toContain('2 to restore, 0 as in the backup already.');
    expect(err).toContain('without the API server');
    expect(out + err).not.toContain('PRIVATE KEY');
    expect(readFileSync(ca, 'utf8')).toBe(newCA.certificate.pem);
  });

  it('without a terminal needs --yes', async () => {
    await expect(run(...fromFile())).rejects.toMatchObject({ exitCode: 2, message: expect.stringContaining('--yes') });

    expect(readFileSync(ca, 'utf8')).toBe(newCA.certificate.pem);
  });

  it('--yes writes both back, with their modes, and a second run has nothing to do', async () => {
    await run(...fromFile(), '--yes');

    expect(readFileSync(ca, 'utf8')).toBe(oldCA.certificate.pem);
    expect(readFileSync(key, 'utf8')).toBe(keyToPem(oldCA.key));
    expect(statSync(key).mode & 0o777).toBe(0o600);
    expect((await run(...fromFile(), '--yes')).out).toContain('0 to restore, 2 as in the backup already.');
  });

  it('while a rotation is open is refused, unless forced', async () => {
    put(join(pki, 'reroot/record.json'), JSON.stringify(record({ state: 'open' })), 0o600);

    await expect(run(...fromFile(), '--yes')).rejects.toMatchObject({
      exitCode: 3,
      message: expect.stringContaining('rotation r1 is open'),
    });
    expect(readFileSync(ca, 'utf8')).toBe(newCA.certificate.pem);

    await run(...fromFile(), '--yes', '--force');
    expect(readFileSync(ca, 'utf8')).toBe(oldCA.certificate.pem);
  });

  it('after a rotation that has ended is allowed', async () => {
    put(join(pki, 'reroot/record.json'), JSON.stringify(record({ state: 'done' })), 0o600);

    await run(...fromFile(), '--yes');

    expect(readFileSync(ca, 'utf8')).toBe(oldCA.certificate.pem);
  });

  it('takes the backup that lies on the node, by its id', async () => {
    await backupNode(node(), [ca], join(pki, 'reroot/backup-r7'));
    put(ca, 'broken');

    await run('--from-node-backup', 'r7', '--node', 'cp1', '--pki', pki, '--yes');

    expect(readFileSync(ca, 'utf8')).toBe(newCA.certificate.pem);
  });

  it('names a node without that backup, and ends with 1', async () => {
    const { out, exitCode } = await run('--from-node-backup', 'r9', '--node', 'cp1', '--pki', pki, '--yes');

    expect(out).toContain('0 to restore, 0 as in the backup already.');
    expect(out).toContain(`node/cp1: no whole backup is there: ${join(pki, 'reroot/backup-r9')}`);
    expect(exitCode).toBe(1);
  });

  it.each([
    ['nothing to restore from', () => [], /say what to restore from/],
    ['both', () => [...fromFile(), '--from-node-backup', 'r1'], /say what to restore from/],
    ['no identity', () => ['--in', archive], /needs --identity/],
    ['an identity that is none', () => ['--in', archive, '--identity', ca], /is not an age identity/],
    ['a node that is not in it', () => [...fromFile(), '--node', 'cp9'], /has no node cp9/],
    ['no API server and no node named', () => ['--from-node-backup', 'r1'], /nodes are not known/],
    ['an id that is a path', () => ['--from-node-backup', '../../x', '--node', 'cp1'], /no place for a backup/],
  ])('%s is wrong use', async (_, args, reason) => {
    await expect(run(...args())).rejects.toMatchObject({ exitCode: 2, message: expect.stringMatching(reason) });
  });
});

describe('reroot restore while an API server answers', () => {
  const KUBE_SYSTEM = '/api/v1/namespaces/kube-system';
  let api: TestApi;
  beforeEach(async () => {
    api = await startApi();
    api.objects.set('/version', { metadata: { name: 'version' } });
    api.objects.set(KUBE_SYSTEM, { metadata: { name: 'kube-system', uid: 'of-b' } });
    common = ['--config', config, '--kubeconfig', put(join(tempDir(), 'kubeconfig'), api.kubeconfig)];
  });
  afterEach(() => api.close());

  it('refuses the backup of another cluster before anything is written, unless forced', async () => {
    await archiveOf('of-a');

    for (const how of ['--yes', '--dry-run'])
      await expect(run(...fromFile(), how)).rejects.toMatchObject({
        exitCode: 3,
        message: expect.stringMatching(/of another cluster: .*of-a.*of-b/),
        hints: expect.arrayContaining([expect.stringContaining('--kubeconfig')]),
      });
    expect(readFileSync(ca, 'utf8')).toBe(newCA.certificate.pem);

    const { out } = await run(...fromFile(), '--yes', '--force');
    expect(out).toContain('note: the backup is of another cluster');
    expect(readFileSync(ca, 'utf8')).toBe(oldCA.certificate.pem);
  });

  it('says nothing where it is the same', async () => {
    await archiveOf('of-b');

    const { out } = await run(...fromFile(), '--yes');

    expect(out).not.toContain('note:');
    expect(readFileSync(ca, 'utf8')).toBe(oldCA.certificate.pem);
  });

  it.each<[string, () => Promise<unknown>, RegExp]>([
    ['a backup that does not say', () => archiveOf(), /not known: the backup does not say which one/],
    [
      'a namespace that may not be read',
      () => archiveOf('of-a').then(() => api.objects.delete(KUBE_SYSTEM)),
      /not known: the namespace kube-system cannot be read/,
    ],
    [
      'no API server',
      () => archiveOf('of-a').then(() => common.splice(-1, 1, '/none')),
      /not known: no API server answers/,
    ],
  ])('says in the plan that it cannot be compared: %s', async (_, before, reason) => {
    await before();

    const { out } = await run(...fromFile(), '--yes');
    const [note] = JSON.parse((await run(...fromFile(), '-o', 'json', '--dry-run')).out).notes;

    expect(out).toMatch(reason);
    expect(note).toMatch(reason);
    expect(readFileSync(ca, 'utf8')).toBe(oldCA.certificate.pem);
  });
});
