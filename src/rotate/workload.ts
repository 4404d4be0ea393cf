// A Deployment, DaemonSet or StatefulSet as far as a restart of its pods goes: whether its template's change does it, and whether it is done.

import type { KubeObject } from '../cluster/client.ts';

export interface Workload extends KubeObject {
  metadata: KubeObject['metadata'] & { generation?: number };
  spec: {
    replicas?: number;
    paused?: boolean;
    updateStrategy?: { type?: string; rollingUpdate?: { partition?: number } };
    template?: { metadata?: { annotations?: Record<string, string> } };
  };
  status?: {
    observedGeneration?: number;
    replicas?: number;
    updatedReplicas?: number;
    readyReplicas?: number;
    availableReplicas?: number;
    desiredNumberScheduled?: number;
    updatedNumberScheduled?: number;
    numberAvailable?: number;
  };
}

/** What `kubectl rollout restart` sets (kubectl pkg/polymorphichelpers/objectrestarter.go), and for which move of which rotation it was. */
const RESTARTED_AT = 'kubectl.kubernetes.io/restartedAt';
const RESTARTED_FOR = 'reroot.dev/restarted-for';

export const annotationsFor = (marker: string, at: string): Record<string, string> => ({
  [RESTARTED_AT]: at,
  [RESTARTED_FOR]: marker,
});

export const wasAsked = ({ spec }: Workload, marker: string): boolean =>
  spec.template?.metadata?.annotations?.[RESTARTED_FOR] === marker;

/** Why a changed template restarts none, or not all, of its pods by itself. undefined: it does. */
export function notRollingBecause(kind: string, { spec }: Workload): string | undefined {
  if (kind === 'Deployment') return spec.paused ? 'it is paused' : undefined;
  if (spec.updateStrategy?.type === 'OnDelete')
    return 'its pods are replaced only when somebody deletes them (OnDelete)';
  const partition = spec.updateStrategy?.rollingUpdate?.partition ?? 0;
  return partition > 0 ? `its pods below ${partition} are held back by a partition` : undefined;
}

/** As `kubectl rollout status` sees it (kubectl pkg/polymorphichelpers/rollout_status.go): every pod is of the new template and available. */
export function isRolledOut(kind: string, { metadata, spec, status = {} }: Workload): boolean {
  if ((status.observedGeneration ?? 0) < (metadata.generation ?? 0)) return false;
  if (kind === 'DaemonSet') {
    const desired = status.desiredNumberScheduled ?? 0;
    return (status.updatedNumberScheduled ?? 0) >= desired && (status.numberAvailable ?? 0) >= desired;
  }
  const wanted = spec.replicas ?? 1;
  const updated = status.updatedReplicas ?? 0;
  const available = (kind === 'StatefulSet' ? status.readyReplicas : status.availableReplicas) ?? 0;
  return updated >= wanted && (status.replicas ?? 0) <= updated && available >= wanted;
}

/** One line; it changes with every step forward. */
export function progressOf({ spec, status = {} }: Workload): string {
  const wanted = status.desiredNumberScheduled ?? spec.replicas ?? 1;
  const updated = status.updatedNumberScheduled ?? status.updatedReplicas ?? 0;
  const available = status.numberAvailable ?? status.availableReplicas ?? status.readyReplicas ?? 0;
  return `${updated} of ${wanted} pods are new, ${available} available`;
}
