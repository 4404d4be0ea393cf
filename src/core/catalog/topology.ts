// The cluster as the check needs it, made from an inventory: who uses which store of the authorities that are rotated, who meets
// whom, what fills what, and what each may hold now. Nothing is remembered from one call to the next: resume is a new look.

import type { PartyId, StoreId } from '../model/ids.ts';
import type { Instance, Inventory, Millis } from '../model/inventory.ts';
import type { AuthorityRotation, Rotation } from '../model/rotation.ts';
import type { Actor } from '../model/step.ts';
import type { Flow, StoreClass, Topology } from '../model/topology.ts';
import type { Signer } from '../model/value.ts';
import { calleeParts, isAggregatedInstance, servedByCallees } from './callees.ts';
import { flowsOf, kubeadmKeys } from './flows.ts';
import { instancePart } from './instance-part.ts';
import { ELECTED, MANAGER, managerParts } from './manager.ts';
import { alike, assembled, folded, type Part, type PartStore, shapeOf } from './part.ts';
import { peopleParts, unreachedParts } from './people.ts';
import { podParts } from './pods.ts';
import { clusterInfo, IN_FLIGHT, joiningPart, rootCACopies, trustStore, unionUse } from './published.ts';
import { type Survey, storeIdOf, surveyOf } from './survey.ts';

/**
 * Stores, uses, flows, channels and first beliefs of the authorities in the rotation, as seen in this inventory. Waived parties
 * are left out. `now` in milliseconds; pure.
 */
export function topologyOf(inventory: Inventory, rotation: Rotation, now: Millis): Topology {
  return topologyFrom(surveyOf(inventory, rotation, now));
}

export function topologyFrom(survey: Survey): Topology {
  const { authorities } = survey.rotation;
  const cluster = survey.of('kubernetes');
  const parts = [
    ...instanceParts(survey),
    ...authorities.flatMap((a) => [...unionParts(survey, a), ...calleeParts(survey, a), ...peopleParts(survey, a)]),
    ...(cluster ? clusterParts(survey, cluster) : []),
  ];
  const { topology, tagged } = assembled(parts);
  const filled = authorities.flatMap((a) => filledStores(survey, a));
  const stores = withStores(topology.stores, filled);
  const initial = { ...topology.initial, stores: { ...topology.initial.stores } };
  for (const { store } of filled) if (store.values.length > 0) initial.stores[store.id] = store.values;
  const flows = flowsOf(survey, { ...topology, stores }, (tag) => [
    ...tagged(tag),
    ...filled.flatMap(({ store }) => (store.tag === tag ? [store.id] : [])),
  ]);
  return { ...topology, stores, initial, flows, edges: [], actors: actorsOf(flows) };
}

/** Pods, joining nodes, nodes away and the elected controller manager: all of the cluster's own CA. */
function clusterParts(survey: Survey, a: AuthorityRotation): Part[] {
  const joining = joiningPart(survey, a);
  return [
    ...managerParts(survey, a),
    ...podParts(survey, a),
    ...unreachedParts(survey, a),
    ...(joining ? [joining] : []),
  ];
}

// ---- components ----

function instanceParts(survey: Survey): Part[] {
  const served = servedByCallees(survey);
  const of = (instance: Instance) =>
    withFrontProxyEnd(survey, instance, instancePart(survey, instance, skipped(instance, served)));
  const instances = survey.inventory.instances.filter((instance) => !survey.isWaived(instance.id));
  const single: Part[] = [];
  const kubelets: Part[] = [];
  const alone = standingAlone(survey);
  for (const instance of instances) {
    const part = of(instance);
    if (part.uses.length === 0) continue;
    if (instance.component === 'kubelet' && alone.has(instance.id)) kubelets.push(part);
    else single.push(part);
  }
  const classes = alike(kubelets, shapeOf).map((group, i) => folded(group, `kubelets-${i + 1}`));
  return [...single, ...classes];
}

const skipped = (instance: Instance, served: ReadonlySet<PartyId>): ReadonlySet<string> => {
  if (instance.component === MANAGER) return ELECTED;
  return served.has(instance.id) ? new Set(['serving']) : new Set();
};

