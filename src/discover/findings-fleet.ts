// Findings about the cluster as a whole: nodes away, clocks, control planes that differ, strangers at the CA files.

import type { Finding, Instance, Pod } from '../core/model/inventory.ts';
import { withoutKubeconfig } from '../core/plan/preconditions-kubeconfigs.ts';
import type { Seen } from './seen.ts';

/** Half a minute is more than a round trip's error and less than what kubeadm's five minutes of backdating forgive. */
const CLOCK_WARNING = 30_000;
const CLOCK_ERROR = 5 * 60_000;
const OLDEST_MINOR = 30;

export function fleetFindings(seen: Seen): Finding[] {
  return [
    ...awayNodes(seen),
    ...clocks(seen),
    ...generations(seen),
    ...differingControlPlanes(seen),
    ...pendingFlags(seen),
    ...unmanaged(seen),
    ...clientsUnknown(seen),
    ...strangers(seen),
    ...staticPodMounts(seen),
    ...version(seen),
    ...callees(seen),
  ];
}

function awayNodes({ inventory }: Seen): Finding[] {
  return inventory.nodes
    .filter((node) => !node.reached && !node.unsupported)
    .map((node) => ({
      severity: 'error',
      reason: 'node-not-reached',
      subject: `node/${node.name}`,
      message: `${node.why ?? 'the node does not answer'}: nothing on it was seen: its kubelet cannot be turned, and what its pods and files hold is not known. Retire waits for it, or for --waive node/${node.name}=REASON`,
      fix: `make it reachable, or give its address in reroot.yaml (nodes.${node.name}.host)`,
    }));
}

function clocks({ inventory }: Seen): Finding[] {
  return inventory.nodes.flatMap((node): Finding[] => {
    const offset = node.clockOffset ?? 0;
    if (Math.abs(offset) < CLOCK_WARNING) return [];
    return [
      {
        severity: Math.abs(offset) < CLOCK_ERROR ? 'warning' : 'error',
        reason: 'clock-offset',
        subject: `node/${node.name}`,
        message: `its clock is ${Math.round(Math.abs(offset) / 1000)} s ${offset > 0 ? 'ahead of' : 'behind'} this machine's: certificates count as not yet valid or ended there`,
        fix: `set the clock of ${node.name} (chronyc makestep, or timedatectl set-ntp true)`,
      },
    ];
  });
}

function generations({ inventory, rotation }: Seen): Finding[] {
  return inventory.authorities
    .filter(({ anchors }) => anchors.length > 1)
    .map(({ authority, anchors }) => ({
      severity: rotation === undefined ? 'warning' : 'note',
      reason: 'two-generations',
      subject: authority,
      message: `${anchors.length} CAs are trusted: ${anchors.map((a) => `${a.subject} ${a.fingerprint.slice(0, 12)}`).join(', ')}`,
      fix:
        rotation === undefined
          ? 'no rotation is open: take the CA that nothing comes from any more out of the file'
          : `rotation ${rotation} is open: reroot status`,
    }));
}

/** The flags whose files must hold the same on every control plane, by component. Serving leafs and client leafs are each node's own. */
const SHARED: readonly [component: string, flag: string][] = [
  ['kube-apiserver', 'client-ca-file'],
  ['kube-apiserver', 'requestheader-client-ca-file'],
  ['kube-apiserver', 'etcd-cafile'],
  ['kube-controller-manager', 'cluster-signing-cert-file'],
  ['kube-controller-manager', 'root-ca-file'],
  ['etcd', 'trusted-ca-file'],
  ['etcd', 'peer-trusted-ca-file'],
];

function differingControlPlanes({ inventory }: Seen): Finding[] {
  const stores = new Map(inventory.stores.map((store) => [store.id, store]));
  return SHARED.flatMap(([component, name]): Finding[] => {
    const holders = new Map<string, string[]>();
    for (const instance of inventory.instances.filter((one) => one.component === component)) {
      const path = instance.flags[name]?.at(-1);
      const store = path === undefined ? undefined : stores.get(`file/${instance.node}:${path}`);
      if (!store || store.fault) continue;
      const holds =
        store.certs
          .map((cert) => cert.fingerprint.slice(0, 12))
          .sort()
          .join('+') || 'nothing';
      holders.set(holds, [...(holders.get(holds) ?? []), instance.node]);
    }
    if (holders.size < 2) return [];
    const parts = [...holders].map(([holds, nodes]) => `${nodes.join(', ')}: ${holds}`);
    return [
      {
        severity: 'error',
        reason: 'control-planes-differ',
        subject: `${component} --${name}`,
        message: `control planes hold different CAs (${parts.join('; ')})`,
        fix: 'copy the right file to the others, or go on with the rotation that was begun (reroot status)',
      },
    ];
  });
}

