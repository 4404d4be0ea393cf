import { expect, test } from 'vitest';
import { type PodObject, podFact } from '../../../src/discover/pods.ts';

const pod = (change: Partial<PodObject> = {}): PodObject => ({
  metadata: { name: 'a', namespace: 'app', uid: 'u', creationTimestamp: '2026-01-01T00:00:00Z' },
  spec: {
    nodeName: 'w1',
    volumes: [{ name: 'kube-api-access', projected: { sources: [{ configMap: { name: 'kube-root-ca.crt' } }] } }],
    containers: [{ name: 'c', volumeMounts: [{ name: 'kube-api-access' }] }],
  },
  status: {
    phase: 'Running',
    startTime: '2026-01-01T00:00:01Z',
    containerStatuses: [
      { state: { running: { startedAt: '2026-01-01T00:10:00Z' } } },
      { state: { running: { startedAt: '2026-01-01T00:05:00Z' } } },
    ],
  },
  ...change,
});
const none = new Set<string>();
const at = (text: string) => Date.parse(text);

test('the longest-running container counts, for it may hold the oldest CA', () => {
  expect(podFact(pod(), none)).toMatchObject({
    id: 'pod/app/a',
    rootCA: 'projected',
    startedAt: at('2026-01-01T00:05:00Z'),
    lastStartedAt: at('2026-01-01T00:10:00Z'),
  });
});

test('the youngest start is not known while a container is between two runs or its status is missing', () => {
  const status = pod().status!;
  const [first] = status.containerStatuses!;
  const restarting = { state: {}, lastState: { terminated: { finishedAt: '2026-01-02T00:00:00Z' } } };
  for (const containerStatuses of [[first!, restarting], [], undefined]) {
    const seen = podFact(pod({ status: { ...status, containerStatuses: containerStatuses as never } }), none);
    expect(seen).not.toHaveProperty('lastStartedAt');
  }
  const sidecar = { state: { running: { startedAt: '2026-01-01T01:00:00Z' } } };
  const ended = { state: { terminated: { finishedAt: '2026-01-01T00:04:00Z' } } };
  const seen = podFact(pod({ status: { ...status, initContainerStatuses: [sidecar, ended] } }), none);
  expect(seen?.lastStartedAt).toBe(at('2026-01-01T01:00:00Z'));
});

test('a pod whose containers are between two runs counts from the last end', () => {
  const waiting = pod({
    status: {
      phase: 'Running',
      containerStatuses: [{ state: {}, lastState: { terminated: { finishedAt: '2026-01-02T00:00:00Z' } } }],
    },
  });
  expect(podFact(waiting, none)?.startedAt).toBe(at('2026-01-02T00:00:00Z'));
});

test('a sub-path mount, and an environment variable, never change', () => {
  const subPath = pod();
  subPath.spec!.containers![0]!.volumeMounts = [{ name: 'kube-api-access', subPath: 'ca.crt' }];
  expect(podFact(subPath, none)?.rootCA).toBe('sub-path');
  const variable = pod();
  variable.spec!.containers![0]!.env = [{ valueFrom: { configMapKeyRef: { name: 'kube-root-ca.crt' } } }];
  expect(podFact(variable, none)?.rootCA).toBe('sub-path');
});

test('a legacy token Secret carries the CA, any other Secret does not', () => {
  const legacy = pod({
    spec: {
      nodeName: 'w1',
      volumes: [{ name: 't', secret: { secretName: 'legacy-token' } }],
      containers: [{ name: 'c', volumeMounts: [{ name: 't' }] }],
    },
  });
  expect(podFact(legacy, none)?.rootCA).toBe('none');
  expect(podFact(legacy, new Set(['app/legacy-token']))?.rootCA).toBe('projected');
});

test('a volume that no container mounts carries nothing', () => {
  const unmounted = pod();
  unmounted.spec!.containers![0]!.volumeMounts = [];
  expect(podFact(unmounted, none)?.rootCA).toBe('none');
});

test('finished and unscheduled pods are no parties', () => {
  expect(podFact(pod({ status: { phase: 'Succeeded' } }), none)).toBeUndefined();
  expect(podFact(pod({ spec: {} }), none)).toBeUndefined();
});

test('the annotation is a claim of its author, in both directions', () => {
  const claimed = pod();
  claimed.metadata.annotations = { 'reroot.dev/rereads-ca': 'true' };
  expect(podFact(claimed, none)?.rereads).toBe(true);
  expect(podFact(pod(), none)).not.toHaveProperty('rereads');
});

test('what rolls a pod out: a Deployment by its name for its ReplicaSet, others by themselves', () => {
  const owned = (kind: string, name: string, labels: Record<string, string> = {}) =>
    podFact(pod({ metadata: { ...pod().metadata, labels, ownerReferences: [{ kind, name, controller: true }] } }), none)
      ?.workload;
  const hash = { 'pod-template-hash': '5d4f8c7b9' };
  expect(owned('ReplicaSet', 'my-web-5d4f8c7b9', hash)).toEqual({ kind: 'Deployment', name: 'my-web' });
  expect(owned('ReplicaSet', 'by-hand', hash)).toBeUndefined();
  expect(owned('ReplicaSet', 'by-hand')).toBeUndefined();
  expect(owned('DaemonSet', 'proxy')).toEqual({ kind: 'DaemonSet', name: 'proxy' });
  expect(owned('StatefulSet', 'db')).toEqual({ kind: 'StatefulSet', name: 'db' });
  expect(owned('Job', 'once')).toBeUndefined();
});
