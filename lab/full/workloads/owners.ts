// Pods of every kind of owner, with budgets as tight as can be: what `--restart stale` has to get through. They run the pause image; each
// mounts the CA, and nobody claims that they read it again.

import { legacyTokens, namespaces } from '../../processes/objects.ts';
import { LAB_IMAGE } from '../artifacts/image-list.ts';
import {
  budget,
  daemonSet,
  deployment,
  type PodShape,
  podOf,
  replicaSet,
  service,
  statefulSet,
  type Wanted,
  wanted,
} from './shapes.ts';

const podOfApp = (app: string, image: string, more: object = {}): PodShape => ({
  labels: { app },
  containers: [{ name: 'main', image, imagePullPolicy: 'Never', ...more }],
});

/** Namespaces `app1` to `app5` and `hooked`, token Secrets of the old kind in the first three. */
export const namespacesAndTokens: readonly Wanted[] = [...namespaces, ...legacyTokens].map(({ path, body }) => ({
  path,
  object: body as Wanted['object'],
}));

/** `workers`: nodes that a DaemonSet's pods come to. */
export const ownedPods = (image: string, workers: number): readonly Wanted[] => [
  deployment('app1', 'shop', { replicas: 2, pod: podOfApp('shop', image) }),
  budget('app1', 'shop', { app: 'shop' }, 1),
  deployment('app1', 'web', { replicas: 3, pod: podOfApp('web', image) }),
  budget('app1', 'web', { app: 'web' }, 2),
  service('app2', 'db', { app: 'db' }, 5432, 5432),
  statefulSet('app2', 'db', {
    replicas: 3,
    more: { podManagementPolicy: 'Parallel' },
    pod: podOfApp('db', image),
  }),
  budget('app2', 'db', { app: 'db' }, 2),
  statefulSet('app2', 'queue', { replicas: 2, pod: podOfApp('queue', image) }),
  budget('app2', 'queue', { app: 'queue' }, 1),
  daemonSet('app3', 'collector', podOfApp('collector', image)),
  budget('app3', 'collector', { app: 'collector' }, Math.max(1, workers - 1)),
  replicaSet('app4', 'bare', { replicas: 2, pod: podOfApp('bare', image) }),
  budget('app4', 'bare', { app: 'bare' }, 1),
  wanted(
    'v1',
    'ReplicationController',
    { name: 'old', namespace: 'app4' },
    { spec: { replicas: 2, selector: { app: 'old' }, template: podOf(podOfApp('old', image)) } },
  ),
  budget('app4', 'old', { app: 'old' }, 1),
  job(),
  budget('app5', 'batch', { app: 'batch' }, 1),
];

/**
 * Two pods that never end by themselves. One that is evicted says that its work is not done: after a container that ends with 0, as pause does when it is
 * told to go, a Job makes no other.
 */
const job = (): Wanted => {
  const command = ['sh', '-c', 'trap "exit 1" TERM; sleep infinity & wait'];
  const { metadata, spec } = podOf(podOfApp('batch', LAB_IMAGE, { command }));
  return wanted(
    'batch/v1',
    'Job',
    { name: 'batch', namespace: 'app5' },
    {
      spec: {
        parallelism: 2,
        backoffLimit: 20,
        // A pod that was evicted is no failure of the work.
        podFailurePolicy: {
          rules: [{ action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }] }],
        },
        podReplacementPolicy: 'Failed',
        template: { metadata, spec: { ...spec, restartPolicy: 'Never' } },
      },
    },
  );
};

/** Owned by nobody: once gone it stays away. */
export const barePod = (image: string): Wanted =>
  wanted(
    'v1',
    'Pod',
    { name: 'lonely', namespace: 'app5', labels: { app: 'lonely' } },
    { spec: podOf(podOfApp('lonely', image)).spec },
  );

/** A copy of the CA that nobody keeps up. */
export const copiedCA = (ca: string): Wanted =>
  wanted('v1', 'ConfigMap', { name: 'ca-copy', namespace: 'app4' }, { data: { 'ca.crt': ca } });

/** Sets of pods that are ready when all of these are. */
export const readySets: readonly string[] = [
  ...['shop', 'web'].map((name) => `/apis/apps/v1/namespaces/app1/deployments/${name}`),
  ...['db', 'queue'].map((name) => `/apis/apps/v1/namespaces/app2/statefulsets/${name}`),
  '/apis/apps/v1/namespaces/app3/daemonsets/collector',
  '/apis/apps/v1/namespaces/app4/replicasets/bare',
  '/api/v1/namespaces/app4/replicationcontrollers/old',
  '/apis/batch/v1/namespaces/app5/jobs/batch',
];
