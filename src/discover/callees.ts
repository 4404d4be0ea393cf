// What the API servers call with a trust anchor of its own: webhooks, aggregated API servers, CRD conversions. Each is looked at on the wire
// where it can be reached from here.

import { isIP } from 'node:net';
import pLimit from 'p-limit';
import { type Cluster, isNotFound, type ObjectMeta } from '../cluster/client.ts';
import { type Dial, directly, servedChain } from '../cluster/wire.ts';
import { objectId, type PartyId } from '../core/model/ids.ts';
import { reasonOf } from '../errors.ts';
import { type Certificate, readCertificate } from '../pki/certificate.ts';
import { parseCertificates } from '../pki/pem.ts';
import type { RawStore } from './material.ts';
import { changeOf } from './objects.ts';
import { listReduced } from './paged.ts';

interface ClientConfig {
  url?: string;
  caBundle?: string;
  service?: { name: string; namespace: string; port?: number };
}
interface HookConfiguration {
  metadata: ObjectMeta;
  webhooks?: { name: string; clientConfig: ClientConfig }[];
}
interface ApiService {
  metadata: ObjectMeta;
  spec: {
    caBundle?: string;
    insecureSkipTLSVerify?: boolean;
    service?: { name: string; namespace: string; port?: number };
  };
}
interface Definition {
  metadata: ObjectMeta;
  spec: { conversion?: { strategy?: string; webhook?: { clientConfig?: ClientConfig } } };
}

interface Declared {
  id: PartyId;
  store: string;
  changedAt: number | undefined;
  config: ClientConfig;
  insecure: boolean;
}

export interface CalleeSeen {
  id: PartyId;
  store?: RawStore;
  endpoint?: string;
  through?: string;
  serverName?: string;
  served?: Certificate[];
  insecureSkipTLSVerify?: boolean;
  why?: string;
}

const ADMISSION = '/apis/admissionregistration.k8s.io/v1';
/** Milliseconds: a cluster address that is not routed from here gives no answer at all. */
const PATIENCE = 3_000;

export async function lookAtCallees(cluster: Cluster, dial: Dial = directly): Promise<CalleeSeen[]> {
  const [validating, mutating, services, definitions] = await Promise.all([
    listReduced<HookConfiguration, Declared[]>(
      cluster,
      `${ADMISSION}/validatingwebhookconfigurations`,
      hooksOf('ValidatingWebhookConfiguration'),
    ),
    listReduced<HookConfiguration, Declared[]>(
      cluster,
      `${ADMISSION}/mutatingwebhookconfigurations`,
      hooksOf('MutatingWebhookConfiguration'),
    ),
    listReduced<ApiService, Declared>(cluster, '/apis/apiregistration.k8s.io/v1/apiservices', serviceOf),
    listReduced<Definition, Declared>(cluster, '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', conversionOf),
  ]);
  const declared = unique([...validating.flat(), ...mutating.flat(), ...services, ...definitions]);
  const limit = pLimit(16);
  return Promise.all(declared.map((one) => limit(() => look(cluster, one, dial))));
}

/** `webhook/CONFIGURATION`, or `webhook/CONFIGURATION/HOOK` where a configuration has several. */
const hooksOf =
  (kind: string) =>
  ({ metadata, webhooks = [] }: HookConfiguration): Declared[] =>
    webhooks.map(({ name, clientConfig }) => ({
      id: webhooks.length === 1 ? `webhook/${metadata.name}` : `webhook/${metadata.name}/${name}`,
      store: objectId(kind, '', metadata.name, name),
      changedAt: changeOf(metadata),
      config: clientConfig,
      insecure: false,
    }));

function serviceOf({ metadata, spec }: ApiService): Declared | undefined {
  if (!spec.service) return undefined;
  return {
    id: `apiservice/${metadata.name}`,
    store: objectId('APIService', '', metadata.name),
    changedAt: changeOf(metadata),
    config: { service: spec.service, ...(spec.caBundle === undefined ? {} : { caBundle: spec.caBundle }) },
    insecure: spec.insecureSkipTLSVerify === true,
  };
}

function conversionOf({ metadata, spec }: Definition): Declared | undefined {
  const config = spec.conversion?.strategy === 'Webhook' ? spec.conversion.webhook?.clientConfig : undefined;
  if (!config) return undefined;
  return {
    id: `crd/${metadata.name}`,
    store: objectId('CustomResourceDefinition', '', metadata.name),
    changedAt: changeOf(metadata),
    config,
    insecure: false,
  };
}

/** A validating and a mutating configuration may have the same name. */
function unique(declared: Declared[]): Declared[] {
  const seen = new Set<string>();
  return declared.map((one) => {
    const id = seen.has(one.id) ? `${one.id}/mutating` : one.id;
    seen.add(id);
    return { ...one, id };
  });
}

