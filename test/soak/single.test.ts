// One control plane, and old CAs of every kind: with key ids, without, with a path length of 0, and with its key on no node.

import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { cleanLoad, type LoadProcess } from '../../lab/demo/load-process.ts';
import { availability } from '../../lab/demo/tally.ts';
import { verifiedBy } from '../../src/pki/certificate.ts';
import { requireCertificates } from '../../src/pki/pem.ts';
import type { RotationEvent } from '../../src/rotate/events.ts';
import { command, kubectl, labUp, reroot, type TestLab } from '../lab/harness.ts';
import { caIn } from '../lab/make-cas.ts';
import { describeLab } from '../lab/require-lab.ts';

const NAME = 'test-single';
const json = ['-o', 'json'];

describeLab('one control plane', () => {
  let lab: TestLab;
  let files: string;
  beforeAll(() => {
    files = mkdtempSync(join(tmpdir(), 'reroot-single-'));
  });
  afterAll(async () => {
    rmSync(files, { recursive: true, force: true });
    await lab?.down();
  });

  const up = async (args: readonly string[]): Promise<void> => {
    lab = await labUp(NAME, ['--control-planes', '1', ...args]);
  };

  interface Shown {
    plan: { routes: { authority: string; route: string; because: string }[]; refusal?: { reason: string } };
  }
  const routeOf = async (authority: string, flags: readonly string[] = []): Promise<[string, string]> => {
    const { stdout } = await lab.must(['plan', ...flags, ...json]);
    const found = (JSON.parse(stdout) as Shown).plan.routes.find((one) => one.authority === authority);
    return [found?.route ?? '', found?.because ?? ''];
  };

  /** Runs to the end of a move; who blocks is waived once. Returns who was. */
  async function rotateWaiving(flags: readonly string[], events: RotationEvent[] = []): Promise<string[]> {
    const onEvent = (event: RotationEvent): void => void events.push(event);
    const begun = await lab.must(['rotate', ...flags, ...json], 3, { onEvent });
    const blocked = begun.events.filter(({ type }) => type === 'blocked');
    for (const { data } of blocked) expect(data?.ways).not.toEqual([]);
    const parties = [...new Set(blocked.map(({ party }) => party ?? ''))];
    const again = flags.filter((flag, at) => flag !== '--new-ca' && flags[at - 1] !== '--new-ca');
    const waive = parties.flatMap((party) => ['--waive', `${party}=a client that this test leaves with old`]);
    await lab.must(['rotate', ...again, ...waive, ...json], 0, { onEvent });
    return parties;
  }

  const pki = (name: string): string => lab.file('cp1', `etc/kubernetes/pki/${name}`);
  const servedSubject = (): string => {
    const ca = kubectl(lab, ['get', 'configmap', 'kube-root-ca.crt', '-o', 'jsonpath={.data.ca\\.crt}']);
    return ca.trim();
  };
  const homes = (parties: readonly string[]): string[] => parties.filter((party) => /^file\/w1:.*\/home\//.test(party));

  describe('kubeadm as it is today: key ids', () => {
    beforeAll(async () => {
      await up([]);
      const kept = await reroot(['lab', 'snapshot', '--name', NAME, 'fresh']);
      expect(kept.code, kept.stderr).toBe(0);
    });

    test('a new CA of the same name goes with bundles, and old clients block issue', async () => {
      const { cert, key } = caIn(files, 'same', { commonName: 'kubernetes' });
      const newCA = ['--new-ca', `kubernetes=${cert},${key}`];
      const [route, because] = await routeOf('kubernetes', newCA);
      expect(route).toBe('bundle');
      expect(because).toMatch(/both CAs are called CN=kubernetes/);
      expect((await routeOf('front-proxy', newCA))[0]).toBe('bridge');

      const events: RotationEvent[] = [];
      const waived = await rotateWaiving(['--until', 'issue', ...newCA], events);
      expect(homes(waived).length).toBe(2);
      const moves = events.filter(({ type }) => type === 'blocked').map(({ move }) => move);
      expect(new Set(moves)).toEqual(new Set(['issue']));
      expect(servedSubject()).toBe(readFileSync(cert, 'utf8').trim());
      expect(kubectl(lab, ['get', '--raw', '/readyz'])).toBe('ok');
      await lab.must(['verify', ...json]);
    });

    test('where clients already trust new alone and no reverse bridge can be, all trust both again before old is served', async () => {
      const back = await lab.must(['rollback', ...json]);
      const begun = back.events.filter(({ type, data }) => type === 'step' && data?.state === 'begin');
      const at = (wanted: RegExp) => begun.findIndex(({ step }) => wanted.test(step ?? ''));
      expect(at(/restart-kubelets-both/)).toBeGreaterThan(-1);
      expect(at(/restart-managers-both/)).toBeGreaterThan(-1);
      expect(at(/^rollback\.kubernetes\.serving/)).toBeGreaterThan(at(/restart-kubelets-both/));
      const [served, ...more] = requireCertificates(readFileSync(pki('apiserver.crt')), 'apiserver.crt');
      const [old] = requireCertificates(readFileSync(pki('ca.crt')), 'ca.crt');
      expect(more).toEqual([]);
      expect(verifiedBy(served!, old!)).toBe(true);
      expect(kubectl(lab, ['get', '--raw', '/readyz'])).toBe('ok');
      await lab.must(['verify', ...json]);
    });

    describe('a whole rotation under load', () => {
      let load: LoadProcess | undefined;
      beforeAll(async () => {
        const restored = await reroot(['lab', 'restore', '--name', NAME, 'fresh']);
        expect(restored.code, restored.stderr).toBe(0);
      });
      afterEach(async () => {
        await load?.stop().catch(() => undefined);
      });

      test('no request fails before retire, without a second API server to go to', async () => {
        load = await cleanLoad({ command, lab: NAME, seconds: 900, args: ['--rate', '5'] });
        const events: RotationEvent[] = [];
        const onEvent = (event: RotationEvent): void => void events.push(event);
        await lab.must(['rotate', '--until', 'issue', ...json], 0, { onEvent });
        const waived = await rotateWaiving(['--until', 'retire', '--yes'], events);
        const summary = await load.stop();
        const result = availability(summary, events);
        expect(result.failedBeforeRetire, JSON.stringify(summary.failures.slice(0, 5))).toBe(0);
        expect(waived).toContain('pod/load/frozen');
        expect(
          Object.keys(result.failedAfterRetire).filter((kind) => !['fresh', 'kept', 'pod-frozen'].includes(kind)),
        ).toEqual([]);
        expect(result.requests).toBeGreaterThan(1_000);
        process.stdout.write(`measured: ${JSON.stringify(result)}\n`);
        expect(lab.record().state).toBe('done');
        expect(existsSync(pki('ca.key'))).toBe(true);
        await lab.must(['verify', ...json]);
      });
    });
  });

  describe('an old CA without a key id', () => {
    beforeAll(async () => {
      caIn(join(files, 'no-id'), 'ca', { commonName: 'kubernetes', withoutKeyId: true });
      await up(['--with-ca', join(files, 'no-id')]);
    });

    test('a new one of the same name is refused, with the reason', async () => {
      const { cert, key } = caIn(files, 'same-again', { commonName: 'kubernetes' });
      for (const verb of ['plan', 'rotate']) {
        const refused = await lab.must([verb, '--new-ca', `kubernetes=${cert},${key}`], 3);
        expect(refused.stderr).toMatch(/same-subject-without-key-id/);
        expect(refused.stderr).toMatch(/the old CA has no key id/);
        expect(refused.stderr).toMatch(/hint: .*a subject of its own/);
      }
      expect(existsSync(pki('reroot/record.json'))).toBe(false);
    });

    test('a new one of another name goes over the bridge, to the end of issue', async () => {
      const { cert, key } = caIn(files, 'other', { commonName: 'my-new-ca' });
      const newCA = ['--new-ca', `kubernetes=${cert},${key}`];
      expect((await routeOf('kubernetes', newCA))[0]).toBe('bridge');
      await lab.must(['rotate', '--until', 'issue', ...newCA, ...json]);
      expect(readFileSync(pki('apiserver.crt'), 'utf8').match(/BEGIN CERTIFICATE/g)?.length).toBe(2);
      await lab.must(['verify', ...json]);
    });
  });

  describe('an old CA with path length 0', () => {
    beforeAll(async () => {
      caIn(join(files, 'short'), 'ca', { commonName: 'kubernetes', pathLen: 0 });
      caIn(join(files, 'short'), 'front-proxy-ca', { commonName: 'front-proxy-ca', pathLen: 0 });
      await up(['--with-ca', join(files, 'short')]);
    });

    test('goes with bundles, both authorities, and says why', async () => {
      for (const authority of ['kubernetes', 'front-proxy']) {
        const [route, because] = await routeOf(authority);
        expect(route).toBe('bundle');
        expect(because).toMatch(/path length 0/);
      }
      await lab.must(['rotate', '--until', 'trust', ...json]);
      await lab.must(['verify', ...json]);
    });
  });

  describe('no CA key on any node', () => {
    beforeAll(async () => {
      await up(['--without-ca-key']);
    });

    test('goes with bundles to the end of issue; the controller manager is not made to sign', async () => {
      const [route, because] = await routeOf('kubernetes');
      expect(route).toBe('bundle');
      expect(because).toMatch(/private key of the old CA .* is not there/);
      const events: RotationEvent[] = [];
      await rotateWaiving(['--until', 'issue'], events);
      expect(events.some(({ type, message }) => type === 'warning' && /external CA/.test(message))).toBe(true);
      const flags = readFileSync(lab.file('cp1', 'etc/kubernetes/manifests/kube-controller-manager.yaml'), 'utf8');
      expect(flags).toMatch(/--cluster-signing-cert-file=(?:"|'|\n)/);
      expect(existsSync(pki('reroot/signer.pem'))).toBe(false);
      await lab.must(['verify', ...json]);
    });

    test('and back: nothing is put where kubeadm keeps its keys', async () => {
      await lab.must(['rollback', ...json]);
      for (const name of ['ca.key', 'front-proxy-ca.key', 'etcd/ca.key']) expect(existsSync(pki(name))).toBe(false);
      await lab.must(['verify', ...json]);
    });
  });
});
