// What stands at the server of a kubeconfig, looked at before the kubeconfig trusts one CA alone.

import { createServer, type Server } from 'node:tls';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Step } from '../../../src/core/model/step.ts';
import { RerootError } from '../../../src/errors.ts';
import type { Context } from '../../../src/rotate/context.ts';
import { refuseFronts } from '../../../src/rotate/fronts.ts';
import { writeStores } from '../../../src/rotate/write.ts';
import { ca, type Pair, serverLeaf } from '../cluster/material.ts';
import { NEW, OLD, type World, world } from '../prove/world.ts';

let w: World;
let ctx: Context;
let said: string[];
let ahead: number;
let front: Server;
const OTHER = ca('corporate');

beforeEach(async () => {
  w = await world();
  said = [];
  ahead = 0;
  ctx = {
    ...w.ctx,
    now: () => Date.now() + ahead,
    emit: ({ type, message }: Parameters<Context['emit']>[0]) => said.push(`${type} ${message}`),
    signal: new AbortController().signal,
    materials: [OLD, NEW].map((one) => ({ old: one, new: one })),
  } as unknown as Context;
});
afterEach(async () => {
  front?.close();
  await w.close();
});

const step = { id: 'issue.kubelet-ca', authority: 'kubernetes', title: 'trust new alone' } as Step;
const contextOf = ({ cert, keyPem }: Pair) => ({ cert, key: keyPem });

/** A server with this certificate, and a kubelet with a kubeconfig for it; gives the id of what it trusts. */
async function served(leaf: Pair, anchors = [OLD, NEW]): Promise<string> {
  front = createServer(contextOf(leaf), (socket) => socket.on('error', () => undefined));
  const port = await new Promise<number>((resolve) =>
    front.listen(0, '127.0.0.1', () => resolve((front.address() as { port: number }).port)),
  );
  const store = w.store(
    'kubelet.conf',
    'kubeconfig-ca',
    anchors.map(({ certificate }) => certificate),
    { server: `https://127.0.0.1:${port}` },
  );
  w.add({ component: 'kubelet', flags: { kubeconfig: [w.path('kubelet.conf')] } }, store);
  return store.id;
}
/** As if a minute were over after the first look. */
const later = () =>
  setTimeout(() => {
    ahead = 61_000;
  }, 200);

test('a server that serves from new lets its clients trust new alone', async () => {
  await refuseFronts(ctx, step, [await served(serverLeaf(NEW))], 'new');
  expect(said).toEqual([]);
});

test('one with a certificate of its own from old stops the write, by name', async () => {
  const store = await served(serverLeaf(OLD, 'haproxy'));
  later();
  const thrown = await writeStores(ctx, step, [store], 'new').catch((error: unknown) => error);
  expect(thrown).toBeInstanceOf(RerootError);
  expect((thrown as RerootError).exitCode).toBe(3);
  expect((thrown as RerootError).message).toMatch(
    /https:\/\/127\.0\.0\.1:\d+ from n1: it serves CN=haproxy .*new alone/,
  );
  expect((thrown as RerootError).hints.join(' ')).toMatch(/--waive node\/n1=REASON/);
});

test('so does one from neither CA, and one that is down', async () => {
  const store = await served(serverLeaf(OTHER, 'lb'));
  later();
  await expect(refuseFronts(ctx, step, [store], 'new')).rejects.toThrow(/serves CN=lb .*, from neither CA/);
  front.close();
  ahead = 0;
  later();
  await expect(refuseFronts(ctx, step, [store], 'new')).rejects.toThrow(/showed no certificate: .*ECONNREFUSED/);
});

test('a CA that the kubeconfig trusts beside stays, and what it signed does', async () => {
  await refuseFronts(ctx, step, [await served(serverLeaf(OTHER), [OLD, NEW, OTHER])], 'new');
});

test('it waits while the server is about to follow', async () => {
  const store = await served(serverLeaf(OLD));
  setTimeout(() => front.setSecureContext(contextOf(serverLeaf(NEW))), 1_200);
  await refuseFronts(ctx, step, [store], 'new');
  expect(said[0]).toMatch(/^wait waits for the servers of kubeconfigs: https/);
});

test('nobody looks before both are trusted, for a node that was given up, or for a kubeconfig that no component uses', async () => {
  const store = await served(serverLeaf(OTHER));
  await refuseFronts(ctx, step, [store], 'both');
  ctx.rotation = { ...ctx.rotation, waivers: [{ party: 'node/n1', reason: 'it is a test' }] };
  await refuseFronts(ctx, step, [store], 'new');
  ctx.rotation = { ...ctx.rotation, waivers: [] };
  ctx.inventory.instances.length = 0;
  await refuseFronts(ctx, step, [store], 'new');
  expect(said).toEqual([]);
});
