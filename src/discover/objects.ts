// Objects that hold trust anchors or leafs: what the cluster publishes, and copies that people or tools made.

import type { Cluster, ObjectMeta } from '../cluster/client.ts';
import { objectId } from '../core/model/ids.ts';
import type { Millis, Store } from '../core/model/inventory.ts';
import { reasonOf } from '../errors.ts';
import type { Certificate } from '../pki/certificate.ts';
import { parseCertificates } from '../pki/pem.ts';
import { kubeconfigParts, looksLikeKubeconfig } from './kubeconfig-parts.ts';
import type { RawStore } from './material.ts';
import { listReduced } from './paged.ts';
import { ROOT_CA_CONFIG_MAP } from './pods.ts';

interface DataObject {
  metadata: ObjectMeta & { namespace: string };
  type?: string;
  data?: Record<string, string>;
  immutable?: boolean;
}

const LEGACY_TOKEN = 'kubernetes.io/service-account-token';

export interface ObjectsSeen {
  stores: RawStore[];
  /** `NAMESPACE/NAME` of legacy service account token Secrets. */
  legacySecrets: Set<string>;
}

/** Every ConfigMap and every Secret of the types that may hold certificates. Private keys in them are not looked at and not kept. */
export async function lookAtObjects(cluster: Cluster): Promise<ObjectsSeen> {
  const read = certificateReader();
  const legacySecrets = new Set<string>();
  const secrets = (type: string) =>
    listReduced<DataObject, RawStore[]>(
      cluster,
      '/api/v1/secrets',
      (secret) => {
        if (type === LEGACY_TOKEN) legacySecrets.add(`${secret.metadata.namespace}/${secret.metadata.name}`);
        return storesOf('Secret', secret, read, (value) => Buffer.from(value, 'base64').toString('utf8'));
      },
      { fieldSelector: `type=${type}` },
    );
  const found = await Promise.all([
    listReduced<DataObject, RawStore[]>(cluster, '/api/v1/configmaps', (map) =>
      storesOf('ConfigMap', map, read, (value) => value),
    ),
    ...['Opaque', 'kubernetes.io/tls', LEGACY_TOKEN].map(secrets),
  ]);
  return { stores: found.flat(2), legacySecrets };
}

type Read = (text: string) => Certificate[];

/** The same bundle lies in thousands of namespaces: each text is parsed once. */
function certificateReader(): Read {
  const known = new Map<string, Certificate[]>();
  return (text) => {
    const seen = known.get(text);
    if (seen) return seen;
    const certificates = parseCertificates(text, 'it');
    known.set(text, certificates);
    return certificates;
  };
}

function storesOf(
  kind: 'ConfigMap' | 'Secret',
  object: DataObject,
  read: Read,
  decode: (value: string) => string,
): RawStore[] | undefined {
  const stores = Object.entries(object.data ?? {}).flatMap(([key, value]): RawStore[] => {
    if (value.length < 200 && !isExpected(kind, object, key)) return [];
    const text = decode(value);
    if (text.includes('-----BEGIN CERTIFICATE-----') || isExpected(kind, object, key))
      return [pemStore(kind, object, key, text, read)];
    return looksLikeKubeconfig(text) ? kubeconfigStores(kind, object, key, text, read) : [];
  });
  return stores.length > 0 ? stores : undefined;
}

/** Keys that must hold certificates: without any they are a fault, not something of no interest. */
function isExpected(kind: string, { metadata, type }: DataObject, key: string): boolean {
  if (kind === 'Secret') return type === LEGACY_TOKEN && key === 'ca.crt';
  return metadata.name === ROOT_CA_CONFIG_MAP && key === 'ca.crt';
}

function pemStore(kind: 'ConfigMap' | 'Secret', object: DataObject, key: string, text: string, read: Read): RawStore {
  const base = baseOf(kind, object, key);
  try {
    const certificates = read(text);
    if (certificates.length === 0) return { ...base, fault: 'it holds no certificate' };
    const isBundle = certificates.every((certificate) => certificate.isCA);
    return { ...base, certificates, kind: isBundle ? 'object-bundle' : 'object-leaf' };
  } catch (thrown) {
    return { ...base, fault: reasonOf(thrown) };
  }
}

/** cluster-info, kube-proxy's configuration, Cluster API's Secrets: a kubeconfig as a value. */
function kubeconfigStores(
  kind: 'ConfigMap' | 'Secret',
  object: DataObject,
  key: string,
  text: string,
  read: Read,
): RawStore[] {
  const base = baseOf(kind, object, key);
  try {
    const parts = kubeconfigParts(text, '/');
    const about = { ...(parts.server ? { server: parts.server } : {}), ...(parts.user ? { user: parts.user } : {}) };
    const ca = parts.ca?.pem === undefined ? [] : read(parts.ca.pem);
    const client = parts.client?.pem === undefined ? [] : read(parts.client.pem);
    return [
      ...(ca.length > 0 ? [{ ...base, ...about, certificates: ca }] : []),
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
