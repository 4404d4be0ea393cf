import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { backupNode } from '../../../src/backup/node-backup.ts';
import { carryOut, planRestore } from '../../../src/backup/restore.ts';
import { itemsOfNodeBackup, type RestoreItem } from '../../../src/backup/restore-files.ts';
import { compareObject } from '../../../src/backup/restore-objects.ts';
import { ApiError, type KubeObject } from '../../../src/cluster/client.ts';
import { NodeUnreachable } from '../../../src/nodes/access.ts';
import { newCA, oldCA } from '../kubeconfig/material.ts';
import { node, put, tempDir, withFileSizeLimit } from './local-node.ts';

const me = `${process.getuid?.()}:${process.getgid?.()}`;
const item = (path: string, content: string, over: Partial<RestoreItem> = {}): RestoreItem => ({
  node: 'cp1',
  path,
  bytes: Buffer.from(content),
  mode: 0o600,
  owner: me,
  ...over,
});
const world = { accessOf: () => node() };
const quiet = () => {};

describe('a restore of files', () => {
  it('brings content and mode back, and leaves alone what is as it was', async () => {
    const root = tempDir();
    const changed = put(join(root, 'ca.crt'), 'new', 0o644);
    const opened = put(join(root, 'ca.key'), 'key', 0o644);
    const same = put(join(root, 'same'), 'same', 0o600);
    const gone = join(root, 'gone/deep/file');
    const inode = statSync(same).ino;
    const items = [item(changed, 'old', { mode: 0o644 }), item(opened, 'key'), item(same, 'same'), item(gone, 'back')];

    const plan = await planRestore(items, [], world);
    const told: string[] = [];
    await carryOut(plan, world, (what) => told.push(what));

    expect(plan.files.map((change) => change.differs)).toEqual([['content'], ['mode'], ['absent']]);
    expect(plan.same).toBe(1);
    expect(readFileSync(changed, 'utf8')).toBe('old');
    expect(statSync(opened).mode & 0o777).toBe(0o600);
    expect(readFileSync(gone, 'utf8')).toBe('back');
    expect(['gone', 'gone/deep'].map((name) => statSync(join(root, name)).mode & 0o777)).toEqual([0o755, 0o755]);
    expect(statSync(same).ino).toBe(inode);
    expect(told).toHaveLength(3);
    expect((await planRestore(items, [], world)).files).toEqual([]);
  });

  it('goes from a whole node backup back to the files, links included', async () => {
    const root = tempDir();
    const ca = put(join(root, 'pki/ca.crt'), 'old');
    const dated = put(join(root, 'kubelet/kubelet-client-2025.pem'), 'pair of old', 0o600);
    const link = join(root, 'kubelet/kubelet-client-current.pem');
    symlinkSync(dated, link);
    const dir = join(root, 'pki/reroot/backup-r1');
    await backupNode(node(), [ca, link, join(root, 'pki/none')], dir);
    writeFileSync(ca, 'new');
    rmSync(dirname(link), { recursive: true });

    const plan = await planRestore((await itemsOfNodeBackup(node(), dir)) ?? [], [], world);
    await carryOut(plan, world, quiet);

    expect(readFileSync(ca, 'utf8')).toBe('old');
    expect(lstatSync(link).isSymbolicLink()).toBe(true);
    expect(readlinkSync(link)).toBe(dated);
    expect(readFileSync(link, 'utf8')).toBe('pair of old');
  });

  it('turns a kubelet link over to a new file, as the kubelet does', async () => {
    const root = tempDir();
    const dated = put(join(root, 'kubelet-client-2026.pem'), 'pair of new', 0o600);
    const link = join(root, 'kubelet-client-current.pem');
    symlinkSync(dated, link);

    await carryOut(
      await planRestore([item(link, 'pair of old', { link: 'kubelet-client-2025.pem' })], [], world),
      world,
      quiet,
    );

    expect(readFileSync(link, 'utf8')).toBe('pair of old');
    expect(lstatSync(link).isSymbolicLink()).toBe(true);
    expect(readFileSync(dated, 'utf8')).toBe('pair of new');
  });

  it('turns a link that leads nowhere to where it led, and makes its folder as kubeadm does', async () => {
    const root = tempDir();
    const link = join(root, 'kubelet-client-current.pem');
    symlinkSync('kubelet-client-2027.pem', link);
    const other = join(root, 'gone/pki/kubelet-client-current.pem');
    const items = [
      item(link, 'pair of old', { link: 'kubelet-client-2025.pem' }),
      item(other, 'another pair', { link: join(root, 'kept/kubelet-client-2025.pem') }),
    ];

    await carryOut(await planRestore(items, [], world), world, quiet);

    expect(readlinkSync(link)).toBe('kubelet-client-2025.pem');
    expect(readFileSync(link, 'utf8')).toBe('pair of old');
    expect(readFileSync(other, 'utf8')).toBe('another pair');
    const made = ['gone', 'gone/pki', 'kept'].map((name) => statSync(join(root, name)).mode & 0o777);
    expect(made).toEqual([0o755, 0o755, 0o755]);
  });

  it('leaves a link that somebody else mended after it was shown', async () => {
    const root = tempDir();
    const link = join(root, 'kubelet-client-current.pem');
    symlinkSync('kubelet-client-2027.pem', link);
    const plan = await planRestore([item(link, 'pair of old', { link: 'kubelet-client-2025.pem' })], [], world);
    put(join(root, 'kubelet-client-2027.pem'), 'renewed');

    await expect(carryOut(plan, world, quiet)).rejects.toThrow(/somebody else changed it/);

    expect(readFileSync(link, 'utf8')).toBe('renewed');
  });

  it('refuses a node backup that is not what was copied', async () => {
    const root = tempDir();
    const ca = put(join(root, 'pki/ca.crt'), 'old');
    const dir = join(root, 'pki/reroot/backup-r1');
    const { manifest } = await backupNode(node(), [ca], dir);
    chmodSync(join(dir, manifest.files[0]?.copy ?? ''), 0o644);
    writeFileSync(join(dir, manifest.files[0]?.copy ?? ''), 'tampered');

    await expect(itemsOfNodeBackup(node(), dir)).rejects.toThrow(/cannot be trusted.*is not what was copied/);
    expect(await itemsOfNodeBackup(node(), join(root, 'pki/reroot/backup-r2'))).toBeUndefined();
  });

  it('does not write over what somebody changed after it was shown', async () => {
    const path = put(join(tempDir(), 'ca.crt'), 'new', 0o600);
    const plan = await planRestore([item(path, 'old')], [], world);
    writeFileSync(path, 'by somebody else');

    await expect(carryOut(plan, world, quiet)).rejects.toThrow(
      /0 of 1 were restored, then: .*somebody else changed it/,
    );

    expect(readFileSync(path, 'utf8')).toBe('by somebody else');
  });

  it('stops at a write that fails, leaves that file as it was, and goes on when run again', async () => {
    const root = tempDir();
    const paths = ['a', 'b', 'c'].map((name) => put(join(root, name), 'new', 0o600));
    const items = paths.map((path, index) => item(path, index === 1 ? 'o'.repeat(300_000) : 'old'));
    const limited = { accessOf: () => withFileSizeLimit(64) };

    const plan = await planRestore(items, [], limited);
    await expect(carryOut(plan, limited, quiet)).rejects.toMatchObject({
      exitCode: 4,
      message: expect.stringMatching(/^1 of 3 were restored/),
    });
    expect(paths.map((path) => readFileSync(path, 'utf8'))).toEqual(['old', 'new', 'new']);

    const rest = await planRestore(items, [], world);
    await carryOut(rest, world, quiet);
    expect(rest.files).toHaveLength(2);
    expect(readFileSync(paths[2] ?? '', 'utf8')).toBe('old');
  });

  it('that is interrupted ends the write under way and says how far it came', async () => {
    const root = tempDir();
    const paths = ['a', 'b', 'c'].map((name) => put(join(root, name), 'new', 0o600));
    const stop = new AbortController();
    const plan = await planRestore(
      paths.map((path) => item(path, 'old')),
      [],
      world,
    );

    const run = carryOut(plan, { ...world, signal: stop.signal }, () => stop.abort());

    await expect(run).rejects.toMatchObject({ exitCode: 130, message: 'interrupted: 1 of 3 were restored' });
    expect(paths.map((path) => readFileSync(path, 'utf8'))).toEqual(['old', 'new', 'new']);
  });

  it('names a node that is away and what is not a file, and restores the rest', async () => {
    const root = tempDir();
    const path = put(join(root, 'ca.crt'), 'new', 0o600);
    mkdirSync(join(root, 'folder'));
    const away = {
      accessOf: (name: string) =>
        name === 'cp2'
          ? { node: name, run: () => Promise.reject(new NodeUnreachable(name, 'no route to host')) }
          : node(),
    };

    const plan = await planRestore(
      [item(path, 'old'), item(join(root, 'folder'), 'x'), item('/etc/x', 'x', { node: 'cp2' })],
      [],
      away,
    );
    await carryOut(plan, away, quiet);

    expect(plan.left).toEqual([
      { what: `file/cp1:${join(root, 'folder')}`, why: 'not a regular file' },
      { what: 'node/cp2', why: 'no route to host' },
    ]);
    expect(readFileSync(path, 'utf8')).toBe('old');
  });
});

