// Names of things. The forms are part of the command line's contract (docs/design): users type them after --waive.

/** One of the four roots of trust. */
export type Authority = 'kubernetes' | 'front-proxy' | 'etcd' | 'service-account';
export const AUTHORITIES: readonly Authority[] = ['kubernetes', 'front-proxy', 'etcd', 'service-account'];

/** SHA-256 over the certificate's DER, lower-case hex without colons. A generation is known by this, never by name. */
export type Fingerprint = string;

export type NodeName = string;

/**
 * A running thing that uses stores: `NODE/COMPONENT`, `pod/NAMESPACE/NAME`, `webhook/NAME`, `apiservice/NAME`,
 * `crd/NAME`, `user/NAME`, `node/NAME` (all that runs on a node that was not reached).
 */
export type PartyId = string;

/** A place that holds material: `file/NODE:PATH` (a kubeconfig's parts: `…#ca`, `…#client`) or `object/KIND/NAMESPACE/NAME` (`…#KEY`). */
export type StoreId = string;

/** `PARTY:NAME`, such as `cp1/kube-apiserver:client-ca`. */
export type UseId = string;

export const fileId = (node: NodeName, path: string, part?: 'ca' | 'client'): StoreId =>
  `file/${node}:${path}${part ? `#${part}` : ''}`;

/** Cluster-scoped objects have an empty namespace: `object/APIService//v1.example`. */
export const objectId = (kind: string, namespace: string, name: string, key?: string): StoreId =>
  `object/${kind}/${namespace}/${name}${key === undefined ? '' : `#${key}`}`;

/** The store without its part: `file/n1:/a.conf#ca` gives `file/n1:/a.conf`. */
export const wholeStore = (id: StoreId): StoreId => {
  const hash = id.lastIndexOf('#');
  return hash < 0 ? id : id.slice(0, hash);
};

/** Reads a `file/NODE:PATH[#PART]` id; undefined for any other. */
export function parseFileId(id: StoreId): { node: NodeName; path: string; part?: 'ca' | 'client' } | undefined {
  const match = /^file\/([^:]+):(.*?)(?:#(ca|client))?$/s.exec(id);
  if (!match) return undefined;
  const [, node = '', path = '', part] = match;
  return part === 'ca' || part === 'client' ? { node, path, part } : { node, path };
}
