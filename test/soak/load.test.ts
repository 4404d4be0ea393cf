// What the load counts when an API server ends in order, with which it takes a minute and more: longer than a test may.

import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { labUp, type TestLab } from '../lab/harness.ts';
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
