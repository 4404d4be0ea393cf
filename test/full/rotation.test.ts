// The whole page on five nodes by kubeadm, once: both authorities to the end of retire under load, what old opens afterwards, and nodes that
// join, in the middle and afterwards. Each test goes on from where the one before it ended.

import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { blockedParties, waiving } from '../../lab/demo/child.ts';
import { cleanLoad, type LoadProcess } from '../../lab/demo/load-process.ts';
import { countRestarts } from '../../lab/demo/restarts.ts';
import { availability } from '../../lab/demo/tally.ts';
import type { LoadSummary } from '../../lab/load/summary.ts';
import type { RotationEvent } from '../../src/rotate/events.ts';
import type { RotationRecord } from '../../src/rotate/record-types.ts';
import { command, killedAt, killedOften } from '../lab/harness.ts';
import { oneStory } from '../lab/one-story.ts';
import { expectSignedBy } from '../lab/signers.ts';
import { describeFull, type FullLab, fullLabUp, workloads } from './harness.ts';
import { allReady, join, joinCommand, joinControlPlane, keepAside, leave } from './joins.ts';
import { openKeysOn, saysAKey } from './keys.ts';
import { doors, takeOldCredentials } from './old-doors.ts';
import { expectOwnRenewal } from './own-renewal.ts';

const AUTHORITIES = ['--authority', 'kubernetes,front-proxy'];
const json = ['-o', 'json'];
/** Times that reroot is killed at random moments. Its looks take some of the seconds until then, so not every kill meets a step. */
const KILLS = 2;
/** It is killed once more when it has begun one of so many steps of issue. */
const STEPS = 10;
/** A worker that has no part in the cluster yet when the rotation begins. */
const LATE = 'w3';
/** Clients of the load that hold old on purpose, or by what they are: they are waived, and are cut off. */
const KEEP_OLD = ['fresh', 'kept', 'pod-frozen', 'pod-subpath', 'static-pod'];

