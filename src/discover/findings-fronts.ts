// Findings about the servers of kubeconfigs, as each node meets them: not there, or something before the API servers that ends TLS itself (trap 22).

import { type Caller, meetingsIn, nodesIn, said } from '../core/catalog/fronts.ts';
import { byKey } from '../core/catalog/survey.ts';
import type { Finding, Front, Inventory } from '../core/model/inventory.ts';
import type { Seen } from './seen.ts';

type Kind = Pick<Finding, 'reason' | 'severity' | 'fix'> & { says: string };

/** One finding for each server and fault, whatever number of nodes meets it. */
export function frontFindings({ inventory }: Seen): Finding[] {
  const { meetings, own } = meetingsIn(inventory);
  const found = meetings
    .filter(({ caller }) => isOfCluster(caller, inventory))
    .flatMap(({ caller, front }) => {
      const kind = kindOf(caller, front, own);
      return kind ? [{ caller, kind }] : [];
    });
  return [...byKey(found, ({ caller, kind }) => `${caller.server} ${kind.says}`).values()].flatMap((group) => {
    const [first] = group;
    if (!first) return [];
    const { says, ...kind } = first.kind;
    const message = `the server in kubeconfigs of ${nodesIn(group.map(({ caller }) => caller))} ${says}`;
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
    says: `presents ${said(leaf)}, which none of the API servers has: something before them ends TLS itself, and a rotation does not turn its certificate`,
    fix: 'let it pass TLS through to the API servers',
  };
}
