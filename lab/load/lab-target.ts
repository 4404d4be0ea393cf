// Which lab the load runs on, and where in it things are (docs/lab.md has the layout).

import { join } from 'node:path';
import { wrongUse } from '../../src/errors.ts';
import { API_PORT, type Place, placeOf, WORKER } from '../processes/layout.ts';
import { labDir, readLab } from '../state.ts';

export interface LabTarget {
  name: string;
  folder: string;
  /** Re-read by whoever uses it. */
  kubeconfig: string;
  /** Where clients reach the cluster: the load balancer. */
  server: string;
  apiServers: { node: string; url: string }[];
  place: Place;
}

export function findLab(name: string): LabTarget {
  const folder = labDir(name);
  const lab = readLab(folder);
  if (lab?.phase !== 'up') {
    throw wrongUse(`lab "${name}" is not up`, `reroot lab up --kind processes --name ${name}`);
  }
  const place = placeOf(folder, lab);
  const apiServers = place.planes.map((node) => ({ node: node.name, url: `https://${node.address}:${API_PORT}` }));
  return { name, folder, kubeconfig: place.kubeconfig, server: place.server, apiServers, place };
}

/** A person's kubeconfig, which no component reads. */
export const homeKubeconfig = ({ place }: LabTarget, user: string): string =>
  join(place.node(WORKER), 'home', user, '.kube', 'config');

/** The kubelet's folder of one volume that it projects for a pod. */
export const projectedVolume = ({ place }: LabTarget, node: string, uid: string, volume: string): string =>
  place.kubelet(node, 'pods', uid, 'volumes/kubernetes.io~projected', volume);