function pendingFlags({ inventory }: Seen): Finding[] {
  return inventory.instances.flatMap((instance): Finding[] => {
    const changed = changedFlags(instance);
    if (changed.length === 0) return [];
    return [
      {
        severity: 'warning',
        reason: 'manifest-not-in-effect',
        subject: instance.id,
        message: `its next start reads other flags than it runs with: ${changed.map((name) => `--${name}`).join(', ')}`,
        fix: 'restart it at a time of your choice, or turn the manifest back, before a rotation begins',
      },
    ];
  });
}

/** Flags that differ between the running process and what its next start will read. */
export function changedFlags({ flags, nextFlags }: Instance): string[] {
  if (!nextFlags) return [];
  const names = new Set([...Object.keys(flags), ...Object.keys(nextFlags)]);
  return [...names].filter((name) => (flags[name] ?? []).join('\n') !== (nextFlags[name] ?? []).join('\n')).sort();
}

function unmanaged({ inventory }: Seen): Finding[] {
  return inventory.instances
    .filter((instance) => instance.management.by === 'unknown')
    .map((instance) => ({
      severity: 'warning',
      reason: 'restart-unknown',
      subject: instance.id,
      message: 'neither a static pod, a systemd unit nor reroot.yaml says how to restart it',
      fix: `give the command in reroot.yaml: nodes.${instance.node}.components.${instance.component}.restart`,
    }));
}

const clientsUnknown = ({ inventory }: Seen): Finding[] =>
  withoutKubeconfig(inventory).map(({ instance, what, hint }) => ({
    severity: 'warning',
    reason: 'kubeconfig-not-found',
    subject: instance.id,
    message: `it ${what}: a rotation does not begin, for how it calls the API server could not be turned`,
    fix: hint,
  }));

function strangers({ inventory }: Seen): Finding[] {
  return (inventory.strangers ?? []).map(({ id, node, pid, name, paths }) => ({
    severity: 'warning',
    reason: 'unknown-process',
    subject: id,
    message: `process ${pid} names ${paths.join(', ')}, and reroot does not know what it does with it`,
    fix: `find out whether it reads a changed file by itself, and name it in reroot.yaml (nodes.${node}.components.${name}) so that it can be restarted; retire waits for it otherwise`,
  }));
}

/** Static pods other than the control plane's that mount files below /etc/kubernetes, as kube-vip does with admin.conf (trap 14). */
function staticPodMounts({ inventory }: Seen): Finding[] {
  const own = new Set(inventory.instances.map((instance) => `${instance.component}-${instance.node}`));
  return inventory.pods
    .filter((pod) => isStatic(pod) && !own.has(pod.name))
    .flatMap((pod): Finding[] => {
      const paths = pod.hostPaths.filter((path) => path === '/etc/kubernetes' || path.startsWith('/etc/kubernetes/'));
      if (paths.length === 0) return [];
      return [
        {
          severity: 'warning',
          reason: 'static-pod-mounts-kubernetes-files',
          subject: pod.id,
          message: `mounts ${paths.join(', ')} of ${pod.node} and holds what it read at its start`,
          fix: 'nothing to do: a rotation that reissues the file restarts it once, one node after the other',
        },
      ];
    });
}

/** The kubelet makes a mirror pod for each static pod, owned by its Node. */
const isStatic = (pod: Pod): boolean => pod.owner?.kind === 'Node';

function version({ inventory }: Seen): Finding[] {
  const minor = Number(/^1\.(\d+)/.exec(inventory.cluster.version)?.[1] ?? Number.NaN);
  if (!(minor < OLDEST_MINOR)) return [];
  return [
    {
      severity: 'error',
      reason: 'version-not-supported',
      subject: inventory.cluster.server,
      message: `Kubernetes ${inventory.cluster.version}: what its components re-read is known from 1.${OLDEST_MINOR} on`,
      fix: 'upgrade the cluster first',
    },
  ];
}

function callees({ inventory }: Seen): Finding[] {
  return inventory.callees
    .filter((callee) => callee.why !== undefined && !callee.insecureSkipTLSVerify)
    .map((callee) => ({
      severity: 'note',
      reason: 'callee-not-seen',
      subject: callee.id,
      message: `what it serves could not be seen from here: ${callee.why}`,
      fix: `run reroot where it can be reached; while its caBundle trusts a CA that goes, retire waits for it, or for --waive ${callee.id}=REASON`,
    }));
}
