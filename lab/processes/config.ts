// The lab's reroot.yaml.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { CONTROL_PLANE_COMPONENTS, type Place } from './layout.ts';

/** Kubeconfigs of people, which no component reads: one that nobody touches, and one whose owner re-reads it. */
export const PEOPLE = ['kept', 'fresh'] as const;

export const homeKubeconfig = (place: Place, user: string): string =>
  join(place.node(place.worker.name), 'home', user, '.kube/config');

export function writeConfig(place: Place): void {
  const nodes = Object.fromEntries([
    ...place.planes.map(
      ({ name, address }) => [name, { host: address, components: planeComponents(place, name) }] as const,
    ),
    [place.worker.name, { host: place.worker.address, components: workerComponents(place) }] as const,
  ]);
  const config = { access: 'exec', exec: `${join(place.bin, 'node-exec')} {node}`, nodes };
  const head = `# How reroot reaches lab "${place.lab.name}": reroot inspect --config ${place.config} --kubeconfig ${place.kubeconfig}\n`;
  writeFileSync(place.config, head + stringify(config, { lineWidth: 0 }));
}

const restartOf = (place: Place, node: string, component: string): string =>
  `${join(place.bin, 'restart')} ${node} ${component}`;

const planeComponents = (place: Place, node: string): object =>
  Object.fromEntries(
    CONTROL_PLANE_COMPONENTS.map((component) => [
      component,
      { restart: restartOf(place, node, component), paths: [place.node(node)] },
    ]),
  );

function workerComponents(place: Place): object {
  const node = place.worker.name;
  const below = (...parts: string[]): string => join(place.node(node), ...parts);
  return {
    kubelet: { restart: restartOf(place, node, 'kubelet'), paths: [below('var/lib/kubelet'), below('etc/kubernetes')] },
    webhook: { restart: restartOf(place, node, 'webhook'), paths: [below('etc/webhook')] },
    'sample-apiserver': { restart: restartOf(place, node, 'sample-apiserver'), paths: [below('etc/sample-apiserver')] },
    ...Object.fromEntries(PEOPLE.map((user) => [user, { paths: [homeKubeconfig(place, user)] }])),
  };
}
