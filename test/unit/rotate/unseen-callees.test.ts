import { createServer, type Server } from 'node:tls';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { KubeObject } from '../../../src/cluster/client.ts';
import type { Step } from '../../../src/core/model/step.ts';
import type { Context } from '../../../src/rotate/context.ts';
import { haveCome } from '../../../src/rotate/unseen-callees.ts';
import { serverLeaf } from '../cluster/material.ts';
import { OLD, type World, world } from '../prove/world.ts';

const ADMISSION = '/apis/admissionregistration.k8s.io/v1';
const list = (items: unknown[]): KubeObject => ({ metadata: { name: '' }, items });
const step = (...reasons: string[]) =>
  ({ id: 'retire.serving', blockers: reasons.map((reason) => ({ party: 'webhook/hook', reason })) }) as unknown as Step;

let w: World;
let ctx: Context;
let ahead: number;
let server: Server | undefined;

beforeEach(async () => {
  w = await world();
  ahead = 0;
  ctx = {
    ...w.ctx,
    now: () => Date.now() + ahead,
    emit: () => undefined,
    signal: new AbortController().signal,
  } as unknown as Context;
  for (const path of [
    `${ADMISSION}/mutatingwebhookconfigurations`,
    '/apis/apiregistration.k8s.io/v1/apiservices',
    '/apis/apiextensions.k8s.io/v1/customresourcedefinitions',
  ]) {
    w.api.objects.set(path, list([]));
  }
  at(1);
});
afterEach(async () => {
  server?.close();
  await w.close();
});

/** Where the webhook is. */
function at(port: number): void {
  const webhooks = [{ name: 'a.hook.io', clientConfig: { url: `https://127.0.0.1:${port}/x` } }];
  w.api.objects.set(`${ADMISSION}/validatingwebhookconfigurations`, list([{ metadata: { name: 'hook' }, webhooks }]));
}

test('who comes within a minute is looked at anew instead of blocking', async () => {
  const { cert, keyPem } = serverLeaf(OLD, 'hook');
  server = createServer({ cert, key: keyPem }, (socket) => socket.on('error', () => undefined));
  const port = await new Promise<number>((resolve) =>
    server!.listen(0, '127.0.0.1', () => resolve((server!.address() as { port: number }).port)),
  );
  setTimeout(() => at(port), 200);
  expect(await haveCome(ctx, step('pod-holds-old', 'callee-not-seen'))).toBe(true);
});

test('who does not come blocks, and nobody else is waited for', async () => {
  expect(await haveCome(ctx, step('pod-holds-old'))).toBe(false);
  setTimeout(() => {
    ahead = 61_000;
  }, 200);
  expect(await haveCome(ctx, step('callee-not-seen'))).toBe(false);
});