async function look(cluster: Cluster, declared: Declared, dial: Dial): Promise<CalleeSeen> {
  const { id, config, insecure } = declared;
  const store = config.caBundle ? bundleStore(declared, config.caBundle) : undefined;
  const base: CalleeSeen = { id, ...(store ? { store } : {}), ...(insecure ? { insecureSkipTLSVerify: true } : {}) };
  const place = await placeOf(cluster, config);
  if ('why' in place) return { ...base, why: place.why };
  base.serverName = place.name;
  const why: string[] = [];
  for (const { way, address } of waysTo(place.addresses)) {
    const { host, port } = address;
    try {
      const { chain } = await servedChain(host, port, {
        timeout: PATIENCE,
        dial,
        at: way,
        ...(isIP(place.name) === 0 ? { servername: place.name } : {}),
      });
      return {
        ...base,
        endpoint: `${host}:${port}`,
        ...(way.through ? { through: way.node } : {}),
        served: chain.map((der) => readCertificate(der)),
      };
    } catch (thrown) {
      why.push(reasonOf(thrown));
    }
  }
  return { ...base, why: [...new Set(why)].join('; ') };
}

interface Address {
  host: string;
  port: number;
  /** The node of the Pod that listens there. */
  node?: string;
}

/** Each address as the configuration says, then, where that shows nothing, through its own node: pod networks are seldom routed from elsewhere. */
function waysTo(addresses: readonly Address[]): { address: Address; way: { node?: string; through?: true } }[] {
  return [
    ...addresses.map((address) => ({ address, way: address.node === undefined ? {} : { node: address.node } })),
    ...addresses.flatMap((address) =>
      address.node === undefined ? [] : [{ address, way: { node: address.node, through: true as const } }],
    ),
  ];
}

function bundleStore({ store, changedAt }: Declared, caBundle: string): RawStore {
  const base: RawStore = {
    id: store,
    kind: 'object-bundle',
    certificates: [],
    ...(changedAt === undefined ? {} : { changedAt }),
  };
  try {
    return { ...base, certificates: parseCertificates(Buffer.from(caBundle, 'base64'), 'its caBundle') };
  } catch (thrown) {
    return { ...base, fault: reasonOf(thrown) };
  }
}

type Place = { addresses: Address[]; name: string } | { why: string };

/** Where a callee is, as far as it can be told from here. The name is what API servers verify: `NAME.NAMESPACE.svc` (A:pkg/util/webhook/client.go). */
async function placeOf(cluster: Cluster, { url, service }: ClientConfig): Promise<Place> {
  if (url !== undefined) {
    const { hostname, port } = new URL(url);
    const host = hostname.replace(/^\[|\]$/g, '');
    return { addresses: [{ host, port: Number(port || 443) }], name: host };
  }
  if (!service) return { why: 'it names neither a URL nor a Service' };
  const { name, namespace, port = 443 } = service;
  const path = `/api/v1/namespaces/${namespace}/services/${name}`;
  const found = await cluster.get<ServiceObject>(path).catch((thrown: unknown) => {
    if (isNotFound(thrown)) return undefined;
    throw thrown;
  });
  if (!found) return { why: `its Service ${namespace}/${name} does not exist` };
  const serverName = `${name}.${namespace}.svc`;
  const external = found.spec?.type === 'ExternalName' ? found.spec.externalName : undefined;
  if (external) return { addresses: [{ host: external, port }], name: serverName };
  const slices = await cluster.list<Slice>(`/apis/discovery.k8s.io/v1/namespaces/${namespace}/endpointslices`, {
    labelSelector: `kubernetes.io/service-name=${name}`,
  });
  const portName = found.spec?.ports?.find((one) => one.port === port)?.name ?? '';
  const addresses = slices.flatMap((slice) => {
    const target = slice.ports?.find((one) => (one.name ?? '') === portName)?.port;
    if (target === undefined) return [];
    return (slice.endpoints ?? []).flatMap(({ addresses, nodeName }) =>
      addresses
        .slice(0, 1)
        .map((host): Address => ({ host, port: target, ...(nodeName === undefined ? {} : { node: nodeName }) })),
    );
  });
  if (addresses.length === 0) return { why: `its Service ${namespace}/${name} has no endpoint` };
  // One that answers is enough to see what is served; two are tried, for the first may just be going.
  return { addresses: addresses.slice(0, 2), name: serverName };
}

interface ServiceObject {
  spec?: { type?: string; externalName?: string; ports?: { port: number; name?: string }[] };
}
interface Slice {
  endpoints?: { addresses: string[]; nodeName?: string }[];
  ports?: { name?: string; port?: number }[];
}
