// The Lease and the step under way, when whoever watches goes away.
import { EventEmitter } from 'node:events';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { guardOutput } from '../../../src/cli/output-failure.ts';
import { underLease } from '../../../src/cli/rotation-session.ts';
import { EXIT, RerootError } from '../../../src/errors.ts';
import { put, tempDir } from '../backup/local-node.ts';
import { startApi, type TestApi } from '../cluster/api-server.ts';

const LEASE = '/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/reroot';
let api: TestApi;
let kubeconfig: string;
beforeEach(async () => {
  api = await startApi();
  api.objects.set('/version', { metadata: { name: 'version' } });
  kubeconfig = put(join(tempDir(), 'kubeconfig'), api.kubeconfig);
});
afterEach(() => api.close());

it.each<[string, (stdout: EventEmitter) => void, boolean]>([
  ['a pipe that is closed', (stdout) => stdout.emit('error', Object.assign(new Error(), { code: 'EPIPE' })), false],
  ['a full disk', (stdout) => stdout.emit('error', Object.assign(new Error(), { code: 'ENOSPC' })), false],
  ['a session that drops', () => process.emit('SIGHUP'), true],
])('%s lets the step under way end, and gives the Lease back', async (_, happen, said) => {
  const stdout = new EventEmitter();
  const end = vi.fn();
  guardOutput({ stdout, stderr: new EventEmitter() }, end);
  const written: string[] = [];
  const spy = vi.spyOn(process.stdout, 'write').mockImplementation((text) => written.push(String(text)) > 0);
  const steps: string[] = [];

  const run = underLease({ kubeconfig, output: 'plain' }, async ({ world }) => {
    steps.push('begun');
    happen(stdout);
    expect(api.objects.has(LEASE)).toBe(true);
    await world.cluster.get('/version');
    steps.push('done');
    if (world.signal.aborted) throw new RerootError(EXIT.interrupted, 'interrupted before the next');
    steps.push('next');
  });

  await expect(run.finally(() => spy.mockRestore())).rejects.toMatchObject({ exitCode: 130 });
  expect(steps).toEqual(['begun', 'done']);
  expect(api.objects.has(LEASE)).toBe(false);
  expect(end).not.toHaveBeenCalled();
  expect(written.join('').includes('the step under way is finished first')).toBe(said);
});
