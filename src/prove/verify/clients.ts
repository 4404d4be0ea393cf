// Client credentials: each chain against what its server trusts, and the signs of life that only an accepted client gives.

import type { KubeObject } from '../../cluster/client.ts';
import { leaseHolder } from '../../cluster/leader.ts';
import { fileUses } from '../../core/catalog/stores-of.ts';
import type { Instance, Store } from '../../core/model/inventory.ts';
import { flag } from '../../discover/argv.ts';
import { listReduced } from '../../discover/paged.ts';
import { storeIdOf } from '../../discover/users.ts';
import { reasonOf } from '../../errors.ts';
import type { Certificate } from '../../pki/certificate.ts';
import { judgeChain } from '../../pki/verify.ts';
import { describeChain } from '../chain.ts';
import { seconds, serverClock } from '../times.ts';
import { type Check, check, type VerifyContext } from './check.ts';

export async function clientChecks(ctx: VerifyContext): Promise<Check[]> {
  return [...judgedClients(ctx), ...(await ownIdentity(ctx)), ...(await leases(ctx)), ...(await nodeLeases(ctx))];
}

const certificatesOf = (ctx: VerifyContext, store: Store | undefined): Certificate[] =>
  (store?.certs ?? []).flatMap(({ fingerprint }) => ctx.certificates.get(fingerprint) ?? []);

interface Presenter {
  name: string;
  chain: Certificate[];
}

/** Chains by content: an etcd client certificate on three nodes is three, the same file twice is one. */
function judgedClients(ctx: VerifyContext): Check[] {
  const stores = new Map(ctx.inventory.stores.map((store) => [store.id, store]));
  const of = (component: string) => ctx.inventory.instances.filter((instance) => instance.component === component);
  const presenters = (instances: readonly Instance[], uses: (use: string) => boolean): Presenter[] =>
    instances.flatMap((instance) =>
      fileUses(instance)
        .filter(({ use, when }) => when === 'now' && uses(use))
        .flatMap((file): Presenter[] => {
          const chain = certificatesOf(ctx, stores.get(storeIdOf(instance.node, file)));
          return chain.length > 0 ? [{ name: instance.id, chain }] : [];
        }),
    );
  const anchors = (instance: Instance, name: string, setting?: string): ClientCAs => {
    const path = flag(instance.flags, name) ?? (setting === undefined ? undefined : instance.settings[setting]);
    return { path, anchors: certificatesOf(ctx, stores.get(`file/${instance.node}:${path}`)) };
  };
  const servers = of('kube-apiserver');
  const everyone = presenters(ctx.inventory.instances, (use) => /kubeconfig-client$/.test(use));
  return [
    ...servers.flatMap((server) => judged(ctx, once(everyone), server.id, anchors(server, 'client-ca-file'))),
    ...of('kubelet').flatMap((kubelet) =>
      judged(
        ctx,
        presenters(servers, (use) => use === 'kubelet-client'),
        kubelet.id,
        anchors(kubelet, 'client-ca-file', 'authentication.x509.clientCAFile'),
      ),
    ),
    ...of('etcd').flatMap((member) =>
      judged(
        ctx,
        presenters(servers, (use) => use === 'etcd-client'),
        member.id,
        anchors(member, 'trusted-ca-file'),
      ),
    ),
    ...servers.flatMap((server) =>
      judged(
        ctx,
        presenters(servers, (use) => use === 'proxy-client'),
        `${server.id} (as a peer)`,
        anchors(server, 'requestheader-client-ca-file'),
      ),
    ),
  ];
}

/** `--authentication-kubeconfig` mostly names the file of `--kubeconfig`. */
function once(presenters: readonly Presenter[]): Presenter[] {
  const seen = new Map(
    presenters.map((presenter) => [`${presenter.name} ${presenter.chain[0]?.fingerprint}`, presenter]),
  );
  return [...seen.values()];
}

interface ClientCAs {
  /** undefined: it is told of none, and takes no client certificates. */
  path: string | undefined;
  anchors: Certificate[];
}

function judged(
  ctx: VerifyContext,
  presenters: readonly Presenter[],
  server: string,
  { path, anchors }: ClientCAs,
): Check[] {
  if (path === undefined) return [];
  if (anchors.length === 0)
    return [check('client', `clients -> ${server}`, undefined, `its client CAs (${path}) could not be read`)];
  return presenters.map(({ name, chain }) => {
    const verdict = judgeChain({ chain, anchors, usage: 'clientAuth', now: ctx.now });
    const channel = `${name} -> ${server}`;
    return verdict.ok
      ? check('client', channel, true, describeChain(chain))
      : check('client', channel, false, `${describeChain(chain)}: ${verdict.message}`);
  });
}

/** The kubeconfig's own identity at every API server. */
async function ownIdentity(ctx: VerifyContext): Promise<Check[]> {
  const servers = ctx.inventory.instances.filter(
    ({ component, endpoint }) => component === 'kube-apiserver' && endpoint,
  );
  return Promise.all(
    servers.map(async ({ id, endpoint }) => {
      const channel = `this kubeconfig -> ${id}`;
      try {
        const { status } = await ctx.cluster
          .at(`https://${endpoint}`)
          .request('GET', '/readyz', { retryFor: 0, timeout: 5_000 });
        return check('client', channel, status === 200, `https://${endpoint}/readyz answered ${status}`);
      } catch (thrown) {
        return check('client', channel, false, reasonOf(thrown));
      }
    }),
  );
}

/** client-go renews a Lease every 2 s and gives it up after 10 s: a leader whose certificate is refused shows within that. */
const LEASE_AGE = 15_000;

async function leases(ctx: VerifyContext): Promise<Check[]> {
  const present = new Set(ctx.inventory.instances.map(({ component }) => component));
  const elected = ['kube-controller-manager', 'kube-scheduler'].filter((component) => present.has(component));
  return Promise.all(
    elected.map(async (component) => {
      const holder = await leaseHolder(ctx.cluster, component);
      if (!holder) return check('alive', component, false, 'nobody holds its Lease');
      const age = (await serverClock(ctx.cluster)) - holder.renewedAt;
      return check(
        'alive',
        component,
        age < LEASE_AGE,
        `${holder.node} renewed its Lease ${seconds(Math.max(0, age))} ago`,
      );
    }),
  );
}

/** A kubelet renews its node's Lease every 10 s with its client certificate. */
const NODE_LEASE_AGE = 45_000;

interface Lease extends KubeObject {
  spec?: { renewTime?: string };
}

async function nodeLeases(ctx: VerifyContext): Promise<Check[]> {
  const nodes = new Set(
    ctx.inventory.instances.flatMap(({ component, node }) => (component === 'kubelet' ? [node] : [])),
  );
  const [renewed, now] = await Promise.all([
    listReduced<Lease, [string, number]>(
      ctx.cluster,
      '/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases',
      ({ metadata, spec }) => [metadata.name, Date.parse(spec?.renewTime ?? '')],
    ),
    serverClock(ctx.cluster),
  ]);
  const at = new Map(renewed);
  return [...nodes].map((node) => {
    const age = now - (at.get(node) ?? Number.NaN);
    const message = Number.isNaN(age)
      ? "its node's Lease is not there"
      : `renewed its node's Lease ${seconds(Math.max(0, age))} ago`;
    return check('alive', `${node}/kubelet`, age < NODE_LEASE_AGE, message);
  });
}
