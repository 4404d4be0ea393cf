// The staged keys of an open rotation, on nodes that are folders of this machine.

import { generateKeyPairSync } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { keyToPem } from '../../../src/pki/pem.ts';
import type { Context } from '../../../src/rotate/context.ts';
import { equip } from '../../../src/rotate/equip.ts';
import { finishRetired } from '../../../src/rotate/finish.ts';
import { folderAt } from '../../../src/rotate/folder.ts';
import type { AuthorityMaterial } from '../../../src/rotate/material.ts';
import { newRecord } from '../../../src/rotate/record.ts';
import { keyFile, leftKeyPath, readStaged } from '../../../src/rotate/staging.ts';
import { node, put, tempDir } from '../backup/local-node.ts';
import { ca } from '../cluster/material.ts';

const OLD = ca('kubernetes');
const NEW = ca('kubernetes-2026');
const material = { authority: 'kubernetes', route: 'bridge', because: '', old: OLD, new: NEW, bridges: {} };
const materials = [material as unknown as AuthorityMaterial];
const options = { id: 'r1', server: 'x', now: 0, newKeys: false, compromised: false, restart: 'none' as const };
const accessOf = () => node();
const torn = 'not a key any more';

function place() {
  const folders = ['cp1', 'cp2'].map((name) => folderAt(name, join(tempDir(), 'reroot')));
  return { folders, record: newRecord(options, materials) };
}

it('a torn copy of a key is passed over where another control plane has it whole', async () => {
  const { folders, record } = place();
  put(keyFile(folders[0]!, 'kubernetes', 'old'), torn);
  put(keyFile(folders[1]!, 'kubernetes', 'old'), keyToPem(OLD.key));
  const [read] = await readStaged(record, folders, accessOf);
  expect(keyToPem(read!.old.key!)).toBe(keyToPem(OLD.key));
});

it('where none is whole it is an error with a way on; at the end of a rotation, where keys are shredded, it is no key', async () => {
  const { folders, record } = place();
  put(keyFile(folders[0]!, 'kubernetes', 'old'), torn);
  await expect(readStaged(record, folders, accessOf)).rejects.toMatchObject({
    message: expect.stringContaining('is not a key'),
    hints: [expect.stringContaining('another control-plane node')],
  });
  const [read] = await readStaged({ ...record, ending: 'done' }, folders, accessOf);
  expect(read?.old.key).toBeUndefined();
});

it('a control plane that was rebuilt since gets the folder and the keys', async () => {
  const { folders } = place();
  const [whole, rebuilt] = folders;
  for (const which of ['old', 'new'] as const) put(keyFile(whole!, 'kubernetes', which), keyToPem(material[which].key));
  const said: string[] = [];
  const emit = ({ message }: { message: string }): void => void said.push(message);
  const signal = new AbortController().signal;
  await equip({ folders, materials, accessOf, emit, signal } as unknown as Context);
  expect(readFileSync(keyFile(rebuilt!, 'kubernetes', 'new'), 'utf8')).toBe(keyToPem(NEW.key));
  expect(said).toEqual([expect.stringMatching(/^cp2 had no staged keys/)]);
});

it('the key of a CA that reroot made is left even where the first control plane has no copy of it', async () => {
  const { folders, record } = place();
  const key = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
  put(keyFile(folders[1]!, 'kubernetes', 'new'), keyToPem(key));
  for (const folder of folders) put(folder.record, '{}');
  const made = { ...material, new: { ...NEW, key }, external: true, made: true };
  const said: string[] = [];
  await finishRetired({
    folders,
    record,
    accessOf,
    materials: [made],
    emit: ({ message }: { message: string }) => void said.push(message),
    now: () => 1000,
    signal: new AbortController().signal,
    inventory: { stores: [], instances: [] },
  } as unknown as Context);
  const left = leftKeyPath(folders[0]!, 'kubernetes', record.id);
  expect(readFileSync(left, 'utf8')).toBe(keyToPem(key));
  expect(existsSync(folders[1]!.staging)).toBe(false);
  expect(said[0]).toContain(`is in ${left} on cp1`);
});
