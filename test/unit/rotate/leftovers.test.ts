// What a rotation takes away at its beginning and at its end, on a node that is a folder of this machine.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { backupNode } from '../../../src/backup/node-backup.ts';
import type { Inventory } from '../../../src/core/model/inventory.ts';
import { backupFolder, removeBackups } from '../../../src/rotate/backups.ts';
import { newRotationId } from '../../../src/rotate/begin.ts';
import { folderAt } from '../../../src/rotate/folder.ts';
import { node, put, tempDir } from '../backup/local-node.ts';

const NOW = Date.parse('2026-11-24T12:34:56Z');
const BY_HAND = 'by-hand-2026-11-24-12-34-56';

/** A control plane, or a node that has only a kubelet. */
function place(controlPlane: boolean) {
  const pki = join(tempDir(), 'pki');
  const ca = put(join(pki, 'ca.crt'), 'old');
  const folders = controlPlane ? [folderAt('cp1', join(pki, 'reroot'))] : [];
  const kubelet = { node: 'cp1', component: 'kubelet', flags: { 'client-ca-file': [ca] }, settings: {} };
  const inventory = { instances: [kubelet] } as unknown as Inventory;
  const at = (id: string) => backupFolder(folders, 'cp1', inventory, id) ?? '';
  return { pki, ca, at, ctx: { folders, inventory, accessOf: () => node() } };
}

describe('the backups of a rotation', () => {
  it.each([
    ['a control plane', true],
    ['any other node', false],
  ])('go from %s, those that people made by hand stay', async (_, controlPlane) => {
    const { ca, at, ctx } = place(controlPlane);
    const own = at(newRotationId(NOW));
    for (const dir of [own, at(BY_HAND), at('before-the-upgrade')]) await backupNode(node(), [ca], dir);

    await removeBackups(ctx, 'cp1');

    expect([own, at(BY_HAND), at('before-the-upgrade')].map((dir) => existsSync(dir))).toEqual([false, true, true]);
    expect(existsSync(join(at(BY_HAND), 'manifest.json'))).toBe(true);
  });

  it('leave no folder of ours on a node where nothing else is in it', async () => {
    const { pki, ca, at, ctx } = place(false);
    await backupNode(node(), [ca], at(newRotationId(NOW)));

    await removeBackups(ctx, 'cp1');

    expect(existsSync(join(pki, 'reroot'))).toBe(false);
  });
});
