// The live cluster in, an inventory out. Reads only.

import type { Cluster } from '../cluster/client.ts';
import { leaseHolder } from '../cluster/leader.ts';
import type { Dial } from '../cluster/wire.ts';
import type { Config } from '../config/config.ts';
import { factsOf } from '../core/catalog/components.ts';
import { callersOf } from '../core/catalog/fronts.ts';
import type { Front, Instance, Inventory, Millis, Node, Pod } from '../core/model/inventory.ts';
import type { Rotation } from '../core/model/rotation.ts';
import type { NodeAccess } from '../nodes/access.ts';
import type { Certificate } from '../pki/certificate.ts';
import { authoritiesOf } from './authorities.ts';
import { calleeFact } from './callee-fact.ts';
import { type CalleeSeen, lookAtCallees } from './callees.ts';
import { findingsOf } from './findings.ts';
import { type FrontSeen, lookAtFronts } from './fronts.ts';
import { knownNodes, lookAtNodes, type NodeKnown, type NodeLook } from './nodes.ts';
import { lookAtObjects } from './objects.ts';
import { listReduced } from './paged.ts';
import { type PodObject, podFact } from './pods.ts';
import { type CertificatePool, certificatePool } from './pool.ts';
import { relevance, tornCopies } from './relevance.ts';
import { usersOf } from './users.ts';

export interface DiscoverDeps {
  config: Config;
  cluster: Cluster;
  accessOf: (node: string) => NodeAccess;
  /** Told where a Node object says that its node is, before `accessOf` is asked for it. */
  noteAddress?: (node: string, address: string) => void;
  /** The way to ports in the cluster. Default: from here. */
  dial?: Dial;
}

export interface DiscoverOptions {
  now: Millis;
  /** An open rotation, as for `Discovered.under`. */
  rotation?: Rotation;
  /** Whether the servers of kubeconfigs are met (trap 22). Default true; only what comes before a rotation asks for it. */
  fronts?: boolean;
}

/**
 * One look at everything: nodes and their components, files, objects, callees, pods. Throws wrongUse for a configuration that does not fit the cluster
 * and for missing permission; a node that is away is part of the answer.
 */
export const discover = async (deps: DiscoverDeps, options: DiscoverOptions): Promise<Inventory> =>
  (await discoverAll(deps, options)).inventory;

export interface Discovered {
  inventory: Inventory;
  /** The same look, with an open rotation in mind: copies of its old CA in objects stay in sight after the API servers have dropped it. */
  under: (rotation: Rotation) => Inventory;
  /** The certificates behind the inventory's facts, by fingerprint: to verify chains with. */
  certificates: ReadonlyMap<string, Certificate>;
}

