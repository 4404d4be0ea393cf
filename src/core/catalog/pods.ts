// Pods as parties: the CA that each has from kube-root-ca.crt, and kubeconfigs of the node that it mounts (trap 14).

import { type StoreId, wholeStore } from '../model/ids.ts';
import type { Inventory, Millis, Pod, Store } from '../model/inventory.ts';
import type { AuthorityRotation } from '../model/rotation.ts';
import type { Trust, Value } from '../model/value.ts';
import { contentOf, memoryOf } from './instance-part.ts';
import { historyOf } from './memory.ts';
import { alike, classId, type Part, type PartStore, type PartUse } from './part.ts';
import type { Survey } from './survey.ts';
import { startedBefore } from './untouched.ts';
import { trustOf } from './value-of.ts';

/**
 * A volume is made from the ConfigMap as the kubelet's watch knows it (K:pkg/kubelet/util/manager/watch_based_manager.go), which
 * trails by moments; five seconds also cover what the clocks of node and API server differ by after the measured offset is taken off.
 */
export const START_LAG = 5_000;

/** The projected file of a pod, as a store: shown by a look at the node. */
export const projectedStore = (pod: Pick<Pod, 'namespace' | 'name'>): StoreId =>
  `object/Pod/${pod.namespace}/${pod.name}#ca.crt`;

/** Pods of a component that is an instance: the static pods of the control plane. */
export const instancePods = ({ instances }: Pick<Inventory, 'instances'>): ReadonlySet<string> =>
  new Set(instances.map(({ component, node }) => `pod/kube-system/${component}-${node}`));

/** All pods that hold the cluster's CA, in classes of those that are alike. */
export function podParts(survey: Survey, a: AuthorityRotation): Part[] {
  const own = instancePods(survey.inventory);
  const published = publishedAt(survey, a);
  const pods = survey.inventory.pods.filter((pod) => !survey.isWaived(pod.id) && !own.has(pod.id));
  const mounting = pods.filter((pod) => pod.rootCA !== 'none');
  const seen = mounting.map((pod) => ({ pod, ...stateOf(survey, a, pod, published) }));
  const away = new Set(survey.inventory.nodes.flatMap(({ name, reached }) => (reached ? [] : [name])));
  const groups = alike(seen, ({ pod, memory, holds }) =>
    [
      pod.rootCA,
      pod.rereads === true,
      pod.owner !== undefined,
      away.has(pod.node),
      isUntouched(survey, pod) && pod.holds !== undefined,
      memory.join(),
      holds.join(),
    ].join(' '),
  );
  return [
    ...groups.map((group, i) => podClass(survey, a, group, i)),
    ...pods.flatMap((pod) => (pod.hostPaths.length > 0 ? hostKubeconfigs(survey, a, pod) : [])),
  ];
}

interface Published {
  value: Trust;
  at: Millis | undefined;
}

/** The youngest change of the copies: before it, nobody can say what a pod was given. */
function publishedAt(survey: Survey, a: AuthorityRotation): Map<string, Published> {
  const byNamespace = new Map<string, Published>();
  for (const store of survey.inventory.stores) {
    if (store.publishedBy !== 'root-ca-publisher') continue;
    const namespace = store.id.split('/')[2] ?? '';
    const known = byNamespace.get(namespace);
    if (known && (known.at ?? 0) >= (store.changedAt ?? 0)) continue;
    byNamespace.set(namespace, { value: trustOf(store.certs, a), at: store.changedAt });
  }
  return byNamespace;
}

interface PodState {
  holds: readonly Value[];
  memory: readonly Value[];
}

function stateOf(survey: Survey, a: AuthorityRotation, pod: Pod, published: Map<string, Published>): PodState {
  const { value, at } = published.get(pod.namespace) ?? { value: 'old' as const, at: undefined };
  const history = historyOf('trust', value, a, survey.rollback);
  const held = pod.holds ? anchorsAs(pod.holds, a) : undefined;
  // Two clocks: the node's for the start, the API server's for the change.
  const startedAt = pod.startedAt - survey.clockOffset(pod.node);
  const change = at === undefined ? {} : { changedAt: at + START_LAG };
  const started = memoryOf(survey, a, startedAt, change, 'trust', value);
  return { holds: held ? [held] : history, memory: started.filter((one) => one !== 'none') };
}

