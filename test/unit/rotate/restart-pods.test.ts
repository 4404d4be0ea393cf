// Evictions and rollouts against an API server in memory: who goes, who is held, who is left alone.

import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Step } from '../../../src/core/model/step.ts';
import type { Context } from '../../../src/rotate/context.ts';
import { evictAll } from '../../../src/rotate/evict-pods.ts';
import { rollOut } from '../../../src/rotate/roll-out.ts';
import { status } from '../cluster/api-server.ts';
import { type World, world } from '../prove/world.ts';

let w: World;
let ctx: Context;
let said: string[];
const abort = new AbortController();
beforeEach(async () => {
  w = await world();
  said = [];
  ctx = {
    ...w.ctx,
    emit: ({ type, party, message }: Parameters<Context['emit']>[0]) => said.push([type, party, message].join(' ')),
    signal: abort.signal,
    record: { id: 'r1' },
  } as unknown as Context;
});
afterEach(() => w.close());

const HOUR = 3_600_000;
const running = (name: string, startedAt: number, owner?: { kind: string; name: string }) => {
  const id = `pod/app/${name}`;
  w.addPod({ name, startedAt, ...(owner ? { owner, workload: { kind: 'Deployment', name: owner.name } } : {}) });
  w.api.objects.set(`/api/v1/namespaces/app/pods/${name}`, {
    metadata: { name, namespace: 'app', uid: `uid-${name}` },
    spec: { nodeName: 'n1' },
    status: {
      phase: 'Running',
      containerStatuses: [{ state: { running: { startedAt: new Date(startedAt).toISOString() } } }],
    },
  });
  return id;
};
/** Ready endpoints of the Service `web`. */
const served = (...names: string[]): void =>
  void w.api.objects.set('/apis/discovery.k8s.io/v1/namespaces/app/endpointslices', {
    metadata: { name: '' },
    items: [
      {
        metadata: { labels: { 'kubernetes.io/service-name': 'web' } },
        endpoints: names.map((name) => ({ conditions: { ready: true }, targetRef: { uid: `uid-${name}` } })),
      },
    ],
  });
const evicted = (): string[] =>
  w.api.seen.flatMap(({ url, method }) => /pods\/([^/]+)\/eviction/.exec(method === 'POST' ? url : '')?.[1] ?? []);
const started = (): number => Math.floor((Date.now() - HOUR) / 1000) * 1000;

test('of two ready endpoints the second waits until another is ready', async () => {
  const pods = [running('a', started()), running('b', started())];
  served('a', 'b');
  w.api.before = ({ url }) => {
    // The slice still names the first for a while, then its successor is there.
    if (url.includes('/eviction')) {
      if (url.includes('/b/')) return { status: 201, body: {} };
      setTimeout(() => served('b', 'c'), 1_000);
      return { status: 201, body: {} };
    }
    return undefined;
  };
  await evictAll(ctx, { id: 's' } as Step, pods);
  expect(evicted()).toEqual(['a', 'b']);
  expect(said.some((line) => /^wait pod\/app\/b .*only ready endpoint of Service app\/web/.test(line))).toBe(true);
});

test('a budget holds, and the pod is asked for again', async () => {
  const pods = [running('a', started())];
  served('a', 'other');
  let asked = 0;
  w.api.before = ({ url }) => {
    if (!url.includes('/eviction')) return undefined;
    asked += 1;
    return asked === 1
      ? status(429, 'TooManyRequests', 'the budget web needs 2 healthy pods')
      : { status: 201, body: {} };
  };
  await evictAll(ctx, { id: 's' } as Step, pods);
  expect(asked).toBe(2);
  expect(said.some((line) => /^wait .* waits: /.test(line))).toBe(true);
});

test('an eviction is of the very pod: one that has gone, started anew or ends already is left alone', async () => {
  const fresh = running('fresh', started());
  const ending = running('ending', started());
  const gone = running('gone', started());
  running('fresh', Date.now() - 60_000);
  w.inventory.pods.pop();
  const object = w.api.objects.get('/api/v1/namespaces/app/pods/ending')!;
  object.metadata.deletionTimestamp = new Date().toISOString();
  w.api.objects.delete('/api/v1/namespaces/app/pods/gone');
  served();
  await evictAll(ctx, { id: 's' } as Step, [fresh, ending, gone]);
  expect(evicted()).toEqual([]);
  expect(said.filter((line) => line.includes('not evicted'))).toHaveLength(3);
});

const path = '/apis/apps/v1/namespaces/app/deployments/web';
const deployment = (spec: object, done: boolean, annotations: Record<string, string> = {}) =>
  w.api.objects.set(path, {
    metadata: { name: 'web', namespace: 'app', uid: 'u', generation: 2 },
    spec: { replicas: 1, template: { metadata: { annotations } }, ...spec },
    status: { observedGeneration: 2, replicas: 1, updatedReplicas: done ? 1 : 0, availableReplicas: 1 },
  });
const roll = (pods: string[]): Step =>
  ({ id: 's', move: 'retire', action: { do: 'roll', workloads: ['object/Deployment/app/web'], pods } }) as never;
const patches = () => w.api.seen.filter(({ method }) => method === 'PATCH');

test('a rollout is asked for by the annotation that kubectl sets, of this very object, and waited for', async () => {
  deployment({}, false);
  w.api.before = ({ method }) => {
    if (method !== 'PATCH') return undefined;
    setTimeout(() => deployment({}, true), 500);
    return { status: 200, body: {} };
  };
  await rollOut(ctx, roll([]), ['object/Deployment/app/web']);
  expect(patches()).toHaveLength(1);
  expect(patches()[0]?.body).toMatchObject({
    metadata: { uid: 'u' },
    spec: { template: { metadata: { annotations: { 'reroot.dev/restarted-for': 'r1/s' } } } },
  });
  expect(JSON.stringify(patches()[0]?.body)).toContain('kubectl.kubernetes.io/restartedAt');
  expect(said.at(-1)).toMatch(/has rolled out/);
});

test('a resumed rotation waits for the rollout under way, and does not begin another', async () => {
  deployment({}, true, { 'reroot.dev/restarted-for': 'r1/s' });
  await rollOut(ctx, roll([]), ['object/Deployment/app/web']);
  expect(patches()).toHaveLength(0);
});

test('a paused Deployment rolls nothing out: its pods are evicted', async () => {
  const pods = [running('web-1', started(), { kind: 'ReplicaSet', name: 'web' })];
  deployment({ paused: true }, true);
  served();
  w.api.before = ({ url }) => (url.includes('/eviction') ? { status: 201, body: {} } : undefined);
  await rollOut(ctx, roll(pods), ['object/Deployment/app/web']);
  expect(patches()).toHaveLength(0);
  expect(evicted()).toEqual(['web-1']);
});
