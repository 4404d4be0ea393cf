// Makes a lab from nothing, as the user its components run as. Everything outside the folder was settled before (up.ts).

import { chmodSync, copyFileSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { stringify } from 'yaml';
import { connect } from '../../src/cluster/client.ts';
import { readLab } from '../state.ts';
import { makeCertificates } from './certificates.ts';
import { homeKubeconfig, PEOPLE, writeConfig } from './config.ts';
import { fillCluster } from './fill.ts';
import {
  apiServerFlags,
  controllerManagerFlags,
  etcdFlags,
  type Flags,
  kubeletFlags,
  schedulerFlags,
} from './flags.ts';
import { takeKeysAway } from './given-cas.ts';
import { awaitHealth } from './health.ts';
import { API_PORT, BALANCER, type Place, PORTS, placeOf } from './layout.ts';
import { commandOf, manifestOf, writeManifest } from './manifest.ts';
import { writeScripts } from './scripts.ts';
import { startSupervisor } from './supervisor-process.ts';

export type Say = (line: string) => void;

export async function makeLab(dir: string, say: Say): Promise<void> {
  const lab = readLab(dir);
  if (!lab) throw new Error(`${dir} is no lab`);
  const place = placeOf(dir, lab);
  writeScripts(place);
  say('certificates and kubeconfigs, by kubeadm');
  await makeCertificates(place);
  writeNodes(place);
  symlinkSync('nodes/cp1/etc/kubernetes/admin.conf', place.kubeconfig);
  writeConfig(place);
  say(
    `${place.planes.length === 1 ? 'one control plane' : `${place.planes.length} control planes`} on ${lab.network}.*`,
  );
  startSupervisor(place);
  await awaitHealth(place, ({ component }) => ['etcd', 'kube-apiserver', BALANCER].includes(component), 120_000);
  say('objects in the cluster, the webhook, the sample API server');
  await fillCluster(
    place,
    connect({ kubeconfig: place.kubeconfig }),
    connect({ kubeconfig: place.etc('cp1', 'super-admin.conf') }),
  );
  await awaitHealth(place, () => true, 120_000);
  if (!lab.withoutCAKey) return;
  say('the CA keys go off the nodes');
  await takeKeysAway(place);
  await awaitHealth(place, () => true, 120_000);
}

function writeNodes(place: Place): void {
  for (const node of place.planes) {
    const { name } = node;
    mkdirSync(join(place.node(name), 'var/lib/etcd'), { recursive: true, mode: 0o700 });
    writeFileSync(place.etc(name, 'audit-policy.yaml'), stringify(auditPolicy));
    const flags: [string, Flags][] = [
      ['etcd', etcdFlags(place, node)],
      ['kube-apiserver', apiServerFlags(place, node)],
      ['kube-controller-manager', controllerManagerFlags(place, node)],
      ['kube-scheduler', schedulerFlags(place, node)],
    ];
    for (const [component, given] of flags) put(place, name, component, commandOf(component, given));
  }
  for (const node of place.lab.nodes) {
    writeKubeletConfig(place, node.name, node.address);
    put(place, node.name, 'kubelet', commandOf('kubelet', kubeletFlags(place, node)));
    for (const folder of ['bin', 'root', 'log', 'run'])
      mkdirSync(join(place.node(node.name), folder), { recursive: true });
  }
  for (const user of PEOPLE) {
    const file = homeKubeconfig(place, user);
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    copyFileSync(place.etc('cp1', 'admin.conf'), file);
    chmodSync(file, 0o600);
  }
  const { node, script } = place.lab.program;
  const backends = place.planes.map(({ address }) => `${address}:${API_PORT}`);
  const { loadBalancer } = place.lab;
  put(place, BALANCER, BALANCER, [
    node,
    script,
    'lab',
    '_balance',
    `${loadBalancer}:${API_PORT}=${backends.join(',')}`,
    `${loadBalancer}:${PORTS.sample}=${place.worker.address}:${PORTS.sample}`,
  ]);
}

/** What the API servers need. The others begin once the API answers: before that they would only be in its way. */
const FIRST = ['etcd', 'kube-apiserver', BALANCER];

const put = (place: Place, node: string, component: string, command: readonly string[]): void =>
  writeManifest(
    place.manifest(node, component),
    manifestOf(component, command, {
      labels: { tier: 'control-plane' },
      ...(FIRST.includes(component) ? {} : { after: `${place.server}/readyz` }),
    }),
  );

/** Which client certificate a component presents is in the log as `authentication.kubernetes.io/credential-id` of its Lease writes. */
const auditPolicy = {
  apiVersion: 'audit.k8s.io/v1',
  kind: 'Policy',
  omitStages: ['RequestReceived'],
  rules: [
    {
      level: 'Metadata',
      users: ['system:kube-controller-manager', 'system:kube-scheduler'],
      resources: [{ group: 'coordination.k8s.io', resources: ['leases'] }],
    },
    {
      level: 'Metadata',
      userGroups: ['system:nodes'],
      resources: [{ group: 'coordination.k8s.io', resources: ['leases'] }],
    },
    { level: 'None' },
  ],
};

/** As kubeadm writes it (cmd/kubeadm/app/componentconfigs/kubelet.go), with the node's own addresses. */
function writeKubeletConfig(place: Place, node: string, address: string): void {
  const config = {
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    kind: 'KubeletConfiguration',
    address,
    port: PORTS.kubelet,
    healthzBindAddress: address,
    healthzPort: PORTS.kubeletHealth,
    authentication: {
      anonymous: { enabled: false },
      webhook: { enabled: true, cacheTTL: '0s' },
      x509: { clientCAFile: place.etc(node, 'pki/ca.crt') },
    },
    authorization: { mode: 'Webhook' },
    rotateCertificates: true,
    staticPodPath: place.etc(node, 'manifests'),
  };
  mkdirSync(place.kubelet(node), { recursive: true });
  writeFileSync(place.kubelet(node, 'config.yaml'), stringify(config));
}
