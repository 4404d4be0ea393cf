// What lies in a node's own layer before it starts.

import { randomBytes } from 'node:crypto';
import { chmodSync, copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { LabNode } from '../state.ts';
import { BALANCER_NAME, type FullPlace, podNetworkOf } from './place.ts';

export interface NodeFile {
  path: string;
  text: string;
  mode?: number;
}

/** Pure, but for the machine id. Keys are not among them: ssh-keys.ts. */
export const nodeFiles = (place: FullPlace, node: LabNode): NodeFile[] => [
  { path: 'etc/hostname', text: `${node.name}\n` },
  { path: 'etc/machine-id', text: `${randomBytes(16).toString('hex')}\n`, mode: 0o444 },
  { path: 'etc/hosts', text: hosts(place) },
  // Nobody answers there, and the kubelet starts no pod without the file.
  { path: 'etc/resolv.conf', text: `nameserver ${place.lab.loadBalancer}\noptions timeout:1 attempts:1\n` },
  { path: 'etc/cni/net.d/10-lab.conflist', text: `${JSON.stringify(podNetwork(node), null, 2)}\n` },
  { path: 'etc/ssh/sshd_config.d/lab.conf', text: SSHD },
];

const hosts = ({ lab }: FullPlace): string =>
  [
    '127.0.0.1 localhost',
    `${lab.loadBalancer} ${BALANCER_NAME}`,
    ...lab.nodes.map(({ name, address }) => `${address} ${name}`),
    '',
  ].join('\n');

const SSHD = [
  'HostKey /etc/ssh/ssh_host_ed25519_key',
  'PasswordAuthentication no',
  'PermitRootLogin prohibit-password',
  'UseDNS no',
  '',
].join('\n');

const podNetwork = (node: LabNode): object => ({
  cniVersion: '0.4.0',
  name: 'lab',
  plugins: [
    {
      type: 'bridge',
      bridge: 'cni0',
      isGateway: true,
      ipMasq: false,
      ipam: { type: 'host-local', ranges: [[{ subnet: podNetworkOf(node) }]], routes: [{ dst: '0.0.0.0/0' }] },
    },
    { type: 'portmap', capabilities: { portMappings: true } },
  ],
});

/** Below the upper folder of the node's overlay. */
export const layerOf = (place: FullPlace, node: string, ...parts: string[]): string =>
  place.node(node, 'layer/upper', ...parts);

export function writeNodeFiles(place: FullPlace, node: LabNode): void {
  for (const { path, text, mode } of nodeFiles(place, node)) {
    const at = layerOf(place, node.name, path);
    mkdirSync(dirname(at), { recursive: true });
    writeFileSync(at, text);
    chmodSync(at, mode ?? 0o644);
  }
  const own = layerOf(place, node.name, 'root');
  mkdirSync(join(own, '.ssh'), { recursive: true, mode: 0o700 });
  chmodSync(own, 0o700);
  copyFileSync(join(place.dir, 'id.pub'), join(own, '.ssh/authorized_keys'));
}