/** As `discover`, with the certificates themselves. */
export async function discoverAll(deps: DiscoverDeps, options: DiscoverOptions): Promise<Discovered> {
  const { cluster, config } = deps;
  const nodes = await knownNodes(cluster, config);
  for (const { name, address } of nodes) if (address !== undefined) deps.noteAddress?.(name, address);
  const [looks, objects, callees, namespaces, version] = await Promise.all([
    lookAtNodes(nodes, config, deps.accessOf),
    lookAtObjects(cluster),
    lookAtCallees(cluster, deps.dial),
    listReduced<{ metadata: { name: string } }, string>(cluster, '/api/v1/namespaces', ({ metadata }) => metadata.name),
    serverVersion(cluster),
  ]);
  const podsSeen = await listReduced<PodObject, { pod: Pod; uid: string }>(cluster, '/api/v1/pods', (object) => {
    const pod = podFact(object, objects.legacySecrets);
    return pod && { pod, uid: object.metadata.uid };
  });
  const instances = await finishInstances(cluster, looks, version);
  const pool = poolOf(looks, objects.stores, callees);
  const keyFiles = looks.flatMap(({ seen }) => seen?.keyFiles ?? []);
  const strangers = looks.flatMap(({ seen }) => seen?.strangers ?? []);

  const fileStores = looks.flatMap(({ seen }) => seen?.stores ?? []).map(pool.storeOf);
  const byId = new Map(fileStores.map((store) => [store.id, store]));
  const authorities = authoritiesOf(instances, byId, keyFiles);
  const calleeStores = callees.flatMap(({ store }) => (store ? [pool.storeOf(store)] : []));
  const objectStores = objects.stores.map(pool.storeOf);
  const holdsOf = podHolds(looks);
  const fronts = options.fronts === false ? undefined : await lookAtFronts(callersOf(instances, byId), deps.dial);
  const inventoryUnder = (rotation: Rotation | undefined): Inventory => {
    const ours = objectStores.filter(relevance(authorities, rotation));
    const stores = [...fileStores, ...ours, ...calleeStores].sort((a, b) => (a.id < b.id ? -1 : 1));
    const inventory: Omit<Inventory, 'findings'> = {
      takenAt: options.now,
      cluster: { server: cluster.server, version, ...distributionOf(nodes) },
      nodes: looks.map((look) => nodeFact(look)),
      authorities,
      instances,
      stores,
      ...(strangers.length > 0 ? { strangers } : {}),
      pods: podsSeen.map(({ pod, uid }) => withHolds(pod, holdsOf(pod, uid))),
      namespaces: namespaces.sort(),
      callees: callees.map((callee) => calleeFact(callee, pool, stores)),
      ...(fronts ? { fronts: fronts.map((front) => frontFact(front, pool)) } : {}),
    };
    const torn = tornCopies(authorities, rotation, pool.seen(), objects.unread);
    const used = new Set(usersOf(inventory).keys());
    const open = looks.map(({ seen }) => seen?.record?.open).find((id) => id !== undefined);
    const findings = findingsOf({
      inventory,
      keyFiles,
      used,
      torn,
      ...(open === undefined ? {} : { rotation: open }),
    });
    return { ...inventory, findings };
  };
  return { inventory: inventoryUnder(options.rotation), under: inventoryUnder, certificates: pool.seen() };
}

async function serverVersion(cluster: Cluster): Promise<string> {
  const { gitVersion } = await cluster.get<{ gitVersion: string }>('/version');
  return gitVersion.replace(/^v/, '');
}

/** etcd has versions of its own; a kube-proxy may be three minor versions behind (version skew policy), and what it re-reads with it. */
const OF_ANOTHER_VERSION = new Set(['etcd', 'kube-proxy']);

/** Versions and leaders. A component's own version is in its image's tag; otherwise it is that of its node's API server, as kubeadm's skew is. */
async function finishInstances(cluster: Cluster, looks: readonly NodeLook[], version: string): Promise<Instance[]> {
  const instances = looks.flatMap(({ seen }) => seen?.instances ?? []);
  const leaders = await leadersOf(cluster, looks);
  const ofServers = new Map<string, string>();
  await Promise.all(
    instances
      .filter(({ component, endpoint }) => component === 'kube-apiserver' && endpoint !== undefined)
      .map(async ({ node, endpoint }) => {
        const own = await serverVersion(cluster.at(`https://${endpoint}`)).catch(() => undefined);
        if (own !== undefined) ofServers.set(node, own);
      }),
  );
  const kubelets = new Map(looks.map(({ known }) => [known.name, known.version]));
  return instances.map((instance): Instance => {
    const own = {
      'kube-apiserver': ofServers.get(instance.node),
      kubelet: kubelets.get(instance.node),
    }[instance.component as string];
    const isOfItsNode = factsOf(instance.component).component !== '*' && !OF_ANOTHER_VERSION.has(instance.component);
    const assumed = isOfItsNode ? (ofServers.get(instance.node) ?? version) : undefined;
    const found = own ?? instance.version ?? assumed;
    const leader = leaders.get(instance.component)?.(instance.node);
    return {
      ...instance,
      ...(found === undefined ? {} : { version: found }),
      ...(leader === undefined ? {} : { leader }),
    };
  });
}

