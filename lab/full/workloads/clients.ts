// The pods of the load: each carries one kind of client and says on its standard output what became of its requests (lab/kube/podclient.go).

import { NAMESPACE, page } from '../../load/objects.ts';
import {
  accountSubject,
  budget,
  type ContainerShape,
  containerOf,
  daemonSet,
  deployment,
  type PodShape,
  REREADS_CA,
  rbac,
  roleRef,
  service,
  type Wanted,
  wanted,
} from './shapes.ts';

/** On each pod whose output the load collects; its value is the kind. */
export const CLIENT_LABEL = 'reroot.dev/load-client';
export const CLIENT_CONTAINER = 'client';
export const PAGE_PATH = `/api/v1/namespaces/${NAMESPACE}/configmaps/${page.metadata.name}`;

const AGENT = { app: 'agent' };
const ECHO = { app: 'echo' };
const PORT = 8080;
const KUBELET_ACCOUNT = 'kubelet-client';

/** Since this minor version client-go's in-cluster configuration reads its CA file again (feature ClientsAllowCARotation). */
const CA_ROTATION_SINCE = 36;
export const clientGoRereads = (kubernetes: string): boolean => Number(kubernetes.split('.')[1]) >= CA_ROTATION_SINCE;

const access: readonly Wanted[] = [
  wanted('v1', 'ServiceAccount', { name: KUBELET_ACCOUNT, namespace: NAMESPACE }),
  // What `kubectl exec`, `logs`, `port-forward` and the node's proxy need, and who is asked.
  rbac('ClusterRole', 'load-kubelet-client', undefined, {
    rules: [
      { apiGroups: [''], resources: ['nodes', 'pods'], verbs: ['get', 'list'] },
      { apiGroups: ['discovery.k8s.io'], resources: ['endpointslices'], verbs: ['list'] },
      { apiGroups: [''], resources: ['nodes/proxy', 'pods/log'], verbs: ['get'] },
      { apiGroups: [''], resources: ['pods/exec', 'pods/portforward'], verbs: ['get', 'create'] },
    ],
  }),
  rbac('ClusterRoleBinding', 'load-kubelet-client', undefined, {
    roleRef: roleRef('ClusterRole', 'load-kubelet-client'),
    subjects: [accountSubject(NAMESPACE, KUBELET_ACCOUNT)],
  }),
];

/** The server on each node that is reached through its kubelet. It has no token, and so no CA. */
const agents = daemonSet(NAMESPACE, 'agent', {
  labels: AGENT,
  token: false,
  containers: [serverOf('agent')],
  grace: 8,
  more: { tolerations: [{ operator: 'Exists' }] },
});

const echo: readonly Wanted[] = [
  deployment(NAMESPACE, 'echo', {
    replicas: 2,
    pod: { labels: ECHO, token: false, containers: [serverOf('echo')], grace: 8 },
  }),
  service(NAMESPACE, 'echo', ECHO, PORT, PORT),
  budget(NAMESPACE, 'echo', ECHO, 1),
];

function serverOf(name: string): object {
  return containerOf({
    name,
    command: ['pod-client'],
    args: ['--mode=serve'],
    port: PORT,
    ready: { path: '/ready', scheme: 'HTTP' },
  });
}

interface ClientShape {
  kind: string;
  args: readonly string[];
  rereads?: boolean;
  mounts?: ContainerShape['mounts'];
  pod?: Partial<PodShape>;
}

function clientOf({ kind, args, rereads = false, mounts, pod = {} }: ClientShape): Wanted {
  const container = { name: CLIENT_CONTAINER, command: ['pod-client'], args: [`--kind=${kind}`, ...args] };
  return deployment(NAMESPACE, kind, {
    // Never two of one kind side by side: the old one's end is the new one's beginning.
    more: { strategy: { type: 'Recreate' } },
    pod: {
      labels: { app: kind, [CLIENT_LABEL]: kind },
      ...(rereads ? { annotations: REREADS_CA } : {}),
      serviceAccount: NAMESPACE,
      containers: [containerOf({ ...container, ...(mounts === undefined ? {} : { mounts }) })],
      ...pod,
    },
  });
}

const SUB_PATH = '/etc/cluster/ca.crt';
const rateOf = (rate: number): string => `--rate=${rate}`;

/** `rate`: requests a second of each. `kubernetes`: the cluster's version, which is that of the clients' client-go. */
function clients(rate: number, kubernetes: string): readonly Wanted[] {
  const asking = [`--path=${PAGE_PATH}`, rateOf(rate)];
  return [
    clientOf({ kind: 'pod-kept', args: ['--mode=kept', ...asking], rereads: clientGoRereads(kubernetes) }),
    clientOf({ kind: 'pod-frozen', args: ['--mode=frozen', ...asking] }),
    clientOf({ kind: 'pod-reread', args: ['--mode=reread', ...asking], rereads: true }),
    clientOf({
      kind: 'pod-subpath',
      args: ['--mode=reread', `--ca-file=${SUB_PATH}`, ...asking],
      mounts: [{ name: 'cluster-ca', mountPath: SUB_PATH, subPath: 'ca.crt', readOnly: true }],
      pod: { volumes: [{ name: 'cluster-ca', configMap: { name: 'kube-root-ca.crt' } }] },
    }),
    clientOf({
      kind: 'service',
      args: ['--mode=service', `--url=http://echo:${PORT}/`, rateOf(rate)],
      pod: { token: false },
    }),
  ];
}

/** Begins when the agents are there, for it shares its rate among the nodes that it finds at its start. */
const kubelets = (rate: number): Wanted =>
  clientOf({
    kind: 'kubelet',
    args: ['--mode=kubelet', `--namespace=${NAMESPACE}`, rateOf(rate)],
    rereads: true,
    pod: { serviceAccount: KUBELET_ACCOUNT },
  });

export const loadServers: readonly Wanted[] = [...access, agents, ...echo];
export const loadClients = (rate: number, kubernetes: string): readonly Wanted[] => [
  ...clients(rate, kubernetes),
  kubelets(rate),
];
/** Cluster-wide, so they do not go with the namespace. */
export const loadClusterObjects = access.filter(({ object }) => object.metadata.namespace === undefined);
