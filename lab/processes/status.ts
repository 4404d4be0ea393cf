// `reroot lab status`: where everything is, and what answers.

import { existsSync } from 'node:fs';
import { wrongUse } from '../../src/errors.ts';
import { type LabFile, labDir, readLab } from '../state.ts';
import { type ComponentHealth, healthOf, isUp } from './health.ts';
import { placeOf } from './layout.ts';
import { supervisorOf } from './supervisor-process.ts';

export interface LabStatus {
  name: string;
  kind: LabFile['kind'];
  kubernetes: string;
  phase: LabFile['phase'];
  up: boolean;
  folder: string;
  kubeconfig: string;
  config: string;
  server: string;
  nodes: { name: string; address: string; folder: string }[];
  supervisor: number | null;
  components: ComponentHealth[];
}

/** Throws wrongUse when there is no such lab. */
export async function statusOf(name: string): Promise<LabStatus> {
  const { dir, lab } = demandLab(name);
  const place = placeOf(dir, lab);
  const components = await healthOf(place);
  const supervisor = supervisorOf(dir)?.pid ?? null;
  return {
    name,
    kind: lab.kind,
    kubernetes: lab.kubernetes,
    phase: lab.phase,
    up: lab.phase === 'up' && supervisor !== null && isUp(components),
    folder: dir,
    kubeconfig: place.kubeconfig,
    config: place.config,
    server: place.server,
    nodes: lab.nodes.map(({ name: node, address }) => ({ name: node, address, folder: place.node(node) })),
    supervisor,
    components,
  };
}

export function demandLab(name: string): { dir: string; lab: LabFile } {
  const dir = labDir(name);
  const lab = existsSync(dir) ? readLab(dir) : undefined;
  if (!lab) throw wrongUse(`there is no lab "${name}"`, `reroot lab up --name ${name}`);
  return { dir, lab };
}
