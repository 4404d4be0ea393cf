// One lab of three control planes, one load on it: plan, a rotation that is killed ten times, a retire that is refused, the end of it, and
// what old opens afterwards. Each test goes on from where the one before it ended.

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { blockedParties, waiving } from '../../lab/demo/child.ts';
import { cleanLoad, type LoadProcess } from '../../lab/demo/load-process.ts';
import { availability, restartsSince } from '../../lab/demo/tally.ts';
import type { LoadSummary } from '../../lab/load/summary.ts';
import type { RotationEvent } from '../../src/rotate/events.ts';
import { command, killedOften, labUp, type TestLab } from '../lab/harness.ts';
import { fingerprintsOf, type OldCredentials, oldDoors, takeOldCredentials } from '../lab/old-doors.ts';
import { oneStory } from '../lab/one-story.ts';
import { describeLab } from '../lab/require-lab.ts';
import { expectSignedBy } from '../lab/signers.ts';
import { snapshotOf } from '../lab/snapshot-of.ts';
import { keysFoundIn } from './key-scan.ts';

const AUTHORITIES = ['--authority', 'kubernetes,front-proxy'];
const KEEPERS = ['file/w1:', 'pod/load/'];

describeLab('a rotation on the process lab', () => {
  oneStory();
  let lab: TestLab;
  let load: LoadProcess;
  let old: OldCredentials;
  const events: RotationEvent[] = [];
  const onEvent = (event: RotationEvent): void => void events.push(event);
  const json = ['-o', 'json'];

  beforeAll(async () => {
    lab = await labUp('test-rotation');
  });
  afterAll(async () => {
    await load?.stop().catch(() => undefined);
    await lab?.down();
  });

  test('plan changes nothing at all', async () => {
    const before = snapshotOf(lab);
    await lab.must(['plan', ...AUTHORITIES]);
    await lab.must(['inspect']);
    expect(snapshotOf(lab)).toEqual(before);
  });

  describe('forth', () => {
    let summary: LoadSummary;
    let begun: number;
    let waived: string[];

    test('a rotation killed at ten random moments reaches the end of issue', async () => {
      load = await cleanLoad({ command, lab: lab.name, seconds: 1500, args: ['--keep'] });
      begun = Date.now();
      old = takeOldCredentials(lab);
      const rotate = ['rotate', '--until', 'issue', ...AUTHORITIES, ...json];
      await killedOften(lab, rotate, { times: 10, from: 1_500, within: 5_000, onEvent });
      await lab.must(rotate, 0, { onEvent });
      const again = await lab.must(rotate);
      const changing = again.events.filter(
        (event) => event.type === 'step' && (event.data?.targets as string[])?.length > 0,
      );
      expect(changing).toEqual([]);
    });

    test('retire is refused while clients keep old, and each is named', async () => {
      const refused = await lab.must(['rotate', '--until', 'retire', '--yes', ...AUTHORITIES, ...json], 3, { onEvent });
      waived = blockedParties(refused);
      expect(waived).toContain('pod/load/frozen');
      expect(waived.filter((party) => party.startsWith('file/w1:')).length).toBe(2);
      expect(waived.filter((party) => !KEEPERS.some((prefix) => party.startsWith(prefix)))).toEqual([]);
    });

    test('with waivers it goes on to the end', async () => {
      const waive = waiving(waived, 'a client of the test that keeps old on purpose');
      await lab.must(['rotate', '--until', 'retire', '--yes', ...waive, ...AUTHORITIES, ...json], 0, { onEvent });
      await new Promise((resolve) => setTimeout(resolve, 10_000));
      summary = await load.stop();
    });

    test('no request failed before retire, and afterwards exactly those of the waived clients', () => {
      const result = availability(summary, events);
      expect(result.failedBeforeRetire, JSON.stringify(summary.failures.slice(0, 5))).toBe(0);
      expect(Object.keys(result.failedAfterRetire).sort()).toEqual(['fresh', 'kept', 'pod-frozen']);
      expect(result.requests).toBeGreaterThan(5_000);
    });

    test('API servers and etcd were not restarted, schedulers once, controller managers twice, kubelets once', () => {
      const log = readFileSync(join(lab.dir, 'events.jsonl'), 'utf8')
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line));
      const wanted = { 'kube-apiserver': 0, etcd: 0, 'kube-scheduler': 1, 'kube-controller-manager': 2, kubelet: 1 };
      expect(restartsSince(log, begun, Object.keys(wanted))).toEqual(wanted);
    });

    test('old opens nothing: bare, and with every bridge ever made', async () => {
      for (const door of await oldDoors(lab, old)) {
        expect(door.opened, `${door.what} at ${door.endpoint}: ${door.answer}`).toBe(false);
      }
    });

    test('no store holds old but what the report names', () => {
      const named = new Set([...waived, ...lab.record().left.map(({ store }) => store)]);
      const holding = fingerprintsOf(lab, old).filter((store) => !named.has(store));
      expect(holding).toEqual([]);
    });

    test('each signer gives a certificate from new, and from new alone', async () => {
      await expectSignedBy(lab, readFileSync(lab.file('cp1', 'etc/kubernetes/pki/ca.crt'), 'utf8'), old.ca);
    });

    test('no private key is anywhere it must not be', () => {
      expect(keysFoundIn(lab, [summary, events])).toEqual([]);
    });

    test('the staging folder and the backups are gone', () => {
      expect(existsSync(lab.file('cp1', 'etc/kubernetes/pki/reroot/staging'))).toBe(false);
      expect(lab.record().state).toBe('done');
    });
  });
});
