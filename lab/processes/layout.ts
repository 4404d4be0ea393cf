// Where everything of one process lab is, and which addresses and ports it has. Nothing here touches the world.

import { join } from 'node:path';
import type { LabFile, LabNode } from '../state.ts';

export const WORKER = 'w1';
export const BALANCER = 'lb';
/** The API server's port, on each control plane and at the load balancer. */
export const API_PORT = 6443;
export const PORTS = {
  etcd: 2379,
  etcdPeer: 2380,
  etcdMetrics: 2381,
  apiServer: API_PORT,
  controllerManager: 10257,
  scheduler: 10259,
  kubelet: 10250,
  kubeletHealth: 10248,
  webhook: 9443,
  sample: 8443,
} as const;

export const CONTROL_PLANE_COMPONENTS = [
  'etcd',
  'kube-apiserver',
  'kube-controller-manager',
  'kube-scheduler',
  'kubelet',
];
export const WORKER_COMPONENTS = ['kubelet', 'webhook', 'sample-apiserver'];

/** Nodes of a lab in a /24: cpN is .N, the load balancer .10, the worker .20. */
export function nodesOf(network: string, controlPlanes: number): { nodes: LabNode[]; loadBalancer: string } {
  const planes = Array.from({ length: controlPlanes }, (_, i) => ({
    name: `cp${i + 1}`,
    address: `${network}.${i + 1}`,
    controlPlane: true,
  }));
  const worker = { name: WORKER, address: `${network}.20`, controlPlane: false };
  return { nodes: [...planes, worker], loadBalancer: `${network}.10` };
}

/** Every address and port that the lab listens on. */
export function endpointsOf(network: string, controlPlanes: number): { host: string; port: number }[] {
  const { nodes, loadBalancer } = nodesOf(network, controlPlanes);
  const { webhook, sample, ...plane } = PORTS;
  const of = (host: string, ports: readonly number[]) => ports.map((port) => ({ host, port }));
  return [
    ...nodes.flatMap(({ address, controlPlane }) =>
      of(address, controlPlane ? Object.values(plane) : [plane.kubelet, plane.kubeletHealth, webhook, sample]),
    ),
    ...of(loadBalancer, [API_PORT, sample]),
  ];
}

export interface Place {
  dir: string;
  lab: LabFile;
  planes: LabNode[];
  worker: LabNode;
  bin: string;
  kubeconfig: string;
  config: string;
  /** The API as clients reach it: through the load balancer. */
  server: string;
  node(name: string): string;
  /** Below NODE/etc/kubernetes. */
  etc(name: string, ...parts: string[]): string;
  kubelet(name: string, ...parts: string[]): string;
  manifest(node: string, component: string): string;
  log(node: string, component: string): string;
  pid(node: string, component: string): string;
}

export function placeOf(dir: string, lab: LabFile): Place {
  const node = (name: string): string => join(dir, 'nodes', name);
  const etc = (name: string, ...parts: string[]): string => join(node(name), 'etc/kubernetes', ...parts);
  const worker = lab.nodes.find(({ name }) => name === WORKER);
  if (!worker) throw new Error(`${dir}: lab.json has no node ${WORKER}`);
  return {
    dir,
    lab,
    planes: lab.nodes.filter(({ controlPlane }) => controlPlane),
    worker,
    bin: join(dir, 'bin'),
    kubeconfig: join(dir, 'kubeconfig'),
    config: join(dir, 'reroot.yaml'),
    server: `https://${lab.loadBalancer}:${API_PORT}`,
    node,
    etc,
    kubelet: (name, ...parts) => join(node(name), 'var/lib/kubelet', ...parts),
    manifest: (name, component) => etc(name, 'manifests', `${component}.yaml`),
    log: (name, component) => join(node(name), 'log', `${component}.log`),
    pid: (name, component) => join(node(name), 'run', `${component}.pid`),
  };
}

/** Every component that should run, the load balancer included. */
export function componentsOf(place: Place): { node: LabNode; component: string }[] {
  const balancer: LabNode = { name: BALANCER, address: place.lab.loadBalancer, controlPlane: false };
  return [
    ...place.planes.flatMap((node) => CONTROL_PLANE_COMPONENTS.map((component) => ({ node, component }))),
    ...WORKER_COMPONENTS.map((component) => ({ node: place.worker, component })),
    { node: balancer, component: BALANCER },
  ];
}
