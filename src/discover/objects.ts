// Objects that hold trust anchors or leafs: what the cluster publishes, and copies that people or tools made.

import type { Cluster, ObjectMeta } from '../cluster/client.ts';
import { objectId, type StoreId } from '../core/model/ids.ts';
import type { Millis, Store } from '../core/model/inventory.ts';
import type { Certificate } from '../pki/certificate.ts';
import { certificateBodies } from '../pki/pem-in-text.ts';
import { kubeconfigParts, looksLikeKubeconfig } from './kubeconfig-parts.ts';
import type { RawStore } from './material.ts';
import { type PemSeen, pemReader } from './object-pem.ts';
import { listReduced } from './paged.ts';
import { ROOT_CA_CONFIG_MAP } from './pods.ts';

interface DataObject {
  metadata: ObjectMeta & { namespace: string };
  type?: string;
  data?: Record<string, string>;
  immutable?: boolean;
}

const LEGACY_TOKEN = 'kubernetes.io/service-account-token';

/** Values with certificates of which none could be read: what stands in their place. */
export type Unread = Map<StoreId, string[]>;

export interface ObjectsSeen {
  stores: RawStore[];
  unread: Unread;
  /** `NAMESPACE/NAME` of legacy service account token Secrets. */
  legacySecrets: Set<string>;
}

interface Look {
  read: (text: string) => PemSeen;
  unread: Unread;
}

/** Every ConfigMap and every Secret of the types that may hold certificates. Private keys in them are not looked at and not kept. */
export async function lookAtObjects(cluster: Cluster): Promise<ObjectsSeen> {
  const look: Look = { read: pemReader(), unread: new Map() };
  const legacySecrets = new Set<string>();
  const secrets = (type: string) =>
    listReduced<DataObject, RawStore[]>(
      cluster,
      '/api/v1/secrets',
      (secret) => {
        if (type === LEGACY_TOKEN) legacySecrets.add(`${secret.metadata.namespace}/${secret.metadata.name}`);
        return storesOf('Secret', secret, look, (value) => Buffer.from(value, 'base64').toString('utf8'));
      },
      { fieldSelector: `type=${type}` },
    );
  const found = await Promise.all([
    listReduced<DataObject, RawStore[]>(cluster, '/api/v1/configmaps', (map) =>
      storesOf('ConfigMap', map, look, (value) => value),
    ),
    ...['Opaque', 'kubernetes.io/tls', LEGACY_TOKEN].map(secrets),
  ]);
  return { stores: found.flat(2), legacySecrets, unread: look.unread };
}

function storesOf(
  kind: 'ConfigMap' | 'Secret',
  object: DataObject,
  look: Look,
  decode: (value: string) => string,
): RawStore[] | undefined {
  const stores = Object.entries(object.data ?? {}).flatMap(([key, value]): RawStore[] => {
    if (value.length < 200 && !isExpected(kind, object, key)) return [];
    const text = decode(value);
    if (text.includes('-----BEGIN CERTIFICATE-----') || isExpected(kind, object, key))
      return pemStores(kind, object, key, text, look);
    return looksLikeKubeconfig(text) ? kubeconfigStores(kind, object, key, text, look) : [];
  });
  return stores.length > 0 ? stores : undefined;
}

/** Keys that must hold certificates: without any they are a fault, not something of no interest. */
function isExpected(kind: string, { metadata, type }: DataObject, key: string): boolean {
  if (kind === 'Secret') return type === LEGACY_TOKEN && key === 'ca.crt';
  return metadata.name === ROOT_CA_CONFIG_MAP && key === 'ca.crt';
}

function pemStores(
  kind: 'ConfigMap' | 'Secret',
  object: DataObject,
  key: string,
  text: string,
  look: Look,
): RawStore[] {
  const base = baseOf(kind, object, key);
  const seen = look.read(text);
  const { certificates, fault, embedded } = seen;
  // What a component publishes is read as PEM by all who take it: within another text it is as good as not there.
  if (embedded.length > 0 && base.publishedBy === undefined) return embeddedStores(base, embedded);
  if (fault !== undefined) {
    if (base.publishedBy !== undefined) return [{ ...base, fault }];
    look.unread.set(base.id, certificateBodies(text));
    return [];
  }
  const isBundle = certificates.every((certificate) => certificate.isCA);
  const held = isBundle ? 'object-bundle' : 'object-leaf';
  return [{ ...base, certificates, kind: held, ...othersOf(seen) }];
}

