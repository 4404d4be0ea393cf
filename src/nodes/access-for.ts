import type { Config } from '../config/config.ts';
import { wrongUse } from '../errors.ts';
import type { NodeAccess } from './access.ts';
import { execAccess } from './exec.ts';
import { localAccess } from './local.ts';
import { sshAccess } from './ssh.ts';

/**
 * The access to a node that the configuration asks for. `address` is where the cluster says the node is (its InternalIP); the configuration's `host`
 * goes before it, and the node's name is the last resort, for ~/.ssh/config may know it.
 */
export function accessFor(config: Config, node: string, address?: string): NodeAccess {
  const host = config.nodes[node]?.host ?? address ?? node;
  switch (config.access) {
    case 'local':
      return localAccess(node, { sudo: config.sudo });
    case 'exec':
      if (config.exec === undefined)
        throw wrongUse(
          'access is exec, but no command is given',
          "set exec in reroot.yaml, or --node-exec 'docker exec -i {node}'",
        );
      return execAccess(config.exec, node, host);
    case 'ssh':
      return sshAccess(node, host, {
        sudo: config.sudo,
        ...(config.user === undefined ? {} : { user: config.user }),
        ...(config.sshConfig === undefined ? {} : { configFile: config.sshConfig }),
      });
  }
}
