// Five nodes by kubeadm: a rotation that evicts what is stale while a second program watches budgets and Services, and directly after it a second one
// that is rolled back from the end of issue, under load.

import { afterAll, beforeAll, expect, test } from 'vitest';
import { blockedParties, waiving } from '../../lab/demo/child.ts';
import { cleanLoad, type LoadProcess } from '../../lab/demo/load-process.ts';
import { availability } from '../../lab/demo/tally.ts';
import type { RotationEvent } from '../../src/rotate/events.ts';
import { describeFull, type FullLab, fullLabUp, workloads } from '../full/harness.ts';
import { command, killedOften } from '../lab/harness.ts';
import { oneStory } from '../lab/one-story.ts';
import { watchReady } from './watcher.ts';

const AUTHORITIES = ['--authority', 'kubernetes,front-proxy'];
const json = ['-o', 'json'];
/** What `lab workloads` makes, and the least of each that its budget allows (lab/full/workloads). */
const LEAST = new Map([
  ['app1/shop', 1],
  ['app1/web', 2],
  ['app2/db', 2],
  ['app2/queue', 1],
  ['app3/collector', 1],
  ['app4/bare', 1],
  ['app4/old', 1],
  ['app5/batch', 1],
  ['hooks/webhook', 1],
  ['load/echo', 1],
  ['wardle/sample-apiserver', 1],
]);
/** Of each of these every pod is stale, and its owner makes it anew. */
const EVICTED = [...LEAST.keys()].filter((app) => /^app[1-5]/.test(app));

await describeFull('two rotations on a full lab, and back', () => {
  oneStory();
  let lab: FullLab;
  let load: LoadProcess | undefined;

  beforeAll(async () => {
    lab = await fullLabUp('soak-back');
    await workloads(lab.name);
  });
  afterAll(async () => {
    await load?.stop().catch(() => undefined);
    await lab?.down();
  });

  test('the first one, with --restart stale: no budget broken, no Service without a ready endpoint, at any moment', async () => {
    const watch = await watchReady(lab, [...LEAST.keys()]);
    await lab.must(['rotate', '--until', 'issue', ...AUTHORITIES, ...json]);
    await lab.renewOwn();
    const retire = ['rotate', '--until', 'retire', '--yes', '--restart', 'stale', ...AUTHORITIES, ...json];
    const refused = await lab.must(retire, 3);
    const keep = blockedParties(refused);
    // Those of EVICTED have owners who make them anew: they are evicted, and nobody waives them.
    expect(keep.filter((party) => /^pod\/app[1-4]\//.test(party))).toEqual([]);
    const evicted = new Set<string>();
    const onEvent = ({ type, message, party = '' }: RotationEvent): void => {
      if (type === 'restart' && /was evicted/.test(message ?? '')) evicted.add(party);
    };
    const waive = waiving(keep, 'it keeps old, or nobody makes it anew');
    await lab.must([...retire, ...waive], 0, { onEvent });
    const { ready, endpoints, changes } = await watch.stop();
    process.stdout.write(
      `measured: ${JSON.stringify({ changes, evicted: evicted.size, ready: [...ready], endpoints: [...endpoints] })}\n`,
    );
    for (const [app, least] of LEAST) expect(ready.get(app), app).toBeGreaterThanOrEqual(least);
    for (const [service, least] of endpoints) expect(least, service).toBeGreaterThan(0);
    for (const app of EVICTED)
      expect([...evicted].filter((party) => party.startsWith(`pod/${app}-`)).length, app).toBeGreaterThan(1);
    await lab.must(['verify', ...json]);
  });

  test('the second one is rolled back from the end of issue, killed on its way there and back, with the load unharmed and nobody waived', async () => {
    const events: RotationEvent[] = [];
    const onEvent = (event: RotationEvent): void => void events.push(event);
    const kills = { times: 5, from: 2_000, within: 20_000, onEvent };
    const issue = ['rotate', '--until', 'issue', ...AUTHORITIES, ...json];
    const rollback = ['rollback', ...json];
    // What the swaps of retire have left to cut is cut by the first requests through each API server (trap 26): in a baseline, which is tried again.
    load = await cleanLoad({ command, lab: lab.name, seconds: 2400, args: ['--keep', '--rate', '5'] });
    const before = await lab.on('cp1', 'cat /etc/kubernetes/pki/ca.crt');
    await killedOften(lab, issue, kills);
    await lab.must(issue, 0, { onEvent });
    expect(await lab.on('cp1', 'cat /etc/kubernetes/pki/ca.crt')).not.toBe(before);
    await killedOften(lab, rollback, kills);
    const back = await lab.must(rollback, 0, { onEvent });
    expect(back.events.filter(({ type }) => type === 'blocked')).toEqual([]);
    await new Promise((resolve) => setTimeout(resolve, 5_000));
    const result = availability(await load.stop(), events);
    process.stdout.write(`measured: ${JSON.stringify(result)}\n`);
    expect(result.failedBeforeRetire, JSON.stringify(result.before.slice(0, 8))).toBe(0);
    expect(await lab.on('cp1', 'cat /etc/kubernetes/pki/ca.crt')).toBe(before);
    await lab.must(['verify', ...json]);
  });
});
