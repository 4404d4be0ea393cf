// What the API servers call with a trust anchor of its own: webhooks, aggregated API servers, CRD conversions. Each is looked at on the wire
// where it can be reached from here.

import { isIP } from 'node:net';
import pLimit from 'p-limit';
import type { Cluster, ObjectMeta } from '../cluster/client.ts';
import { type Address, type AddressBook, addressBook } from '../cluster/service.ts';
import { type Dial, directly, servedChain } from '../cluster/wire.ts';
import { objectId, type PartyId } from '../core/model/ids.ts';
import type { ServiceRef } from '../core/model/inventory.ts';
import { some } from '../core/model/some.ts';
import { reasonOf } from '../errors.ts';
import { type Certificate, readCertificate } from '../pki/certificate.ts';
import { parseCertificates } from '../pki/pem.ts';
import { joinEndpoint } from './endpoints.ts';
import { otherBlocksIn, type RawStore } from './material.ts';
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
  service?: ServiceRef;
  served?: Certificate[];
  others?: Certificate[][];
  insecureSkipTLSVerify?: boolean;
  why?: string;
}

const ADMISSION = '/apis/admissionregistration.k8s.io/v1';
/** Pods behind one Service that are asked at the same time, and first. */
const MOST = 32;
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
  const addressesOf = addressBook(cluster);
  const limit = pLimit(16);
  return Promise.all(declared.map((one) => limit(() => look(addressesOf, one, dial))));
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

async function look(addressesOf: AddressBook, declared: Declared, dial: Dial): Promise<CalleeSeen> {
  const { id, config, insecure } = declared;
  const store = config.caBundle ? bundleStore(declared, config.caBundle) : undefined;
  const base: CalleeSeen = { id, ...(store ? { store } : {}), ...(insecure ? { insecureSkipTLSVerify: true } : {}) };
  const place = await placeOf(addressesOf, config);
  if ('why' in place) return { ...base, why: place.why };
  base.serverName = place.name;
  if (place.service) base.service = place.service;
  const looks = await lookAtEach(place.addresses, (address) => meetEither(address, place.name, dial));
  const met = looks.filter((one) => 'chain' in one);
  const missing = looks.flatMap((one) => ('why' in one ? [one.why] : []));
  const reasons = some([...new Set(missing)], 3, 'semicolon');
  // Proofs go one way to all of them.
  const first = met.find(({ way }) => way.through !== undefined) ?? met[0];
  if (!first) return { ...base, why: reasons };
  const why = missing.length > 0 ? { why: `${missing.length} of the ${looks.length} behind it: ${reasons}` } : {};
  return { ...base, ...first.way, served: first.chain, ...othersOf(first, met), ...why };
}

/** Where none of the first shows anything the way there is missing, and the others are not asked. */
async function lookAtEach(addresses: readonly Address[], meet: (address: Address) => Promise<Look>): Promise<Look[]> {
  const looks = await Promise.all(addresses.slice(0, MOST).map(meet));
  if (!looks.some((one) => 'chain' in one)) return looks;
  const limit = pLimit(MOST);
  return [...looks, ...(await Promise.all(addresses.slice(MOST).map((address) => limit(() => meet(address)))))];
}

interface Met {
  way: Pick<CalleeSeen, 'endpoint' | 'through'>;
  chain: Certificate[];
}
type Look = Met | { why: string };

/** As the configuration says, then, where that shows nothing, through the Pod's node: pod networks are seldom routed from elsewhere. */
async function meetEither(address: Address, name: string, dial: Dial): Promise<Look> {
  const look = await meet(address, false, name, dial);
  if ('chain' in look || address.node === undefined) return look;
  const through = await meet(address, true, name, dial);
  return 'chain' in through || through.why === look.why ? through : { why: `${look.why}; ${through.why}` };
}

/** One handshake, with the name that API servers ask for. */
async function meet({ host, port, node }: Address, through: boolean, name: string, dial: Dial): Promise<Look> {
  try {
    const { chain } = await servedChain(host, port, {
      timeout: PATIENCE,
      dial,
      at: { ...(node === undefined ? {} : { node }), ...(through ? { through } : {}) },
      ...(isIP(name) === 0 ? { servername: name } : {}),
    });
    const way = { endpoint: joinEndpoint(host, port), ...(through && node !== undefined ? { through: node } : {}) };
    return { way, chain: chain.map((der) => readCertificate(der)) };
  } catch (thrown) {
    return { why: reasonOf(thrown) };
  }
}

/** What Pods behind the same Service serve that have taken something up earlier or later than the first: each leaf once. */
function othersOf(first: Met, met: readonly Met[]): Pick<CalleeSeen, 'others'> {
  const byLeaf = new Map(met.map(({ chain }) => [chain[0]?.fingerprint, chain]));
  byLeaf.delete(first.chain[0]?.fingerprint);
  return byLeaf.size > 0 ? { others: [...byLeaf.values()] } : {};
}

function bundleStore({ store, changedAt }: Declared, caBundle: string): RawStore {
  const base: RawStore = {
    id: store,
    kind: 'object-bundle',
    certificates: [],
    ...(changedAt === undefined ? {} : { changedAt }),
  };
  try {
    const pem = Buffer.from(caBundle, 'base64');
    return { ...base, certificates: parseCertificates(pem, 'its caBundle'), ...otherBlocksIn(pem, 'its caBundle') };
  } catch (thrown) {
    return { ...base, fault: reasonOf(thrown) };
  }
}

type Place = { addresses: Address[]; name: string; service?: ServiceRef } | { why: string };

/** Where a callee is, as far as it can be told from here. The name is what API servers verify: `NAME.NAMESPACE.svc` (A:pkg/util/webhook/client.go). */
async function placeOf(addressesOf: AddressBook, { url, service }: ClientConfig): Promise<Place> {
  if (url !== undefined) {
    const { hostname, port } = new URL(url);
    const host = hostname.replace(/^\[|\]$/g, '');
    return { addresses: [{ host, port: Number(port || 443) }], name: host };
  }
  if (!service) return { why: 'it names neither a URL nor a Service' };
  const { name, namespace, port = 443 } = service;
  const ref = { namespace, name, port };
  const addresses = await addressesOf(ref);
  if ('why' in addresses) return addresses;
  return { addresses, name: `${name}.${namespace}.svc`, service: ref };
}