describe('a restore of objects', () => {
  const base64 = (text: string) => Buffer.from(text).toString('base64');
  const webhook = (names: string[], bundle: (name: string) => string): KubeObject => ({
    metadata: { name: 'hooks', resourceVersion: '9' },
    webhooks: names.map((name) => ({ name, clientConfig: { caBundle: base64(bundle(name)), timeout: 3 } })),
  });
  const path = '/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/hooks';
  const archived = (value: KubeObject) => ({
    object: path,
    stores: ['object/ValidatingWebhookConfiguration//hooks'],
    value,
  });
  const at = (object: KubeObject) => ({ get: async <T>() => object as T });

  it('patches only the anchors that differ, of the element with the same name, and tests what is there', async () => {
    const before = webhook(['a', 'b'], () => oldCA.certificate.pem);
    const now = webhook(['new-one', 'b', 'a'], (name) =>
      name === 'a' ? newCA.certificate.pem : oldCA.certificate.pem,
    );

    const change = await compareObject(at(now), archived(before));

    expect(change.patch).toEqual([
      { op: 'test', path: '/webhooks/2/name', value: 'a' },
      { op: 'test', path: '/webhooks/2/clientConfig/caBundle', value: base64(newCA.certificate.pem) },
      { op: 'replace', path: '/webhooks/2/clientConfig/caBundle', value: base64(oldCA.certificate.pem) },
    ]);
  });

  it('has nothing to do for an object as it was', async () => {
    const before = webhook(['a'], () => oldCA.certificate.pem);

    expect(await compareObject(at(before), archived(before))).toMatchObject({ fields: [], patch: [] });
  });

  it('leaves one that is gone, and the union that API servers fill, and says so', async () => {
    const gone = { get: () => Promise.reject(new ApiError('GET x', 404, 'NotFound', '')) };
    const union = {
      object: '/api/v1/namespaces/kube-system/configmaps/extension-apiserver-authentication',
      stores: [],
      value: {},
    };

    const why = async (asked: Promise<{ left: { why: string }[] }>) => (await asked).left.map((one) => one.why).join();
    expect(await why(compareObject(gone, archived(webhook([], () => ''))))).toMatch(/not there any more/);
    expect(await why(compareObject(gone, union))).toMatch(/fill it from their own files/);
  });

  it('are told as left out while no API server answers', async () => {
    const plan = await planRestore([], [archived(webhook([], () => ''))], world);

    expect(plan.left).toEqual([{ what: '1 objects', why: expect.stringContaining('API server does not answer') }]);
  });
});
