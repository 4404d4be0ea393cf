// Which lab the load runs on, and where in it things are (docs/lab.md has the layout).

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { wrongUse } from '../../src/errors.ts';
import { nodesOver } from '../full/workloads/on-node.ts';
import { homeOf } from '../full/workloads/people.ts';
import { API_PORT, type Place, placeOf, WORKER } from '../processes/layout.ts';
import { type LabFile, type LabNode, labDir, readLab } from '../state.ts';
import { type Access, accessOf, readAccess } from './kubeconfig.ts';

interface Target {
  name: string;
  folder: string;
  /** Re-read by whoever uses it. */
  kubeconfig: string;
  /** Where clients on this machine reach the cluster: the load balancer. */
  server: string;
}

export interface ProcessTarget extends Target {
  kind: 'processes';
  apiServers: { node: string; url: string }[];
  place: Place;
}

export interface FullTarget extends Target {
  kind: 'full';
  kubernetes: string;
  nodes: readonly LabNode[];
  /** For `ssh -F`. */
  sshConfig: string;
  /** Where people have their kubeconfigs. */
  peopleNode: string;
}

export type LabTarget = ProcessTarget | FullTarget;

export function findLab(name: string): LabTarget {
  const folder = labDir(name);
  const lab = readLab(folder);
  const kind = lab?.kind === 'full' ? ' --kind full' : '';
  if (lab?.phase !== 'up') throw wrongUse(`lab "${name}" is not up`, `reroot lab up${kind} --name ${name}`);
  return lab.kind === 'full' ? fullTarget(folder, lab) : processTarget(folder, lab);
}

function processTarget(folder: string, lab: LabFile): ProcessTarget {
  const place = placeOf(folder, lab);
  const apiServers = place.planes.map((node) => ({ node: node.name, url: `https://${node.address}:${API_PORT}` }));
  const { kubeconfig, server } = place;
  return { kind: 'processes', name: lab.name, folder, kubeconfig, server, apiServers, place };
}

function fullTarget(folder: string, lab: LabFile): FullTarget {
  const kubeconfig = join(folder, 'kubeconfig');
  const [first] = lab.nodes;
  return {
    kind: 'full',
    name: lab.name,
    folder,
    kubeconfig,
    server: readAccess(kubeconfig).server,
    kubernetes: lab.kubernetes,
    nodes: lab.nodes,
    sshConfig: join(folder, 'ssh_config'),
    peopleNode: (lab.nodes.find(({ controlPlane }) => !controlPlane) ?? first)?.name ?? '',
  };
}

/** What a person's kubeconfig says now, for a client on this machine. No component reads the file. */
export async function homeAccess(lab: LabTarget, user: string): Promise<Access> {
  if (lab.kind === 'processes') {
    const file = join(lab.place.node(WORKER), 'home', user, '.kube', 'config');
    return accessOf(readFileSync(file, 'utf8'), file);
  }
  const text = await nodesOver(lab.sshConfig)(lab.peopleNode, `cat ${homeOf(user)}`);
  // The file's server is known inside the lab only.
  return { ...accessOf(text, homeOf(user)), server: lab.server };
}

/** The kubelet's folder of one volume that it projects for a pod. */
export const projectedVolume = ({ place }: ProcessTarget, node: string, uid: string, volume: string): string =>
  place.kubelet(node, 'pods', uid, 'volumes/kubernetes.io~projected', volume);
