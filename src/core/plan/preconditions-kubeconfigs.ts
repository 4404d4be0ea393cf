// Components that call the API server by a kubeconfig that reroot cannot name: no step would turn it, and the component would go on with old until
// nothing accepts that any more.

import { factsOf } from '../catalog/components.ts';
import type { KubeconfigFact } from '../catalog/facts.ts';
import { MANAGER } from '../catalog/manager.ts';
import { kubeconfigPath } from '../catalog/stores-of.ts';
import type { Survey } from '../catalog/survey.ts';
import type { Instance, Inventory } from '../model/inventory.ts';
import type { Refusal } from '../model/step.ts';
import type { Precondition } from './preconditions-cluster.ts';

/** As units or static pods, which have no service account to call with. One in an ordinary pod has, and is no instance. */
const CLIENTS: readonly string[] = ['kubelet', MANAGER, 'kube-scheduler', 'kube-proxy'];

export interface WithoutKubeconfig {
  instance: Instance;
  /** Goes behind the instance's name. */
  what: string;
  hint: string;
}

/** Instances whose way to the API server is not known. What could not be read of their configuration is told elsewhere. Pure. */
export function withoutKubeconfig({ instances, nodes }: Pick<Inventory, 'instances' | 'nodes'>): WithoutKubeconfig[] {
  const registered = new Set(nodes.flatMap(({ name, roles }) => (roles.length > 0 ? [name] : [])));
  return instances.flatMap((instance) => {
    const fact = factsOf(instance.component).kubeconfigs.find(({ use }) => use === 'kubeconfig');
    if (!CLIENTS.includes(instance.component) || !fact || instance.faults) return [];
    const path = kubeconfigPath(instance, instance.flags, fact);
    if (path?.startsWith('/')) return [];
    // Without a kubeconfig a kubelet calls nobody, as on machines that run etcd alone (K:cmd/kubelet/app/server.go standaloneMode).
    if (path === undefined && instance.component === 'kubelet' && !registered.has(instance.node)) return [];
    return [{ instance, ...said(instance, fact, path) }];
  });
}

function said(
  instance: Instance,
  { flag, setting }: KubeconfigFact,
  path: string | undefined,
): Pick<WithoutKubeconfig, 'what' | 'hint'> {
  const file = instance.flags[factsOf(instance.component).configuration?.flag ?? '']?.at(-1);
  const named = setting !== undefined && file ? `${setting} in ${file}` : `--${flag}`;
  const what =
    path === undefined
      ? `is told no kubeconfig by ${named}`
      : `is told the kubeconfig ${path} by ${named}, and below which folder that is, is not known`;
  return { what, hint: `give it an absolute path by ${named}, and restart it` };
}

const refusals = (survey: Survey): Refusal[] =>
  withoutKubeconfig(survey.inventory)
    .filter(({ instance }) => !survey.isWaived(instance.id))
    .map(({ instance: { id }, what, hint }) => ({
      reason: 'kubeconfig-not-found',
      message: `${id} ${what}: how it calls the API server cannot be turned, and retire would cut it off`,
      hint: `${hint}; or give it up: --waive ${id}=REASON`,
    }));

export const kubeconfigChecks: readonly Precondition[] = [refusals];
