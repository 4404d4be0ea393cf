// What kubeadm is told (kubeadm.k8s.io/v1beta4). Secrets of the lab go in files on the nodes, not in arguments.

import { stringify } from 'yaml';
import type { LabNode } from '../state.ts';
import { API_PORT, BALANCER_NAME, type FullPlace, outsideAddress, POD_NETWORK, SERVICE_NETWORK } from './place.ts';

export interface JoinSecrets {
  /** Bootstrap token: `[a-z0-9]{6}.[a-z0-9]{16}`. */
  token: string;
  /** 32 bytes, hex: what the certificates in the Secret kubeadm-certs are encrypted with. */
  certificateKey: string;
}

/** Fields of KubeletConfiguration that a lab is to have beside its own. */
export type KubeletSettings = Record<string, unknown>;

/** Where a node's own kubelet settings lie, as a patch that kubeadm applies. */
export const PATCHES = '/etc/kubernetes/patches';

const documents = (...parts: object[]): string => parts.map((part) => stringify(part, { lineWidth: 0 })).join('---\n');
const KUBEADM = 'kubeadm.k8s.io/v1beta4';

const registration = (node: LabNode): object => ({
  name: node.name,
  criSocket: 'unix:///run/containerd/containerd.sock',
  imagePullPolicy: 'Never',
  ignorePreflightErrors: ['all'],
});

export function initConfig(place: FullPlace, node: LabNode, secrets: JoinSecrets, kubelet: KubeletSettings): string {
  return documents(
    {
      apiVersion: KUBEADM,
      kind: 'InitConfiguration',
      bootstrapTokens: [{ token: secrets.token, ttl: '24h0m0s' }],
      certificateKey: secrets.certificateKey,
      localAPIEndpoint: { advertiseAddress: node.address, bindPort: API_PORT },
      nodeRegistration: registration(node),
      patches: { directory: PATCHES },
    },
    {
      apiVersion: KUBEADM,
      kind: 'ClusterConfiguration',
      kubernetesVersion: `v${place.lab.kubernetes}`,
      controlPlaneEndpoint: `${BALANCER_NAME}:${API_PORT}`,
      networking: { podSubnet: POD_NETWORK, serviceSubnet: SERVICE_NETWORK },
      apiServer: { certSANs: [outsideAddress(place.lab.network), place.lab.loadBalancer] },
    },
    {
      apiVersion: 'kubelet.config.k8s.io/v1beta1',
      kind: 'KubeletConfiguration',
      cgroupDriver: 'cgroupfs',
      failCgroupV1: false,
      // The disk is the host's, and images that are collected cannot be had again.
      imageGCHighThresholdPercent: 100,
      evictionHard: { 'nodefs.available': '0%', 'nodefs.inodesFree': '0%', 'imagefs.available': '0%' },
      ...kubelet,
    },
    {
      apiVersion: 'kubeproxy.config.k8s.io/v1alpha1',
      kind: 'KubeProxyConfiguration',
      // Not nftables: with nft 1.0.6 it comes back from a restart with empty maps.
      mode: 'iptables',
      // The limit is the whole machine's, and not a node's to set.
      conntrack: { maxPerCore: 0 },
    },
  );
}

export function joinConfig(node: LabNode, secrets: JoinSecrets, caHash: string): string {
  return documents({
    apiVersion: KUBEADM,
    kind: 'JoinConfiguration',
    discovery: {
      bootstrapToken: {
        apiServerEndpoint: `${BALANCER_NAME}:${API_PORT}`,
        token: secrets.token,
        caCertHashes: [caHash],
      },
    },
    ...(node.controlPlane
      ? {
          controlPlane: {
            certificateKey: secrets.certificateKey,
            localAPIEndpoint: { advertiseAddress: node.address, bindPort: API_PORT },
          },
        }
      : {}),
    nodeRegistration: registration(node),
    patches: { directory: PATCHES },
  });
}
