// Nodes as the cluster and reroot.yaml know them, and a look at each.

import pLimit from 'p-limit';
import type { Cluster, ObjectMeta } from '../cluster/client.ts';
import type { Config } from '../config/config.ts';
import {
  type Distribution,
  distributionByLabels,
  type NodeSystem,
  type NotSupported,
  unsupportedNode,
} from '../core/catalog/support.ts';
import type { Node } from '../core/model/inventory.ts';
import { wrongUse } from '../errors.ts';
import { type NodeAccess, NodeUnreachable } from '../nodes/access.ts';
import { lookAtNode, type NodeSeen } from './node.ts';
import { listReduced } from './paged.ts';

export interface NodeKnown {
  name: string;
  roles: Node['roles'];
  /** InternalIP of the Node object. */
  address?: string;
  /** Of its kubelet: `1.36.3`. */
  version?: string;
  /** The host name its processes give themselves (label kubernetes.io/hostname). */
  hostname?: string;
  /** A system on which nothing is looked at. */
  unsupported?: NotSupported;
  /** One that turns its CAs by itself, by this node's labels. */
  distribution?: Distribution;
}

interface NodeObject {
  metadata: ObjectMeta;
  status?: { addresses?: { type: string; address: string }[]; nodeInfo?: { kubeletVersion?: string } & NodeSystem };
}

/** Node objects and what reroot.yaml adds. Throws wrongUse for a name in reroot.yaml that is no Node and has no components: a typing error. */
export async function knownNodes(cluster: Cluster, config: Config): Promise<NodeKnown[]> {
  const nodes = await listReduced<NodeObject, NodeKnown>(cluster, '/api/v1/nodes', nodeKnown);
  const names = new Set(nodes.map(({ name }) => name));
  for (const [name, { components }] of Object.entries(config.nodes)) {
    if (names.has(name)) continue;
    if (Object.keys(components).length === 0) {
      throw wrongUse(
        `reroot.yaml names the node ${name}, which is not in the cluster and has no components`,
        `nodes of the cluster: ${[...names].slice(0, 10).join(', ')}${names.size > 10 ? ', …' : ''}`,
      );
    }
    nodes.push({ name, roles: [] });
  }
  return nodes;
}

function nodeKnown({ metadata, status }: NodeObject): NodeKnown {
  const labels = metadata.labels ?? {};
  const isControlPlane = ['control-plane', 'master'].some((role) => `node-role.kubernetes.io/${role}` in labels);
  const address = status?.addresses?.find(({ type }) => type === 'InternalIP')?.address;
  const version = status?.nodeInfo?.kubeletVersion?.replace(/^v/, '');
  const hostname = labels['kubernetes.io/hostname'];
  const unsupported = unsupportedNode(status?.nodeInfo ?? {});
  const distribution = isControlPlane ? undefined : distributionByLabels(labels);
  return {
    name: metadata.name,
    roles: [isControlPlane ? 'control-plane' : 'worker'],
    ...(address === undefined ? {} : { address }),
    ...(version === undefined ? {} : { version }),
    ...(hostname === undefined ? {} : { hostname }),
    ...(unsupported ? { unsupported } : {}),
    ...(distribution ? { distribution } : {}),
  };
}

export interface NodeLook {
  known: NodeKnown;
  seen?: NodeSeen;
  /** Why it was not reached. */
  why?: string;
}

/** Connections at the same time: sixteen ssh processes are little for a machine and for a jump host. */
const AT_ONCE = 16;

/** Looks at every node. One that is away is told, with the reason, and does not keep the others from being seen. */
export async function lookAtNodes(
  nodes: readonly NodeKnown[],
  config: Config,
  accessOf: (node: string) => NodeAccess,
): Promise<NodeLook[]> {
  const limit = pLimit(AT_ONCE);
  return Promise.all(
    nodes.map((known) =>
      limit(async (): Promise<NodeLook> => {
        if (known.unsupported) return { known, why: known.unsupported.what };
        try {
          const address = known.address ?? config.nodes[known.name]?.host;
          return { known, seen: await lookAtNode({ access: accessOf(known.name), config, address }) };
        } catch (thrown) {
          if (thrown instanceof NodeUnreachable) return { known, why: thrown.message };
          throw thrown;
        }
      }),
    ),
  );
}
