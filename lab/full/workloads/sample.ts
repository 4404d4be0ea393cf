// k8s.io/sample-apiserver as an aggregated API server in pods: two of them behind a Service, an etcd of their own, under a CA of their own.

import { SAMPLE_API, sampleSpec } from '../../processes/objects.ts';
import { ownServing } from './own-ca.ts';
import {
  accountSubject,
  budget,
  containerOf,
  deployment,
  namespaceOf,
  rbac,
  roleRef,
  secretOf,
  service,
  type Wanted,
  wanted,
} from './shapes.ts';

export const SAMPLE_NAMESPACE = 'wardle';
const NAME = 'sample-apiserver';
const PORT = 8443;
const ETCD = { app: 'etcd' };
const SERVER = { app: NAME };
export const SERVING_SECRET = 'serving';

/** What the servers may do: the rules of their own example (artifacts/example/*.yaml of k8s.io/sample-apiserver). */
const access: readonly Wanted[] = [
  wanted('v1', 'ServiceAccount', { name: 'apiserver', namespace: SAMPLE_NAMESPACE }),
  rbac('ClusterRole', NAME, undefined, {
    rules: [
      { apiGroups: [''], resources: ['namespaces'], verbs: ['get', 'list', 'watch'] },
      { apiGroups: ['admissionregistration.k8s.io'], resources: ['*'], verbs: ['get', 'list', 'watch'] },
      {
        apiGroups: ['flowcontrol.apiserver.k8s.io'],
        resources: ['flowschemas', 'prioritylevelconfigurations'],
        verbs: ['get', 'list', 'watch'],
      },
    ],
  }),
  ...(
    [
      [NAME, NAME],
      [`${NAME}:delegator`, 'system:auth-delegator'],
    ] as const
  ).map(([name, role]) =>
    rbac('ClusterRoleBinding', name, undefined, {
      roleRef: roleRef('ClusterRole', role),
      subjects: [accountSubject(SAMPLE_NAMESPACE, 'apiserver')],
    }),
  ),
  rbac('RoleBinding', NAME, 'kube-system', {
    roleRef: roleRef('Role', 'extension-apiserver-authentication-reader'),
    subjects: [accountSubject(SAMPLE_NAMESPACE, 'apiserver')],
  }),
];

/** It has no token, so it never holds a copy of the CA and is never stale. */
const etcd = (image: string): readonly Wanted[] => [
  deployment(SAMPLE_NAMESPACE, 'etcd', {
    more: { strategy: { type: 'Recreate' } },
    pod: {
      labels: ETCD,
      token: false,
      containers: [
        containerOf({
          name: 'etcd',
          image,
          command: ['etcd'],
          args: [
            '--data-dir=/data',
            '--listen-client-urls=http://0.0.0.0:2379',
            '--advertise-client-urls=http://etcd:2379',
          ],
          port: 2379,
          ready: { path: '/health', scheme: 'HTTP' },
          mounts: [{ name: 'data', mountPath: '/data' }],
        }),
      ],
      volumes: [{ name: 'data', emptyDir: {} }],
    },
  }),
  service(SAMPLE_NAMESPACE, 'etcd', ETCD, 2379, 2379),
];

const servers: readonly Wanted[] = [
  deployment(SAMPLE_NAMESPACE, NAME, {
    replicas: 2,
    more: { strategy: { rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } } },
    pod: {
      labels: SERVER,
      serviceAccount: 'apiserver',
      grace: 15,
      containers: [
        containerOf({
          name: 'main',
          command: [NAME],
          args: [
            `--secure-port=${PORT}`,
            '--etcd-servers=http://etcd:2379',
            '--tls-cert-file=/tls/tls.crt',
            '--tls-private-key-file=/tls/tls.key',
          ],
          port: PORT,
          ready: { path: '/readyz', scheme: 'HTTPS' },
          linger: 5,
          mounts: [{ name: 'tls', mountPath: '/tls', readOnly: true }],
        }),
      ],
      volumes: [{ name: 'tls', secret: { secretName: SERVING_SECRET } }],
    },
  }),
  service(SAMPLE_NAMESPACE, 'api', SERVER, 443, PORT),
  budget(SAMPLE_NAMESPACE, NAME, SERVER, 1),
];

const apiService = (caBundle: string): Wanted =>
  wanted(
    'apiregistration.k8s.io/v1',
    'APIService',
    { name: SAMPLE_API },
    {
      spec: {
        ...sampleSpec(caBundle),
        service: { name: 'api', namespace: SAMPLE_NAMESPACE, port: 443 },
      },
    },
  );

/** All of it but the certificate, which is made once. */
export const sampleObjects = (etcdImage: string): readonly Wanted[] => [
  namespaceOf(SAMPLE_NAMESPACE),
  ...access,
  ...etcd(etcdImage),
  ...servers,
];

/** The Secret with a new serving certificate, and what trusts it. `ca.crt` is in the Secret, so that the APIService can be made anew from it. */
export function sampleServing(now: number): Wanted {
  const { ca, cert, key } = ownServing('sample-apiserver-ca', [`api.${SAMPLE_NAMESPACE}.svc`], now);
  return secretOf(SAMPLE_NAMESPACE, SERVING_SECRET, 'kubernetes.io/tls', {
    'ca.crt': ca,
    'tls.crt': cert,
    'tls.key': key,
  });
}

export { apiService as sampleApiService };
