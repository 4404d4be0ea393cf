// Where everything of one full lab is, and which addresses it has. Nothing here touches the world.

import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { LabFile, LabNode } from '../state.ts';

export const API_PORT = 6443;
/** The load balancer's name in the nodes' /etc/hosts: what clients on nodes know the API by. */
export const BALANCER_NAME = 'lb.lab';
export const SERVICE_NETWORK = '10.96.0.0/12';
export const POD_NETWORK = '10.244.0.0/16';
export const MAX_WORKERS = 9;

/** cpN is .1N, wN .2N, the load balancer .1, in a /24 that only the lab's own namespaces know. */
export function fullNodesOf(
  network: string,
  controlPlanes: number,
  workers: number,
): Pick<LabFile, 'nodes' | 'loadBalancer'> {
  const inside = network.replace(/^127\./, '10.');
  const named = (count: number, prefix: string, first: number, controlPlane: boolean): LabNode[] =>
    Array.from({ length: count }, (_, i) => ({
      name: `${prefix}${i + 1}`,
      address: `${inside}.${first + i}`,
      controlPlane,
    }));
  return {
    nodes: [...named(controlPlanes, 'cp', 11, true), ...named(workers, 'w', 21, false)],
    loadBalancer: `${inside}.1`,
  };
}

/** Where the host reaches the API: on its own loopback, by a relay into the lab. */
export const outsideAddress = (network: string): string => `${network}.10`;

/** The last number of a node's address: also the third of its pods' network. */
export const hostNumber = ({ address }: LabNode): string => address.slice(address.lastIndexOf('.') + 1);
export const podNetworkOf = (node: LabNode): string => `10.244.${hostNumber(node)}.0/24`;

/** What carries a name outside the lab's folder: its cgroups. The folder makes it the lab's own. */
export const scopeOf = (dir: string, name: string): string =>
  `reroot-${name}-${createHash('sha256').update(dir).digest('hex').slice(0, 6)}`;

export interface FullPlace {
  dir: string;
  lab: LabFile;
  planes: LabNode[];
  workers: LabNode[];
  scope: string;
  bin: string;
  kubeconfig: string;
  config: string;
  sshConfig: string;
  /** The API as the host reaches it. */
  server: string;
  run(...parts: string[]): string;
  /** A folder of the node's: `layer` and `etcd` are mounts of tmpfs, `containerd` and `kubelet` folders. */
  node(name: string, ...parts: string[]): string;
  /** A file that a network namespace is bound to; without a node the hub's. */
  netns(node?: string): string;
  /** The Unix socket at which the hub takes connections to the API. */
  socket: string;
}

export function fullPlaceOf(dir: string, lab: LabFile): FullPlace {
  const run = (...parts: string[]): string => join(dir, 'run', ...parts);
  return {
    dir,
    lab,
    planes: lab.nodes.filter(({ controlPlane }) => controlPlane),
    workers: lab.nodes.filter(({ controlPlane }) => !controlPlane),
    scope: scopeOf(dir, lab.name),
    bin: join(dir, 'bin'),
    kubeconfig: join(dir, 'kubeconfig'),
    config: join(dir, 'reroot.yaml'),
    sshConfig: join(dir, 'ssh_config'),
    server: `https://${outsideAddress(lab.network)}:${API_PORT}`,
    run,
    node: (name, ...parts) => join(dir, 'nodes', name, ...parts),
    netns: (node) => run('net', node ?? 'hub'),
    socket: run('api.sock'),
  };
}

/** A socket's path has 108 bytes at most (unix(7)), ssh adds 17 to its own. */
export const LONGEST_FOLDER = 72;
