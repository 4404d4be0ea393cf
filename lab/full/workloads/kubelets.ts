// Kubelets of every kind that a rotation meets: with rotateCertificates on and off, serverTLSBootstrap on and off, and one whose kubelet.conf
// carries its client certificate itself. kubeadm makes them all alike; here they are told apart, with one restart each.

import { parse, parseDocument, stringify } from 'yaml';
import type { Cluster } from '../../../src/cluster/client.ts';
import { approveCsr, listCsrs } from '../../../src/cluster/csr.ts';
import { isTrue, waitFor } from '../../load/wait.ts';
import { base64 } from '../../processes/objects.ts';
import type { LabNode } from '../../state.ts';
import { type OnNode, writeOnNode } from './on-node.ts';

export interface KubeletKind {
  rotateCertificates: boolean;
  serverTLSBootstrap: boolean;
  /** The client certificate and key are data of kubelet.conf, as some installers leave them. */
  embedded: boolean;
}

const asMade: KubeletKind = { rotateCertificates: true, serverTLSBootstrap: false, embedded: false };
const still: KubeletKind = { rotateCertificates: false, serverTLSBootstrap: false, embedded: false };
const served: KubeletKind = { rotateCertificates: true, serverTLSBootstrap: true, embedded: false };
const embedded: KubeletKind = { rotateCertificates: false, serverTLSBootstrap: false, embedded: true };

/** Which node gets which kind; a lab of 3 and 2 has each. */
export function kubeletKinds(nodes: readonly LabNode[]): Map<string, KubeletKind> {
  const kindsOf = (controlPlane: boolean, kinds: readonly KubeletKind[]) =>
    nodes
      .filter((node) => node.controlPlane === controlPlane)
      .map(({ name }, i) => [name, kinds[i % kinds.length] ?? asMade] as const);
  return new Map([...kindsOf(true, [asMade, still, served]), ...kindsOf(false, [served, embedded, still, asMade])]);
}

const CONFIG = '/var/lib/kubelet/config.yaml';
const KUBECONFIG = '/etc/kubernetes/kubelet.conf';
const CLIENT = '/var/lib/kubelet/pki/kubelet-client-current.pem';
const SERVER = '/var/lib/kubelet/pki/kubelet-server-current.pem';
const READY_MS = 60_000;

/** One node after another; what is so already is left alone. */
export async function setKubelets(run: OnNode, cluster: Cluster, nodes: readonly LabNode[]): Promise<void> {
  for (const [node, kind] of kubeletKinds(nodes)) await setKubelet(run, cluster, node, kind);
}

async function setKubelet(run: OnNode, cluster: Cluster, node: string, kind: KubeletKind): Promise<void> {
  const config = withKind(await run(node, `cat ${CONFIG}`), kind);
  const changed = [await writeOnNode(run, node, CONFIG, config, '644')];
  if (kind.embedded) changed.push(await embed(run, node));
  if (changed.includes(true) || (await isOlder(run, node))) {
    await run(node, 'systemctl restart kubelet');
    await waitFor(`the kubelet of ${node} healthy`, READY_MS, async () => {
      await run(node, 'curl -sf --max-time 2 http://127.0.0.1:10248/healthz');
      return true;
    });
  }
  if (kind.serverTLSBootstrap) await awaitServing(run, cluster, node);
}

/** Whether the kubelet has started before its configuration was written: a run before this one was cut off in between. */
async function isOlder(run: OnNode, node: string): Promise<boolean> {
  const script = `age=$(ps -o etimes= -p "$(pgrep -xo kubelet)") || exit 0
    [ "$(stat -c %Y ${CONFIG})" -gt $(( $(date +%s) - age )) ] && echo older || true`;
  return (await run(node, script)).includes('older');
}

/** The kubelet's configuration with the two settings, comments and order kept. */
export function withKind(text: string, kind: Pick<KubeletKind, 'rotateCertificates' | 'serverTLSBootstrap'>): string {
  const document = parseDocument(text);
  for (const setting of ['rotateCertificates', 'serverTLSBootstrap'] as const) {
    if (document.get(setting) !== kind[setting]) document.set(setting, kind[setting]);
  }
  return document.toString({ lineWidth: 0 });
}

async function embed(run: OnNode, node: string): Promise<boolean> {
  const kubeconfig = await run(node, `cat ${KUBECONFIG}`);
  const pair = await run(node, `cat ${CLIENT}`);
  return writeOnNode(run, node, KUBECONFIG, withEmbedded(kubeconfig, pair));
}

/** Gives the text as it is when it carries client data already: that may be newer than the file. */
export function withEmbedded(kubeconfig: string, pair: string): string {
  const config = parse(kubeconfig) as { users: { name: string; user: Record<string, string> }[] };
  if (config.users.every(({ user }) => user['client-certificate-data'] !== undefined)) return kubeconfig;
  const blocks = (label: RegExp): string => (pair.match(label) ?? []).map((block) => `${block}\n`).join('');
  const user = {
    'client-certificate-data': base64(blocks(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g)),
    'client-key-data': base64(blocks(/-----BEGIN [A-Z ]*PRIVATE KEY-----[^-]+-----END [A-Z ]*PRIVATE KEY-----/g)),
  };
  return stringify({ ...config, users: config.users.map(({ name }) => ({ name, user })) }, { lineWidth: 0 });
}

/** Nobody approves the requests of kubelets for serving certificates but who knows the node; here it is the lab. */
async function awaitServing(run: OnNode, cluster: Cluster, node: string): Promise<void> {
  await waitFor(
    `a serving certificate from the cluster for the kubelet of ${node}`,
    READY_MS,
    async () => {
      for (const { metadata, spec, status } of await listCsrs(cluster)) {
        const isIts = spec.signerName === 'kubernetes.io/kubelet-serving' && spec.username === `system:node:${node}`;
        if (isIts && !status?.conditions?.length) await approveCsr(cluster, metadata.name, `the lab knows its ${node}`);
      }
      return isTrue((await run(node, `test -e ${SERVER} && echo there || echo away`)).trim() === 'there');
    },
    { everyMs: 500 },
  );
}
