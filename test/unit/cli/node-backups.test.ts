import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { backupNode } from '../../../src/backup/node-backup.ts';
import { itemsAt, placesByInventory, placesByName } from '../../../src/cli/node-backups.ts';
import type { Instance } from '../../../src/core/model/inventory.ts';
import { NodeUnreachable } from '../../../src/nodes/access.ts';
import { node, put, tempDir } from '../backup/local-node.ts';
import { inventory } from '../views/fixtures.ts';

const instance = (on: string, component: string, pki: string): Instance => ({
  id: `${on}/${component}`,
  node: on,
  component,
  flags: { 'client-ca-file': [join(pki, 'ca.crt')] },
  settings: {},
  management: { by: 'unknown' },
});

/** cp1 has its CA in `pki`, w1 and w2 in folders of their own; w3 is away, w4 has no kubelet. */
const cluster = (root: string) =>
  inventory({
    nodes: [
      { name: 'cp1', roles: ['control-plane'], reached: true },
      { name: 'w1', roles: ['worker'], reached: true },
      { name: 'w2', roles: ['worker'], reached: true },
      { name: 'w3', roles: ['worker'], reached: false, why: 'no route to host' },
      { name: 'w4', roles: ['worker'], reached: true },
    ],
    instances: [
      instance('cp1', 'kube-apiserver', join(root, 'cp1')),
      instance('w1', 'kubelet', join(root, 'w1')),
      instance('w2', 'kubelet', join(root, 'w2')),
    ],
  });

const away = (name: string) => ({ node: name, run: () => Promise.reject(new NodeUnreachable(name, 'went away')) });

async function backedUp(root: string, name: string): Promise<string> {
  const ca = put(join(root, name, 'ca.crt'), `CA of ${name}`);
  await backupNode(node(name), [ca], join(root, name, 'reroot/backup-r1'));
  return ca;
}

describe('a backup on the nodes', () => {
  it('is restored where it is, and every node without it is told', async () => {
    const root = tempDir();
    const files = [await backedUp(root, 'cp1'), await backedUp(root, 'w1')];

    const places = placesByInventory(cluster(root), 'r1', []);
    const { items, left } = await itemsAt(places, (name) => node(name));

    expect(items.map(({ path }) => path)).toEqual(files);
    expect(left).toEqual([
      { what: 'node/w3', why: 'no route to host' },
      { what: 'node/w4', why: 'there is no folder of a CA that a backup could lie beside' },
      { what: 'node/w2', why: `no whole backup is there: ${join(root, 'w2/reroot/backup-r1')}` },
    ]);
  });

  it('of the nodes that were named leaves out nobody else', async () => {
    const root = tempDir();
    const file = await backedUp(root, 'w1');

    const { items, left } = await itemsAt(placesByInventory(cluster(root), 'r1', ['w1', 'w3']), (name) => node(name));

    expect(items.map(({ path }) => path)).toEqual([file]);
    expect(left).toEqual([{ what: 'node/w3', why: 'no route to host' }]);
  });

  it('of a node that the cluster does not have is wrong use', () => {
    const wrong = () => placesByInventory(cluster('/pki'), 'r1', ['w1', 'w11']);

    expect(wrong).toThrow(
      expect.objectContaining({
        exitCode: 2,
        message: 'the cluster has no node w11',
        hints: ['it has cp1, w1, w2, w3, w4'],
      }),
    );
  });

  it('without an API server: a node that is away does not keep the others from theirs', async () => {
    const root = tempDir();
    const file = await backedUp(root, 'cp1');

    const places = placesByName(['cp2', 'cp1', 'cp1'], join(root, 'cp1'), 'r1');
    const { items, left } = await itemsAt(places, (name) => (name === 'cp2' ? away(name) : node(name)));

    expect(items.map(({ path }) => path)).toEqual([file]);
    expect(left).toEqual([{ what: 'node/cp2', why: 'went away' }]);
  });

  it('that is not what was copied ends it', async () => {
    const root = tempDir();
    await backedUp(root, 'cp1');
    put(join(root, 'cp1/reroot/backup-r1/files', root, 'cp1/ca.crt'), 'tampered');

    const places = placesByName(['cp1'], join(root, 'cp1'), 'r1');

    await expect(itemsAt(places, (name) => node(name))).rejects.toThrow(/cannot be trusted/);
  });
});
