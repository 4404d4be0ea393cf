// Bridges: a CA certified by another, served after a leaf, so that a verifier which knows only the other accepts the leaf.
// The rules are those of the stacks that were measured, traps 1 to 7 of the reference.

import type { Certificate } from './certificate.ts';
import { bytesOf } from './der.ts';
import { PkiError } from './errors.ts';
import { encodeBasicConstraints, encodeExtKeyUsage, encodeKeyUsage, encodeSubjectKeyId } from './extensions.ts';
import { authorityKeyIdFor, day, type Issuer, issueFrom, randomSerial } from './issue.ts';
import { BACKDATE, DAY } from './time.ts';

/**
 * serving: goes into a server's chain. client: goes into a client's chain. peer: for one file that is shown both ways (etcd).
 * reverse: the old CA certified by the new, for servers, during a rollback.
 */
export type BridgePurpose = 'serving' | 'client' | 'peer' | 'reverse';

const USAGES = {
  serving: ['serverAuth'],
  client: ['clientAuth'],
  peer: ['serverAuth', 'clientAuth'],
  // With clientAuth, or without any usage, old client certificates would open a cluster that trusts only new (trap 2).
  reverse: ['serverAuth'],
} as const satisfies Record<BridgePurpose, readonly ('serverAuth' | 'clientAuth')[]>;

/** A reverse bridge is a back door as long as it is valid, so it is not for long. */
export const REVERSE_BRIDGE_LIFE = 7 * DAY;

export interface BridgeRequest {
  /** The CA that the bridge stands for: its subject, key and subject key id are copied as bytes. */
  of: Certificate;
  /** The CA that signs it. */
  by: Issuer;
  purpose: BridgePurpose;
  /** Milliseconds since the epoch. */
  now: number;
  /** Earlier than by the rules; later is cut. */
  notAfter?: number;
  serial?: Uint8Array;
}

/**
 * The subject key id is that of `of`, and none if it has none (OpenSSL refuses any other). The authority key id is that of `by`, if it has one, even
 * where both names are equal. Valid from a day ago, within the lives of both CAs: from that of `by` on the bridge is worth nothing.
 */
export function makeBridge(request: BridgeRequest): Certificate {
  const { of, by, purpose, now } = request;
  if (now < by.certificate.notBefore || now >= by.certificate.notAfter)
    throw new PkiError(
      `no bridge can be signed by ${by.certificate.subject}: it is valid from ${day(by.certificate.notBefore)} to ${day(by.certificate.notAfter)}`,
    );
  return issueFrom(by, {
    serial: request.serial ?? randomSerial(),
    subjectDer: of.slices.subjectDer,
    notBefore: Math.max(now - BACKDATE, by.certificate.notBefore),
    notAfter: Math.min(...ends(request)),
    spkiDer: of.slices.spkiDer,
    extensions: [
      encodeKeyUsage(['digitalSignature', 'keyCertSign', 'cRLSign']),
      encodeExtKeyUsage(USAGES[purpose]),
      encodeBasicConstraints(purpose === 'reverse' ? 0 : of.pathLen),
      ...(of.keyId === undefined ? [] : [encodeSubjectKeyId(bytesOf(of.keyId))]),
      ...authorityKeyIdFor(by.certificate),
    ],
  });
}

function ends({ of, by, purpose, now, notAfter }: BridgeRequest): number[] {
  const limits = [of.notAfter, by.certificate.notAfter];
  if (purpose === 'reverse') limits.push(now + REVERSE_BRIDGE_LIFE);
  return notAfter === undefined ? limits : [...limits, notAfter];
}
