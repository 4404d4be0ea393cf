// Which lab the load runs on, and where in it things are (docs/lab.md has the layout).

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { wrongUse } from '../../src/errors.ts';
import { readAccess } from './kubeconfig.ts';

export interface LabTarget {
  name: string;
  folder: string;
  /** Re-read by whoever uses it. */
  kubeconfig: string;
  /** Where clients reach the cluster: the load balancer. */
  server: string;
  apiServers: { node: string; url: string }[];
}

export function findLab(name: string): LabTarget {
  const folder = join(labsFolder(), name);
  const kubeconfig = join(folder, 'kubeconfig');
  if (!existsSync(join(folder, 'lab.json')) || !existsSync(kubeconfig)) {
    throw wrongUse(`no lab "${name}" is up in ${labsFolder()}`, `reroot lab up --kind processes --name ${name}`);
  }
  return { name, folder, kubeconfig, server: readAccess(kubeconfig).server, apiServers: apiServersOf(folder) };
}

export const homeKubeconfig = (lab: LabTarget, user: string): string =>
  join(lab.folder, 'nodes', 'w1', 'home', user, '.kube', 'config');

export const podFolder = (lab: LabTarget, node: string, uid: string): string =>
  join(lab.folder, 'nodes', node, 'var/lib/kubelet/pods', uid);

function labsFolder(): string {
  const { REROOT_LABS, XDG_STATE_HOME } = process.env;
  return REROOT_LABS ?? join(XDG_STATE_HOME ?? join(homedir(), '.local/state'), 'reroot/labs');
}

const manifest = z.object({
  spec: z.object({ containers: z.array(z.object({ command: z.array(z.string()) })).min(1) }),
});

/** From the manifests, which are what the API servers were started with. */
function apiServersOf(folder: string): LabTarget['apiServers'] {
  return readdirSync(join(folder, 'nodes'))
    .sort()
    .flatMap((node) => {
      const file = join(folder, 'nodes', node, 'etc/kubernetes/manifests/kube-apiserver.yaml');
      if (!existsSync(file)) return [];
      const [first] = manifest.parse(parse(readFileSync(file, 'utf8'))).spec.containers;
      const flag = (name: string) => first?.command.find((word) => word.startsWith(`--${name}=`))?.split('=')[1];
      return [{ node, url: `https://${flag('bind-address')}:${flag('secure-port') ?? '6443'}` }];
    });
}
