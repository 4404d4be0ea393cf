// The cluster that follows a plan: what each step does to an inventory, with the flows that a real cluster has. Knows nothing of beliefs.

import { fakeBridge, fakeLeaf, UNION } from '../../../bench/inventory.ts';
import { splitFilesOf, splitFlags } from '../../../src/core/catalog/split.ts';
import { credentialOf, signerOf, trustOf } from '../../../src/core/catalog/value-of.ts';
import { parseFileId, type StoreId } from '../../../src/core/model/ids.ts';
import type { CertFact, Instance, Inventory, Store } from '../../../src/core/model/inventory.ts';
import type { AuthorityRotation, Rotation } from '../../../src/core/model/rotation.ts';
import type { Action, Step } from '../../../src/core/model/step.ts';
import type { Value } from '../../../src/core/model/value.ts';

/** A step as it leaves the cluster, at this moment. `half`: only every second target was reached when the runner was killed. */
export function after(inventory: Inventory, rotation: Rotation, step: Step, at: number, half = false): Inventory {
  const world: Inventory = structuredClone(inventory);
  turn(world, rotation, step, at, half);
  return world;
}

/** The same, in place. */
export function turn(world: Inventory, rotation: Rotation, step: Step, at: number, half = false): void {
  world.takenAt = at + 500;
  act(world, rotation, step, half ? halved(step.action) : step.action, at);
  flow(world, at + 2);
}

const everySecond = <T>(items: readonly T[]): T[] => items.filter((_, i) => i % 2 === 0);

function halved(action: Action): Action {
  switch (action.do) {
    case 'write':
      return { ...action, stores: everySecond(action.stores) };
    case 'restart':
      return { ...action, waves: everySecond(action.waves) };
    case 'roll':
    case 'evict':
      return { ...action, pods: everySecond(action.pods) };
    default:
      return action;
  }
}

function act(world: Inventory, rotation: Rotation, step: Step, action: Action, at: number): void {
  const a = rotation.authorities.find((one) => one.authority === step.authority) as AuthorityRotation;
  switch (action.do) {
    case 'write':
      for (const id of action.stores) writeStore(world, a, id, action.value, at);
      break;
    case 'restart':
      for (const party of action.waves.flat()) restart(world, party, at + 1);
      break;
    case 'roll':
    case 'evict':
      for (const pod of world.pods) if (action.pods.includes(pod.id)) pod.startedAt = at + 1;
      break;
    case 'freeze':
      keysOf(world, a).splice(0);
      for (const store of caFiles(world, a)) delete store.keySpki;
      break;
    case 'unfreeze':
      putKeysBack(world, a, rotation.rollback ? a.old : a.new);
      break;
    case 'shrink-union':
      for (const id of [action.store, ...(action.more ?? [])]) shrink(world, rotation, id, at);
      break;
    case 'nudge':
    case 'prove':
      break;
  }
}

const keysOf = (world: Inventory, a: AuthorityRotation) =>
  world.authorities.find((one) => one.authority === a.authority)?.keys ?? [];

const caFiles = (world: Inventory, a: AuthorityRotation): Store[] =>
  world.stores.filter((store) =>
    store.keyPath?.endsWith(a.authority === 'front-proxy' ? '/front-proxy-ca.key' : '/ca.key'),
  );

function putKeysBack(world: Inventory, a: AuthorityRotation, ca: CertFact): void {
  const name = a.authority === 'front-proxy' ? 'front-proxy-ca' : 'ca';
  const planes = world.nodes.filter((node) => node.roles.includes('control-plane'));
  const keys = planes.map((node) => ({
    fingerprint: ca.fingerprint,
    node: node.name,
    path: `/etc/kubernetes/pki/${name}.key`,
  }));
  keysOf(world, a).splice(0, Number.POSITIVE_INFINITY, ...keys);
  for (const store of caFiles(world, a)) store.keySpki = ca.spki;
}

// ---- writes ----

function writeStore(world: Inventory, a: AuthorityRotation, id: StoreId, value: Value, at: number): void {
  const store = world.stores.find((one) => one.id === id) ?? made(world, id, value);
  store.changedAt = at;
  if (value === 'split') {
    const manager = world.instances.find(
      (one) => 'manifest' in one.management && id.endsWith(`${one.node}:${one.management.manifest}`),
    );
    if (!manager) throw new Error(`nobody reads ${id}`);
    const files = splitFilesOf(manager, undefined);
    if (!files) throw new Error(`no files to split for ${id}`);
    manager.nextFlags = { ...manager.flags };
    for (const [name, path] of Object.entries(splitFlags(files))) manager.nextFlags[name] = [path];
    return;
  }
  store.certs = certsOf(store, a, value);
}

