import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Cluster, connect, type KubeObject } from '../../../src/cluster/client.ts';
import { blankHolder, leaseHolder } from '../../../src/cluster/leader.ts';
import { holdLease } from '../../../src/cluster/lease.ts';
import { startApi, status, type TestApi } from './api-server.ts';

const PATH = '/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/reroot';
/** A lease of a second, so that running out is seen within the test. */
const quick = { duration: 1_000, renewEvery: 200 };
let api: TestApi;
let folder: string;
let cluster: Cluster;

beforeEach(async () => {
  api = await startApi();
  folder = mkdtempSync(join(tmpdir(), 'reroot-lease-'));
  writeFileSync(join(folder, 'kubeconfig'), api.kubeconfig);
  cluster = connect({ kubeconfig: join(folder, 'kubeconfig') });
});
afterEach(async () => {
  await cluster.close();
  await api.close();
  rmSync(folder, { recursive: true });
});

const spec = () => api.objects.get(PATH)?.spec as { holderIdentity: string; renewTime: string } | undefined;
const lease = (holderIdentity: string, renewedAgo: number, leaseDurationSeconds = 30): KubeObject => ({
  metadata: { name: 'reroot', resourceVersion: '5', uid: 'u' },
  spec: {
    holderIdentity,
    leaseDurationSeconds,
    acquireTime: '2026-11-24T10:00:00.000000Z',
    renewTime: new Date(Date.now() - renewedAgo).toISOString(),
  },
});

