// Findings about the servers of kubeconfigs, as each node meets them: not there, or something before the API servers that ends TLS itself (trap 22).

import { type Caller, callersOf, keyOf, servedByAPIServers } from '../core/catalog/fronts.ts';
import { byKey } from '../core/catalog/survey.ts';
import type { Finding, Front, Inventory } from '../core/model/inventory.ts';
import type { Seen } from './seen.ts';

type Kind = Pick<Finding, 'reason' | 'severity' | 'fix'> & { says: string };

/** One finding for each server and fault, whatever number of nodes meets it. */
export function frontFindings({ inventory }: Seen): Finding[] {
  const stores = new Map(inventory.stores.map((store) => [store.id, store]));
  const met = new Map((inventory.fronts ?? []).map((front) => [keyOf(front), front]));
  const own = servedByAPIServers(inventory.instances, stores);
  const found = callersOf(inventory.instances, stores)
    .filter((caller) => isOfCluster(caller, inventory))
    .flatMap((caller) => {
      const front = met.get(keyOf(caller));
      const kind = front && kindOf(caller, front, own);
      return kind ? [{ caller, kind }] : [];
    });
  return [...byKey(found, ({ caller, kind }) => `${caller.server} ${kind.says}`).values()].flatMap((group) => {
    const [first] = group;
    if (!first) return [];
    const { says, ...kind } = first.kind;
    const nodes = [...new Set(group.map(({ caller }) => caller.node))];
    const more = nodes.length > 5 ? ` and ${nodes.length - 5} more` : '';
    const message = `the server in kubeconfigs of ${nodes.slice(0, 5).join(', ')}${more} ${says}`;
    return [{ ...kind, subject: first.caller.server, message }];
  });
}

/** Not the kubeconfig of a webhook with a CA of its own. */
function isOfCluster({ store }: Caller, { authorities }: Pick<Inventory, 'authorities'>): boolean {
  const anchors = authorities.flatMap(({ authority, anchors }) => (authority === 'kubernetes' ? anchors : []));
  return (
    store.certs.length === 0 ||
    store.certs.some(({ fingerprint }) => anchors.some((anchor) => anchor.fingerprint === fingerprint))
  );
}

function kindOf({ node, server }: Caller, { served, why }: Front, own: ReadonlySet<string>): Kind | undefined {
  const [leaf] = served ?? [];
  if (!leaf) {
    const says = `showed no certificate: ${why ?? 'nothing was seen'}`;
    return { reason: 'server-not-met', severity: 'warning', says, fix: `from ${node}: curl -vk ${server}/readyz` };
  }
  // Where no API server's certificate was seen nothing can be said.
  if (own.size === 0 || own.has(leaf.fingerprint)) return undefined;
  return {
    reason: 'server-ends-tls',
    severity: 'warning',
    says: `presents ${leaf.subject} ${leaf.fingerprint.slice(0, 12)} by ${leaf.issuer}, which none of the API servers has: something before them ends TLS itself, and a rotation does not turn its certificate`,
    fix: 'let it pass TLS through to the API servers',
  };
}
