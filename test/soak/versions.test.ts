// The older version that the labs offer: built, up, and turned to the end of retire under load, on processes and (as root) by kubeadm.

import { afterAll, expect, it } from 'vitest';
import type { DemoResult } from '../../lab/demo/demo.ts';
import { describeFull } from '../full/harness.ts';
import { kubectl, labAt, reroot } from '../lab/harness.ts';
import { down, small, statusOf } from '../lab/lab-commands.ts';
import { describeLab } from '../lab/require-lab.ts';

const OLDER = '1.34.12';
/** The first build of a version takes minutes, on a busy machine many. */
const BUILD_MS = 90 * 60_000;

async function demo(args: readonly string[]): Promise<DemoResult> {
  const name = 'soak-versions-demo';
  await down(name);
  const done = await reroot(['lab', 'demo', '--name', name, '--kubernetes', OLDER, ...args]);
  expect(done.code, `${done.stdout.slice(-4000)}\n${done.stderr.slice(-2000)}`).toBe(0);
  const result = JSON.parse(done.stdout.trim().split('\n').at(-1) ?? '') as DemoResult;
  process.stdout.write(`measured: ${JSON.stringify(result)}\n`);
  return result;
}

describeLab(`Kubernetes ${OLDER} as processes`, () => {
  const name = 'soak-versions';
  afterAll(() => down(name));

  it('stands, and says what it is', { timeout: BUILD_MS }, async () => {
    const made = await reroot([...small(name), '--kubernetes', OLDER]);
    expect(made.code, made.stderr).toBe(0);
    const { code, status } = await statusOf(name);
    expect({ code, kubernetes: status.kubernetes }).toEqual({ code: 0, kubernetes: OLDER });
    expect(kubectl(labAt(name), ['version', '-o', 'json'])).toContain(`"gitVersion": "v${OLDER}"`);
    expect((await down(name)).code).toBe(0);
  });

  it('is turned to the end of retire, and nothing fails before', { timeout: BUILD_MS }, async () => {
    const { lab, failedBeforeRetire } = await demo(['--quick']);
    expect({ lab, failedBeforeRetire }).toEqual({ lab: 'processes', failedBeforeRetire: 0 });
  });
});

await describeFull(`Kubernetes ${OLDER} by kubeadm`, () => {
  it('is turned to the end of retire, and nothing fails before', { timeout: BUILD_MS }, async () => {
    const { lab, failedBeforeRetire } = await demo([]);
    expect({ lab, failedBeforeRetire }).toEqual({ lab: 'full', failedBeforeRetire: 0 });
  });
});
