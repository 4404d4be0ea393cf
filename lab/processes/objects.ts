// What `up` puts into the cluster, as plain data: what kubeadm would have made, and things for a rotation to find.

import { type Place, PORTS } from './layout.ts';

export interface Wanted {
  path: string;
  body: Record<string, unknown>;
}

const RBAC = '/apis/rbac.authorization.k8s.io/v1';
const SAMPLE_NAMESPACE = 'wardle';
export const SAMPLE_POD = { namespace: SAMPLE_NAMESPACE, name: 'sample-apiserver', volume: 'kube-api-access' };

export const object = (
  path: string,
  apiVersion: string,
  kind: string,
  metadata: object,
  rest: object = {},
): Wanted => ({
  path,
  body: { apiVersion, kind, metadata, ...rest },
});

const namespace = (name: string, labels: Record<string, string> = {}): Wanted =>
  object('/api/v1/namespaces', 'v1', 'Namespace', { name, labels });

const rbac = (kind: string, metadata: { name: string; namespace?: string }, rest: object): Wanted => {
  const folder = `${kind.toLowerCase()}s`;
  const path = metadata.namespace ? `${RBAC}/namespaces/${metadata.namespace}/${folder}` : `${RBAC}/${folder}`;
  return object(path, 'rbac.authorization.k8s.io/v1', kind, metadata, rest);
};

const roleRef = (kind: string, name: string): object => ({
  roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind, name },
});

const rbacSubject = (kind: 'User' | 'Group', name: string): object => ({
  subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind, name }],
});

/** Bindings without which admin.conf and the API servers' kubelet client may do nothing; kubeadm makes them with super-admin.conf. */
export const firstBindings: readonly Wanted[] = [
  rbac(
    'ClusterRoleBinding',
    { name: 'kubeadm:cluster-admins' },
    {
      ...roleRef('ClusterRole', 'cluster-admin'),
      ...rbacSubject('Group', 'kubeadm:cluster-admins'),
    },
  ),
  rbac(
    'ClusterRoleBinding',
    { name: 'kubeadm:apiserver-kubelet-client' },
    {
      ...roleRef('ClusterRole', 'system:kubelet-api-admin'),
      ...rbacSubject('User', 'kube-apiserver-kubelet-client'),
    },
  ),
];

/** The webhook is called for ConfigMaps in namespaces with this label. */
export const HOOKED = { 'lab-webhook': 'yes' };

export const namespaces: readonly Wanted[] = [
  ...['app1', 'app2', 'app3', 'app4', 'app5', SAMPLE_NAMESPACE].map((name) => namespace(name)),
  namespace('hooked', HOOKED),
];

/** Secrets of type service-account-token, which Kubernetes no longer makes by itself; the controller manager fills them. */
export const legacyTokens: readonly Wanted[] = ['app1', 'app2', 'app3'].flatMap((ns) => [
  object(`/api/v1/namespaces/${ns}/serviceaccounts`, 'v1', 'ServiceAccount', { name: 'legacy', namespace: ns }),
  object(
    `/api/v1/namespaces/${ns}/secrets`,
    'v1',
    'Secret',
    { name: 'legacy-token', namespace: ns, annotations: { 'kubernetes.io/service-account.name': 'legacy' } },
    { type: 'kubernetes.io/service-account-token' },
  ),
]);

const sampleSubject = { kind: 'ServiceAccount', name: 'apiserver', namespace: SAMPLE_NAMESPACE };

