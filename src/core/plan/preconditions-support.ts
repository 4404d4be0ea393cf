// What reroot does not turn at all is said before anything else is asked for: other distributions, versions it does not know, control
// planes that it cannot reach into.

import { minorOf } from '../catalog/facts.ts';
import { MANAGER } from '../catalog/manager.ts';
import { distributionByVersion, NEWEST_MINOR, OLDEST_MINOR } from '../catalog/support.ts';
import type { Instance, Inventory } from '../model/inventory.ts';
import type { Refusal } from '../model/step.ts';

type Seen = Omit<Inventory, 'findings'>;
const refuse = (reason: string, message: string, hint: string): Refusal => ({ reason, message, hint });

/** Every reason not to begin that nothing but another cluster or another reroot mends. Empty: this is a cluster for reroot. Pure. */
export const unsupported = (inventory: Seen): Refusal[] =>
  [otherDistribution, versions, planesOfOthers, noControlPlane].flatMap((check) => check(inventory));

function otherDistribution({ cluster }: Seen): Refusal[] {
  const found = distributionByVersion(cluster.version) ?? cluster.distribution;
  if (!found) return [];
  const message = `the cluster says ${cluster.version}: this is ${found.name}`;
  return [refuse('distribution-not-supported', message, `use ${found.instead}`)];
}

const KUBERNETES = new Set(['kube-apiserver', MANAGER, 'kube-scheduler', 'kubelet']);
const isKubernetes = (instance: Instance): boolean => KUBERNETES.has(instance.component);

function versions({ cluster, instances }: Seen): Refusal[] {
  const named: [string, string][] = [
    ['the cluster', cluster.version],
    ...instances.flatMap((one): [string, string][] =>
      one.version && isKubernetes(one) ? [[one.id, one.version]] : [],
    ),
  ];
  return named.flatMap(([who, version]) => {
    const minor = minorOf(version);
    if (minor === undefined) return [];
    if (minor < OLDEST_MINOR) {
      const message = `${who} is Kubernetes ${version}: what versions below 1.${OLDEST_MINOR} re-read was not tried`;
      return [refuse('version-not-supported', message, `upgrade to 1.${OLDEST_MINOR} or newer first`)];
    }
    if (minor <= NEWEST_MINOR) return [];
    const message = `${who} is Kubernetes ${version}, newer than anything this reroot was tried on (1.${NEWEST_MINOR}): what it re-reads may have changed`;
    return [refuse('version-not-tested', message, 'take a newer reroot that knows this version')];
  });
}

function planesOfOthers({ nodes }: Seen): Refusal[] {
  return nodes.flatMap(({ name, roles, unsupported: why }) =>
    why && roles.includes('control-plane')
      ? [refuse('node-not-supported', `${name} is a control-plane node, and ${why.what}`, `use ${why.instead}`)]
      : [],
  );
}

function noControlPlane({ instances, nodes }: Seen): Refusal[] {
  if (instances.some(({ component }) => component === 'kube-apiserver')) return [];
  const planes = nodes.filter(({ roles }) => roles.includes('control-plane'));
  const away = planes
    .filter(({ reached }) => !reached)
    .map(({ name, why }) => `${name} was not reached${why === undefined ? '' : ` (${why})`}`);
  const message =
    planes.length > 0
      ? `no kube-apiserver process was found on any node that was reached, and its flags say where everything lies${away.length > 0 ? `; ${away.join('; ')}` : ''}`
      : 'the cluster has no control-plane nodes, and no kube-apiserver process was found on the others: a managed control plane, it seems';
  return [
    refuse(
      'no-control-plane',
      message,
      'give access to the control-plane nodes in reroot.yaml; a managed control plane is rotated by its provider',
    ),
  ];
}
