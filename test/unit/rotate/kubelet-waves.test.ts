// Waves of kubelets against an API server in memory; the restarts themselves are the test's.

import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Instance } from '../../../src/core/model/inventory.ts';
import type { Step } from '../../../src/core/model/step.ts';
import { RerootError } from '../../../src/errors.ts';
import type { Context } from '../../../src/rotate/context.ts';
import { restartKubelets } from '../../../src/rotate/kubelet-waves.ts';
import { isBack, type PodObject, readinessOf } from '../../../src/rotate/pods-back.ts';
import { risksOf } from '../../../src/rotate/risky-nodes.ts';
import { type World, world } from '../prove/world.ts';

let w: World;
let ctx: Context;
let said: string[];
/** Milliseconds that the rotation's clock is ahead. */
let ahead: number;
let restarted: string[][];
let pods: (PodObject & { spec: { nodeName: string } })[];
const abort = new AbortController();

beforeEach(async () => {
  w = await world();
  said = [];
  restarted = [];
  pods = [];
  ahead = 0;
  w.api.before = ({ url }) => {
    const { pathname, searchParams } = new URL(url, 'https://x');
    if (pathname !== '/api/v1/pods') return undefined;
    const node = searchParams.get('fieldSelector')?.replace('spec.nodeName=', '');
    return { status: 200, body: { items: pods.filter(({ spec }) => spec.nodeName === node) } };
  };
  served();
  nodes({});
  ctx = {
    ...w.ctx,
    now: () => Date.now() + ahead,
    emit: ({ type, party, message }: Parameters<Context['emit']>[0]) =>
      said.push([type, party, message].filter(Boolean).join(' ')),
    signal: abort.signal,
  } as unknown as Context;
});
afterEach(async () => {
  await w.close();
});

const list = (path: string, items: unknown[]) => w.api.objects.set(path, { metadata: { name: '' }, items });
const served = (...services: Record<string, string>[]): void =>
  void list(
    '/apis/discovery.k8s.io/v1/endpointslices',
    services.map((endpoints, index) => ({
      metadata: { namespace: 'app', labels: { 'kubernetes.io/service-name': `web${index}` } },
      endpoints: Object.entries(endpoints).map(([uid, node]) => ({
        conditions: { ready: !node.endsWith('!') },
        nodeName: node.replace('!', ''),
        targetRef: { uid },
      })),
    })),
  );
const nodes = (conditions: Record<string, Record<string, string>>): void =>
  void list(
    '/api/v1/nodes',
    ['w1', 'w2', 'w3'].map((name) => ({
      metadata: { name },
      status: {
        conditions: Object.entries({ Ready: 'True', DiskPressure: 'False', ...conditions[name] }).map(
          ([type, status]) => ({ type, status, message: `${type} said` }),
        ),
      },
    })),
  );
function pod(name: string, node: string, more: { ready?: boolean; since?: string; probed?: boolean } = {}) {
  const made = {
    metadata: { name, namespace: 'app', uid: `uid-${name}` },
    spec: { nodeName: node, containers: [more.probed === false ? {} : { readinessProbe: {} }] },
    status: {
      phase: 'Running',
      conditions: [
        { type: 'Ready', status: more.ready === false ? 'False' : 'True', lastTransitionTime: more.since ?? 'before' },
      ],
    },
  };
  pods.push(made);
  return made;
}
const kubelets = (...names: string[]): Instance[] =>
  names.map((node) => ({ id: `${node}/kubelet`, node, component: 'kubelet', version: '1.36.3' }) as Instance);
const old = (...names: string[]): Instance[] => kubelets(...names).map((one) => ({ ...one, version: '1.34.12' }));
const step = { id: 'issue.restart-kubelets', move: 'issue', authority: 'kubernetes' } as Step;
const run = (waves: Instance[][], onRestart: (wave: readonly string[]) => void = () => undefined) =>
  restartKubelets(ctx, step, waves, async (number, wave) => {
    expect(number).toBe(restarted.length);
    restarted.push([...wave]);
    onRestart(wave);
    return wave;
  });
const asked = (path: string): number => w.api.seen.filter(({ url }) => url.startsWith(path)).length;

test('a wave with all ready endpoints of a Service goes in two, and it is said why', async () => {
  served({ a: 'w1', b: 'w2' }, { c: 'w3' });
  await run([kubelets('w1', 'w2', 'w3')]);
  expect(restarted).toEqual([['w1/kubelet', 'w3/kubelet'], ['w2/kubelet']]);
  expect(said).toContainEqual(expect.stringMatching(/^wait w2\/kubelet later: .*app\/web0/));
});

test('the Services are looked at just before each wave: an endpoint that has moved counts where it is', async () => {
  served({ a: 'w1', b: 'w2', c: 'w3' });
  await run([kubelets('w1'), kubelets('w2', 'w3')], () => served({ a: 'w2', b: 'w2', c: 'w3' }));
  expect(restarted).toEqual([['w1/kubelet'], ['w2/kubelet'], ['w3/kubelet']]);
});

test('for waves of one nobody reads the endpoints', async () => {
  await run([kubelets('w1'), kubelets('w2')]);
  expect(asked('/apis/discovery')).toBe(0);
});

