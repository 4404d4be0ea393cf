// Who uses which store, for people and for telling copies from what is in use. The catalogue says it for components, the objects for the rest.

import { fileUses, type WantedFile } from '../core/catalog/stores-of.ts';
import { fileId, objectId } from '../core/model/ids.ts';
import type { Inventory } from '../core/model/inventory.ts';
import { ROOT_CA_CONFIG_MAP } from './pods.ts';

/** Store id to `cp1/kube-apiserver:client-ca`, `webhook/x`, `pods`. Stores that are not in it are used by nobody that was seen. */
export function usersOf(
  inventory: Pick<Inventory, 'instances' | 'callees' | 'pods' | 'stores'>,
): Map<string, string[]> {
  const users = new Map<string, string[]>();
  const add = (store: string | undefined, user: string): void => {
    if (store === undefined) return;
    const known = users.get(store) ?? [];
    if (!known.includes(user)) users.set(store, [...known, user]);
  };
  for (const instance of inventory.instances) {
    for (const file of fileUses(instance)) add(storeIdOf(instance.node, file), `${instance.id}:${file.use}`);
  }
  for (const callee of inventory.callees) {
    add(callee.caBundle, 'kube-apiserver');
    add(callee.servingStore, callee.id);
  }
  const namespaces = new Set(
    inventory.pods.filter(({ rootCA }) => rootCA !== 'none').map(({ namespace }) => namespace),
  );
  for (const namespace of namespaces) add(objectId('ConfigMap', namespace, ROOT_CA_CONFIG_MAP, 'ca.crt'), 'pods');
  for (const store of inventory.stores) {
    const reader = READERS[store.id] ?? (store.publishedBy === 'root-ca-publisher' ? 'in-cluster clients' : undefined);
    if (reader) add(store.id, reader);
  }
  return users;
}

const EXTENSION = 'object/ConfigMap/kube-system/extension-apiserver-authentication';
const READERS: Record<string, string> = {
  [`${EXTENSION}#client-ca-file`]: 'schedulers and aggregated API servers',
  [`${EXTENSION}#requestheader-client-ca-file`]: 'schedulers and aggregated API servers',
  'object/ConfigMap/kube-public/cluster-info#kubeconfig': 'nodes that join',
};

/** The store that a file of an instance is. */
export function storeIdOf(node: string, { path, kind }: Pick<WantedFile, 'path' | 'kind'>): string {
  if (kind === 'kubeconfig-ca') return fileId(node, path, 'ca');
  if (kind === 'kubeconfig-client') return fileId(node, path, 'client');
  return fileId(node, path);
}
