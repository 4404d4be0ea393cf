// What belongs into a backup, from the inventory: every file and object that reroot may change, and the keys beside them.

import pLimit from 'p-limit';
import type { Cluster, KubeObject } from '../cluster/client.ts';
import { isNotFound } from '../cluster/client.ts';
import type { NodeName, StoreId } from '../core/model/ids.ts';
import type { Inventory, Store } from '../core/model/inventory.ts';
import { EXIT, RerootError, reasonOf } from '../errors.ts';
import type { NodeAccess } from '../nodes/access.ts';
import { type FileFound, readFiles } from '../nodes/files.ts';
import { objectPath, parseObjectId } from '../stores/object-path.ts';
import type { ArchivedFile, ArchivedObject } from './archive.ts';

/** Files by node, sorted: stores, private keys, CA keys, manifests. Absolute paths. */
export function filesToBackUp(inventory: Inventory): Map<NodeName, string[]> {
  const files = new Map<NodeName, Set<string>>();
  const note = (node: NodeName, path: string | undefined): void => {
    if (path === undefined) return;
    files.set(node, (files.get(node) ?? new Set()).add(path));
  };
  for (const store of inventory.stores) {
    if (store.node === undefined) continue;
    note(store.node, store.path);
    note(store.node, store.keyPath);
  }
  for (const { keys } of inventory.authorities) for (const key of keys) note(key.node, key.path);
  for (const { node, management } of inventory.instances) {
    if (management.by === 'static-pod' || management.by === 'command') note(node, management.manifest);
  }
  return new Map([...files].map(([node, paths]) => [node, [...paths].sort()]));
}

/**
 * Objects by their path at the API server, with the stores in them. Left out is what the controller manager publishes everywhere, for it is made again,
 * and what reroot never writes.
 */
export function objectsToBackUp(inventory: Inventory): Map<string, StoreId[]> {
  const objects = new Map<string, StoreId[]>();
  for (const store of inventory.stores) {
    const place = parseObjectId(store.id);
    const path = place && objectPath(place);
    if (!path || store.embedded || store.publishedBy === 'root-ca-publisher') continue;
    objects.set(path, [...(objects.get(path) ?? []), store.id]);
  }
  return objects;
}

export interface Skipped {
  what: string;
  why: string;
}

export interface GatherOptions {
  inventory: Inventory;
  accessOf: (node: NodeName) => NodeAccess;
  cluster: Pick<Cluster, 'get'>;
  /** Told what is not in the backup, and why. */
  skipped: (skipped: Skipped) => void;
  /** Ends it with RerootError, exit 130: half an archive is none. */
  signal?: AbortSignal;
}

/** Nodes asked at the same time. */
const NODES = 8;

/** Every file and object, as it is now. What cannot be read is told, not thrown: half a backup that says so is better than none. */
export async function* gather(options: GatherOptions): AsyncGenerator<ArchivedFile | ArchivedObject> {
  const { inventory, skipped } = options;
  for (const node of inventory.nodes) {
    if (!node.reached) skipped({ what: `node/${node.name}`, why: node.why ?? 'it was not reached' });
  }
  const reached = new Set(inventory.nodes.filter((node) => node.reached).map((node) => node.name));
  const limit = pLimit(NODES);
  const byNode = [...filesToBackUp(inventory)].filter(([node]) => reached.has(node));
  const reading = byNode.map(([node, paths]) => limit(() => filesOf(node, paths, options)));
  // Started together and taken in order; a failure is not left unhandled while an earlier one is awaited.
  for (const files of reading) files.catch(() => {});
  for (const files of reading) {
    refuseStopped(options);
    yield* await files;
  }
  for (const [path, stores] of objectsToBackUp(inventory)) {
    refuseStopped(options);
    const object = await objectAt(path, stores, options);
    if (object) yield object;
  }
}

function refuseStopped({ signal }: GatherOptions): void {
  if (signal?.aborted) throw new RerootError(EXIT.interrupted, 'interrupted: no backup was written');
}

async function filesOf(node: NodeName, paths: readonly string[], options: GatherOptions): Promise<ArchivedFile[]> {
  try {
    const seen = await readFiles(options.accessOf(node), paths);
    return [...seen.values()].flatMap((file) => {
      if (file.kind === 'file') return [archivedFile(node, file)];
      if (file.reason !== 'absent') options.skipped({ what: `file/${node}:${file.path}`, why: file.fault });
      return [];
    });
  } catch (thrown) {
    options.skipped({ what: `node/${node}`, why: reasonOf(thrown) });
    return [];
  }
}

const archivedFile = (node: NodeName, file: FileFound): ArchivedFile => ({
  file: file.path,
  node,
  ...(file.target === undefined ? {} : { link: file.target }),
  mode: file.mode.toString(8),
  owner: file.ownerIds,
  sha256: file.sha256,
  changedAt: file.changedAt,
  content: file.bytes.toString('base64'),
});

async function objectAt(
  path: string,
  stores: readonly Store['id'][],
  options: GatherOptions,
): Promise<ArchivedObject | undefined> {
  try {
    const value = await options.cluster.get<KubeObject>(path);
    const { managedFields: _, ...metadata } = value.metadata;
    return { object: path, stores: [...stores], value: { ...value, metadata } };
  } catch (thrown) {
    if (!isNotFound(thrown)) options.skipped({ what: path, why: reasonOf(thrown) });
    return undefined;
  }
}
