// Which processes of a node are components. From the process table, never from fixed kubeadm paths.

import type { Config } from '../config/config.ts';
import { factsOf } from '../core/catalog/components.ts';
import type { ProcessSeen } from '../nodes/processes.ts';
import { type CommandLine, namesPathBelow, parseArgv } from './argv.ts';

/** Components that the catalogue's generic page serves, known by name so that nobody has to list them in reroot.yaml. */
const ALSO_KNOWN = new Set(['cloud-controller-manager', 'kube-aggregator', 'sample-apiserver']);

export interface ComponentProcess {
  process: ProcessSeen;
  line: CommandLine;
}

type NodeConfig = Config['nodes'][string];

const isKnown = (name: string, config: NodeConfig | undefined): boolean =>
  factsOf(name).component === name || ALSO_KNOWN.has(name) || config?.components[name] !== undefined;

/**
 * The component processes of one node. Of two processes of one component the one that started last is the component: the other is on its way out.
 * With `access: exec` several nodes (or several labs) may share one machine, and so one process table: where reroot.yaml gives `paths` for
 * components of the catalogue, a node's processes are those that name a file below them.
 */
export function componentProcesses(table: readonly ProcessSeen[], node: string, config: Config): ComponentProcess[] {
  const nodeConfig = config.nodes[node];
  const shares = config.access === 'exec' && sharesMachine(nodeConfig);
  const root = table.find((process) => process.pid === 1)?.cgroup ?? '';
  const found = new Map<string, ComponentProcess>();
  for (const process of table) {
    const line = parseArgv(process.argv);
    if (!isKnown(line.name, nodeConfig) || inOrdinaryPod(process.cgroup, root)) continue;
    if (shares && !namesPathBelow(process.argv, pathsFor(line.name, nodeConfig))) continue;
    const known = found.get(line.name);
    if (!known || known.process.startTicks < process.startTicks) found.set(line.name, { process, line });
  }
  return [...found.values()].sort((a, b) => a.line.name.localeCompare(b.line.name));
}

/** Where a kube-proxy has its files says nothing of the others: alone it tells no nodes apart. */
const sharesMachine = (config: NodeConfig | undefined): boolean =>
  Object.entries(config?.components ?? {}).some(
    ([name, { paths }]) => factsOf(name).component === name && name !== 'kube-proxy' && paths.length > 0,
  );

/** The component's own paths, or for one that has none those of the whole node. */
function pathsFor(name: string, config: NodeConfig | undefined): string[] {
  const own = config?.components[name]?.paths ?? [];
  return own.length > 0 ? own : Object.values(config?.components ?? {}).flatMap(({ paths }) => paths);
}

/** Processes of other pods than static ones are no instances: a tenant's API server, an application's etcd. */
export const inOrdinaryPod = (cgroup: string, rootCgroup: string): boolean =>
  /kubepods.*pod[0-9a-f]{8}[-_][0-9a-f]{4}[-_][0-9a-f]{4}[-_][0-9a-f]{4}[-_][0-9a-f]{12}/.test(
    below(cgroup, rootCgroup),
  );

/** A static pod's id is a hash of its manifest, 32 digits; any other is a UUID (K:pkg/kubelet/config/common.go applyDefaults). */
export const inStaticPod = (cgroup: string, rootCgroup: string): boolean =>
  /kubepods.*pod[0-9a-f]{32}(?![0-9a-f])/.test(below(cgroup, rootCgroup));

/** Seen from inside a container that is itself in a pod (a lab, CI), every path begins with that pod's. */
const below = (cgroup: string, root: string): string =>
  root.includes('kubepods') && cgroup.startsWith(root) ? cgroup.slice(root.length) : cgroup;