/**
 * By component, whether a node's instance leads. The Lease names a host: a name that is no node's (several instances on one machine without names
 * of their own) leaves it open for all, but where there is only one instance it is that one.
 */
async function leadersOf(
  cluster: Cluster,
  looks: readonly NodeLook[],
): Promise<Map<string, (node: string) => boolean | undefined>> {
  const names = new Map<string, string>();
  for (const { known } of looks) {
    names.set(known.name, known.name);
    if (known.hostname !== undefined) names.set(known.hostname, known.name);
  }
  const entries = ['kube-controller-manager', 'kube-scheduler'].map(async (component) => {
    const holder = await leaseHolder(cluster, component);
    const running = looks.filter(({ seen }) => seen?.instances.some((one) => one.component === component));
    const only =
      running.length === 1 && looks.every(({ seen }) => seen !== undefined) ? running[0]?.known.name : undefined;
    const leads = holder && (names.get(holder.node) ?? only);
    return [component, (node: string) => (leads === undefined ? undefined : leads === node)] as const;
  });
  return new Map(await Promise.all(entries));
}

function poolOf(
  looks: readonly NodeLook[],
  objects: readonly { certificates: Parameters<CertificatePool['add']>[0] }[],
  callees: readonly CalleeSeen[],
): CertificatePool {
  const pool = certificatePool();
  for (const { seen } of looks) {
    pool.add(seen?.record?.cas ?? []);
    for (const { certificates } of seen?.stores ?? []) pool.add(certificates);
  }
  for (const { certificates } of objects) pool.add(certificates);
  for (const { store } of callees) pool.add(store?.certificates ?? []);
  return pool;
}

/** Nodes of a provider without a control plane among them: that one is the provider's. */
function distributionOf(nodes: readonly NodeKnown[]): Pick<Inventory['cluster'], 'distribution'> {
  if (nodes.some(({ roles }) => roles.includes('control-plane'))) return {};
  const found = nodes.find(({ distribution }) => distribution)?.distribution;
  return found ? { distribution: { name: found.name, instead: found.instead } } : {};
}

function nodeFact({ known, seen, why }: NodeLook): Node {
  const serves = seen?.instances.some(({ component }) => component === 'kube-apiserver');
  const roles: Node['roles'] = serves
    ? [...new Set<Node['roles'][number]>(['control-plane', ...known.roles])]
    : known.roles;
  return {
    name: known.name,
    ...(known.hostname === undefined || known.hostname === known.name ? {} : { hostname: known.hostname }),
    roles: serves ? roles.filter((role) => role !== 'worker') : roles,
    reached: seen !== undefined,
    ...(why === undefined ? {} : { why }),
    ...(known.unsupported ? { unsupported: { what: known.unsupported.what, instead: known.unsupported.instead } } : {}),
    ...(seen === undefined ? {} : { clockOffset: seen.clockOffset }),
    ...(seen?.freeBytes === undefined ? {} : { freeBytes: seen.freeBytes }),
  };
}

const frontFact = ({ served, ...rest }: FrontSeen, pool: CertificatePool): Front => ({
  ...rest,
  ...(served ? { served: served.map(pool.factOf) } : {}),
});

type HoldsOf = (pod: Pod, uid: string) => string[] | undefined;

function podHolds(looks: readonly NodeLook[]): HoldsOf {
  const byNode = new Map(looks.map(({ known, seen }) => [known.name, seen?.podCAs]));
  return (pod, uid) => {
    const held = byNode.get(pod.node)?.get(uid);
    return held && [...new Set(held.certificates.map((certificate) => certificate.fingerprint))];
  };
}

const withHolds = (pod: Pod, holds: string[] | undefined): Pod => (holds ? { ...pod, holds } : pod);
