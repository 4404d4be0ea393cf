// The shapes that the lab's objects share. A change of what these give rolls the workloads of a lab that stands.

import type { KubeObject } from '../../load/api.ts';
import { LAB_IMAGE } from '../artifacts/image-list.ts';

/** The operator's claim that every client in the pod re-reads its CA file (src/discover/pods.ts reads it). */
export const REREADS_CA = { 'reroot.dev/rereads-ca': 'true' };

export interface Wanted {
  /** The collection. */
  path: string;
  object: KubeObject;
}

interface Meta {
  name: string;
  namespace?: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
}

/** `apps/v1` and `v1` alike: where objects of a kind are made. */
export function wanted(apiVersion: string, kind: string, metadata: Meta, rest: object = {}): Wanted {
  const plural = `${kind.toLowerCase()}s`;
  const root = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  const scope = metadata.namespace === undefined ? '' : `/namespaces/${metadata.namespace}`;
  return { path: `${root}${scope}/${plural}`, object: { apiVersion, kind, metadata: { ...metadata }, ...rest } };
}

export interface ContainerShape {
  name: string;
  image?: string;
  command?: readonly string[];
  args?: readonly string[];
  mounts?: readonly object[];
  port?: number;
  /** Asked over this scheme at `port`. */
  ready?: { path: string; scheme: 'HTTP' | 'HTTPS' };
  /** Seconds to go on serving once told to end: until API servers and kube-proxies have heard of it. */
  linger?: number;
}

export const containerOf = ({ name, image = LAB_IMAGE, port, ...shape }: ContainerShape): object => ({
  name,
  image,
  imagePullPolicy: 'Never',
  ...(shape.command === undefined ? {} : { command: shape.command }),
  ...(shape.args === undefined ? {} : { args: shape.args }),
  ...(port === undefined ? {} : { ports: [{ containerPort: port }] }),
  ...(shape.mounts === undefined ? {} : { volumeMounts: shape.mounts }),
  ...(shape.ready === undefined ? {} : { readinessProbe: { httpGet: { port, ...shape.ready }, periodSeconds: 2 } }),
  ...(shape.linger === undefined ? {} : { lifecycle: { preStop: { sleep: { seconds: shape.linger } } } }),
});

/** Where a lab has no worker its control planes carry the pods. */
const TOLERATIONS = [{ key: 'node-role.kubernetes.io/control-plane', operator: 'Exists' }];
const WORKERS_FIRST = {
  nodeAffinity: {
    preferredDuringSchedulingIgnoredDuringExecution: [
      {
        weight: 100,
        preference: {
          matchExpressions: [{ key: 'node-role.kubernetes.io/control-plane', operator: 'DoesNotExist' }],
        },
      },
    ],
  },
};

export interface PodShape {
  labels: Record<string, string>;
  annotations?: Record<string, string>;
  containers: readonly object[];
  volumes?: readonly object[];
  serviceAccount?: string;
  /** false: no token, and so no copy of the CA. */
  token?: boolean;
  grace?: number;
  /** Fields of the pod's spec beside these. */
  more?: object;
}

/** A pod template: `metadata` and `spec`. Pods of one set keep apart where they can. */
export const podOf = (shape: PodShape): { metadata: object; spec: object } => ({
  metadata: {
    labels: shape.labels,
    ...(shape.annotations === undefined ? {} : { annotations: shape.annotations }),
  },
  spec: {
    tolerations: TOLERATIONS,
    affinity: { ...WORKERS_FIRST, podAntiAffinity: apart(shape.labels) },
    terminationGracePeriodSeconds: shape.grace ?? 1,
    ...(shape.serviceAccount === undefined ? {} : { serviceAccountName: shape.serviceAccount }),
    ...(shape.token === false ? { automountServiceAccountToken: false } : {}),
    containers: shape.containers,
    ...(shape.volumes === undefined ? {} : { volumes: shape.volumes }),
    ...shape.more,
  },
});

const apart = (labels: Record<string, string>): object => ({
  preferredDuringSchedulingIgnoredDuringExecution: [
    { weight: 50, podAffinityTerm: { topologyKey: 'kubernetes.io/hostname', labelSelector: { matchLabels: labels } } },
  ],
});

interface SetShape {
  replicas?: number;
  pod: PodShape;
  more?: object;
}

export const deployment = (namespace: string, name: string, { replicas = 1, pod, more = {} }: SetShape): Wanted =>
  wanted('apps/v1', 'Deployment', { name, namespace }, { spec: setSpec(replicas, pod, more) });

export const statefulSet = (namespace: string, name: string, { replicas = 1, pod, more = {} }: SetShape): Wanted =>
  wanted(
    'apps/v1',
    'StatefulSet',
    { name, namespace },
    { spec: setSpec(replicas, pod, { serviceName: name, ...more }) },
  );

export const replicaSet = (namespace: string, name: string, { replicas = 1, pod }: SetShape): Wanted =>
  wanted('apps/v1', 'ReplicaSet', { name, namespace }, { spec: setSpec(replicas, pod, {}) });

export const daemonSet = (namespace: string, name: string, pod: PodShape): Wanted =>
  wanted('apps/v1', 'DaemonSet', { name, namespace }, { spec: setSpec(undefined, pod, {}) });

const setSpec = (replicas: number | undefined, pod: PodShape, more: object): object => ({
  ...(replicas === undefined ? {} : { replicas }),
  selector: { matchLabels: pod.labels },
  template: podOf(pod),
  ...more,
});

export const service = (namespace: string, name: string, selector: Record<string, string>, port: number, to: number) =>
  wanted('v1', 'Service', { name, namespace }, { spec: { selector, ports: [{ port, targetPort: to }] } });

/** At most one may be away: as tight as a budget can be that lets anything go. */
export const budget = (
  namespace: string,
  name: string,
  selector: Record<string, string>,
  minAvailable: number,
): Wanted =>
  wanted(
    'policy/v1',
    'PodDisruptionBudget',
    { name, namespace },
    { spec: { minAvailable, selector: { matchLabels: selector } } },
  );

export const namespaceOf = (name: string, labels: Record<string, string> = {}): Wanted =>
  wanted('v1', 'Namespace', { name, labels });

export const secretOf = (namespace: string, name: string, type: string, data: Record<string, string>): Wanted => {
  const encoded = Object.entries(data).map(([key, text]) => [key, Buffer.from(text).toString('base64')] as const);
  return wanted('v1', 'Secret', { name, namespace }, { type, data: Object.fromEntries(encoded) });
};

const RBAC = 'rbac.authorization.k8s.io';
export const rbac = (kind: string, name: string, namespace: string | undefined, rest: object): Wanted =>
  wanted(`${RBAC}/v1`, kind, { name, ...(namespace === undefined ? {} : { namespace }) }, rest);

export const roleRef = (kind: 'Role' | 'ClusterRole', name: string): object => ({ apiGroup: RBAC, kind, name });
export const accountSubject = (namespace: string, name: string): object => ({
  kind: 'ServiceAccount',
  name,
  namespace,
});
