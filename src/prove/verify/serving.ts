// Every server endpoint against everyone who verifies it: a fresh handshake, the chain judged by Go's and OpenSSL's rules, the name looked for.

import { isIP } from 'node:net';
import pLimit from 'p-limit';
import { addressBook } from '../../cluster/service.ts';
import { servedChain, type Target } from '../../cluster/wire.ts';
import { fileUses } from '../../core/catalog/stores-of.ts';
import { wholeStore } from '../../core/model/ids.ts';
import type { Instance, Store } from '../../core/model/inventory.ts';
import { some } from '../../core/model/some.ts';
import { flag } from '../../discover/argv.ts';
import { joinEndpoint } from '../../discover/endpoints.ts';
import { storeIdOf } from '../../discover/users.ts';
import { reasonOf } from '../../errors.ts';
import { type Certificate, readCertificate } from '../../pki/certificate.ts';
import { judgeChain } from '../../pki/verify.ts';
import { describeChain } from '../chain.ts';
import { placesOf, splitEndpoint } from '../endpoint.ts';
import { type Check, check, type VerifyContext } from './check.ts';

const PATIENCE = 5_000;
const limit = pLimit(16);

/** Who verifies a server, and how. */
interface Verifier {
  name: string;
  anchors: Certificate[];
  /** What it looks for in the leaf; undefined where it looks for none. */
  serverName?: string;
  /** A copy that nobody was seen to use: told, not judged. */
  unused?: boolean;
}

interface Server {
  name: string;
  endpoint: string;
  /** What is known of the place beside its address. */
  at?: Pick<Target, 'node' | 'through'>;
  /** SNI, where it is not the host. */
  sni?: string;
  verifiers: Verifier[];
}

export async function servingChecks(ctx: VerifyContext): Promise<Check[]> {
  const servers = [...apiServers(ctx), ...kubelets(ctx), ...etcdMembers(ctx), ...(await callees(ctx))];
  const results = await Promise.all(servers.map((server) => limit(() => look(server, ctx))));
  return [...results.flat(), ...unseen(ctx)];
}

/** What answered nowhere when it was looked for has no endpoint to be asked at. */
const unseen = (ctx: VerifyContext): Check[] =>
  ctx.inventory.callees.flatMap(({ id, endpoint, why }) =>
    endpoint === undefined && why !== undefined
      ? [check('serving', id, undefined, `what it serves was not seen: ${why}`)]
      : [],
  );

async function look({ name, endpoint, at, sni, verifiers }: Server, ctx: VerifyContext): Promise<Check[]> {
  const { host, port } = splitEndpoint(endpoint);
  let chain: Certificate[];
  try {
    const served = await servedChain(host, port, {
      timeout: PATIENCE,
      ...(ctx.dial ? { dial: ctx.dial } : {}),
      ...(at ? { at } : {}),
      ...(sni === undefined || isIP(sni) !== 0 ? {} : { servername: sni }),
    });
    chain = served.chain.map((der) => readCertificate(der));
  } catch (thrown) {
    return [check('serving', name, false, `${endpoint} shows no certificate: ${reasonOf(thrown)}`)];
  }
  return verifiers.map((verifier) => judge(name, chain, verifier, ctx));
}

function judge(server: string, chain: Certificate[], verifier: Verifier, ctx: VerifyContext): Check {
  const channel = `${verifier.name} -> ${server}`;
  const { serverName } = verifier;
  const verdict = judgeChain({
    chain,
    anchors: verifier.anchors,
    usage: 'serverAuth',
    now: ctx.now,
    ...(serverName === undefined ? {} : { name: serverName }),
  });
  const named = serverName === undefined ? '' : ` as ${serverName}`;
  if (verdict.ok) return check('serving', channel, true, `${describeChain(chain)}${named}`);
  return check(
    'serving',
    channel,
    verifier.unused ? undefined : false,
    `${describeChain(chain)}${named}: ${verdict.message}`,
  );
}

// ---- who is verified by whom ----

const certificatesOf = (ctx: VerifyContext, store: Pick<Store, 'certs'> | undefined): Certificate[] =>
  (store?.certs ?? []).flatMap(({ fingerprint }) => ctx.certificates.get(fingerprint) ?? []);

/** Each API server for those who speak to it by name or at all: a client behind a load balancer may meet any of them. */
function apiServers(ctx: VerifyContext): Server[] {
  const servers = ctx.inventory.instances.filter(
    ({ component, endpoint }) => component === 'kube-apiserver' && endpoint,
  );
  const clients = [...kubeconfigClients(ctx), ...publishedTrust(ctx)];
  return servers.map((server) => ({
    name: server.id,
    endpoint: server.endpoint ?? '',
    at: { node: server.node },
    verifiers: clients
      .filter(({ only }) => only === undefined || only === server.endpoint)
      .map(({ verifier }) => verifier),
  }));
}

interface Client {
  verifier: Verifier;
  /** The one API server it speaks to; undefined: any, through a load balancer. */
  only?: string;
}

