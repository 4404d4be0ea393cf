// Puts the lab's objects into the cluster, and starts what needs the cluster to begin: the webhook and the sample API server.

import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { stringify } from 'yaml';
import { ApiError, type Cluster, type KubeObject } from '../../src/cluster/client.ts';
import { approveCsr, awaitCertificate, createCsr, deleteCsr } from '../../src/cluster/csr.ts';
import { failedSafe, reasonOf } from '../../src/errors.ts';
import { makeCSR } from '../../src/pki/csr.ts';
import { generateKey } from '../../src/pki/keys.ts';
import { keyToPem } from '../../src/pki/pem.ts';
import { sampleFlags, webhookFlags } from './flags.ts';
import { awaitHealth } from './health.ts';
import { kubeadmObjects } from './kubeadm-objects.ts';
import type { Place } from './layout.ts';
import { commandOf, manifestOf, writeManifest } from './manifest.ts';
import * as objects from './objects.ts';
import * as hooked from './webhook-objects.ts';

const PATIENCE_MS = 60_000;

export async function fillCluster(place: Place, admin: Cluster, superAdmin: Cluster): Promise<void> {
  for (const wanted of objects.firstBindings) await ensure(superAdmin, wanted);
  for (const wanted of [...objects.namespaces, ...objects.sampleAccess]) await ensure(admin, wanted);
  await Promise.all([
    kubeadmObjects(place),
    controlPlaneMarks(place, admin),
    legacyTokens(admin),
    webhook(place, admin),
    sample(place, admin),
  ]);
}

/** Creates an object; one that is there already is fine. What its namespace or a controller still lacks is waited for. */
async function ensure(cluster: Cluster, { path, body }: objects.Wanted): Promise<void> {
  await until(`${path} accepts ${(body.metadata as { name: string }).name}`, async () => {
    try {
      await cluster.create(path, body);
    } catch (thrown) {
      if (!(thrown instanceof ApiError && thrown.reason === 'AlreadyExists')) throw thrown;
    }
    return true;
  });
}

/** Tries until it gives something, or throws what went wrong last. */
async function until<T>(what: string, attempt: () => Promise<T | undefined>): Promise<T> {
  const end = Date.now() + PATIENCE_MS;
  for (;;) {
    let last = 'it is not there';
    try {
      const got = await attempt();
      if (got !== undefined) return got;
    } catch (thrown) {
      last = reasonOf(thrown);
    }
    if (Date.now() > end) throw failedSafe(`waited ${PATIENCE_MS / 1000} s for: ${what} (${last})`);
    await pause(100);
  }
}

/** Label and taint of control planes: a kubelet may not set them on itself, kubeadm does. */
async function controlPlaneMarks(place: Place, admin: Cluster): Promise<void> {
  const role = 'node-role.kubernetes.io/control-plane';
  for (const { name } of place.planes) {
    await until(`Node ${name} marked as a control plane`, async () => {
      const node = await admin.get<KubeObject & { spec: { taints?: { key: string }[] } }>(`/api/v1/nodes/${name}`);
      const taints = [
        ...(node.spec.taints ?? []).filter(({ key }) => key !== role),
        { key: role, effect: 'NoSchedule' },
      ];
      await admin.patch(`/api/v1/nodes/${name}`, {
        metadata: { resourceVersion: node.metadata.resourceVersion, labels: { [role]: '' } },
        spec: { taints },
      });
      return true;
    });
  }
}

async function legacyTokens(admin: Cluster): Promise<void> {
  for (const wanted of objects.legacyTokens) await ensure(admin, wanted);
}