/** An aggregated API server with a request header CA file of its own. */
function withFrontProxyEnd(survey: Survey, instance: Instance, part: Part): Part {
  if (!part.uses.some((use) => use.name === 'requestheader-ca') || !isAggregatedInstance(survey, instance)) return part;
  const uses = part.uses.map((use) =>
    use.name === 'requestheader-ca'
      ? { ...use, end: 'aggregated api server, front-proxy certificate:verifies' as const }
      : use,
  );
  return { ...part, uses };
}

/** Kubelets whose files nothing else on their node reads: those of workers. Only they can stand in a class. */
function standingAlone(survey: Survey): ReadonlySet<PartyId> {
  const readers = new Map<StoreId, PartyId>();
  const shared = new Set<PartyId>();
  for (const instance of survey.inventory.instances) {
    for (const file of survey.files(instance)) {
      const id = storeIdOf(instance.node, file);
      const other = readers.get(id);
      if (other === undefined) readers.set(id, instance.id);
      else if (other !== instance.id) shared.add(other).add(instance.id);
    }
  }
  const mounted = mountedBy(survey);
  const isMounted = (kubelet: Instance) =>
    mounted.get(kubelet.node)?.some((mount) => survey.files(kubelet).some(({ path }) => path.startsWith(mount))) ??
    false;
  const alone = survey.instances('kubelet').filter((kubelet) => !shared.has(kubelet.id) && !isMounted(kubelet));
  return new Set(alone.map((kubelet) => kubelet.id));
}

/** Host paths of pods, by node. */
function mountedBy(survey: Survey): ReadonlyMap<string, readonly string[]> {
  const mounts = new Map<string, string[]>();
  for (const { node, hostPaths } of survey.inventory.pods) {
    if (hostPaths.length === 0) continue;
    const known = mounts.get(node);
    if (known) known.push(...hostPaths);
    else mounts.set(node, [...hostPaths]);
  }
  return mounts;
}

/** Schedulers and controller managers without CA files of their own for clients take them from the union ConfigMap. */
function unionParts(survey: Survey, a: AuthorityRotation): Part[] {
  const flag = a.authority === 'front-proxy' ? 'requestheader-client-ca-file' : 'client-ca-file';
  const readers = [...survey.instances('kube-scheduler'), ...survey.instances(MANAGER)];
  return readers.flatMap((instance) => {
    if (instance.flags[flag] !== undefined || instance.flags['authentication-kubeconfig'] === undefined) return [];
    const use = unionUse(survey, a, instance.startedAt);
    return use ? [{ party: instance.id, parties: [instance.id], uses: [use] }] : [];
  });
}

// ---- stores nobody of the parts reads directly ----

interface Filled {
  a: AuthorityRotation;
  store: PartStore;
}

function filledStores(survey: Survey, a: AuthorityRotation): Filled[] {
  const keys = kubeadmKeys(survey, a).map(({ id, value }) => ({ a, store: keyStore(id, value) }));
  if (a.authority !== 'kubernetes') return keys;
  const info = clusterInfo(survey);
  return [
    ...keys,
    ...rootCACopies(survey, a).map((store) => ({ a, store })),
    ...(info ? [{ a, store: trustStore(info, a) }] : []),
    { a, store: { id: IN_FLIGHT, holds: 'credential', values: [], tag: 'flight' } },
  ];
}

/** A key that is there may also be gone by the time kubeadm looks. */
const keyStore = (id: StoreId, value: Signer): PartStore => ({
  id,
  holds: 'signer',
  values: value === 'absent' ? [value] : [value, 'absent'],
});

function withStores(stores: readonly StoreClass[], more: readonly Filled[]): StoreClass[] {
  const known = new Set(stores.map((store) => store.id));
  const added = more
    .filter(({ store }) => !known.has(store.id))
    .map(({ a, store }) => ({
      id: store.id,
      authority: a.authority,
      holds: store.holds,
      members: store.members ?? [store.id],
    }));
  return [...stores, ...added];
}

const actorsOf = (flows: readonly Flow[]): Actor[] => [...new Set(flows.flatMap((flow) => flow.actor ?? []))];
