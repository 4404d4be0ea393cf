// What the load counts when an API server ends in order, with which it takes a minute and more, when a pod goes, and when a baseline is held up.

import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { kubectl, labUp, type TestLab } from '../lab/harness.ts';
import { pidOf, readyAgain, shown, startLoad } from '../lab/loads.ts';

let lab: TestLab;
beforeAll(async () => {
  lab = await labUp('soak-load');
});
afterAll(async () => {
  await lab?.down();
});

it('counts what a restart by the lab costs', async () => {
  const load = startLoad(lab, '--baseline', '15', '--seconds', '600');
  await load.line('baseline-clean');
  const old = pidOf(lab, 'cp3', 'kube-apiserver');
  execFileSync(join(lab.dir, 'bin', 'restart'), ['cp3', 'kube-apiserver'], { stdio: 'pipe', timeout: 120_000 });
  await readyAgain(lab, 'cp3');
  expect(pidOf(lab, 'cp3', 'kube-apiserver')).not.toBe(old);
  await sleep(5_000);
  load.tell('stop');
  const { code, summary } = await load.ended;

  expect({ code, result: summary.result }).toEqual({ code: 0, result: 'stopped' });
  expect(summary.watch).toMatchObject({ missed: 0 });
  // The one who asks this API server itself, and nobody else, has to do without it.
  expect(
    summary.failures.filter(({ kind, target }) => kind === 'kubelet' && target?.startsWith('cp3>')).length,
  ).toBeGreaterThan(0);
  expect(shown(summary.failures).filter((line) => /certificate|authentication/.test(line.split(':')[0] ?? ''))).toEqual(
    [],
  );
  const failed = Object.entries(summary.clients).map(([kind, counts]) => `${kind} ${counts.failed}`);
  console.log(`restart of an API server: of ${summary.requests} requests failed: ${failed.join(', ')}`);
});

it('ends a client with its pod, and starts it again in the next', async () => {
  const load = startLoad(lab, '--baseline', '5', '--seconds', '600', '--clients', 'pod-frozen,pod-kept');
  await load.line('baseline-clean');
  kubectl(lab, ['-n', 'load', 'delete', 'pod', 'frozen']);
  const next = () => kubectl(lab, ['-n', 'load', 'get', 'pods', '-l', 'app=frozen', '-o', 'name']);
  while (!next().includes('pod/frozen-2')) await sleep(200);
  await sleep(5_000);
  load.tell('stop');
  const { summary } = await load.ended;

  expect(shown(summary.failures)).toEqual([]);
  expect(summary.clients['pod-frozen']).toMatchObject({ gone: 1, failed: 0 });
  expect(summary.clients['pod-kept']).toMatchObject({ gone: 0, failed: 0 });
  // In the order in which they were seen, and the first two are seen at once.
  expect(summary.pods.map(({ name, to }) => [name, to !== undefined]).sort()).toEqual([
    ['frozen', true],
    ['frozen-2', false],
    ['kept', false],
  ]);
});

it('ends as "machine too busy" when requests are held up', async () => {
  const load = startLoad(lab, '--baseline', '15', '--seconds', '600');
  await load.line('"t":');
  const stuck = pidOf(lab, 'cp1', 'kube-apiserver');
  try {
    process.kill(stuck, 'SIGSTOP');
    await sleep(20_000);
  } finally {
    process.kill(stuck, 'SIGCONT');
  }
  const { code, summary } = await load.ended;
  expect({ code, result: summary.result }).toEqual({ code: 1, result: 'machine too busy' });
  expect(summary.baseline?.clean).toBe(false);
  expect(summary.baseline?.why.join('\n')).toMatch(/request without an answer for 1\d\.\d s|no request succeeded/);
  expect(load.lines.some((line) => line.includes('baseline-clean'))).toBe(false);
  await readyAgain(lab, 'cp1');
});