/** A serving certificate from the cluster's own signer, under the only subject that signer signs for: that of a node. */
async function webhook(place: Place, admin: Cluster): Promise<void> {
  const { name: node, address } = place.worker;
  const folder = join(place.node(node), 'etc/webhook');
  mkdirSync(folder, { recursive: true });
  const key = generateKey('EC-P-256');
  const request = makeCSR({
    key,
    subject: { commonName: `system:node:${node}`, organizations: ['system:nodes'] },
    ipAddresses: [address],
  });
  const name = 'lab-webhook';
  await createCsr(admin, {
    name,
    request,
    signerName: 'kubernetes.io/kubelet-serving',
    usages: ['digital signature', 'server auth'],
  });
  await approveCsr(admin, name, 'the lab makes its webhook');
  const certificate = await awaitCertificate(admin, name, { timeout: PATIENCE_MS });
  await deleteCsr(admin, name);
  writeFileSync(join(folder, 'tls.crt'), certificate);
  writeFileSync(join(folder, 'tls.key'), keyToPem(key), { mode: 0o600 });
  startOn(place, 'webhook', commandOf('webhook', webhookFlags(place)));
  await awaitHealth(place, ({ component }) => component === 'webhook', PATIENCE_MS);

  const ca = readFileSync(place.etc('cp1', 'pki/ca.crt'), 'utf8');
  await ensure(admin, hooked.validatingWebhook(place, ca));
  await ensure(admin, hooked.widgetDefinition(place, ca));
  await ensure(admin, hooked.widget);
}

/** Its token is that of its pod object, kept by the kubelet; its kubeconfig embeds the CA, so it is one more client to turn. */
async function sample(place: Place, admin: Cluster): Promise<void> {
  const folder = join(place.node(place.worker.name), 'etc/sample-apiserver');
  mkdirSync(join(folder, 'etcd'), { recursive: true });
  const etcd = {
    'ca.crt': 'etcd/ca.crt',
    'client.crt': 'apiserver-etcd-client.crt',
    'client.key': 'apiserver-etcd-client.key',
  };
  for (const [to, from] of Object.entries(etcd)) copyFileSync(place.etc('cp1', 'pki', from), join(folder, 'etcd', to));

  const pod = objects.samplePod(place);
  await ensure(admin, pod);
  const { metadata } = await admin.get(`${pod.path}/${objects.SAMPLE_POD.name}`);
  const volume = place.kubelet(
    place.worker.name,
    ...['pods', metadata.uid ?? '', 'volumes/kubernetes.io~projected', objects.SAMPLE_POD.volume],
  );
  await until(`${volume}/token`, async () => existsSync(join(volume, 'token')) || undefined);
  writeFileSync(join(folder, 'kubeconfig'), stringify(tokenKubeconfig(place, volume)), { mode: 0o600 });
  startOn(place, 'sample-apiserver', commandOf('sample-apiserver', sampleFlags(place)));

  const served = join(folder, 'certificates/apiserver.crt');
  const ca = await until(served, async () => lastCertificate(served));
  await ensure(admin, objects.sampleService(place));
  await ensure(admin, objects.sampleAPIService(ca));
  await until(`APIService ${objects.SAMPLE_API} available`, async () => {
    const answer = await admin.request('GET', '/apis/wardle.example.com/v1alpha1');
    return answer.status === 200 || undefined;
  });
}

/** Like pods, they are started once the API answers. */
const startOn = (place: Place, component: string, command: readonly string[]): void =>
  writeManifest(
    place.manifest(place.worker.name, component),
    manifestOf(component, command, { after: `${place.server}/readyz` }),
  );

const tokenKubeconfig = (place: Place, volume: string): object => ({
  apiVersion: 'v1',
  kind: 'Config',
  'current-context': 'pod',
  clusters: [{ name: 'pod', cluster: { server: place.server, 'certificate-authority-data': caOf(place) } }],
  users: [{ name: 'pod', user: { tokenFile: join(volume, 'token') } }],
  contexts: [{ name: 'pod', context: { cluster: 'pod', user: 'pod' } }],
});

const caOf = (place: Place): string => readFileSync(place.etc('cp1', 'pki/ca.crt')).toString('base64');

/** The file holds the leaf, then the CA that was made for it (client-go util/cert GenerateSelfSignedCertKey). */
function lastCertificate(path: string): string | undefined {
  if (!existsSync(path)) return undefined;
  const found = readFileSync(path, 'utf8').match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----\n?/g) ?? [];
  return found.length > 1 ? found.at(-1) : undefined;
}