/** What the sample API server's ServiceAccount may do: the rules of its own example (artifacts/example/*.yaml of k8s.io/sample-apiserver). */
export const sampleAccess: readonly Wanted[] = [
  object(`/api/v1/namespaces/${SAMPLE_NAMESPACE}/serviceaccounts`, 'v1', 'ServiceAccount', {
    name: 'apiserver',
    namespace: SAMPLE_NAMESPACE,
  }),
  rbac(
    'ClusterRole',
    { name: 'sample-apiserver' },
    {
      rules: [
        { apiGroups: [''], resources: ['namespaces'], verbs: ['get', 'list', 'watch'] },
        { apiGroups: ['admissionregistration.k8s.io'], resources: ['*'], verbs: ['get', 'list', 'watch'] },
        {
          apiGroups: ['flowcontrol.apiserver.k8s.io'],
          resources: ['flowschemas', 'prioritylevelconfigurations'],
          verbs: ['get', 'list', 'watch'],
        },
      ],
    },
  ),
  ...[
    ['sample-apiserver', 'sample-apiserver'],
    ['sample-apiserver:delegator', 'system:auth-delegator'],
  ].map(([name = '', role = '']) =>
    rbac('ClusterRoleBinding', { name }, { ...roleRef('ClusterRole', role), subjects: [sampleSubject] }),
  ),
  rbac(
    'RoleBinding',
    { name: 'sample-apiserver', namespace: 'kube-system' },
    {
      ...roleRef('Role', 'extension-apiserver-authentication-reader'),
      subjects: [sampleSubject],
    },
  ),
];

/**
 * The pod that the sample API server's process stands for: the kubelet keeps its token and CA file and reports the process's start as the
 * container's. A mount at the usual path keeps the admission plugin from adding a volume under a random name.
 */
export const samplePod = (place: Place): Wanted =>
  object(
    `/api/v1/namespaces/${SAMPLE_NAMESPACE}/pods`,
    'v1',
    'Pod',
    {
      name: SAMPLE_POD.name,
      namespace: SAMPLE_NAMESPACE,
      annotations: { 'lab.reroot.dev/process': 'sample-apiserver' },
    },
    {
      spec: {
        nodeName: place.worker.name,
        serviceAccountName: 'apiserver',
        terminationGracePeriodSeconds: 0,
        tolerations: [{ operator: 'Exists' }],
        containers: [
          {
            name: 'sample-apiserver',
            image: 'lab.invalid/sample-apiserver:1',
            volumeMounts: [{ name: SAMPLE_POD.volume, mountPath: '/var/run/secrets/kubernetes.io/serviceaccount' }],
          },
        ],
        volumes: [{ name: SAMPLE_POD.volume, projected: { sources: podSources } }],
      },
    },
  );

const podSources = [
  { serviceAccountToken: { path: 'token', expirationSeconds: 3607 } },
  { downwardAPI: { items: [{ path: 'namespace', fieldRef: { fieldPath: 'metadata.namespace' } }] } },
];

/** A Service of type ExternalName is the way to a server on loopback: no cluster IP and no kube-proxy are needed. */
export const sampleService = (place: Place): Wanted =>
  object(
    `/api/v1/namespaces/${SAMPLE_NAMESPACE}/services`,
    'v1',
    'Service',
    { name: 'api', namespace: SAMPLE_NAMESPACE },
    {
      spec: { type: 'ExternalName', externalName: place.lab.loadBalancer },
    },
  );

/** What is served of the sample API, apart from where. */
export const sampleSpec = (caBundle: string): object => ({
  group: 'wardle.example.com',
  version: 'v1alpha1',
  groupPriorityMinimum: 1000,
  versionPriority: 15,
  caBundle: base64(caBundle),
});

export const sampleAPIService = (caBundle: string): Wanted =>
  object(
    '/apis/apiregistration.k8s.io/v1/apiservices',
    'apiregistration.k8s.io/v1',
    'APIService',
    { name: SAMPLE_API },
    {
      spec: {
        ...sampleSpec(caBundle),
        service: { name: 'api', namespace: SAMPLE_NAMESPACE, port: PORTS.sample },
      },
    },
  );
export const SAMPLE_API = 'v1alpha1.wardle.example.com';

export const base64 = (text: string): string => Buffer.from(text).toString('base64');
