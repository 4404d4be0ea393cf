import type { Duplex } from 'node:stream';
import type { Config } from '../config/config.ts';
import { type NodeAccess, NodeUnreachable } from './access.ts';
import { PipeFailed } from './pipe.ts';

/** What there is to reach; the same shape as the cluster side's `Target`. */
export interface DialTarget {
  host: string;
  port: number;
  node?: string;
  through?: boolean;
}

export interface DialerDeps {
  config: Pick<Config, 'access' | 'dial'>;
  accessOf: (node: string) => NodeAccess;
  /** The node that has this address. */
  nodeAt: (host: string) => string | undefined;
  /** Nodes that pods and Services may be reached through, the likeliest first. */
  nodes: () => readonly string[];
  direct: (target: DialTarget) => Promise<Duplex>;
}

/**
 * Connections as `dial` in reroot.yaml says: from this machine, or through the nodes. What listens on a node's own loopback address is reached through that
 * node in any case, and so is what could not be reached otherwise (`through`). With `access: local` the node is this machine.
 */
export function dialer({ config, accessOf, nodeAt, nodes, direct }: DialerDeps) {
  return async (target: DialTarget, options: { signal?: AbortSignal } = {}): Promise<Duplex> => {
    const { host, port } = target;
    const ofNode = target.node !== undefined && isLoopback(host);
    const inside = config.dial === 'nodes' || target.through === true || ofNode;
    const node = target.node ?? nodeAt(host) ?? nodes()[0];
    if (config.access === 'local' || !inside || node === undefined) return direct(target);
    const access = accessOf(node);
    if (!access.dial) return direct(target);
    try {
      return await access.dial(host, port, options.signal ? { signal: options.signal } : {});
    } catch (thrown) {
      if (thrown instanceof NodeUnreachable) throw new PipeFailed('EHOSTUNREACH', thrown.message);
      throw thrown;
    }
  };
}

const isLoopback = (host: string): boolean => ['127.0.0.1', '::1', 'localhost'].includes(host);