const othersOf = ({ otherBlocks }: PemSeen): Pick<RawStore, 'otherBlocks'> => (otherBlocks ? { otherBlocks } : {});

/** A configuration has the CA that is trusted and the certificate that is presented in one text. */
function embeddedStores(base: RawStore, certificates: Certificate[]): RawStore[] {
  const cas = certificates.filter(({ isCA }) => isCA);
  const leafs = certificates.filter(({ isCA }) => !isCA);
  const id = cas.length > 0 ? `${base.id}:client` : base.id;
  return [
    ...(cas.length > 0 ? [{ ...base, certificates: cas, embedded: true as const }] : []),
    ...(leafs.length > 0
      ? [{ ...base, id, kind: 'object-leaf' as const, certificates: leafs, embedded: true as const }]
      : []),
  ];
}

/** cluster-info, kube-proxy's configuration, Cluster API's Secrets: a kubeconfig as a value. */
function kubeconfigStores(
  kind: 'ConfigMap' | 'Secret',
  object: DataObject,
  key: string,
  text: string,
  { read }: Look,
): RawStore[] {
  const base = baseOf(kind, object, key);
  try {
    const parts = kubeconfigParts(text, '/');
    const about = { ...(parts.server ? { server: parts.server } : {}), ...(parts.user ? { user: parts.user } : {}) };
    const ca = parts.ca?.pem === undefined ? undefined : read(parts.ca.pem);
    const client = parts.client?.pem === undefined ? [] : read(parts.client.pem).certificates;
    return [
      ...(ca && ca.certificates.length > 0
        ? [{ ...base, ...about, certificates: ca.certificates, ...othersOf(ca) }]
        : []),
      ...(client.length > 0
        ? [{ ...base, ...about, id: `${base.id}:client`, kind: 'object-leaf' as const, certificates: client }]
        : []),
    ];
  } catch {
    // A value that only looks like one: somebody else's configuration.
    return [];
  }
}

function baseOf(kind: 'ConfigMap' | 'Secret', { metadata, type }: DataObject, key: string): RawStore {
  const publishedBy = publisherOf(kind, metadata, type, key);
  const changedAt = changeOf(metadata);
  return {
    id: objectId(kind, metadata.namespace, metadata.name, key),
    kind: 'object-bundle',
    certificates: [],
    ...(changedAt === undefined ? {} : { changedAt }),
    ...(publishedBy === undefined ? {} : { publishedBy }),
  };
}

function publisherOf(
  kind: string,
  metadata: DataObject['metadata'],
  type: string | undefined,
  key: string,
): Store['publishedBy'] {
  const { namespace, name } = metadata;
  if (kind === 'ConfigMap' && name === ROOT_CA_CONFIG_MAP && key === 'ca.crt') return 'root-ca-publisher';
  // The tokens controller writes the same bytes (K:pkg/controller/serviceaccount/tokens_controller.go).
  if (kind === 'Secret' && type === LEGACY_TOKEN && key === 'ca.crt') return 'root-ca-publisher';
  if (kind === 'ConfigMap' && namespace === 'kube-system' && name === 'extension-apiserver-authentication')
    return 'cluster-authentication-trust';
  return undefined;
}

/** The latest write that the API server noted, by its own clock. */
export function changeOf(metadata: ObjectMeta): Millis | undefined {
  const times = (metadata.managedFields ?? [])
    .map(({ time }) => Date.parse(time ?? ''))
    .filter((time) => !Number.isNaN(time));
  const created = Date.parse(metadata.creationTimestamp ?? '');
  if (times.length > 0) return Math.max(...times);
  return Number.isNaN(created) ? undefined : created;
}