/** Files that reroot makes first. */
function made(world: Inventory, id: StoreId, value: Value): Store {
  const place = parseFileId(id);
  if (!place) throw new Error(`${id} is not there to be written`);
  const pair = place.path.endsWith('signer.pem');
  const store: Store = { id, kind: pair ? 'pair' : 'bundle', node: place.node, path: place.path, certs: [] };
  if (pair) store.keyPath = place.path;
  if (!pair && value === 'none') throw new Error('nothing is written as nothing');
  world.stores.push(store);
  return store;
}

function certsOf(store: Store, a: AuthorityRotation, value: Value): CertFact[] {
  const leafs = store.kind === 'leaf' || store.kind === 'kubeconfig-client' || store.kind === 'object-leaf';
  const anchors: Partial<Record<Value, CertFact[]>> = { old: [a.old], new: [a.new], both: [a.old, a.new] };
  if (!leafs) return anchors[value] ?? [];
  const name = store.certs[0]?.subject.slice(3) ?? 'leaf';
  const chains: Partial<Record<Value, CertFact[]>> = {
    old: [fakeLeaf(name, a.old)],
    new: [fakeLeaf(name, a.new)],
    'new+bridge': [fakeLeaf(name, a.new), fakeBridge(a.new, a.old)],
    'old+reverse': [fakeLeaf(name, a.old), fakeBridge(a.old, a.new)],
  };
  return chains[value] ?? [];
}

function restart(world: Inventory, party: string, at: number): void {
  const pod = world.pods.find((one) => one.id === party);
  if (pod) {
    pod.startedAt = at;
    return;
  }
  const instance = world.instances.find((one) => one.id === party);
  if (!instance) throw new Error(`${party} does not run`);
  instance.startedAt = at;
  if (instance.nextFlags) instance.flags = instance.nextFlags;
  delete instance.nextFlags;
}

function shrink(world: Inventory, rotation: Rotation, id: StoreId, at: number): void {
  const store = world.stores.find((one) => one.id === id);
  if (!store) throw new Error(`${id} is not there`);
  const drop = new Set(rotation.authorities.map((a) => (rotation.rollback ? a.new : a.old).fingerprint));
  store.certs = store.certs.filter((cert) => !drop.has(cert.fingerprint));
  store.changedAt = at;
}

// ---- what follows by itself ----

const fileOf = (world: Inventory, instance: Instance, flag: string): Store | undefined =>
  world.stores.find((store) => store.node === instance.node && store.path === instance.flags[flag]?.[0]);

function flow(world: Inventory, at: number): void {
  const leader = world.instances.find((one) => one.component === 'kube-controller-manager' && one.leader);
  const bundle = leader && fileOf(world, leader, 'root-ca-file');
  // The root bundle is read when leadership is won: by a leader that started after its last change.
  if (leader && bundle && (leader.startedAt ?? 0) > (bundle.changedAt ?? 0)) publish(world, bundle.certs, at);
  for (const [key, flag] of [
    ['client-ca-file', 'client-ca-file'],
    ['requestheader-client-ca-file', 'requestheader-client-ca-file'],
  ] as const) {
    unite(
      world,
      `${UNION}#${key}`,
      world.instances
        .filter((one) => one.component === 'kube-apiserver')
        .flatMap((one) => fileOf(world, one, flag)?.certs ?? []),
      at,
    );
  }
}

const prints = (certs: readonly CertFact[]): string => certs.map((cert) => cert.fingerprint).join();

function publish(world: Inventory, certs: CertFact[], at: number): void {
  for (const store of world.stores) {
    if (store.publishedBy !== 'root-ca-publisher' || prints(store.certs) === prints(certs)) continue;
    store.certs = certs;
    store.changedAt = at;
  }
  for (const pod of world.pods) if (pod.holds) pod.holds = certs.map((cert) => cert.fingerprint);
}

function unite(world: Inventory, id: StoreId, certs: readonly CertFact[], at: number): void {
  const store = world.stores.find((one) => one.id === id);
  const missing = certs.filter((cert) => !store?.certs.some((held) => held.fingerprint === cert.fingerprint));
  if (!store || missing.length === 0) return;
  const added = [...new Map(missing.map((cert) => [cert.fingerprint, cert])).values()];
  store.certs = [...store.certs, ...added];
  store.changedAt = at;
}

// ---- what is there ----

/** Every store's value of the authority that it is about: what an end state is compared by. */
export function valuesIn(world: Inventory, rotation: Rotation): Record<string, string> {
  const values: Record<string, string> = {};
  for (const store of world.stores) {
    for (const a of rotation.authorities) {
      const value = worth(store, a);
      if (value) values[store.id] = value;
    }
  }
  return values;
}

function worth(store: Store, a: AuthorityRotation): string | undefined {
  if (store.kind === 'manifest') return undefined;
  if (store.kind === 'pair') return a.authority === 'kubernetes' ? signerOf(store, a) : undefined;
  const isLeaf = store.kind === 'leaf' || store.kind === 'kubeconfig-client' || store.kind === 'object-leaf';
  const value = isLeaf ? credentialOf(store.certs, a) : trustOf(store.certs, a);
  return value === 'other' || value === 'none' ? undefined : value;
}
