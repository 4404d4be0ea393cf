// Which way an authority goes. Over a bridge where one can be made, for it disturbs least; with bundles otherwise; and not at all where
// no order of bundles works either.

import type { CertFact, Millis } from '../model/inventory.ts';
import type { Route } from '../model/rotation.ts';
import type { Refusal } from '../model/step.ts';

export interface RouteFacts {
  /** The old CA's private key is at hand, so it can certify the new CA. */
  oldKey: boolean;
  /** What the PKI found against a bridge between exactly these two: a verifier that refuses the chain. */
  obstacle?: { reason: string; message: string };
  now: Millis;
}

export type RouteChoice = { route: Route; because: string } | { refusal: Refusal };

/** Chooses the route from old to new. `because` is in words, for the plan. */
export function chooseRoute(old: CertFact, fresh: CertFact, facts: RouteFacts): RouteChoice {
  const refusal = neverBoth(old, fresh);
  if (refusal) return { refusal };
  const against = againstBridge(old, fresh, facts);
  if (against) return { route: 'bundle', because: against };
  return { route: 'bridge', because: 'old can certify new, so servers switch at once and clients restart once' };
}

/** Pairs that no verifier of every family can hold at once. */
function neverBoth(old: CertFact, fresh: CertFact): Refusal | undefined {
  if (old.spki === fresh.spki) {
    return {
      reason: 'new-ca-has-the-old-key',
      message: `${fresh.subject} has the key of the old CA: what either signed is accepted by who trusts the other, so nothing would be retired`,
      hint: 'give a CA with a key of its own, or leave --new-ca out and let reroot make one',
    };
  }
  const sameName = old.subjectDer === fresh.subjectDer;
  if (sameName && (old.keyId === undefined || fresh.keyId === undefined)) {
    const which = old.keyId === undefined ? 'the old CA' : 'the new CA';
    return {
      reason: 'same-subject-without-key-id',
      message: `old and new are both named ${old.subject}, and ${which} has no key id: OpenSSL, Python and Node take the first of the two by name and refuse what the other signed, in any order`,
      hint: 'give the new CA a subject of its own (reroot does so when --new-ca is left out)',
    };
  }
  return undefined;
}

const day = (millis: Millis): string => new Date(millis).toISOString().slice(0, 10);
const lacks = (usages: readonly string[] | undefined, wanted: string): boolean =>
  usages !== undefined && usages.length > 0 && !usages.includes(wanted);

/** Why no bridge: the first reason, in words. */
function againstBridge(old: CertFact, fresh: CertFact, facts: RouteFacts): string | undefined {
  if (facts.obstacle) return facts.obstacle.message;
  if (!facts.oldKey) return 'the private key of the old CA was found on no node, so it cannot certify the new one';
  if (old.subjectDer === fresh.subjectDer) {
    return 'old and new have the same subject: OpenSSL takes the bridge for the CA it trusts';
  }
  if (old.pathLen === 0) return 'the old CA has path length 0, so nothing may stand between it and a leaf (trap 7a)';
  if (old.nameConstraints) return 'the old CA has name constraints, which bind whatever stands below it (trap 7a)';
  if (lacks(old.extKeyUsages, 'serverAuth') || lacks(old.extKeyUsages, 'clientAuth')) {
    return `the old CA is limited to ${old.extKeyUsages.join(', ')}, which binds whatever stands below it (trap 7a)`;
  }
  if (lacks(old.keyUsages, 'keyCertSign'))
    return 'the old CA may not sign certificates (key usage without keyCertSign)';
  if (old.notAfter <= facts.now) return `the old CA ended ${day(old.notAfter)}, and a bridge ends with it (trap 7)`;
  return undefined;
}

/** Why the way back cannot go over a reverse bridge (old certified by new). */
export function againstReverse(old: CertFact, fresh: CertFact, now: Millis): string | undefined {
  return againstBridge(fresh, old, { oldKey: true, now });
}
