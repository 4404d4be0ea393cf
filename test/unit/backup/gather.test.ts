import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { ArchivedFile, ArchivedObject } from '../../../src/backup/archive.ts';
import { filesToBackUp, gather, objectsToBackUp, type Skipped } from '../../../src/backup/gather.ts';
import { ApiError } from '../../../src/cluster/client.ts';
import type { Instance, Inventory, Store } from '../../../src/core/model/inventory.ts';
import { NodeUnreachable } from '../../../src/nodes/access.ts';
import { inventory, oldCA } from '../views/fixtures.ts';
import { node, put, tempDir } from './local-node.ts';

const store = (over: Partial<Store> & Pick<Store, 'id'>): Store => ({ kind: 'bundle', certs: [oldCA], ...over });

function cluster(root: string): Inventory {
  const file = (name: string, more: Partial<Store> = {}) =>
    store({ id: `file/cp1:${join(root, name)}`, node: 'cp1', path: join(root, name), ...more });
  return inventory({
    nodes: [
      { name: 'cp1', roles: ['control-plane'], reached: true },
      { name: 'w1', roles: ['worker'], reached: true },
      { name: 'w2', roles: ['worker'], reached: false, why: 'no route to host' },
    ],
    authorities: [
      {
        authority: 'kubernetes',
        anchors: [oldCA],
        keys: [{ fingerprint: oldCA.fingerprint, node: 'cp1', path: join(root, 'ca.key') }],
      },
    ],
    instances: [
      {
        id: 'cp1/kube-scheduler',
        node: 'cp1',
        component: 'kube-scheduler',
        flags: {},
        settings: {},
        management: { by: 'static-pod', manifest: join(root, 'scheduler.yaml') },
      } satisfies Instance,
    ],
    stores: [
      file('ca.crt'),
      file('apiserver.crt', { kind: 'leaf', keyPath: join(root, 'apiserver.key') }),
      { ...file('admin.conf#ca'), path: join(root, 'admin.conf') },
      {
        ...file('admin.conf#client', { kind: 'kubeconfig-client' }),
        path: join(root, 'admin.conf'),
        keyPath: join(root, 'admin.conf'),
      },
      store({ id: 'file/w1:/x/ca.crt', node: 'w1', path: '/x/ca.crt' }),
      store({ id: 'object/ConfigMap/kube-public/cluster-info#kubeconfig', kind: 'object-bundle' }),
      store({ id: 'object/Secret/default/copy#a', kind: 'object-bundle' }),
      store({ id: 'object/Secret/default/copy#b:client', kind: 'object-leaf' }),
      store({
        id: 'object/ConfigMap/default/kube-root-ca.crt#ca.crt',
        kind: 'object-bundle',
        publishedBy: 'root-ca-publisher',
      }),
      store({ id: 'object/ConfigMap/default/settings#app.yaml', kind: 'object-bundle', embedded: true }),
      store({ id: 'object/APIService//v1.example', kind: 'object-bundle' }),
    ],
  });
}

describe('what belongs into a backup', () => {
  it('is every store, the keys beside them, CA keys and manifests', () => {
    expect([...filesToBackUp(cluster('/pki'))]).toEqual([
      [
        'cp1',
        [
          '/pki/admin.conf',
          '/pki/apiserver.crt',
          '/pki/apiserver.key',
          '/pki/ca.crt',
          '/pki/ca.key',
          '/pki/scheduler.yaml',
        ],
      ],
      ['w1', ['/x/ca.crt']],
    ]);
  });

  it('is every object once, but for what the controller manager publishes everywhere', () => {
    expect([...objectsToBackUp(cluster('/pki'))]).toEqual([
      [
        '/api/v1/namespaces/kube-public/configmaps/cluster-info',
        ['object/ConfigMap/kube-public/cluster-info#kubeconfig'],
      ],
      [
        '/api/v1/namespaces/default/secrets/copy',
        ['object/Secret/default/copy#a', 'object/Secret/default/copy#b:client'],
      ],
      ['/apis/apiregistration.k8s.io/v1/apiservices/v1.example', ['object/APIService//v1.example']],
    ]);
  });
});

describe('gathering', () => {
  it('reads files and objects as they are, and tells what it could not read', async () => {
    const root = tempDir();
    put(join(root, 'ca.crt'), 'certificate');
    put(join(root, 'ca.key'), 'key', 0o600);
    put(join(root, 'apiserver.crt/in-its-place'), 'a folder');
    const skipped: Skipped[] = [];
    const entries: (ArchivedFile | ArchivedObject)[] = [];
    const world = {
      inventory: cluster(root),
      accessOf: (name: string) =>
        name === 'w1' ? { node: name, run: () => Promise.reject(new NodeUnreachable(name, 'went away')) } : node(),
      cluster: { get: async <T>(path: string) => objectAt(path) as T },
      skipped: (one: Skipped) => void skipped.push(one),
    };

    for await (const entry of gather(world)) entries.push(entry);

    expect(entries.map((entry) => ('file' in entry ? entry.file.slice(root.length) : entry.object))).toEqual([
      '/ca.crt',
      '/ca.key',
      '/api/v1/namespaces/kube-public/configmaps/cluster-info',
    ]);
    expect(entries[1]).toMatchObject({ mode: '600', content: Buffer.from('key').toString('base64') });
    expect(entries[2]).toMatchObject({
      value: { data: { kept: 'yes' }, unknownField: 1, metadata: { name: 'cluster-info' } },
    });
    expect(JSON.stringify(entries[2])).not.toContain('managedFields');
    expect(skipped.sort((a, b) => a.what.localeCompare(b.what))).toEqual([
      { what: '/apis/apiregistration.k8s.io/v1/apiservices/v1.example', why: expect.stringContaining('403') },
      { what: `file/cp1:${join(root, 'apiserver.crt')}`, why: 'not a regular file' },
      { what: 'node/w1', why: 'went away' },
      { what: 'node/w2', why: 'no route to host' },
    ]);
  });

  it('that is interrupted gives nothing more', async () => {
    const stop = new AbortController();
    const cut = gather({
      inventory: cluster(tempDir()),
      accessOf: (name) => ({ node: name, run: () => Promise.reject(new NodeUnreachable(name, 'went away')) }),
      cluster: { get: async <T>(path: string) => objectAt(path) as T },
      skipped: () => stop.abort(),
      signal: stop.signal,
    });

    await expect(cut.next()).rejects.toMatchObject({ exitCode: 130, message: 'interrupted: no backup was written' });
  });
});

function objectAt(path: string): unknown {
  if (path.endsWith('cluster-info'))
    return { metadata: { name: 'cluster-info', managedFields: [{}] }, data: { kept: 'yes' }, unknownField: 1 };
  throw path.includes('apiservices')
    ? new ApiError('GET', 403, 'Forbidden', 'no')
    : new ApiError('GET', 404, 'NotFound', '');
}
