// Makes the full lab's workloads, and takes them away. Everything here can be run twice, and goes on where it was cut off.

import { join } from 'node:path';
import { z } from 'zod';
import { type Cluster, connect } from '../../../src/cluster/client.ts';
import type { Api } from '../../load/api.ts';
import type { FullTarget } from '../../load/lab-target.ts';
import { isTrue, waitFor } from '../../load/wait.ts';
import { makeLoadObjects, removeWorkloads } from '../../load/workloads.ts';
import { base64 } from '../../processes/objects.ts';
import { loadClients, loadClusterObjects, loadServers } from './clients.ts';
import { declare } from './declare.ts';
import {
  HOOKS_HOST,
  HOOKS_NAMESPACE,
  HOOKS_SECRET,
  hookCallers,
  hookedNamespace,
  hookServers,
  hooksNamespace,
  widget,
} from './hooks.ts';
import { imagesOf } from './images.ts';
import { setKubelets } from './kubelets.ts';
import { nodesOver, type OnNode, writeOnNode } from './on-node.ts';
import { barePod, copiedCA, namespacesAndTokens, ownedPods, readySets } from './owners.ts';
import {
  CNI_KUBECONFIG,
  homeOf,
  kubeconfigOf,
  PEOPLE,
  personalCertificate,
  readersMay,
  webhookCertificate,
} from './people.ts';
import { awaitReady, ensureAll, makeMissing, pathOf } from './ready.ts';
import { SAMPLE_NAMESPACE, SERVING_SECRET, sampleApiService, sampleObjects, sampleServing } from './sample.ts';
import { secretOf, type Wanted } from './shapes.ts';
import { VIP_KUBECONFIG, VIP_MANIFEST, VIP_PODS, VIP_READS, vipManifest } from './vip.ts';

export interface Site {
  lab: FullTarget;
  api: Api;
  cluster: Cluster;
  run: OnNode;
  say: (line: string) => void;
}

/** Calls with what works on the lab, and closes it afterwards; `api` is the caller's. */
export async function onSite<T>(
  lab: FullTarget,
  api: Api,
  say: Site['say'],
  act: (site: Site) => Promise<T>,
): Promise<T> {
  const cluster = connect({ kubeconfig: lab.kubeconfig });
  try {
    return await act({ lab, api, cluster, run: nodesOver(lab.sshConfig), say });
  } finally {
    await cluster.close();
  }
}

/** What the load needs: the servers it asks, and the people and static pods whose clients it counts. Its own pods it starts itself. */
export async function makeLoadSite(site: Site): Promise<void> {
  const { api, say } = site;
  say('webhook, with a certificate from the cluster');
  await makeHooks(site);
  say('aggregated API server, under a CA of its own');
  await makeSample(site);
  say('servers of the load');
  await makeLoadObjects(api);
  await ensureAll(api, [readersMay, ...loadServers]);
  await awaitReady(api, setsOf(loadServers));
  say("people's kubeconfigs, static pods");
  await makePeople(site);
  await makeVips(site);
}

/** All that `reroot lab workloads` makes. */
export async function makeAll(site: Site, rate: number): Promise<void> {
  const { lab, api, say } = site;
  const { pause } = await imagesOf(api);
  say('kubelets of every kind');
  await setKubelets(site.run, site.cluster, lab.nodes);
  await makeLoadSite(site);
  say('pods of every owner, budgets, token Secrets, copies of the CA');
  const workers = lab.nodes.filter(({ controlPlane }) => !controlPlane).length;
  const clients = loadClients(rate, lab.kubernetes);
  await ensureAll(api, [...namespacesAndTokens, ...ownedPods(pause, workers), ...clients]);
  await makeMissing(api, [barePod(pause), copiedCA(await currentCA(api)), widget]);
  await makeCni(site);
  await awaitReady(api, [...readySets, pathOf(barePod(pause)), ...setsOf(clients)]);
}

const setsOf = (all: readonly Wanted[]): string[] =>
  all.filter(({ object }) => ['Deployment', 'DaemonSet'].includes(object.kind)).map(pathOf);

const rootCA = z.object({ data: z.object({ 'ca.crt': z.string() }) });
/** What the cluster gives its pods to trust. */
const currentCA = async (api: Api): Promise<string> =>
  rootCA.parse(await api.get('/api/v1/namespaces/kube-system/configmaps/kube-root-ca.crt')).data['ca.crt'];

async function makeHooks({ api, cluster }: Site): Promise<void> {
  await ensureAll(api, [hooksNamespace]);
  const secret = `/api/v1/namespaces/${HOOKS_NAMESPACE}/secrets`;
  if ((await api.get(`${secret}/${HOOKS_SECRET}`)) === undefined) {
    const { certificate, key } = await webhookCertificate(cluster, HOOKS_HOST);
    const data = { 'tls.crt': certificate, 'tls.key': key };
    await api.create(secret, secretOf(HOOKS_NAMESPACE, HOOKS_SECRET, 'kubernetes.io/tls', data).object);
  }
  await ensureAll(api, hookServers);
  await awaitReady(api, setsOf(hookServers));
  await makeMissing(api, hookCallers(await currentCA(api)));
  await ensureAll(api, [hookedNamespace]);
}

const servingSecret = z.object({ data: z.object({ 'ca.crt': z.string() }) });