test('the next node waits until the pods of the last are Ready again', async () => {
  const web = pod('web', 'w1');
  let back = false;
  await run([kubelets('w1'), kubelets('w2')], ([party]) => {
    if (party === 'w2/kubelet') return void expect(back).toBe(true);
    web.status.conditions[0]!.status = 'False';
    setTimeout(() => {
      web.status.conditions[0]!.status = 'True';
      back = true;
    }, 1_300);
  });
  expect(restarted).toHaveLength(2);
  expect(said).toContainEqual(expect.stringMatching(/^wait waits for pods .*app\/web on w1/));
});

test('one that was not Ready before, or has gone, is not waited for', async () => {
  pod('never', 'w1', { ready: false });
  const gone = pod('gone', 'w1');
  await run([kubelets('w1'), kubelets('w2')], () => void pods.splice(pods.indexOf(gone), 1));
  expect(said).toEqual([]);
});

test('a kubelet that needed no restart is not waited for', async () => {
  const web = pod('web', 'w1');
  await restartKubelets(ctx, step, [old('w1'), old('w2')], async () => {
    web.status.conditions[0]!.status = 'False';
    return [];
  });
  expect(said).toEqual([]);
});

test('below 1.35 the old word of the API is not believed at once', async () => {
  const web = pod('web', 'w1');
  let spoke = false;
  await run([old('w1'), old('w2')], ([party]) => {
    if (party === 'w2/kubelet') return void expect(spoke).toBe(true);
    // Still Ready as before; then its kubelet says that it was not, and is again.
    setTimeout(() => {
      web.status.conditions[0]!.lastTransitionTime = 'after';
      spoke = true;
    }, 800);
  });
  expect(restarted).toHaveLength(2);
});

test('after a minute it goes on with a warning, but not where a Service would be dark', async () => {
  const web = pod('web', 'w1');
  served({ 'uid-web': 'w1', b: 'w2' });
  const failed = run([kubelets('w1'), kubelets('w3'), kubelets('w2')], ([party]) => {
    if (party !== 'w1/kubelet') return;
    web.status.conditions[0]!.status = 'False';
    served({ 'uid-web': 'w1!', b: 'w2' });
    setTimeout(() => {
      ahead = 61_000;
    }, 600);
  });
  await expect(failed).rejects.toThrow(/w2 is not restarted: .*app\/web0.*app\/web on w1/);
  expect(restarted).toEqual([['w1/kubelet'], ['w3/kubelet']]);
  expect(said).toContainEqual(expect.stringMatching(/^warning not Ready again 60 s .*app\/web on w1/));
});

test('a pod that the kubelet did not admit again ends it before the next node', async () => {
  const web = pod('web', 'w1');
  const failed = run([kubelets('w1'), kubelets('w2')], () => {
    Object.assign(web.status, { phase: 'Failed', message: 'Pod was rejected: The node had condition: [DiskPressure]' });
  });
  await expect(failed).rejects.toThrow(/did not admit.*\n.*pod\/app\/web on w1: The node had condition/);
  expect(restarted).toEqual([['w1/kubelet']]);
});

test('a node under pressure or not Ready is refused before the first restart, with what to do', async () => {
  nodes({ w2: { DiskPressure: 'True' }, w3: { Ready: 'Unknown' } });
  const thrown = await run([kubelets('w1'), kubelets('w2'), kubelets('w3')]).catch((error: unknown) => error);
  expect(thrown).toBeInstanceOf(RerootError);
  const { message, exitCode, hints } = thrown as RerootError;
  expect(exitCode).toBe(3);
  expect(message).toMatch(/node\/w2 is under DiskPressure: DiskPressure said/);
  expect(message).toMatch(/node\/w3 is not Ready: Ready said/);
  expect(hints.join(' ')).toMatch(/make room.*--waive node\/w2=REASON/);
  expect(restarted).toEqual([]);
  expect(said.filter((line) => line.startsWith('blocked node/w'))).toHaveLength(2);
});

test('a node that is only not Ready is given a minute', async () => {
  nodes({ w1: { Ready: 'False' } });
  setTimeout(() => nodes({}), 500);
  await run([kubelets('w1')]);
  expect(restarted).toEqual([['w1/kubelet']]);
  expect(said).toEqual([expect.stringMatching(/^wait waits for nodes to be Ready .*: w1$/)]);

  nodes({ w2: { Ready: 'Unknown' } });
  setTimeout(() => {
    ahead = 61_000;
  }, 200);
  await expect(run([kubelets('w2')])).rejects.toThrow(/node\/w2 is not Ready/);
});

test('one that was waived, or is not restarted, stands in nobody’s way', async () => {
  nodes({ w2: { DiskPressure: 'True' }, w3: { Ready: 'False' } });
  ctx.rotation = { ...ctx.rotation, waivers: [{ party: 'node/w2', reason: 'it is a test' }] };
  await run([kubelets('w1', 'w2')]);
  expect(restarted).toEqual([['w1/kubelet', 'w2/kubelet']]);
});

test('what is not said of a node or a pod speaks against nothing', () => {
  expect(risksOf({ metadata: { name: 'w1' } })).toEqual([]);
  expect(
    risksOf({ metadata: { name: 'w1' }, status: { conditions: [{ type: 'PIDPressure', status: 'True' }] } }),
  ).toMatchObject([{ node: 'w1', condition: 'PIDPressure' }]);
  const bare = readinessOf({ metadata: { name: 'a', namespace: 'app', uid: 'u' } }, 'w1')!;
  expect(bare).toMatchObject({ ready: false, probed: false });
  expect(isBack({ ...bare, ready: true }, undefined, false)).toBe(true);
});
