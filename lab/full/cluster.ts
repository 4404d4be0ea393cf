// Makes a cluster of running nodes, by kubeadm.

import { createHash, randomBytes, X509Certificate } from 'node:crypto';
import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { parseDocument, stringify } from 'yaml';
import { connect } from '../../src/cluster/client.ts';
import type { GivenCAs } from '../processes/given-cas.ts';
import type { LabNode } from '../state.ts';
import { awaitReady } from './health.ts';
import { initConfig, type JoinSecrets, joinConfig, type KubeletSettings, PATCHES } from './kubeadm.ts';
import { fileOn, runOn } from './node.ts';
import type { FullPlace } from './place.ts';

export interface ClusterWish {
  /** Of all nodes: in the cluster's kubelet-config. */
  kubelet: KubeletSettings;
  /** Of one node beside that, by its name. */
  kubeletOf: Readonly<Record<string, KubeletSettings>>;
  givenCAs?: GivenCAs;
}

const CONFIG = '/root/kubeadm.yaml';
const READY_MS = 240_000;

export async function makeCluster(
  place: FullPlace,
  wish: ClusterWish,
  say: (line: string) => void,
  signal?: AbortSignal,
): Promise<void> {
  const [first, ...planes] = place.planes;
  if (!first) throw new Error('a lab without control planes');
  const begun = Date.now();
  const secrets = newSecrets();
  writePatches(place, wish);
  if (wish.givenCAs) placeCAs(place, first, wish.givenCAs);
  say(`kubeadm init on ${first.name}`);
  await kubeadm(place, first, ['init', '--upload-certs'], initConfig(place, first, secrets, wish.kubelet), signal);
  writeKubeconfig(place, first);
  const caHash = hashOf(readFileSync(fileOn(place, first.name, '/etc/kubernetes/pki/ca.crt'), 'utf8'));
  const join = (node: LabNode): Promise<void> =>
    kubeadm(place, node, ['join'], joinConfig(node, secrets, caHash), signal);
  // One after another: each adds a member to etcd, which must have a majority in between.
  for (const plane of planes) {
    say(`kubeadm join on ${plane.name}`);
    await join(plane);
  }
  if (place.workers.length > 0) say(`kubeadm join on ${place.workers.map(({ name }) => name).join(', ')}`);
  await Promise.all(place.workers.map(join));
  say('waiting for all nodes, kube-proxy and CoreDNS');
  const cluster = connect({ kubeconfig: place.kubeconfig });
  try {
    await awaitReady(place, cluster, begun, READY_MS, signal);
  } finally {
    await cluster.close();
  }
}

export function newSecrets(): JoinSecrets {
  const letters = (count: number): string =>
    [...randomBytes(count)].map((byte) => 'abcdefghijklmnopqrstuvwxyz234567'[byte % 32]).join('');
  return { token: `${letters(6)}.${letters(16)}`, certificateKey: randomBytes(32).toString('hex') };
}

/** As kubeadm pins a CA: SHA-256 of its public key (cmd/kubeadm/app/util/pubkeypin). */
export function hashOf(pem: string): string {
  const key = new X509Certificate(pem).publicKey.export({ type: 'spki', format: 'der' });
  return `sha256:${createHash('sha256').update(key).digest('hex')}`;
}

async function kubeadm(
  place: FullPlace,
  node: LabNode,
  [what = '', ...flags]: string[],
  config: string,
  signal?: AbortSignal,
): Promise<void> {
  const file = fileOn(place, node.name, CONFIG);
  writeFileSync(file, config, { mode: 0o600 });
  try {
    await runOn(place, node.name, ['kubeadm', what, '--config', CONFIG, ...flags], {
      ...(signal ? { signal } : {}),
      as: `kubeadm ${what} on ${node.name}`,
    });
  } finally {
    rmSync(file, { force: true });
  }
}

/** kubeadm wants the folder on every node, empty or not. */
function writePatches(place: FullPlace, { kubeletOf }: ClusterWish): void {
  for (const { name } of place.lab.nodes) {
    const folder = fileOn(place, name, PATCHES);
    mkdirSync(folder, { recursive: true });
    const own = kubeletOf[name];
    if (own) writeFileSync(`${folder}/kubeletconfiguration.yaml`, stringify(own));
  }
}

/** Where kubeadm finds them and makes none of its own. */
function placeCAs(place: FullPlace, first: LabNode, given: GivenCAs): void {
  const folder = fileOn(place, first.name, '/etc/kubernetes/pki');
  mkdirSync(folder, { recursive: true });
  for (const [name, text] of given)
    writeFileSync(`${folder}/${name}`, text, { mode: name.endsWith('.key') ? 0o600 : 0o644 });
}

/** The host's: the same user, through the relay. */
function writeKubeconfig(place: FullPlace, first: LabNode): void {
  const document = parseDocument(readFileSync(fileOn(place, first.name, '/etc/kubernetes/admin.conf'), 'utf8'));
  document.setIn(['clusters', 0, 'cluster', 'server'], place.server);
  writeFileSync(place.kubeconfig, document.toString({ lineWidth: 0 }), { mode: 0o600 });
  chmodSync(place.kubeconfig, 0o600);
}
