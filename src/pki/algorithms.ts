// Signatures: which algorithm a key signs with, and what an algorithm in a certificate is worth.

import { type KeyObject, sign } from 'node:crypto';
import { bytesOf } from './der.ts';
import { PkiError } from './errors.ts';

interface Algorithm {
  /** DER of the AlgorithmIdentifier. */
  identifier: Uint8Array;
  /** Undefined where the algorithm brings its own hash (Ed25519). */
  hash?: string;
}

// RFC 4055 section 5 (parameters NULL), RFC 5758 section 3.2 (none), RFC 8410 section 3 (none).
const SIGNING: Readonly<Record<string, Algorithm>> = {
  rsa: { identifier: bytesOf('300d06092a864886f70d01010b0500'), hash: 'sha256' },
  prime256v1: { identifier: bytesOf('300a06082a8648ce3d040302'), hash: 'sha256' },
  secp384r1: { identifier: bytesOf('300a06082a8648ce3d040303'), hash: 'sha384' },
  secp521r1: { identifier: bytesOf('300a06082a8648ce3d040304'), hash: 'sha512' },
  ed25519: { identifier: bytesOf('300506032b6570') },
};

/** The algorithm this key signs with: SHA-256 with RSA and P-256, the curve's own size above, Ed25519 as it is. */
export function algorithmFor(key: KeyObject): Algorithm {
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = key;
  const algorithm = SIGNING[(type === 'ec' ? details?.namedCurve : type) ?? ''];
  if (!algorithm)
    throw new PkiError(`keys of type ${type ?? 'unknown'} cannot sign certificates here: RSA, ECDSA and Ed25519 can`);
  return algorithm;
}

export function signBytes(key: KeyObject, bytes: Uint8Array): Uint8Array {
  return new Uint8Array(sign(algorithmFor(key).hash ?? null, bytes, key));
}

export type KeyFamily = 'RSA' | 'EC' | 'Ed25519' | 'other';

/** What a signature algorithm of a certificate needs: the kind of key that makes it, and whether verifiers still take it. */
export interface SignatureKind {
  family: KeyFamily;
  hash?: 'sha256' | 'sha384' | 'sha512';
}

const KINDS: Readonly<Record<string, SignatureKind>> = {
  '1.2.840.113549.1.1.11': { family: 'RSA', hash: 'sha256' },
  '1.2.840.113549.1.1.12': { family: 'RSA', hash: 'sha384' },
  '1.2.840.113549.1.1.13': { family: 'RSA', hash: 'sha512' },
  '1.2.840.10045.4.3.2': { family: 'EC', hash: 'sha256' },
  '1.2.840.10045.4.3.3': { family: 'EC', hash: 'sha384' },
  '1.2.840.10045.4.3.4': { family: 'EC', hash: 'sha512' },
  '1.3.101.112': { family: 'Ed25519' },
};

/** Undefined for what Kubernetes' verifiers refuse (MD5, SHA-1: Go since 1.18) or what no cluster CA was seen with (PSS, DSA). */
export const signatureKind = (oid: string): SignatureKind | undefined => KINDS[oid];

export function familyOf(key: KeyObject): KeyFamily {
  switch (key.asymmetricKeyType) {
    case 'rsa':
      return 'RSA';
    case 'ec':
      return 'EC';
    case 'ed25519':
      return 'Ed25519';
    default:
      return 'other';
  }
}

/** A private key as any caller may hold it. Kept here so that a public key in its place is told clearly. */
export function demandPrivate(key: KeyObject): KeyObject {
  if (key.type !== 'private') throw new PkiError(`a private key is needed to sign, this one is ${key.type}`);
  return key;
}