async function makeSample({ api }: Site): Promise<void> {
  const { etcd } = await imagesOf(api);
  const objects = sampleObjects(etcd);
  await ensureAll(api, objects.slice(0, 1));
  await makeMissing(api, [sampleServing(Date.now())]);
  await ensureAll(api, objects);
  await awaitReady(api, setsOf(objects));
  const { data } = servingSecret.parse(
    await api.get(`/api/v1/namespaces/${SAMPLE_NAMESPACE}/secrets/${SERVING_SECRET}`),
  );
  const apiService = sampleApiService(Buffer.from(data['ca.crt'], 'base64').toString('utf8'));
  await makeMissing(api, [apiService]);
  await waitFor('the aggregated API server answers', 60_000, async () => {
    await api.get('/apis/wardle.example.com/v1alpha1');
    return true;
  });
}

/** Kubeconfigs of people, on the node where they work; reroot.yaml names them, for no component does. */
async function makePeople({ lab, api, cluster, run }: Site): Promise<void> {
  const ca = await currentCA(api);
  for (const user of PEOPLE) {
    const path = homeOf(user);
    // One that trusts another CA is from before a rotation: its owner would have been given another by now.
    if ((await run(lab.peopleNode, `cat ${path} 2>/dev/null || true`)).includes(base64(ca))) continue;
    await writeOnNode(run, lab.peopleNode, path, kubeconfigOf(user, ca, await personalCertificate(cluster, user)));
  }
  const declared = PEOPLE.map((user) => ({ node: lab.peopleNode, component: user, paths: [homeOf(user)] }));
  declare(join(lab.folder, 'reroot.yaml'), declared);
}

/** A manifest that differs in anything makes a new pod, so one that has read another admin.conf than is there now ends. */
async function makeVips({ lab, api, run }: Site): Promise<void> {
  const digests = new Map<string, string>();
  for (const { name } of lab.nodes.filter(({ controlPlane }) => controlPlane)) {
    const [digest = ''] = (await run(name, `sha256sum ${VIP_KUBECONFIG}`)).split(' ');
    await writeOnNode(run, name, VIP_MANIFEST, vipManifest(digest));
    digests.set(name, digest);
  }
  await waitFor('static pods that have read the admin.conf of their node', 120_000, async () => {
    const { items } = vipPods.parse(await api.get(VIP_PODS));
    const isThere = ([node, digest]: [string, string]): boolean =>
      items.some(
        ({ metadata, spec, status }) =>
          spec.nodeName === node &&
          metadata.annotations?.[VIP_READS] === digest &&
          metadata.deletionTimestamp === undefined &&
          status.containerStatuses?.every(({ ready }) => ready),
      );
    return isTrue([...digests].every(isThere));
  });
}

const vipPods = z.object({
  items: z.array(
    z.object({
      metadata: z.object({
        annotations: z.record(z.string(), z.string()).optional(),
        deletionTimestamp: z.string().optional(),
      }),
      spec: z.object({ nodeName: z.string().optional() }),
      status: z.object({ containerStatuses: z.array(z.object({ ready: z.boolean() })).optional() }),
    }),
  ),
});

const tokenSecret = z.object({ data: z.object({ token: z.string() }).optional() });

/** As a CNI plugin does it: a long-lived token of its ServiceAccount, on each worker. */
async function makeCni({ lab, api, run }: Site): Promise<void> {
  const token = await waitFor('a token in Secret app1/legacy-token', 60_000, async () => {
    const { data } = tokenSecret.parse(await api.get('/api/v1/namespaces/app1/secrets/legacy-token'));
    return data === undefined ? undefined : Buffer.from(data.token, 'base64').toString('utf8');
  });
  const ca = await currentCA(api);
  const nodes = lab.nodes.filter(({ controlPlane }) => !controlPlane).map(({ name }) => name);
  for (const node of nodes) {
    if ((await run(node, `test -s ${CNI_KUBECONFIG} && echo there || true`)).includes('there')) continue;
    await writeOnNode(run, node, CNI_KUBECONFIG, kubeconfigOf('cni', ca, { token }));
  }
  declare(
    join(lab.folder, 'reroot.yaml'),
    nodes.map((node) => ({ node, component: 'cni', paths: [CNI_KUBECONFIG] })),
  );
}

/** What the load makes anew each time; the servers behind it, and the rest of the workloads, stay. */
export async function removeLoad({ lab, api, run }: Site): Promise<void> {
  for (const { name } of lab.nodes.filter(({ controlPlane }) => controlPlane)) await run(name, `rm -f ${VIP_MANIFEST}`);
  await removeWorkloads(api, 180_000);
  for (const one of loadClusterObjects) await api.remove(pathOf(one));
}

/** Everything but what the kubelets were made to be. */
export async function removeAll(site: Site): Promise<void> {
  const { lab, api, run } = site;
  await removeLoad(site);
  // What calls goes before what is called.
  for (const one of [...hookCallers(''), sampleApiService('')]) await api.remove(pathOf(one));
  const all = [...namespacesAndTokens, ...sampleObjects(''), hooksNamespace, hookedNamespace];
  const isSpace = ({ object }: Wanted): boolean => object.kind === 'Namespace';
  const goesWithItsSpace = ({ object: { metadata } }: Wanted): boolean =>
    all.some((space) => isSpace(space) && space.object.metadata.name === metadata.namespace);
  for (const one of all.filter((one) => isSpace(one) || !goesWithItsSpace(one))) await api.remove(pathOf(one));
  for (const { name, controlPlane } of lab.nodes) {
    if (!controlPlane) await run(name, `rm -f ${CNI_KUBECONFIG}`);
  }
  await run(lab.peopleNode, `rm -f ${PEOPLE.map(homeOf).join(' ')}`);
  await Promise.all(
    all.filter(isSpace).map((one) =>
      waitFor(`${pathOf(one)} gone`, 120_000, async () => isTrue((await api.get(pathOf(one))) === undefined), {
        everyMs: 500,
      }),
    ),
  );
}
