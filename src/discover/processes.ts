// Which processes of a node are components. From the process table, never from fixed kubeadm paths.

import type { Config } from '../config/config.ts';
import { factsOf } from '../core/catalog/components.ts';
import type { Instance } from '../core/model/inventory.ts';
import type { NodeAccess } from '../nodes/access.ts';
import { listProcesses, type ProcessSeen } from '../nodes/processes.ts';
import { type CommandLine, namesPathBelow, parseArgv } from './argv.ts';

/** Components that the catalogue's generic page serves, known by name so that nobody has to list them in reroot.yaml. */
const ALSO_KNOWN = new Set(['kube-proxy', 'cloud-controller-manager', 'kube-aggregator', 'sample-apiserver']);

export interface ComponentProcess {
  process: ProcessSeen;
  line: CommandLine;
}

type NodeConfig = Config['nodes'][string] | undefined;

const isKnown = (name: string, config: NodeConfig): boolean =>
  factsOf(name).component === name || ALSO_KNOWN.has(name) || config?.components[name] !== undefined;

/**
 * The component processes of one node. Where reroot.yaml gives a component's `paths`, a process that names absolute paths must name one
 * below them: several nodes (or several labs) may share one machine and so one process table.
 * Of two processes of one component the one that started last is the component: the other is on its way out.
 */
export function componentProcesses(table: readonly ProcessSeen[], config: NodeConfig): ComponentProcess[] {
  const root = table.find((process) => process.pid === 1)?.cgroup ?? '';
  const found = new Map<string, ComponentProcess>();
  for (const process of table) {
    const line = parseArgv(process.argv);
    if (!isKnown(line.name, config) || inOrdinaryPod(process.cgroup, root)) continue;
    if (!belongs(process, config?.components[line.name]?.paths ?? [])) continue;
    const known = found.get(line.name);
    if (!known || known.process.startTicks < process.startTicks) found.set(line.name, { process, line });
  }
  return [...found.values()].sort((a, b) => a.line.name.localeCompare(b.line.name));
}

function belongs(process: ProcessSeen, paths: readonly string[]): boolean {
  if (paths.length === 0 || namesPathBelow(process.argv, paths)) return true;
  return !process.argv.slice(1).some((word) => /(^|[=,:])\//.test(word));
}

/** Processes of other pods than static ones are no instances: a tenant's API server, an application's etcd. */
export function inOrdinaryPod(cgroup: string, rootCgroup: string): boolean {
  // Seen from inside a container that is itself in a pod (a lab, CI), every path begins with that pod's.
  const own =
    rootCgroup.includes('kubepods') && cgroup.startsWith(rootCgroup) ? cgroup.slice(rootCgroup.length) : cgroup;
  // A static pod's id is a hash of its manifest, 32 digits; any other is a UUID (K:pkg/kubelet/config/common.go applyDefaults).
  return /kubepods.*pod[0-9a-f]{8}[-_][0-9a-f]{4}[-_][0-9a-f]{4}[-_][0-9a-f]{4}[-_][0-9a-f]{12}/.test(own);
}

/** The process behind an instance now, or undefined while it does not run. Throws NodeUnreachable. */
export async function findProcess(
  access: NodeAccess,
  config: Config,
  instance: Pick<Instance, 'node' | 'component'>,
): Promise<ProcessSeen | undefined> {
  const processes = componentProcesses(await listProcesses(access), config.nodes[instance.node]);
  return processes.find(({ line }) => line.name === instance.component)?.process;
}
