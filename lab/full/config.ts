// The lab's reroot.yaml.

import { writeFileSync } from 'node:fs';
import { stringify } from 'yaml';
import type { FullPlace } from './place.ts';

export function writeFullConfig(place: FullPlace): void {
  const config = {
    access: 'ssh',
    user: 'root',
    sshConfig: place.sshConfig,
    dial: 'nodes',
    nodes: Object.fromEntries(place.lab.nodes.map(({ name }) => [name, { host: name }])),
  };
  const head = `# How reroot reaches lab "${place.lab.name}": reroot inspect --config ${place.config} --kubeconfig ${place.kubeconfig}\n`;
  writeFileSync(place.config, head + stringify(config, { lineWidth: 0 }));
}
