// Stores as people think of them: the same file on three nodes is one line, kube-root-ca.crt in 2,000 namespaces is one line.

import type { Authority } from '../core/model/ids.ts';
import type { CertFact, Inventory, Store } from '../core/model/inventory.ts';

export interface StoreGroup {
  /** The authority whose anchor the first certificate is, or is signed by; undefined for material of nobody known. */
  authority: Authority | undefined;
  stores: Store[];
  /** Where, for people: `cp1,cp2,cp3:/etc/kubernetes/pki/ca.crt`. */
  place: string;
  users: string[];
}

/** Store id to the names of those who use it, `cp1/kube-apiserver:client-ca`. */
export type Users = ReadonlyMap<string, readonly string[]>;

/** Groups stores that differ in node or namespace only and hold material of the same generations. */
export function groupStores(inventory: Inventory, users: Users): StoreGroup[] {
  const roots = new Map<string, Authority>();
  for (const { authority, anchors } of inventory.authorities) {
    for (const anchor of anchors) roots.set(anchor.fingerprint, authority);
  }
  const groups = new Map<string, Store[]>();
  for (const store of inventory.stores) {
    if (store.kind === 'manifest') continue;
    const generations = store.certs.map((cert) => rootOf(cert) ?? 'other').join(' ');
    const key = [store.kind, whereabouts(store), generations, store.fault ?? '', store.certs[0]?.isCA].join('\n');
    const group = groups.get(key);
    if (group) group.push(store);
    else groups.set(key, [store]);
  }
  return [...groups.values()].map((stores) => ({
    authority: stores[0]?.certs.map((cert) => roots.get(rootOf(cert) ?? '')).find((found) => found !== undefined),
    stores,
    place: placeOf(stores),
    users: [...new Set(stores.flatMap((store) => (users.get(store.id) ?? []).map(withoutNode)))].sort(),
  }));
}

/** The fingerprint of the self-signed CA that a certificate is or comes from. */
export const rootOf = (cert: CertFact): string | undefined => (cert.selfSigned ? cert.fingerprint : cert.signedBy[0]);

/** What a store's place has in common with its like on other nodes or in other namespaces. */
function whereabouts(store: Store): string {
  if (store.node && store.path) return `${partOf(store)} ${acrossNodes(store.path, store.node)}`;
  const [, kind, , ...name] = store.id.split('/');
  return `${kind} ${name.join('/')}`;
}

const acrossNodes = (path: string, node: string): string => path.replaceAll(`/${node}/`, '/NODE/');
const partOf = (store: Store): string => (store.id.includes('#') ? store.id.slice(store.id.lastIndexOf('#')) : '');

/** `cp1/kube-apiserver:client-ca` as `kube-apiserver client-ca`; a pod or webhook keeps its whole name. */
function withoutNode(use: string): string {
  const match = /^[^/]+\/([^/]+?)(?::(.*))?$/.exec(use);
  if (!match || /^(pod|webhook|apiservice|crd|user)\//.test(use)) return use;
  return match[2] ? `${match[1]} ${match[2]}` : (match[1] ?? use);
}

function placeOf(stores: readonly Store[]): string {
  const [first] = stores;
  if (!first) return '';
  if (first.node && first.path) {
    const nodes = [...new Set(stores.map((store) => store.node))].join(',');
    const path = stores.length > 1 ? acrossNodes(first.path, first.node) : first.path;
    return `${nodes}:${path}${partOf(first)}`;
  }
  const [, kind = '', namespace = '', ...name] = first.id.split('/');
  const object = name.join('/');
  if (stores.length > 1) return `${kind} ${object} in ${stores.length} namespaces`;
  return namespace === '' ? `${kind} ${object}` : `${kind} ${namespace}/${object}`;
}
