// Endpoints that API servers call: webhooks, aggregated API servers, CRD conversions. Each is verified through its caBundle; an
// aggregated API server also verifies the front-proxy client certificate that API servers present.

import type { PartyId } from '../model/ids.ts';
import type { Callee, Instance, Store } from '../model/inventory.ts';
import type { AuthorityRotation } from '../model/rotation.ts';
import type { Value } from '../model/value.ts';
import { contentOf, memoryOf, partStore } from './instance-part.ts';
import type { End, Part, PartUse } from './part.ts';
import { unionUse } from './published.ts';
import { type Survey, storeIdOf } from './survey.ts';
import { credentialOf, trustOf } from './value-of.ts';

export function calleeParts(survey: Survey, a: AuthorityRotation): Part[] {
  return survey.inventory.callees.flatMap((callee) => {
    if (survey.isWaived(callee.id)) return [];
    const uses = a.authority === 'front-proxy' ? frontProxyUses(survey, a, callee) : clusterUses(survey, a, callee);
    return uses.length > 0 ? [{ party: callee.id, parties: [callee.id], uses }] : [];
  });
}

function clusterUses(survey: Survey, a: AuthorityRotation, callee: Callee): PartUse[] {
  const bundle = callee.caBundle ? survey.store(callee.caBundle) : undefined;
  const trusts = bundle ? trustOf(bundle.certs, a) : 'none';
  const calls: PartUse[] = bundle && trusts !== 'none' ? [bundleUse(survey, a, callee, bundle, trusts)] : [];
  const serves = servingUse(survey, a, callee);
  // Certified by this authority and verified by nobody through it (insecureSkipTLSVerify): reissued all the same.
  return [...calls, ...(serves ? [serves] : []), ...aggregated(survey, a, callee)];
}

function bundleUse(survey: Survey, a: AuthorityRotation, callee: Callee, bundle: Store, value: Value): PartUse {
  const servers = survey.instances('kube-apiserver');
  const starts = servers.map((server) => server.startedAt ?? 0);
  const startedAt = starts.length > 0 ? Math.min(...starts) : undefined;
  return {
    name: 'ca-bundle',
    authority: a.authority,
    kind: 'verifies-servers',
    holds: 'trust',
    reread: 'at-once', // an informer of each API server: A:pkg/util/webhook/client.go, AG:pkg/apiserver/handler_proxy.go
    proof: 'loaded',
    sources: [{ store: partStore(bundle, 'trust', value) }],
    memory: memoryOf(survey, a, startedAt, bundle, 'trust', value, true),
    parties: servers.map((server) => server.id),
    end: calledAs(callee, 'verifies'),
  };
}

const calledAs = (callee: Callee, side: 'verifies' | 'presents'): End =>
  `call of ${callee.id}, server certificate:${side}`;

function servingUse(survey: Survey, a: AuthorityRotation, callee: Callee): PartUse | undefined {
  const store = callee.servingStore ? survey.store(callee.servingStore) : undefined;
  const chains = callee.served ? [callee.served, ...(callee.others ?? [])] : [];
  const served = [...new Set(chains.map((chain) => credentialOf(chain, a)))];
  const inStore = store ? contentOf(store, 'credential', a) : undefined;
  if ([...served, inStore ?? 'other'].every((value) => value === 'other')) return undefined;
  const owner = store ? ownerOf(survey, store) : undefined;
  // What it serves was seen; where it was not, its start says what it may have loaded.
  const memory =
    served.length > 0
      ? served
      : store && inStore && memoryOf(survey, a, owner?.startedAt, store, 'credential', inStore);
  return {
    name: 'serving',
    authority: a.authority,
    kind: 'presents-as-server',
    holds: 'credential',
    // A file reroot can write behind a process it can restart; a Secret may be taken up by itself; without a store nobody can help.
    reread: !store ? 'never-known' : owner && owner.management.by !== 'unknown' ? 'restart' : 'at-once',
    proof: 'serves',
    sources:
      store && inStore !== undefined && inStore !== 'other' ? [{ store: partStore(store, 'credential', inStore) }] : [],
    ...(memory ? { memory } : {}),
    ...(owner ? { parties: [owner.id] } : {}),
    end: calledAs(callee, 'presents'),
  };
}

/** The process that reads this file. */
export function ownerOf(survey: Survey, store: Store): Instance | undefined {
  return survey.inventory.instances.find(
    (instance) =>
      instance.node === store.node &&
      survey.files(instance).some((file) => storeIdOf(instance.node, file) === store.id),
  );
}

/** Instances whose serving certificate is a callee's: it is the callee's use, not one of both. */
export function servedByCallees(survey: Survey): ReadonlySet<PartyId> {
  const owners = survey.inventory.callees.flatMap((callee) => {
    const store = callee.servingStore ? survey.store(callee.servingStore) : undefined;
    const owner = store ? ownerOf(survey, store) : undefined;
    return owner ? [owner.id] : [];
  });
  return new Set(owners);
}

/** An aggregated API server verifies the users' client certificates as well, by the union ConfigMap. */
function aggregated(survey: Survey, a: AuthorityRotation, callee: Callee): PartUse[] {
  if (!isAggregated(callee) || hasOwnFile(survey, callee, 'client-ca-file')) return [];
  const use = unionUse(survey, a, instanceOf(survey, callee)?.startedAt);
  return use ? [use] : [];
}

function frontProxyUses(survey: Survey, a: AuthorityRotation, callee: Callee): PartUse[] {
  if (!isAggregated(callee) || hasOwnFile(survey, callee, 'requestheader-client-ca-file')) return [];
  const use = unionUse(survey, a, instanceOf(survey, callee)?.startedAt, { end: FRONT_PROXY });
  return use && !use.memory?.includes('none') ? [use] : [];
}

const FRONT_PROXY: End = 'aggregated api server, front-proxy certificate:verifies';

const isAggregated = (callee: Callee): boolean => callee.id.startsWith('apiservice/');

/** The process behind the endpoint, where it is one of this inventory. */
function instanceOf(survey: Survey, callee: Callee): Instance | undefined {
  const { endpoint } = callee;
  if (endpoint) return survey.inventory.instances.find((instance) => instance.endpoint === endpoint);
  const store = callee.servingStore ? survey.store(callee.servingStore) : undefined;
  return store ? ownerOf(survey, store) : undefined;
}

const hasOwnFile = (survey: Survey, callee: Callee, flag: string): boolean =>
  instanceOf(survey, callee)?.flags[flag] !== undefined;

/** Whether this instance is behind an APIService: then its own request header CA file meets the API servers. */
export const isAggregatedInstance = (survey: Survey, instance: Instance): boolean =>
  survey.inventory.callees.some((callee) => isAggregated(callee) && instanceOf(survey, callee)?.id === instance.id);
