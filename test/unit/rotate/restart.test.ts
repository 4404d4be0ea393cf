// Restarts followed on real processes of this machine: what counts is the process table, not what a command said.

import type { ChildProcess } from 'node:child_process';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Step } from '../../../src/core/model/step.ts';
import type { Context } from '../../../src/rotate/context.ts';
import type { RestartRecord } from '../../../src/rotate/record-types.ts';
import { followed, restartWaves } from '../../../src/rotate/restart.ts';
import { type World, world } from '../prove/world.ts';

const MANAGER = 'kube-controller-manager';
let w: World;
let ctx: Context;
let said: string[];
beforeEach(async () => {
  w = await world();
  said = [];
  ctx = {
    ...w.ctx,
    emit: ({ type, party, data }: Parameters<Context['emit']>[0]) => said.push([type, party, data?.state].join(' ')),
    signal: new AbortController().signal,
    materials: [],
    folders: [],
    record: { restarts: [] as RestartRecord[] },
  } as unknown as Context;
});
afterEach(() => w.close());

const step = { id: 'trust.x', move: 'trust', authority: 'kubernetes' } as Step;
const manifestText = (flags: Record<string, string>) =>
  JSON.stringify({
    kind: 'Pod',
    spec: {
      containers: [{ command: [MANAGER, ...Object.entries(flags).map(([name, value]) => `--${name}=${value}`)] }],
    },
  });

async function running(flags: Record<string, string>): Promise<ChildProcess> {
  const child = await w.start(MANAGER, flags);
  // Of two processes the one that started last is the component, and start times are known to 10 ms.
  await new Promise((resolve) => setTimeout(resolve, 30));
  return child;
}

test('a static pod that its kubelet has restarted since the last change is not restarted again', async () => {
  const conf = w.put('manager.conf', 'x', Date.now() - 60_000);
  const manifest = w.put('manifests/manager.yaml', manifestText({ kubeconfig: conf }), Date.now() - 60_000);
  const child = await running({ kubeconfig: conf });
  w.add({ component: MANAGER, flags: { kubeconfig: [conf] }, management: { by: 'static-pod', manifest } });

  await restartWaves(ctx, step, [[`n1/${MANAGER}`]]);

  expect(said).toEqual([`restart n1/${MANAGER} skipped`]);
  expect(child.exitCode).toBe(null);
  expect(ctx.record.restarts).toEqual([]);
});

test('one whose manifest says other flags than it runs with is ended, and waited for until it runs anew', async () => {
  const conf = w.put('manager.conf', 'x', Date.now() - 60_000);
  const manifest = w.put(
    'manifests/manager.yaml',
    manifestText({ kubeconfig: conf, 'root-ca-file': '/new' }),
    Date.now() - 60_000,
  );
  const child = await running({ kubeconfig: conf });
  const instance = w.add({
    component: MANAGER,
    flags: { kubeconfig: [conf] },
    management: { by: 'static-pod', manifest },
  });
  child.once('exit', () => void running({ kubeconfig: conf, 'root-ca-file': '/new' }));

  await restartWaves(ctx, step, [[instance.id]]);

  expect(said).toEqual([`restart ${instance.id} begin`, `restart ${instance.id} done`]);
  expect(child.signalCode).toBe('SIGTERM');
  expect(instance.pid).not.toBe(child.pid);
  expect(ctx.record.restarts).toMatchObject([{ party: instance.id, step: 'trust.x' }]);
});

test('a write that makes the kubelet restart a static pod is over when the new process runs', async () => {
  const child = await running({});
  const instance = w.add({ component: MANAGER, management: { by: 'static-pod', manifest: '/m.yaml' } });
  let late: Promise<ChildProcess> | undefined;

  await followed(ctx, step, 0, instance, async (process) => {
    expect(process?.pid).toBe(child.pid);
    setTimeout(() => child.kill(), 100);
    child.once('exit', () =>
      setTimeout(() => {
        late = running({ 'root-ca-file': '/new' });
      }, 200),
    );
  });

  expect(instance.pid).toBe((await late)?.pid);
  expect(ctx.record.restarts).toHaveLength(1);
  expect(ctx.record.restarts[0]?.seconds).toBeGreaterThan(0);
});

test('kubelets are held against their nodes before the first of them is restarted', async () => {
  const kubelet = w.add({ component: 'kubelet', management: { by: 'command', command: 'exit 1' } });
  const conditions = [{ type: 'DiskPressure', status: 'True', message: 'no room' }];
  const node = { metadata: { name: 'n1' }, status: { conditions } };
  w.api.objects.set('/api/v1/nodes', { metadata: { name: '' }, items: [node] });
  await expect(restartWaves(ctx, step, [[kubelet.id]])).rejects.toThrow(/node\/n1 is under DiskPressure: no room/);
  expect(said).toEqual(['blocked node/n1 ']);
});