describe('holdLease', () => {
  it('makes the lease, renews it, and leaves nothing behind', async () => {
    const held = await holdLease(cluster, { identity: 'anna@bastion', ...quick });
    const first = spec()?.renewTime;

    expect(spec()?.holderIdentity).toMatch(/^anna@bastion \[.*\d+.*\]$/);
    expect(spec()?.renewTime).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
    await expect.poll(() => spec()?.renewTime, { timeout: 3_000 }).not.toBe(first);
    await held.release();

    expect(api.objects.has(PATH)).toBe(false);
    expect(held.lost.aborted).toBe(false);
  });

  it('refuses while another holds it, naming who and since when', async () => {
    api.objects.set(PATH, lease('ben@laptop [42]', 1_000));

    const thrown = await holdLease(cluster, { identity: 'anna@bastion' }).catch((error: unknown) => error);

    expect(thrown).toMatchObject({ exitCode: 3 });
    expect((thrown as Error).message).toMatch(/ben@laptop.*2026-11-24T10:00/);
    expect(spec()?.holderIdentity).toBe('ben@laptop [42]');
  });

  it('refuses this very process too: the lease is for one rotation, not for one machine', async () => {
    const held = await holdLease(cluster, { identity: 'anna@bastion', ...quick });

    await expect(holdLease(cluster, { identity: 'anna@bastion', ...quick })).rejects.toMatchObject({ exitCode: 3 });

    await held.release();
  });

  it('takes over at once from a process of this machine that was killed', async () => {
    const held = await holdLease(cluster, { identity: 'anna@bastion', duration: 60_000 });
    const [, place = ''] = /\[([0-9a-f]{12}) /.exec(held.holder) ?? [];
    await held.release();
    const child = spawn('sleep', ['60']);
    const started = Number(
      (await import('node:fs')).readFileSync(`/proc/${child.pid}/stat`, 'utf8').split(') ')[1]?.split(' ')[19],
    );
    const left = lease(`anna@bastion [${place} ${child.pid} ${started}]`, 0);
    api.objects.set(PATH, left);

    await expect(holdLease(cluster, { identity: 'anna@bastion' })).rejects.toMatchObject({ exitCode: 3 });
    child.kill('SIGKILL');
    await once(child, 'exit');
    const again = await holdLease(cluster, { identity: 'anna@bastion' });

    expect(spec()?.holderIdentity).toBe(again.holder);
    await again.release();
  });

  it('takes over a lease that has run out and that nobody renews', async () => {
    api.objects.set(PATH, lease('ben@laptop [42]', 60_000, 1));

    const held = await holdLease(cluster, { identity: 'anna@bastion', ...quick });

    expect(spec()?.holderIdentity).toBe(held.holder);
    await held.release();
  });

  it('believes a holder whose clock is behind, when it still renews', async () => {
    api.objects.set(PATH, lease('ben@laptop [42]', 3_600_000));
    const renewing = setInterval(() => api.objects.set(PATH, lease('ben@laptop [42]', 3_599_000)), 100);

    await expect(holdLease(cluster, { identity: 'anna@bastion', ...quick })).rejects.toMatchObject({ exitCode: 3 });

    clearInterval(renewing);
  });

  it('watches for as long as the lease of its holder lasts, whose renewal may come as late as that', async () => {
    api.objects.set(PATH, lease('ben@laptop [42]', 3_600_000, 3));
    const late = setTimeout(() => api.objects.set(PATH, lease('ben@laptop [42]', 3_598_000, 3)), 1_500);

    await expect(holdLease(cluster, { identity: 'anna@bastion', ...quick })).rejects.toMatchObject({ exitCode: 3 });

    clearTimeout(late);
    expect(spec()?.holderIdentity).toBe('ben@laptop [42]');
  });

  it('takes a lease that its holder gives up while it is watched', async () => {
    api.objects.set(PATH, lease('ben@laptop [42]', 3_600_000));
    setTimeout(() => api.objects.delete(PATH), 300);

    const held = await holdLease(cluster, { identity: 'anna@bastion', ...quick });

    expect(spec()?.holderIdentity).toBe(held.holder);
    await held.release();
  });

  it('says that it watches, and stops when it is interrupted', async () => {
    api.objects.set(PATH, lease('ben@laptop [42]', 3_600_000));
    const begun = Date.now();

    const told: unknown[] = [];
    const onWatch = (...what: unknown[]): void => void told.push(what);
    const watch = holdLease(cluster, { identity: 'anna@bastion', signal: AbortSignal.timeout(200), onWatch });

    await expect(watch).rejects.toMatchObject({ exitCode: 130 });
    expect(told).toEqual([['ben@laptop [42]', 30]]);
    expect(Date.now() - begun).toBeLessThan(5_000);
    expect(spec()?.holderIdentity).toBe('ben@laptop [42]');
  });

  it('is lost by the first look at the time after a sleep, before any timer', async () => {
    const held = await holdLease(cluster, { identity: 'anna@bastion' });
    held.check();
    expect(held.lost.aborted).toBe(false);

    const awake = vi.spyOn(Date, 'now').mockReturnValue(Date.now() + 23_000);
    held.check();
    awake.mockRestore();

    expect(held.lost.aborted).toBe(true);
    expect((held.lost.reason as Error).message).toMatch(/not renewed in time/);
    await held.release();
  });

  it('outlives an API server that is away for less than the lease', async () => {
    const held = await holdLease(cluster, { identity: 'anna@bastion', duration: 5_000, renewEvery: 100 });
    const before = spec()?.renewTime;
    api.before = () => status(500, 'InternalError', 'restarting');
    await pause(500);
    api.before = () => undefined;

    await expect.poll(() => spec()?.renewTime, { timeout: 3_000 }).not.toBe(before);
    expect(held.lost.aborted).toBe(false);
    await held.release();
  });

  it('says when it is lost: taken, deleted, or not renewed in time', async () => {
    const taken = await holdLease(cluster, { identity: 'a', ...quick });
    api.objects.set(PATH, lease('ben@laptop [42]', 0));
    await expect.poll(() => taken.lost.aborted, { timeout: 3_000 }).toBe(true);
    await taken.release();
    expect(spec()?.holderIdentity).toBe('ben@laptop [42]');

    api.objects.delete(PATH);
    const deleted = await holdLease(cluster, { identity: 'a', ...quick });
    api.objects.delete(PATH);
    await expect.poll(() => deleted.lost.aborted, { timeout: 3_000 }).toBe(true);

    const late = await holdLease(cluster, { identity: 'a', ...quick });
    api.before = () => status(500, 'InternalError', 'down');
    await expect.poll(() => late.lost.aborted, { timeout: 5_000 }).toBe(true);
    expect((late.lost.reason as Error).message).toMatch(/could not be renewed/);
  });
});

describe('the leader of a component', () => {
  const leaderPath = PATH.replace('reroot', 'kube-controller-manager');

  it('is the host before the UUID', async () => {
    api.objects.set(leaderPath, lease('cp_1_0d3f-77', 0));

    await expect(leaseHolder(cluster, 'kube-controller-manager')).resolves.toMatchObject({
      identity: 'cp_1_0d3f-77',
      node: 'cp_1',
    });
    await expect(leaseHolder(cluster, 'kube-scheduler')).resolves.toBeUndefined();
  });

  it('is taken out of its Lease only if it still is the one that is gone', async () => {
    api.objects.set(leaderPath, lease('cp2_y', 0));

    expect(await blankHolder(cluster, 'kube-controller-manager', 'cp1_x')).toBe(false);
    expect(await blankHolder(cluster, 'kube-controller-manager', 'cp2_y')).toBe(true);

    expect(api.objects.get(leaderPath)?.spec).toMatchObject({ holderIdentity: '', leaseDurationSeconds: 30 });
    await expect(leaseHolder(cluster, 'kube-controller-manager')).resolves.toBeUndefined();
  });
});
