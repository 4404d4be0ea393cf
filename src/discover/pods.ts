// Pods as parties: when each started and how it gets the cluster's CA. Reads a Pod object; what the node holds is read elsewhere.

import type { Millis, Pod } from '../core/model/inventory.ts';

/** An author's promise that every client in the pod re-reads its CA file. A claim, kept apart from measurements. */
export const REREADS_ANNOTATION = 'reroot.dev/rereads-ca';

/** The UID that a kubelet gives a static pod, on its mirror in the API (K:pkg/kubelet/types/pod_update.go ConfigHashAnnotationKey). */
const STATIC_HASH = 'kubernetes.io/config.hash';

interface Mount {
  name: string;
  subPath?: string;
  subPathExpr?: string;
}
interface Container {
  name: string;
  volumeMounts?: Mount[];
  env?: { valueFrom?: { configMapKeyRef?: { name?: string } } }[];
  envFrom?: { configMapRef?: { name?: string } }[];
}
interface Volume {
  name: string;
  hostPath?: { path: string };
  configMap?: { name?: string };
  secret?: { secretName?: string };
  projected?: { sources?: { configMap?: { name?: string } }[] };
}
interface ContainerStatus {
  state?: { running?: { startedAt?: string }; terminated?: object };
  lastState?: { terminated?: { finishedAt?: string } };
}
/** The parts of a v1 Pod that are looked at. */
export interface PodObject {
  metadata: {
    name: string;
    namespace: string;
    uid: string;
    creationTimestamp?: string;
    annotations?: Record<string, string>;
    labels?: Record<string, string>;
    ownerReferences?: { kind: string; name: string; controller?: boolean }[];
  };
  spec?: { nodeName?: string; volumes?: Volume[]; containers?: Container[]; initContainers?: Container[] };
  status?: {
    phase?: string;
    startTime?: string;
    containerStatuses?: ContainerStatus[];
    initContainerStatuses?: ContainerStatus[];
  };
}

/** The ConfigMap that the controller manager publishes into every namespace (publisher.go). */
export const ROOT_CA_CONFIG_MAP = 'kube-root-ca.crt';

/**
 * The pod as a party, or undefined for one that runs nothing: not scheduled, or finished.
 * `legacySecrets` holds `NAMESPACE/NAME` of service account token Secrets, which carry the CA as well.
 */
export function podFact(pod: PodObject, legacySecrets: ReadonlySet<string>): Pod | undefined {
  const { metadata, spec, status } = pod;
  const finished = status?.phase === 'Succeeded' || status?.phase === 'Failed';
  if (!spec?.nodeName || finished) return undefined;
  const owner = metadata.ownerReferences?.find((reference) => reference.controller) ?? metadata.ownerReferences?.[0];
  const rereads = metadata.annotations?.[REREADS_ANNOTATION];
  const hash = metadata.annotations?.[STATIC_HASH];
  return {
    id: `pod/${metadata.namespace}/${metadata.name}`,
    namespace: metadata.namespace,
    name: metadata.name,
    node: spec.nodeName,
    startedAt: startOf(pod),
    ...lastStartOf(pod),
    rootCA: rootCAOf(pod, legacySecrets),
    ...(rereads === undefined ? {} : { rereads: rereads === 'true' }),
    ...(owner === undefined ? {} : { owner: { kind: owner.kind, name: owner.name } }),
    ...workloadOf(pod, owner),
    ...(owner?.kind === 'Node' && hash !== undefined ? { staticHash: hash } : {}),
    hostPaths: [...new Set((spec.volumes ?? []).flatMap((volume) => (volume.hostPath ? [volume.hostPath.path] : [])))],
  };
}

/**
 * A Deployment names its ReplicaSets after itself and the hash that their pods carry as a label (K:pkg/controller/deployment/sync.go),
 * so that no ReplicaSet has to be read; who rolls it out looks once more.
 */
function workloadOf({ metadata }: PodObject, owner: { kind: string; name: string } | undefined): Pick<Pod, 'workload'> {
  if (owner?.kind === 'DaemonSet' || owner?.kind === 'StatefulSet') {
    return { workload: { kind: owner.kind, name: owner.name } };
  }
  const hash = metadata.labels?.['pod-template-hash'];
  if (owner?.kind !== 'ReplicaSet' || !hash || !owner.name.endsWith(`-${hash}`)) return {};
  return { workload: { kind: 'Deployment', name: owner.name.slice(0, -hash.length - 1) } };
}

/**
 * The earliest moment at which anything in the pod may have read its CA: the start of its longest-running container. When none is
 * reported running the status may lag behind, so it is the last end of a container, or else the pod's creation.
 */
function startOf({ metadata, status }: PodObject): Millis {
  const containers = [...(status?.containerStatuses ?? []), ...(status?.initContainerStatuses ?? [])];
  const running = containers.flatMap((container) => times(container.state?.running?.startedAt));
  if (running.length > 0) return Math.min(...running);
  const ended = containers.flatMap((container) => times(container.lastState?.terminated?.finishedAt));
  if (ended.length > 0) return Math.max(...ended);
  return times(status?.startTime)[0] ?? times(metadata.creationTimestamp)[0] ?? 0;
}

/**
 * The start of its youngest container. A container that is not reported running may be starting just now, so nothing is said then;
 * init containers that have ended are over, those that go on (sidecars) count.
 */
function lastStartOf({ spec, status }: PodObject): Pick<Pod, 'lastStartedAt'> {
  const main = status?.containerStatuses ?? [];
  const sidecars = (status?.initContainerStatuses ?? []).filter(({ state }) => state?.terminated === undefined);
  if (main.length === 0 || main.length < (spec?.containers?.length ?? 0)) return {};
  const starts = [...main, ...sidecars].map(({ state }) => times(state?.running?.startedAt)[0]);
  return starts.every((at) => at !== undefined) ? { lastStartedAt: Math.max(...starts) } : {};
}

function rootCAOf({ metadata, spec }: PodObject, legacySecrets: ReadonlySet<string>): Pod['rootCA'] {
  const carriers = new Set(
    (spec?.volumes ?? []).filter((volume) => carriesRootCA(volume)).map((volume) => volume.name),
  );
  const containers = [...(spec?.containers ?? []), ...(spec?.initContainers ?? [])];
  const mounts = containers.flatMap((container) => container.volumeMounts ?? []).filter((m) => carriers.has(m.name));
  const fromEnvironment = containers.some(
    (container) =>
      container.env?.some((variable) => variable.valueFrom?.configMapKeyRef?.name === ROOT_CA_CONFIG_MAP) ||
      container.envFrom?.some((source) => source.configMapRef?.name === ROOT_CA_CONFIG_MAP),
  );
  // A subPath mount is bound to one inode, an environment variable to one moment: neither ever changes (trap 23).
  if (fromEnvironment || mounts.some((mount) => mount.subPath || mount.subPathExpr)) return 'sub-path';
  return mounts.length > 0 ? 'projected' : 'none';

  function carriesRootCA(volume: Volume): boolean {
    return (
      volume.configMap?.name === ROOT_CA_CONFIG_MAP ||
      volume.projected?.sources?.some((source) => source.configMap?.name === ROOT_CA_CONFIG_MAP) ||
      legacySecrets.has(`${metadata.namespace}/${volume.secret?.secretName ?? ''}`)
    );
  }
}

const times = (text: string | undefined): Millis[] => {
  const time = text === undefined ? Number.NaN : Date.parse(text);
  return Number.isNaN(time) ? [] : [time];
};
