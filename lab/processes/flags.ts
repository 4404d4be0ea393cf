// The flags of each component: kubeadm's (cmd/kubeadm/app/phases/{controlplane,etcd}), with the lab's addresses and paths.

import { join } from 'node:path';
import type { LabNode } from '../state.ts';
import { API_PORT, type Place, PORTS } from './layout.ts';

export type Flags = Record<string, string>;

const SERVICE_CIDR = '10.96.0.0/12';

export function etcdFlags(place: Place, { name, address }: LabNode): Flags {
  const pki = place.etc(name, 'pki/etcd');
  const client = `https://${address}:${PORTS.etcd}`;
  const peer = (at: string): string => `https://${at}:${PORTS.etcdPeer}`;
  return {
    'advertise-client-urls': client,
    'cert-file': join(pki, 'server.crt'),
    'client-cert-auth': 'true',
    'data-dir': join(place.node(name), 'var/lib/etcd'),
    'feature-gates': 'InitialCorruptCheck=true',
    'initial-advertise-peer-urls': peer(address),
    'initial-cluster': place.planes.map((plane) => `${plane.name}=${peer(plane.address)}`).join(','),
    'key-file': join(pki, 'server.key'),
    'listen-client-urls': client,
    'listen-metrics-urls': `http://${address}:${PORTS.etcdMetrics}`,
    'listen-peer-urls': peer(address),
    name,
    'peer-cert-file': join(pki, 'peer.crt'),
    'peer-client-cert-auth': 'true',
    'peer-key-file': join(pki, 'peer.key'),
    'peer-trusted-ca-file': join(pki, 'ca.crt'),
    'snapshot-count': '10000',
    'trusted-ca-file': join(pki, 'ca.crt'),
    'watch-progress-notify-interval': '5s',
  };
}

/** Beside kubeadm's: no endpoint reconciler (Endpoints refuse loopback addresses), and an audit log of who renews which Lease. */
export function apiServerFlags(place: Place, { name, address }: LabNode): Flags {
  const pki = (file: string): string => place.etc(name, 'pki', file);
  return {
    'advertise-address': address,
    'allow-privileged': 'true',
    'audit-log-path': join(place.node(name), 'log/audit.log'),
    'audit-policy-file': place.etc(name, 'audit-policy.yaml'),
    'authorization-mode': 'Node,RBAC',
    'bind-address': address,
    'client-ca-file': pki('ca.crt'),
    'enable-admission-plugins': 'NodeRestriction',
    'enable-bootstrap-token-auth': 'true',
    'endpoint-reconciler-type': 'none',
    'etcd-cafile': pki('etcd/ca.crt'),
    'etcd-certfile': pki('apiserver-etcd-client.crt'),
    'etcd-keyfile': pki('apiserver-etcd-client.key'),
    'etcd-servers': `https://${address}:${PORTS.etcd}`,
    'kubelet-client-certificate': pki('apiserver-kubelet-client.crt'),
    'kubelet-client-key': pki('apiserver-kubelet-client.key'),
    'kubelet-preferred-address-types': 'InternalIP,ExternalIP,Hostname',
    'proxy-client-cert-file': pki('front-proxy-client.crt'),
    'proxy-client-key-file': pki('front-proxy-client.key'),
    'requestheader-allowed-names': 'front-proxy-client',
    'requestheader-client-ca-file': pki('front-proxy-ca.crt'),
    'requestheader-extra-headers-prefix': 'X-Remote-Extra-',
    'requestheader-group-headers': 'X-Remote-Group',
    'requestheader-username-headers': 'X-Remote-User',
    'secure-port': String(API_PORT),
    'service-account-issuer': 'https://kubernetes.default.svc.cluster.local',
    'service-account-key-file': pki('sa.pub'),
    'service-account-signing-key-file': pki('sa.key'),
    'service-cluster-ip-range': SERVICE_CIDR,
    'tls-cert-file': pki('apiserver.crt'),
    'tls-private-key-file': pki('apiserver.key'),
  };
}

export function controllerManagerFlags(place: Place, { name, address }: LabNode): Flags {
  const pki = (file: string): string => place.etc(name, 'pki', file);
  const kubeconfig = place.etc(name, 'controller-manager.conf');
  return {
    'allocate-node-cidrs': 'true',
    'authentication-kubeconfig': kubeconfig,
    'authorization-kubeconfig': kubeconfig,
    'bind-address': address,
    'client-ca-file': pki('ca.crt'),
    'cluster-cidr': '10.244.0.0/16',
    'cluster-name': 'kubernetes',
    'cluster-signing-cert-file': pki('ca.crt'),
    'cluster-signing-key-file': pki('ca.key'),
    controllers: '*,bootstrapsigner,tokencleaner',
    kubeconfig,
    'leader-elect': 'true',
    'requestheader-client-ca-file': pki('front-proxy-ca.crt'),
    'root-ca-file': pki('ca.crt'),
    'service-account-private-key-file': pki('sa.key'),
    'service-cluster-ip-range': SERVICE_CIDR,
    'use-service-account-credentials': 'true',
  };
}

export function schedulerFlags(place: Place, { name, address }: LabNode): Flags {
  const kubeconfig = place.etc(name, 'scheduler.conf');
  return {
    'authentication-kubeconfig': kubeconfig,
    'authorization-kubeconfig': kubeconfig,
    'bind-address': address,
    kubeconfig,
    'leader-elect': 'true',
  };
}

export function kubeletFlags(place: Place, { name, address }: LabNode): Flags {
  return {
    config: place.kubelet(name, 'config.yaml'),
    'hostname-override': name,
    kubeconfig: place.etc(name, 'kubelet.conf'),
    'node-ip': address,
    'root-dir': place.kubelet(name),
  };
}

export function webhookFlags(place: Place): Flags {
  const folder = join(place.node(place.worker.name), 'etc/webhook');
  return {
    listen: `${place.worker.address}:${PORTS.webhook}`,
    'tls-cert-file': join(folder, 'tls.crt'),
    'tls-private-key-file': join(folder, 'tls.key'),
  };
}

/** It makes its own serving CA in --cert-dir: one that is not the cluster's, and that a rotation must leave alone. */
export function sampleFlags(place: Place): Flags {
  const folder = join(place.node(place.worker.name), 'etc/sample-apiserver');
  const kubeconfig = join(folder, 'kubeconfig');
  return {
    'authentication-kubeconfig': kubeconfig,
    'authorization-kubeconfig': kubeconfig,
    'bind-address': place.worker.address,
    'cert-dir': join(folder, 'certificates'),
    'etcd-cafile': join(folder, 'etcd/ca.crt'),
    'etcd-certfile': join(folder, 'etcd/client.crt'),
    'etcd-keyfile': join(folder, 'etcd/client.key'),
    'etcd-servers': place.planes.map(({ address }) => `https://${address}:${PORTS.etcd}`).join(','),
    kubeconfig,
    'secure-port': String(PORTS.sample),
  };
}
