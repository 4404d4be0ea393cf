// loaded, on the way back, of pods that nothing was started in since the rotation began.

import { afterEach, beforeEach, expect, test } from 'vitest';
import { NEW, OLD, rotation, type World, world } from './world.ts';

const MINUTE = 60_000;
let w: World;
let begun: number;
beforeEach(async () => {
  w = await world();
  begun = Date.now() - 30 * MINUTE;
  w.ctx.rotation = { ...rotation, rollback: true, begunAt: { n1: begun } };
});
afterEach(() => w.close());

const running = (at: number) => ({ name: 'c', state: { running: { startedAt: new Date(at).toISOString() } } });
const put = (pem: string, minutesAgo: number): void =>
  void w.put(
    'kubelet/pods/u-1/volumes/kubernetes.io~projected/kube-api-access/ca.crt',
    pem,
    Date.now() - minutesAgo * MINUTE,
  );

/** A pod with two containers, its ConfigMap and its file, as they are `minutesAgo`. */
async function shown(starts: number[], pem: string, minutesAgo: number, keep = ['old', 'both'] as const) {
  const changed = new Date(Date.now() - minutesAgo * MINUTE - 1_000).toISOString();
  w.inventory.stores.push({
    id: 'object/ConfigMap/app/kube-root-ca.crt#ca.crt',
    kind: 'object-bundle',
    certs: [],
    publishedBy: 'root-ca-publisher',
  });
  w.api.objects.set('/api/v1/namespaces/app/configmaps/kube-root-ca.crt', {
    metadata: { name: 'kube-root-ca.crt', managedFields: [{ time: changed }] },
    data: { 'ca.crt': pem },
  });
  const object = {
    metadata: { name: 'frozen', namespace: 'app', uid: 'u-1' },
    spec: {
      nodeName: 'n1',
      volumes: [{ name: 'v', projected: { sources: [{ configMap: { name: 'kube-root-ca.crt' } }] } }],
      containers: starts.map(() => ({ name: 'c', volumeMounts: [{ name: 'v' }] })),
    },
    status: { phase: 'Running', containerStatuses: starts.map(running) },
  };
  w.api.objects.set('/api/v1/pods', { metadata: { name: '' }, items: [object] } as never);
  w.add({ component: 'kubelet', flags: { 'root-dir': [w.path('kubelet')] } });
  put(pem, minutesAgo);
  // As it was when the step was planned.
  w.addPod({
    name: 'frozen',
    startedAt: begun - MINUTE,
    lastStartedAt: begun - MINUTE,
    holds: [OLD.certificate.fingerprint],
  });
  const [seen] = await w.look({ kind: 'loaded', of: ['pod/app/frozen:root-ca'], keep: [...keep] });
  return seen;
}

const before = () => [begun - 20 * MINUTE, begun - 10 * MINUTE];

test('old, once the file has held it for longer than a re-read takes', async () => {
  const seen = await shown(before(), OLD.certificate.pem, 6);
  expect(seen).toMatchObject({ value: 'old' });
  expect(seen?.evidence).toMatch(/nothing in the pod started since/);
});

test('old too where the file holds both and either will do', async () => {
  expect(await shown(before(), OLD.certificate.pem + NEW.certificate.pem, 6)).toMatchObject({ value: 'old' });
});

test('nothing while somebody may have read the file before that', async () => {
  const seen = await shown(before(), OLD.certificate.pem, 4);
  expect(seen?.value).toBeUndefined();
  expect(seen?.evidence).toMatch(/for 240 s; who re-reads it/);
});

test('nothing while the file holds what is not asked for', async () => {
  expect((await shown(before(), NEW.certificate.pem, 20))?.value).toBeUndefined();
});

test('nothing where both is not enough and the file holds both', async () => {
  expect(
    (await shown(before(), OLD.certificate.pem + NEW.certificate.pem, 20, ['old'] as never))?.value,
  ).toBeUndefined();
});

test('nothing once one of its containers was restarted in place', async () => {
  const seen = await shown([begun - 20 * MINUTE, begun + 10 * MINUTE], OLD.certificate.pem, 6);
  expect(seen?.value).toBeUndefined();
  expect(seen?.evidence).toMatch(/started since the rotation began/);
});
