// `reroot lab status` on a full lab.

import { isUp } from '../processes/health.ts';
import type { LabStatus } from '../processes/status.ts';
import type { LabFile } from '../state.ts';
import { fullHealthOf } from './health.ts';
import { keeperOf } from './keeper.ts';
import { fullPlaceOf } from './place.ts';

export interface FullStatus extends LabStatus {
  /** For `ssh -F`. */
  sshConfig: string;
  loadBalancer: string;
  /** A file for `nsenter --net=`: the lab's own network, where the nodes' addresses are. */
  hub: string;
}

export async function fullStatusOf(dir: string, lab: LabFile): Promise<FullStatus> {
  const place = fullPlaceOf(dir, lab);
  const components = await fullHealthOf(place);
  const supervisor = keeperOf(place)?.pid ?? null;
  return {
    name: lab.name,
    kind: lab.kind,
    kubernetes: lab.kubernetes,
    phase: lab.phase,
    up: lab.phase === 'up' && supervisor !== null && isUp(components),
    folder: dir,
    kubeconfig: place.kubeconfig,
    config: place.config,
    server: place.server,
    nodes: lab.nodes.map(({ name, address }) => ({ name, address, folder: place.node(name) })),
    supervisor,
    components,
    sshConfig: place.sshConfig,
    loadBalancer: lab.loadBalancer,
    hub: place.netns(),
  };
}
