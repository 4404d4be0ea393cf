// The objects that the load works on, as plain data.

import { WORKER } from '../processes/layout.ts';
import type { KubeObject } from './api.ts';

export const NAMESPACE = 'load';
/** Creates in here go through the lab's validating webhook: it selects namespaces by this label. */
export const WEBHOOK_NAMESPACE = 'load-webhook';
/** On everything that the load makes; its value says which run, so that one run's watch does not see another's objects. */
export const RUN_LABEL = 'reroot.dev/load';
/** The operator's claim that every client in the pod re-reads its CA file. reroot's discovery reads it. */
const REREADS_CA = 'reroot.dev/rereads-ca';

/** The pods whose clients the load plays, each on the worker. */
export const CLIENT_PODS = ['reread', 'frozen', 'kept'] as const;
export type ClientPod = (typeof CLIENT_PODS)[number];
export const CLIENT_NODE = WORKER;

/** Where a pod's projected volume lies below the kubelet's folder of the pod. */
export const TOKEN_VOLUME = 'kube-api-access';
export const CONTAINER = 'main';

const object = (apiVersion: string, kind: string, name: string, rest: Record<string, unknown> = {}): KubeObject => {
  const { metadata, ...others } = rest;
  return { apiVersion, kind, metadata: { name, ...(metadata as object | undefined) }, ...others };
};

export const namespaces: readonly KubeObject[] = [
  object('v1', 'Namespace', NAMESPACE),
  object('v1', 'Namespace', WEBHOOK_NAMESPACE, { metadata: { labels: { 'lab-webhook': 'yes' } } }),
];

/** What the clients read, and who may. */
export const page = object('v1', 'ConfigMap', 'page', { data: { text: 'what the load reads' } });
export const serviceAccount = object('v1', 'ServiceAccount', NAMESPACE);
export const role = object('rbac.authorization.k8s.io/v1', 'Role', NAMESPACE, {
  rules: [{ apiGroups: [''], resources: ['configmaps'], verbs: ['get', 'list', 'watch'] }],
});
export const roleBinding = object('rbac.authorization.k8s.io/v1', 'RoleBinding', NAMESPACE, {
  roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: NAMESPACE },
  subjects: [{ kind: 'ServiceAccount', name: NAMESPACE, namespace: NAMESPACE }],
});

/**
 * A pod with a client of the API server in it. Its volume is what the ServiceAccount admission plugin would inject
 * (plugin/pkg/admission/serviceaccount/admission.go), under a name without a random end; a mount at that path keeps the plugin away.
 */
export const clientPod = (app: ClientPod, name: string): KubeObject =>
  object('v1', 'Pod', name, {
    metadata: {
      labels: { app },
      ...(app === 'frozen' ? {} : { annotations: { [REREADS_CA]: 'true' } }),
    },
    spec: {
      ...standIn(CLIENT_NODE),
      serviceAccountName: NAMESPACE,
      containers: [
        container([{ name: TOKEN_VOLUME, mountPath: '/var/run/secrets/kubernetes.io/serviceaccount', readOnly: true }]),
      ],
      volumes: [{ name: TOKEN_VOLUME, projected: { defaultMode: 0o644, sources: tokenSources } }],
    },
  });

const tokenSources = [
  { serviceAccountToken: { path: 'token', expirationSeconds: 3607 } },
  { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
  { downwardAPI: { items: [{ path: 'namespace', fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' } }] } },
];

/** A pod on the node whose log the API servers fetch from that node's kubelet. It mounts no CA. */
export const logPod = (node: string): KubeObject =>
  object('v1', 'Pod', `log-${node}`, {
    metadata: { labels: { app: 'log' } },
    spec: { ...standIn(node), automountServiceAccountToken: false, containers: [container([])] },
  });

const container = (volumeMounts: object[]): object => ({ name: CONTAINER, image: 'load.invalid/none:1', volumeMounts });

/** Placed without the scheduler, never evicted for a node's condition. */
const standIn = (nodeName: string): object => ({
  nodeName,
  tolerations: [{ operator: 'Exists' }],
  terminationGracePeriodSeconds: 1,
});
