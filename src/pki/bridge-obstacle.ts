// Why a pair of CAs cannot be bridged, judged before a plan is made: the plan then takes the bundle route, or none.

import type { Certificate } from './certificate.ts';
import { day } from './issue.ts';
import { sameName } from './make-ca.ts';

export type ObstacleReason =
  | 'same-subject-without-key-id'
  | 'same-key'
  | 'same-subject'
  | 'no-old-key'
  | 'not-a-ca'
  | 'path-length'
  | 'name-constraints'
  | 'ext-key-usage'
  | 'key-usage'
  | 'expired'
  | 'not-yet-valid';

export interface Obstacle {
  reason: ObstacleReason;
  message: string;
  /** What is left: both CAs in every bundle first, or nothing at all with this new CA. */
  route: 'bundle' | 'refused';
}

export interface ObstacleQuestion {
  old: Certificate;
  new: Certificate;
  oldKeyAvailable: boolean;
  /** Milliseconds since the epoch. */
  now: number;
}

/** The first reason that stands against a bridge from `old` to `new`; undefined if none does. */
export function bridgeObstacle(question: ObstacleQuestion): Obstacle | undefined {
  return sameSubject(question) ?? first(question);
}

/**
 * Two CAs of one name: OpenSSL takes the first that the key ids do not speak against, and never tries the next. Without key ids on
 * both no order of a bundle verifies the leafs of both.
 */
function sameSubject({ old, new: next }: ObstacleQuestion): Obstacle | undefined {
  if (!sameName(old.slices.subjectDer, next.slices.subjectDer)) return undefined;
  if (old.spki === next.spki)
    return bundle(
      'same-key',
      `the new CA has the subject and key of the old (${old.subject}): leafs of either verify by both, a bridge adds nothing`,
    );
  const without = [old, next].filter(({ keyId }) => keyId === undefined);
  if (without.length === 0)
    return bundle(
      'same-subject',
      `both CAs are called ${old.subject}: OpenSSL takes a bridge between them for a self-signed certificate`,
    );
  return {
    reason: 'same-subject-without-key-id',
    message: `both CAs are called ${old.subject} and ${without.includes(old) ? 'the old' : 'the new'} one has no subject key id: OpenSSL clients that trust both would refuse one of them, whatever the order`,
    route: 'refused',
  };
}

function first({ old, oldKeyAvailable, now }: ObstacleQuestion): Obstacle | undefined {
  const name = `the old CA (${old.subject})`;
  if (!oldKeyAvailable) return bundle('no-old-key', `the private key of ${name} is not there to sign a bridge`);
  if (now >= old.notAfter) return bundle('expired', `${name} ended on ${day(old.notAfter)}, and a bridge ends with it`);
  if (now < old.notBefore) return bundle('not-yet-valid', `${name} is valid from ${day(old.notBefore)} only`);
  if (!old.isCA) return bundle('not-a-ca', `${name} does not say that it is a CA`);
  if (old.pathLen === 0)
    return bundle('path-length', `${name} has path length 0, which allows leafs below it and no bridge`);
  if (old.nameConstraints)
    return bundle(
      'name-constraints',
      `${name} has name constraints, which verifiers apply to all that is behind a bridge`,
    );
  if (
    old.extKeyUsages.length > 0 &&
    !(old.extKeyUsages.includes('serverAuth') && old.extKeyUsages.includes('clientAuth'))
  )
    return bundle(
      'ext-key-usage',
      `${name} is limited to ${old.extKeyUsages.join(', ')}: a bridge needs serverAuth and clientAuth`,
    );
  if (old.keyUsages && !old.keyUsages.includes('keyCertSign'))
    return bundle('key-usage', `the key usage of ${name} lacks keyCertSign, so most verifiers take nothing it signed`);
  return undefined;
}

const bundle = (reason: ObstacleReason, message: string): Obstacle => ({ reason, message, route: 'bundle' });