function anchorsAs(fingerprints: readonly string[], a: AuthorityRotation): Trust {
  const old = fingerprints.includes(a.old.fingerprint);
  const fresh = fingerprints.includes(a.new.fingerprint);
  if (old) return fresh ? 'both' : 'old';
  return fresh ? 'new' : 'none';
}

/** On the way back only: forth, what a pod had at its start is just what must go. */
const isUntouched = (survey: Survey, pod: Pod): boolean => survey.rollback && startedBefore(survey.rotation, pod);

function podClass(
  survey: Survey,
  a: AuthorityRotation,
  group: readonly ({ pod: Pod } & PodState)[],
  index: number,
): Part {
  const { pod, holds, memory } = group[0] as { pod: Pod } & PodState;
  const members = group.map((one) => projectedStore(one.pod));
  const id = members.length === 1 ? (members[0] as StoreId) : classId('pods', `projected-ca-${index + 1}`);
  const store: PartStore = {
    id,
    holds: 'trust',
    values: holds.filter((one) => one !== 'none'),
    tag: 'projected',
    members,
  };
  // What it may be given now must be seen, for it may start again at any moment, whatever kind of mount it has.
  const untouched = isUntouched(survey, pod) && pod.holds !== undefined;
  const use: PartUse = {
    name: 'root-ca',
    authority: a.authority,
    kind: 'verifies-servers',
    holds: 'trust',
    // What is not known to re-read is taken as frozen. A subPath mount or an environment variable never changes (trap 23).
    reread: pod.rereads === true && pod.rootCA === 'projected' ? 'five-minutes' : 'never-known',
    proof: 'loaded',
    sources: pod.rootCA === 'projected' || untouched ? [{ store }] : [],
    memory,
    end: 'api server, server certificate:verifies',
    ...(untouched ? { untouched } : {}),
  };
  return { party: pod.id, parties: group.map((one) => one.pod.id), uses: [use] };
}

/** A pod that mounts a kubeconfig of its node has read it at its start, and nothing but another start makes it read it again. */
function hostKubeconfigs(survey: Survey, a: AuthorityRotation, pod: Pod): Part[] {
  const below = (path: string) => pod.hostPaths.some((mount) => path === mount || path.startsWith(`${mount}/`));
  const stores = survey
    .storesOn(pod.node)
    .filter(
      (store) =>
        (store.kind === 'kubeconfig-ca' || store.kind === 'kubeconfig-client') &&
        store.path !== undefined &&
        below(store.path),
    );
  const uses = stores.flatMap((store): PartUse[] => {
    const isCA = store.kind === 'kubeconfig-ca';
    const holds = isCA ? 'trust' : 'credential';
    const value = contentOf(store, holds, a);
    if (value === 'none' || value === 'other') return [];
    return [
      {
        name: `${baseName(store)}-${isCA ? 'ca' : 'client'}`,
        authority: a.authority,
        kind: isCA ? 'verifies-servers' : 'presents-as-client',
        holds,
        // A static pod's processes can be ended, and its kubelet starts it again.
        reread: pod.staticHash === undefined ? 'never-known' : 'restart',
        proof: 'loaded',
        sources: [{ store: { id: store.id, holds, values: [value] } }],
        memory: memoryOf(survey, a, pod.startedAt, store, holds, value),
        end: isCA ? 'api server, server certificate:verifies' : 'api server, client certificate:presents',
        ...(isUntouched(survey, pod) ? { untouched: true } : {}),
      },
    ];
  });
  return uses.length > 0 ? [{ party: pod.id, parties: [pod.id], uses }] : [];
}

const baseName = (store: Store): string => wholeStore(store.id).split('/').at(-1) ?? 'kubeconfig';
