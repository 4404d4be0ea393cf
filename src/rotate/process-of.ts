import type { Config } from '../config/config.ts';
import type { Instance } from '../core/model/inventory.ts';
import { componentProcesses } from '../discover/processes.ts';
import type { NodeAccess } from '../nodes/access.ts';
import { listProcesses, type ProcessSeen } from '../nodes/processes.ts';

/** The process that is this instance now; undefined while it is down. One command on the node. */
export async function processOf(
  access: NodeAccess,
  config: Config,
  instance: Instance,
): Promise<ProcessSeen | undefined> {
  const found = componentProcesses(await listProcesses(access), instance.node, config);
  return found.find(({ line }) => line.name === instance.component)?.process;
}
