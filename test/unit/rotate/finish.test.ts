// The end of a rotation on a folder of this machine: what it is cut off in, another run brings to its end.

import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { localAccess } from '../../../src/nodes/local.ts';
import type { Context } from '../../../src/rotate/context.ts';
import { finishRetired, finishRolledBack } from '../../../src/rotate/finish.ts';
import { newRecord } from '../../../src/rotate/record.ts';

const ID = '2026-11-27-3f9a2c';
let home: string;
let ctx: Context;
const staged = () => join(home, 'staging', 'kubernetes-new.key');
const stateOf = (): { state: string; ending?: string } => JSON.parse(readFileSync(join(home, 'record.json'), 'utf8'));

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'reroot-finish-'));
  mkdirSync(join(home, 'staging'));
  writeFileSync(staged(), 'key');
  mkdirSync(join(home, `backup-${ID}`));
  const access = localAccess('n1');
  const options = { id: ID, server: 'x', now: 0, newKeys: false, compromised: false, restart: 'none' as const };
  ctx = {
    accessOf: () => access,
    emit: () => undefined,
    now: () => 1000,
    signal: new AbortController().signal,
    materials: [],
    record: newRecord(options, []),
    inventory: { stores: [{ node: 'n1' }], instances: [] },
    folders: [
      {
        node: 'n1',
        home,
        staging: join(home, 'staging'),
        record: join(home, 'record.json'),
        backup: (id: string) => join(home, `backup-${id}`),
      },
    ],
  } as unknown as Context;
});
afterEach(() => {
  chmodSync(home, 0o700);
  rmSync(home, { recursive: true, force: true });
});

it('takes backups and staged keys away, and says so in the record', async () => {
  await finishRetired(ctx);
  expect(stateOf()).toMatchObject({ state: 'done' });
  expect(stateOf().ending).toBeUndefined();
  expect(existsSync(staged())).toBe(false);
  expect(existsSync(join(home, `backup-${ID}`))).toBe(false);
});

it('keeps the staged keys, with which everything is proved, where a backup cannot be taken away', async () => {
  const { accessOf } = ctx;
  ctx.accessOf = (node) => ({
    ...accessOf(node),
    run: (argv, options) =>
      argv.join(' ').includes('backup-') ? Promise.reject(new Error('it is away')) : accessOf(node).run(argv, options),
  });
  await expect(finishRetired(ctx)).rejects.toThrow(/away/);
  expect(existsSync(staged())).toBe(true);
  expect(ctx.record).toMatchObject({ state: 'open' });
});

it('cut off after the keys went, it is known to be at its end and can be ended', async () => {
  const { accessOf } = ctx;
  const cut: Context = {
    ...ctx,
    accessOf: (node) => ({
      ...accessOf(node),
      run: (argv, options) =>
        !existsSync(staged()) && argv.join(' ').includes('record.json')
          ? Promise.reject(new Error('cut off'))
          : accessOf(node).run(argv, options),
    }),
  };
  await expect(finishRolledBack(cut)).rejects.toThrow(/cut off/);
  expect(existsSync(staged())).toBe(false);
  expect(stateOf()).toMatchObject({ state: 'open', ending: 'rolled-back' });
  await finishRolledBack({ ...ctx, record: { ...ctx.record, ...stateOf() } as Context['record'] });
  expect(stateOf().state).toBe('rolled-back');
});
