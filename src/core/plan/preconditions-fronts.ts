// Preconditions at the servers of kubeconfigs (trap 22): each is met from its node, and what is there is an API server's own certificate. A rotation
// turns the API servers' certificates; what stands before them with one of its own would go on with old.

import { type Caller, isForeign, meetingsIn, nodesIn, said, trusts } from '../catalog/fronts.ts';
import { byKey, type Survey } from '../catalog/survey.ts';
import type { CertFact, Front } from '../model/inventory.ts';
import type { AuthorityRotation } from '../model/rotation.ts';
import type { Refusal } from '../model/step.ts';
import type { Precondition } from './preconditions-cluster.ts';

interface Problem {
  reason: string;
  /** Fingerprint of what was presented. */
  leaf?: string;
  /** Goes behind `https://…, the server in kubeconfigs of …, `. */
  what: string;
  hint: string;
}

function fronts(survey: Survey): Refusal[] {
  const { inventory } = survey;
  const a = survey.of('kubernetes');
  if (!a) return [];
  const { meetings, own } = meetingsIn(inventory);
  const found = meetings.flatMap(({ caller, front }) => {
    if (!trusts(caller, a) || isWaived(survey, caller)) return [];
    const problem = problemOf(caller, front, a, own);
    return problem ? [{ caller, problem }] : [];
  });
  // A thousand nodes behind one load balancer are one refusal.
  const alike = byKey(found, ({ caller, problem }) => `${caller.server} ${problem.reason} ${problem.leaf ?? ''}`);
  return [...alike.values()].flatMap((group) => {
    const [first] = group;
    if (!first) return [];
    const { caller, problem } = first;
    return [
      {
        reason: problem.reason,
        message: `${caller.server}, the server in kubeconfigs of ${nodesIn(group.map((one) => one.caller))}, ${problem.what}`,
        hint: `${problem.hint}; or give the node up: --waive node/${caller.node}=REASON`,
      },
    ];
  });
}

const isWaived = (survey: Survey, { node, party }: Caller): boolean =>
  survey.isWaived(`node/${node}`) || survey.isWaived(party);

function problemOf(
  caller: Caller,
  { served, why }: Front,
  a: AuthorityRotation,
  own: ReadonlySet<string>,
): Problem | undefined {
  const [leaf] = served ?? [];
  if (!served || !leaf) {
    return {
      reason: 'server-not-met',
      what: `showed no certificate: ${why ?? 'nothing was seen'}. What is down may come back with its old chain`,
      hint: `make it answer (from ${caller.node}: curl -vk ${caller.server}/readyz), and let that node's sshd forward connections`,
    };
  }
  if (isForeign(served, caller, a)) {
    return {
      reason: 'server-of-another-ca',
      leaf: leaf.fingerprint,
      what: `presents ${said(leaf)}, from neither CA: something before the API servers ends TLS itself`,
      hint: 'let it pass TLS through to the API servers, or trust its CA in these kubeconfigs beside the cluster’s',
    };
  }
  if (own.size === 0 || own.has(leaf.fingerprint) || !isOurs(leaf, a)) return undefined;
  return {
    reason: 'server-ends-tls',
    leaf: leaf.fingerprint,
    what: `presents ${said(leaf)}, which none of the API servers has: something before them ends TLS itself, and no step would turn its certificate`,
    hint: 'let it pass TLS through to the API servers',
  };
}

const isOurs = ({ signedBy }: CertFact, { old, new: fresh }: AuthorityRotation): boolean =>
  signedBy.includes(old.fingerprint) || signedBy.includes(fresh.fingerprint);

export const frontChecks: readonly Precondition[] = [fronts];