await describeFull('the whole page on a full lab', () => {
  oneStory();
  let lab: FullLab;
  let load: LoadProcess | undefined;
  const events: RotationEvent[] = [];
  const onEvent = (event: RotationEvent): void => void events.push(event);
  const record = async (): Promise<RotationRecord> =>
    JSON.parse(await lab.on('cp1', 'cat /etc/kubernetes/pki/reroot/record.json'));

  beforeAll(async () => {
    const whole = await fullLabUp('test-full', ['--workers', '3']);
    whole.kubectl(['cordon', LATE]);
    await workloads(whole.name);
    await keepAside(whole, LATE);
    lab = { ...whole, nodes: whole.nodes.filter((node) => node !== LATE) };
  });
  afterAll(async () => {
    await load?.stop().catch(() => undefined);
    await lab?.down();
  });

  /** Every file that a rotation may touch, by checksum. */
  const files = async (): Promise<string> =>
    (
      await Promise.all(
        lab.nodes.map((node) =>
          lab.on(
            node,
            'find /etc/kubernetes /var/lib/kubelet/pki /var/lib/kubelet/config.yaml -type f | sort | xargs sha256sum',
          ),
        ),
      )
    ).join('\n');

  test('inspect and plan see every node, and change nothing at all', async () => {
    const before = await files();
    const seen = JSON.parse((await lab.must(['inspect', ...json])).stdout);
    for (const node of lab.nodes) expect(JSON.stringify(seen)).toContain(`${node}/kubelet`);
    await lab.must(['plan', ...AUTHORITIES]);
    expect(await files()).toEqual(before);
  });

  describe('forth', () => {
    let summary: LoadSummary;
    let waived: string[];
    let restarts: Record<string, number>;
    let oldJoin: string;
    let openKeys: string[];

    test('killed three times it reaches the end of issue, under load, and a node joins in the middle', async () => {
      await takeOldCredentials(lab);
      openKeys = await openKeysOn({ ...lab, nodes: [...lab.nodes, LATE] });
      for (const { what, status } of await doors(lab, [])) expect(status, `${what}: old opens it before`).toBe('200');
      oldJoin = await joinCommand(lab);
      const args = ['--keep', '--rate', '3'];
      load = await cleanLoad({ command, lab: lab.name, seconds: 2400, args });
      const counted = await countRestarts('full', lab.dir, lab.nodes);
      const rotate = ['rotate', '--until', 'issue', ...AUTHORITIES, ...json];
      await killedOften(lab, rotate, { times: KILLS, from: 3_000, within: 30_000, onEvent });
      let steps = 1 + Math.floor(Math.random() * STEPS);
      const inIssue = ({ type, move, data }: RotationEvent): boolean =>
        type === 'step' && move === 'issue' && data?.state === 'begin' && --steps === 0;
      await killedAt(lab, rotate, inIssue, onEvent);
      process.stdout.write(`${LATE} joins after ${(await record()).steps.at(-1)?.id} was begun\n`);
      await join(lab, LATE, await joinCommand(lab));
      await lab.must(rotate, 0, { onEvent });
      allReady(lab);
      lab = { ...lab, nodes: [...lab.nodes, LATE] };
      await lab.must(['verify', ...json]);
      restarts = await counted();
    });

    test('in the middle kubeadm certs renew changes nothing that breaks', async () => {
      const before = await lab.on('cp1', 'cat /etc/kubernetes/pki/ca.crt');
      await lab.on('cp1', 'kubeadm certs renew all 2>&1 || true', { timeout: 120_000 });
      expect(await lab.on('cp1', 'cat /etc/kubernetes/pki/ca.crt')).toBe(before);
      await lab.must(['verify', ...json]);
    });

    test('each component was restarted as often as planned, and no pod', async () => {
      const ordered = (await record()).restarts.map(({ party, step, at }) => `${at} ${party} by ${step}`);
      expect(restarts, ordered.join('\n')).toEqual({
        'kube-apiserver': 0,
        etcd: 0,
        'kube-scheduler': 1,
        'kube-controller-manager': 2,
        kubelet: 1,
        pods: 0,
      });
    });

    test('retire is refused to a kubeconfig that it would cut off, and says how to renew it', async () => {
      const refused = await lab.must(['rotate', '--until', 'retire', '--yes', ...AUTHORITIES], 3);
      expect(refused.stderr).toMatch(/own-kubeconfig: .* presents a certificate from/);
      expect(refused.stderr).toMatch(/hint: .*reroot kubeconfig reissue/);
      expect(refused.stderr, 'who else blocks').toMatch(/retire waits, and was not begun: .*pod\//s);
      // At once: clients that re-read on a timer need minutes to be shown, and that helps nobody who blocks.
      expect(refused.stdout + refused.stderr).not.toMatch(/waits \d+ s for loaded/);
      await lab.renewOwn();
    });

    test('retire is refused while clients keep old, and each is named', async () => {
      const refused = await lab.must(['rotate', '--until', 'retire', '--yes', ...AUTHORITIES, ...json], 3, { onEvent });
      waived = blockedParties(refused);
      expect(
        waived.some((party) => party.startsWith('pod/load/pod-frozen')),
        waived.join(' '),
      ).toBe(true);
      expect(waived.filter((party) => /^file\/w1:\/home\//.test(party)).length, waived.join(' ')).toBeGreaterThan(1);
    });

    test('with waivers it goes on to the end', async () => {
      const waive = waiving(waived, 'a client of the test that keeps old on purpose');
      await lab.must(['rotate', '--until', 'retire', '--yes', ...waive, ...AUTHORITIES, ...json], 0, { onEvent });
      await pause(15_000);
      summary = await load!.stop();
      expect((await record()).state).toBe('done');
    });

    test('no request failed before retire, and afterwards those of waived clients alone', () => {
      const result = availability(summary, events);
      process.stdout.write(`measured: ${JSON.stringify({ ...result, restarts })}\n`);
      expect(result.failedBeforeRetire, JSON.stringify(result.before.slice(0, 8))).toBe(0);
      expect(result.requests).toBeGreaterThan(5_000);
      for (const kind of Object.keys(result.failedAfterRetire)) expect(KEEP_OLD).toContain(kind);
      for (const kind of ['fresh', 'kept', 'pod-frozen']) expect(result.failedAfterRetire).toHaveProperty(kind);
    });

    test('old opens nothing: API servers, kubelets, the aggregated API server, bare and with every bridge', async () => {
      const bridges = (await record()).authorities.flatMap(({ authority, bridges: made }) =>
        Object.entries(made).map(([purpose, pem]) => ({
          name: `the ${purpose} bridge of ${authority}`,
          pem: `${pem}`,
        })),
      );
      expect(bridges.length).toBeGreaterThan(1);
      for (const { what, status } of await doors(lab, bridges)) expect(['401', '403', '000'], what).toContain(status);
    });

    test('each signer gives a certificate from new, and from new alone', async () => {
      const read = (path: string): Promise<string> => lab.on('cp1', `cat ${path}`);
      await expectSignedBy(lab, await read('/etc/kubernetes/pki/ca.crt'), await read('/root/old/ca.crt'));
    });

    test('a kubelet renews its own client certificate, from new', async () => {
      await expectOwnRenewal(lab, 'w1');
      lab.kubectl(['wait', '--for=condition=Ready', 'node', 'w1', '--timeout=50s']);
    });

    test('no private key can be read by others, and none is in a log, in the record or in what was said', async () => {
      expect(await openKeysOn(lab)).toEqual(openKeys);
      expect(saysAKey(summary, events)).toBe(false);
    });

    test('exec, logs, port-forward, aggregated calls and webhooks work', async () => {
      const pods = JSON.parse(lab.kubectl(['get', 'pods', '-n', 'load', '-l', 'app=agent', '-o', 'json'])).items;
      expect(pods.length).toBe(lab.nodes.length);
      for (const { metadata, spec } of pods) {
        expect(lab.kubectl(['exec', '-n', 'load', metadata.name, '--', 'cat', '/proc/1/comm']), spec.nodeName).not.toBe(
          '',
        );
        lab.kubectl(['logs', '-n', 'load', metadata.name, '--tail=1']);
      }
      expect(lab.kubectl(['get', '--raw', '/apis/wardle.example.com/v1alpha1'])).toContain('flunders');
      await lab.must(['verify', ...json]);
    });

    test('a fresh join command works, for a worker and for a control plane; an old one is refused', async () => {
      await leave(lab, LATE);
      const fails = await join(lab, LATE, `${oldJoin} --discovery-token-unsafe-skip-ca-verification=false`).then(
        () => 'it joined',
        (thrown: Error) => thrown.message,
      );
      expect(fails).toMatch(/public key|pinned|x509|none of the/i);
      const fresh = await joinCommand(lab);
      await join(lab, LATE, fresh);
      await leave(lab, 'cp3');
      await joinControlPlane(lab, 'cp3', fresh);
      allReady(lab);
      await lab.on('cp1', 'kubeadm certs check-expiration');
      const plan = await lab.on('cp1', 'KUBECONFIG=/etc/kubernetes/admin.conf kubeadm upgrade plan v1.36.3 2>&1', {
        timeout: 240_000,
      });
      expect(plan).toMatch(/\[upgrade\/versions\] Cluster version: v?1\.36\.3/);
    });
  });
});
