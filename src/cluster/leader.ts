import { type Cluster, isConflict, isNotFound, type KubeObject } from './client.ts';

export interface LeaseHolder {
  /** As in the Lease: `cp1_6f8a3c2e-…` (client-go appends a UUID to the host name). */
  identity: string;
  /** The part before the underscore: the leader's host name. */
  node: string;
  /** Milliseconds since the epoch, by the leader's clock. */
  renewedAt: number;
}

interface Lease extends KubeObject {
  spec?: { holderIdentity?: string; renewTime?: string };
}

const pathOf = (component: string): string => `/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/${component}`;

/** Who leads `kube-controller-manager` or `kube-scheduler` now; undefined where nobody does. */
export async function leaseHolder(cluster: Cluster, component: string): Promise<LeaseHolder | undefined> {
  try {
    const { spec } = await cluster.get<Lease>(pathOf(component));
    const identity = spec?.holderIdentity ?? '';
    if (identity === '') return undefined;
    return { identity, node: nodeOf(identity), renewedAt: Date.parse(spec?.renewTime ?? '') };
  } catch (thrown) {
    if (isNotFound(thrown)) return undefined;
    throw thrown;
  }
}

/** `HOST_UUID`, as kube-controller-manager and kube-scheduler make it (cmd/kube-controller-manager/app/controllermanager.go). */
const nodeOf = (identity: string): string => identity.replace(/_[^_]*$/, '');

/**
 * Takes the name of a leader that is *proved gone* out of its Lease, so that the next one need not wait for it to run out (trap 12: 14 to 20 s become
 * 0.5 to 2.7 s). False when another leads by now: no harm done.
 */
export async function blankHolder(cluster: Cluster, component: string, identity: string): Promise<boolean> {
  try {
    await cluster.patch(pathOf(component), [
      { op: 'test', path: '/spec/holderIdentity', value: identity },
      { op: 'replace', path: '/spec/holderIdentity', value: '' },
    ]);
    return true;
  } catch (thrown) {
    if (isConflict(thrown) || isNotFound(thrown)) return false;
    throw thrown;
  }
}
