// Nodes that leave a cluster and join it, by kubeadm alone: what an operator does beside a rotation and after it.

import { readFileSync, writeFileSync } from 'node:fs';
import { join as pathOf } from 'node:path';
import { parseDocument } from 'yaml';
import type { FullLab } from './harness.ts';

/** As kubeadm undoes a join; the kubeconfig of a CNI plugin, which kubeadm does not know, goes too. */
export async function leave(lab: FullLab, node: string): Promise<void> {
  const reset = 'kubeadm reset -f >/dev/null 2>&1; rm -rf /etc/cni/net.d/lab-kubeconfig; true';
  await lab.on(node, reset, { timeout: 180_000 });
  lab.kubectl(['delete', 'node', node]);
}

/** A fresh command for a join, as kubeadm prints it: with the pins of the CAs that it found in `cluster-info`. */
export const joinCommand = async (lab: FullLab): Promise<string> =>
  (await lab.on('cp1', 'kubeadm token create --print-join-command 2>/dev/null')).trim();

/** Runs it on the node; throws with what kubeadm said. */
export const join = (lab: FullLab, node: string, command: string, more = ''): Promise<string> =>
  lab.on(node, `${command} --ignore-preflight-errors=all --node-name ${node} ${more}`, { timeout: 240_000 });

export async function joinControlPlane(lab: FullLab, node: string, command: string): Promise<void> {
  const upload = 'kubeadm init phase upload-certs --upload-certs 2>/dev/null | tail -1';
  const key = (await lab.on('cp1', upload)).trim();
  const address = lab.address(node);
  await join(lab, node, command, `--control-plane --certificate-key ${key} --apiserver-advertise-address ${address}`);
}

export const allReady = (lab: FullLab): void =>
  void lab.kubectl(['wait', '--for=condition=Ready', 'node', '--all', '--timeout=55s']);

/** Takes a node out of the cluster and of `reroot.yaml`, as if it were still to come. Nothing but DaemonSets may have been put on it. */
export async function keepAside(lab: FullLab, node: string): Promise<void> {
  await leave(lab, node);
  const file = pathOf(lab.dir, 'reroot.yaml');
  const config = parseDocument(readFileSync(file, 'utf8'));
  config.deleteIn(['nodes', node]);
  writeFileSync(file, String(config));
}
