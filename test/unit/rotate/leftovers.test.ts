// What a rotation takes away at its beginning and at its end, on a node that is a folder of this machine.

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { backupNode } from '../../../src/backup/node-backup.ts';
import type { Inventory } from '../../../src/core/model/inventory.ts';
import type { NodeAccess } from '../../../src/nodes/access.ts';
import { AnswerCut } from '../../../src/nodes/script.ts';
import { backupFolder, removeBackups } from '../../../src/rotate/backups.ts';
import { newRotationId } from '../../../src/rotate/begin.ts';
import { folderAt } from '../../../src/rotate/folder.ts';
import { destroyStaged } from '../../../src/rotate/staging.ts';
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

describe('the staged keys', () => {
  it('go with what a write that was killed left of them, and the folder with them', async () => {
    const folder = folderAt('cp1', join(tempDir(), 'reroot'));
    for (const name of ['kubernetes-old.key', '.kubernetes-new.key.reroot.AbCdEf'])
      put(join(folder.staging, name), 'key');
    const record = put(folder.record, '{}');

    await destroyStaged([folder], () => node());
    await destroyStaged([folder], () => node());

    expect(existsSync(folder.staging)).toBe(false);
    expect(existsSync(record)).toBe(true);
  });

  it('are overwritten, hidden ones too, where there is a shred', async () => {
    const root = tempDir();
    const folder = folderAt('cp1', join(root, 'reroot'));
    for (const name of ['a.key', '.a.key.reroot.AbCdEf']) put(join(folder.staging, name), 'key');
    put(join(root, 'bin/shred'), `#!/bin/sh\nshift; printf '%s\\n' "$@" >>"${root}/shredded"\n`, 0o755);
    const run: NodeAccess['run'] = (argv, options) =>
      node().run(['env', `PATH=${root}/bin:${process.env.PATH}`, ...argv], options);

    await destroyStaged([folder], (name) => ({ node: name, run }));

    const shredded = readFileSync(join(root, 'shredded'), 'utf8').trim().split('\n').sort();
    expect(shredded).toEqual(['.a.key.reroot.AbCdEf', 'a.key'].map((name) => join(folder.staging, name)));
    expect(existsSync(folder.staging)).toBe(false);
  });
});

describe('a connection that was cut, and ends with 0 as kubectl exec does,', () => {
  const cut = (name: string): NodeAccess => ({
    node: name,
    run: async (argv, options) => {
      const whole = await node().run(argv, options);
      return { ...whole, code: 0, stdout: whole.stdout.subarray(0, 14) };
    },
  });

  it('is no proof that backups or staged keys have gone', async () => {
    const { pki, ctx } = place(true);

    await expect(removeBackups({ ...ctx, accessOf: cut }, 'cp1')).rejects.toBeInstanceOf(AnswerCut);
    await expect(destroyStaged([folderAt('cp1', join(pki, 'reroot'))], cut)).rejects.toBeInstanceOf(AnswerCut);
  });
});
