// An inventory with its indexes, made once for a topology: stores by id and by place, instances by component, who was waived.

import { type Authority, fileId, objectId, type PartyId, type StoreId, wholeStore } from '../model/ids.ts';
import type { Instance, Inventory, Millis, Store } from '../model/inventory.ts';
import type { AuthorityRotation, Rotation } from '../model/rotation.ts';
import { goesBack } from './memory.ts';
import { type FileUse, fileUses } from './stores-of.ts';

export interface Survey {
  inventory: Inventory;
  rotation: Rotation;
  now: Millis;
  /** The rotation goes back, so a store may have held anything. */
  rollback: boolean;
  of(authority: Authority): AuthorityRotation | undefined;
  store(id: StoreId): Store | undefined;
  instances(component: string): readonly Instance[];
  /** The files of each instance, by its id. */
  files(instance: Instance): readonly FileUse[];
  isWaived(party: PartyId): boolean;
  /** The node's clock minus ours; 0 where it was not measured. */
  clockOffset(node: string): Millis;
  /** Kubeconfigs and whatever else lies on a node. */
  storesOn(node: string): readonly Store[];
  /** Pods that nothing would make again. */
  isBare(pod: PartyId): boolean;
}

export function surveyOf(inventory: Inventory, rotation: Rotation, now: Millis): Survey {
  const stores = new Map(inventory.stores.map((store) => [store.id, store]));
  const byComponent = byKey(inventory.instances, (instance) => instance.component);
  const authorities = new Map(rotation.authorities.map((a) => [a.authority, a]));
  const waived = waivedBy(inventory, rotation);
  const offsets = new Map(inventory.nodes.map((node) => [node.name, node.clockOffset ?? 0]));
  const bare = new Set(inventory.pods.flatMap((pod) => (pod.owner ? [] : [pod.id])));
  const files = new Map<PartyId, readonly FileUse[]>();
  return {
    inventory,
    rotation,
    now,
    rollback: goesBack(rotation),
    of: (authority) => authorities.get(authority),
    store: (id) => stores.get(id),
    instances: (component) => byComponent.get(component) ?? [],
    files(instance) {
      const known = files.get(instance.id);
      if (known) return known;
      const found = fileUses(instance);
      files.set(instance.id, found);
      return found;
    },
    isWaived: (party) => waived.has(party),
    clockOffset: (node) => offsets.get(node) ?? 0,
    storesOn: lazily(() => byKey(inventory.stores, (store) => store.node ?? ''), []),
    isBare: (pod) => bare.has(pod),
  };
}

/** A node that was not reached stands for all that runs on it: who gives it up gives up its pods, which nobody can see either. */
function waivedBy({ nodes, pods }: Inventory, { waivers }: Rotation): ReadonlySet<PartyId> {
  const waived = new Set<PartyId>(waivers.map(({ party }) => party));
  const away = new Set(nodes.flatMap(({ name, reached }) => (!reached && waived.has(`node/${name}`) ? [name] : [])));
  if (away.size > 0) for (const pod of pods) if (away.has(pod.node)) waived.add(pod.id);
  return waived;
}

/** A look into an index that is made when it is first wanted. */
function lazily<T>(make: () => ReadonlyMap<string, T>, none: T): (key: string) => T {
  let made: ReadonlyMap<string, T> | undefined;
  return (key) => {
    made ??= make();
    return made.get(key) ?? none;
  };
}

export function byKey<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group) group.push(item);
    else groups.set(key, [item]);
  }
  return groups;
}

/** The id under which the inventory has a file that an instance names. */
export function storeIdOf(node: string, file: Pick<FileUse, 'path' | 'kind'>): StoreId {
  if (file.kind === 'kubeconfig-ca') return fileId(node, file.path, 'ca');
  if (file.kind === 'kubeconfig-client') return fileId(node, file.path, 'client');
  return fileId(node, file.path);
}

const byNode = (instances: readonly Instance[], node: string): Instance | undefined =>
  instances.find((instance) => instance.node === node);

/** The API server on the same node. */
export const apiServerOn = (survey: Survey, node: string): Instance | undefined =>
  byNode(survey.instances('kube-apiserver'), node);

/** What a joining node takes the cluster's CA from (kubeadm). */
export const CLUSTER_INFO = objectId('ConfigMap', 'kube-public', 'cluster-info');

/** Stores no instance names: kubeconfigs of people, copies of a CA. */
export function unnamedStores(survey: Survey): Store[] {
  const named = new Set<StoreId>();
  for (const instance of survey.inventory.instances) {
    for (const file of survey.files(instance)) named.add(wholeStore(storeIdOf(instance.node, file)));
  }
  for (const callee of survey.inventory.callees) {
    if (callee.caBundle) named.add(wholeStore(callee.caBundle));
    if (callee.servingStore) named.add(wholeStore(callee.servingStore));
  }
  return survey.inventory.stores.filter((store) => {
    const whole = wholeStore(store.id);
    return !named.has(whole) && store.publishedBy === undefined && whole !== CLUSTER_INFO;
  });
}