/** Kubeconfigs by what they trust and whom they call: thousands of kubelets are one line when they are alike. */
function kubeconfigClients(ctx: VerifyContext): Client[] {
  const endpoints = new Set(
    ctx.inventory.instances.flatMap(({ component, endpoint }) =>
      component === 'kube-apiserver' && endpoint ? [endpoint] : [],
    ),
  );
  const own = new URL(ctx.inventory.cluster.server).host;
  const users = usersOfTrust(ctx.inventory.instances);
  const alike = new Map<string, { stores: Store[]; host: string; only?: string; unused: boolean }>();
  for (const store of ctx.inventory.stores) {
    if (store.kind !== 'kubeconfig-ca' || store.server === undefined || !URL.canParse(store.server)) continue;
    const { host, hostname } = new URL(store.server);
    const unused = !users.has(store.id);
    // A kubeconfig for another cluster is none of this one's channels.
    if (unused && host !== own && !endpoints.has(host)) continue;
    const only = endpoints.has(host) ? host : undefined;
    const key = [store.certs.map(({ fingerprint }) => fingerprint).join(), host, unused].join(' ');
    const group = alike.get(key) ?? {
      stores: [],
      host: hostname.replace(/^\[|\]$/g, ''),
      unused,
      ...(only === undefined ? {} : { only }),
    };
    group.stores.push(store);
    alike.set(key, group);
  }
  return [...alike.values()].map(({ stores, host, only, unused }) => ({
    verifier: {
      name: nameOf(stores.map(({ id }) => users.get(id) ?? wholeStore(id).replace(/^file\//, ''))),
      anchors: certificatesOf(ctx, stores[0]),
      serverName: host,
      unused,
    },
    ...(only === undefined ? {} : { only }),
  }));
}

const nameOf = (names: readonly string[]): string => some([...new Set(names)], 2);

/** kubeconfig-ca store to the instance that reads it. */
function usersOfTrust(instances: readonly Instance[]): Map<string, string> {
  const users = new Map<string, string>();
  for (const instance of instances) {
    for (const file of fileUses(instance))
      if (file.kind === 'kubeconfig-ca') users.set(storeIdOf(instance.node, file), instance.id);
  }
  return users;
}

/** What pods get as the cluster's CA, and nodes that join: they reach any API server, under the Service's name. */
function publishedTrust(ctx: VerifyContext): Client[] {
  const stores = ctx.inventory.stores.filter(
    ({ id, publishedBy }) =>
      publishedBy === 'root-ca-publisher' || id.startsWith('object/ConfigMap/kube-public/cluster-info#'),
  );
  const alike = new Map<string, Store[]>();
  for (const store of stores) {
    const key = `${store.publishedBy} ${store.certs.map(({ fingerprint }) => fingerprint).join()}`;
    alike.set(key, [...(alike.get(key) ?? []), store]);
  }
  return [...alike.values()].map((group) => {
    const [first] = group;
    const isPublished = first?.publishedBy === 'root-ca-publisher';
    const name = isPublished
      ? `in-cluster clients (${group.length} copies of the root CA)`
      : 'nodes that join (cluster-info)';
    return {
      verifier: {
        name,
        anchors: certificatesOf(ctx, first),
        ...(isPublished ? { serverName: 'kubernetes.default.svc' } : {}),
      },
    };
  });
}

/** API servers verify a kubelet only where they are told with what. */
function kubelets(ctx: VerifyContext): Server[] {
  const stores = new Map(ctx.inventory.stores.map((store) => [store.id, store]));
  const verifiers = ctx.inventory.instances.flatMap((server): Verifier[] => {
    const path =
      server.component === 'kube-apiserver' ? flag(server.flags, 'kubelet-certificate-authority') : undefined;
    return path === undefined
      ? []
      : [{ name: server.id, anchors: certificatesOf(ctx, stores.get(`file/${server.node}:${path}`)) }];
  });
  if (verifiers.length === 0) return [];
  return ctx.inventory.instances
    .filter(({ component, endpoint }) => component === 'kubelet' && endpoint)
    .map(({ id, node, endpoint = '' }) => ({ name: id, endpoint, at: { node }, verifiers }));
}

function etcdMembers(ctx: VerifyContext): Server[] {
  const stores = new Map(ctx.inventory.stores.map((store) => [store.id, store]));
  const servers = ctx.inventory.instances.filter(({ component }) => component === 'kube-apiserver');
  return ctx.inventory.instances.flatMap((member): Server[] => {
    const { endpoint } = member;
    if (member.component !== 'etcd' || !endpoint) return [];
    const verifiers = servers.flatMap((server): Verifier[] => {
      const path = flag(server.flags, 'etcd-cafile');
      const calls = (flag(server.flags, 'etcd-servers') ?? '').split(',').find((url) => url.endsWith(`//${endpoint}`));
      if (path === undefined || calls === undefined) return [];
      return [
        {
          name: server.id,
          anchors: certificatesOf(ctx, stores.get(`file/${server.node}:${path}`)),
          serverName: splitEndpoint(endpoint).host,
        },
      ];
    });
    return verifiers.length > 0 ? [{ name: member.id, endpoint, at: { node: member.node }, verifiers }] : [];
  });
}

/** Each Pod behind each of them. */
async function callees(ctx: VerifyContext): Promise<Server[]> {
  const addressesOf = addressBook(ctx.cluster);
  const stores = new Map(ctx.inventory.stores.map((store) => [store.id, store]));
  const servers = ctx.inventory.callees.map(async (callee): Promise<Server[]> => {
    const { caBundle, serverName: name, service, ...met } = callee;
    if (!met.endpoint || caBundle === undefined) return [];
    const verifier: Verifier = {
      name: 'kube-apiserver',
      anchors: certificatesOf(ctx, stores.get(caBundle)),
      ...(name === undefined ? {} : { serverName: name }),
    };
    // Where it leads nowhere any more, the place where it was met says so.
    const places = await placesOf(addressesOf, callee).catch(() => placesOf(addressesOf, met));
    return places.map(({ host, port, ...at }) => {
      const endpoint = joinEndpoint(host, port);
      const sni = name === undefined ? {} : { sni: name };
      const own = places.length === 1 ? callee.id : `${callee.id} at ${endpoint}`;
      return { name: own, endpoint, at, ...sni, verifiers: [verifier] };
    });
  });
  return (await Promise.all(servers)).flat();
}
