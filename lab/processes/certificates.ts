// Certificates and kubeconfigs of a lab, made by kubeadm's own phases: they have kubeadm's exact shapes.

import { copyFileSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { isMap, parseDocument, stringify } from 'yaml';
import { failedSafe } from '../../src/errors.ts';
import type { LabNode } from '../state.ts';
import { API_PORT, type Place } from './layout.ts';
import { runOf } from './run.ts';

/** What all control planes share: the three CAs and the service-account pair. */
const SHARED = ['ca', 'front-proxy-ca', 'etcd/ca']
  .flatMap((name) => [`${name}.crt`, `${name}.key`])
  .concat('sa.key', 'sa.pub');

export async function makeCertificates(place: Place): Promise<void> {
  const [first, ...others] = place.planes;
  if (!first) throw new Error('a lab without control planes');
  await makePlane(place, first);
  await Promise.all(
    others.map(async (plane) => {
      shareAuthorities(place, first, plane);
      await makePlane(place, plane);
      rmSync(place.etc(plane.name, 'super-admin.conf'));
    }),
  );
  await makeWorker(place, first);
}

async function makePlane(place: Place, node: LabNode): Promise<void> {
  const config = writeKubeadmConfig(place, node, node.name);
  const kubeadm = (...args: string[]) => runOf(place, 'kubeadm', ['init', 'phase', ...args, '--config', config]);
  await kubeadm('certs', 'all');
  await kubeadm('kubeconfig', 'all', '--kubeconfig-dir', place.etc(node.name));
  for (const name of ['controller-manager.conf', 'scheduler.conf'])
    setServer(place.etc(node.name, name), localServer(node));
  // kubeadm: the first node's kubelet goes through the control-plane endpoint, a joined one's to its own API server.
  setServer(place.etc(node.name, 'kubelet.conf'), node === place.planes[0] ? place.server : localServer(node));
  splitKubeletCertificate(place, node.name);
}

async function makeWorker(place: Place, first: LabNode): Promise<void> {
  const { name } = place.worker;
  const config = writeKubeadmConfig(place, first, name);
  mkdirSync(place.etc(name, 'pki'), { recursive: true });
  await runOf(place, 'kubeadm', [
    ...['init', 'phase', 'kubeconfig', 'kubelet', '--config', config],
    ...['--kubeconfig-dir', place.etc(name)],
  ]);
  setServer(place.etc(name, 'kubelet.conf'), place.server);
  splitKubeletCertificate(place, name);
  copyFileSync(place.etc(first.name, 'pki/ca.crt'), place.etc(name, 'pki/ca.crt'));
}

const localServer = (node: LabNode): string => `https://${node.address}:${API_PORT}`;

/**
 * kubeadm refuses a loopback address to advertise, so it gets one that is for documentation (RFC 5737) and used nowhere; the real ones are
 * extra names. `certificatesDir` is the plane's, also for the worker, whose certificate is signed there.
 */
function writeKubeadmConfig(place: Place, plane: LabNode, nodeName: string): string {
  const file = join(place.node(nodeName), 'var/lib/lab/kubeadm.yaml');
  const init = {
    apiVersion: 'kubeadm.k8s.io/v1beta4',
    kind: 'InitConfiguration',
    localAPIEndpoint: { advertiseAddress: `192.0.2.${plane.address.split('.').at(-1)}`, bindPort: API_PORT },
    nodeRegistration: { name: nodeName, criSocket: 'unix:///run/stand-in.sock' },
  };
  const cluster = {
    apiVersion: 'kubeadm.k8s.io/v1beta4',
    kind: 'ClusterConfiguration',
    kubernetesVersion: `v${place.lab.kubernetes}`,
    controlPlaneEndpoint: `${place.lab.loadBalancer}:${API_PORT}`,
    certificatesDir: place.etc(plane.name, 'pki'),
    networking: { podSubnet: '10.244.0.0/16' },
    apiServer: { certSANs: [plane.address, '127.0.0.1', 'localhost'] },
    etcd: { local: { serverCertSANs: [plane.address], peerCertSANs: [plane.address] } },
  };
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, [init, cluster].map((part) => stringify(part)).join('---\n'));
  return file;
}

/** The file of cp1 is what `kubeadm init phase` is run with later, for objects in the cluster. */
export const kubeadmConfigOf = (place: Place): string => join(place.node('cp1'), 'var/lib/lab/kubeadm.yaml');

function shareAuthorities(place: Place, from: LabNode, to: LabNode): void {
  mkdirSync(place.etc(to.name, 'pki/etcd'), { recursive: true });
  for (const file of SHARED) copyFileSync(place.etc(from.name, 'pki', file), place.etc(to.name, 'pki', file));
}

function setServer(kubeconfig: string, server: string): void {
  const document = parseDocument(readFileSync(kubeconfig, 'utf8'));
  document.setIn(['clusters', 0, 'cluster', 'server'], server);
  rewrite(kubeconfig, document.toString());
}

/**
 * Moves the embedded client certificate to where a running kubelet keeps it: a dated file behind the link `kubelet-client-current.pem`
 * (client-go util/certificate/certificate_store.go), which kubelet.conf then names.
 */
function splitKubeletCertificate(place: Place, node: string): void {
  const kubeconfig = place.etc(node, 'kubelet.conf');
  const document = parseDocument(readFileSync(kubeconfig, 'utf8'));
  const user = document.getIn(['users', 0, 'user']);
  if (!isMap(user)) throw failedSafe(`${kubeconfig} has no user: kubeadm wrote something unexpected`);
  const pem = ['client-certificate-data', 'client-key-data'].map((key) => {
    const data = String(user.get(key));
    user.delete(key);
    return Buffer.from(data, 'base64').toString();
  });
  const folder = place.kubelet(node, 'pki');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const stamp = new Date().toISOString().slice(0, 19).replace(/[T:]/g, '-');
  writeFileSync(join(folder, `kubelet-client-${stamp}.pem`), pem.join(''), { mode: 0o600 });
  const current = join(folder, 'kubelet-client-current.pem');
  symlinkSync(join(folder, `kubelet-client-${stamp}.pem`), current);
  user.set('client-certificate', current);
  user.set('client-key', current);
  rewrite(kubeconfig, document.toString());
}

function rewrite(path: string, text: string): void {
  writeFileSync(`${path}.tmp`, text, { mode: 0o600 });
  renameSync(`${path}.tmp`, path);
}
