// Three control planes as processes: a rotation to its end, a second one directly after it, and from the end of its issue all the way back, under load.

import { copyFileSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { blockedParties, waiving } from '../../lab/demo/child.ts';
import { cleanLoad, type LoadProcess } from '../../lab/demo/load-process.ts';
import { availability } from '../../lab/demo/tally.ts';
import type { RotationEvent } from '../../src/rotate/events.ts';
import { command, kubectl, labUp, type TestLab } from '../lab/harness.ts';
import { oneStory } from '../lab/one-story.ts';
import { describeLab } from '../lab/require-lab.ts';

const AUTHORITIES = ['--authority', 'kubernetes,front-proxy'];
const json = ['-o', 'json'];

describeLab('a second rotation on the process lab, and back', () => {
  oneStory();
  let lab: TestLab;
  let load: LoadProcess | undefined;
  beforeAll(async () => {
    lab = await labUp('test-back');
  });
  afterAll(async () => {
    await load?.stop().catch(() => undefined);
    await lab?.down();
  });

  test('the first one, to its end', async () => {
    load = await cleanLoad({ command, lab: lab.name, seconds: 900, args: ['--keep'] });
    await lab.must(['rotate', '--until', 'issue', ...AUTHORITIES, ...json]);
    const asked = await lab.must(['rotate', '--until', 'retire', '--yes', ...AUTHORITIES, ...json], 3);
    const keep = blockedParties(asked);
    const waive = waiving(keep, 'a client of the test that keeps old on purpose');
    await lab.must(['rotate', '--until', 'retire', '--yes', ...waive, ...AUTHORITIES, ...json]);
    // It runs to the end: what retire's swaps cut is cut in this load, not in the baseline of the next (trap 26).
    await new Promise((resolve) => setTimeout(resolve, 10_000));
    await load.stop();
    expect(lab.record().state).toBe('done');
  });

  test('the second one is rolled back from the end of issue, with the load unharmed and nobody waived', async () => {
    const events: RotationEvent[] = [];
    const collect = { onEvent: (event: RotationEvent) => void events.push(event) };
    // Who kept old was cut off by retire: they come back with a kubeconfig of today.
    for (const user of ['kept', 'fresh']) {
      copyFileSync(lab.file('cp1', 'etc/kubernetes/admin.conf'), lab.file('w1', `home/${user}/.kube/config`));
    }
    load = await cleanLoad({ command, lab: lab.name, seconds: 900, args: ['--keep'] });
    const before = readFileSync(lab.file('cp1', 'etc/kubernetes/pki/ca.crt'), 'utf8');
    await lab.must(['rotate', '--until', 'issue', ...AUTHORITIES, ...json], 0, collect);
    // A pod in which nothing was started since the rotation began holds old, and that can be shown.
    const back = await lab.must(['rollback', ...json], 0, collect);
    expect(back.events.filter(({ type }) => type === 'blocked')).toEqual([]);
    const shown = lab.record().evidence.filter(({ of }) => of === 'pod/load/frozen:root-ca');
    expect(shown.map(({ evidence }) => evidence).join('\n')).toMatch(/nothing in the pod started since/);
    await new Promise((resolve) => setTimeout(resolve, 5_000));
    const result = availability(await load.stop(), events);
    expect(result.failedBeforeRetire, JSON.stringify(result.before.slice(0, 8))).toBe(0);
    expect(readFileSync(lab.file('cp1', 'etc/kubernetes/pki/ca.crt'), 'utf8')).toBe(before);
    expect(kubectl(lab, ['get', '--raw', '/readyz'])).toBe('ok');
  });
});
