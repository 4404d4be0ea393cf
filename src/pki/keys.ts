// Key pairs: made, named, and told apart by their public half.

import { createHash, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { hexOf } from './der.ts';
import { PkiError } from './errors.ts';

export const KEY_TYPES = ['RSA-2048', 'RSA-3072', 'RSA-4096', 'EC-P-256', 'EC-P-384', 'Ed25519'] as const;
export type KeyType = (typeof KEY_TYPES)[number];

/** A new private key. RSA-4096 takes about a second, during which this process does nothing else. */
export function generateKey(keyType: KeyType): KeyObject {
  switch (keyType) {
    case 'RSA-2048':
    case 'RSA-3072':
    case 'RSA-4096':
      return generateKeyPairSync('rsa', { modulusLength: Number(keyType.slice(4)) }).privateKey;
    case 'EC-P-256':
      return generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).privateKey;
    case 'EC-P-384':
      return generateKeyPairSync('ec', { namedCurve: 'secp384r1' }).privateKey;
    case 'Ed25519':
      return generateKeyPairSync('ed25519').privateKey;
    default:
      // A caller may have it from a certificate, whose key can be of any kind.
      throw new PkiError(`keys of type ${keyType satisfies never} are not made here`, {
        hints: [`choose one of ${KEY_TYPES.join(', ')}`],
      });
  }
}

const CURVES: Readonly<Record<string, string>> = { prime256v1: 'P-256', secp384r1: 'P-384', secp521r1: 'P-521' };

/** `RSA-2048`, `EC-P-256`, `Ed25519`; for kinds no one should meet, OpenSSL's own name. */
export function keyTypeOf(key: KeyObject): string {
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = key;
  switch (type) {
    case 'rsa':
      return `RSA-${details?.modulusLength}`;
    case 'ec':
      return `EC-${CURVES[details?.namedCurve ?? ''] ?? details?.namedCurve}`;
    case 'ed25519':
      return 'Ed25519';
    default:
      return type ?? 'unknown';
  }
}

export const publicHalf = (key: KeyObject): KeyObject => (key.type === 'private' ? createPublicKey(key) : key);

/** DER of the SubjectPublicKeyInfo of a private or public key. */
export const spkiDer = (key: KeyObject): Uint8Array =>
  new Uint8Array(publicHalf(key).export({ type: 'spki', format: 'der' }));

/** SHA-256 of the SubjectPublicKeyInfo, hex: `CertFact.spki` and `Store.keySpki`. */
export const publicSpki = (key: KeyObject): string => hexOf(createHash('sha256').update(spkiDer(key)).digest());

/** Whether certificate and key are a pair. Compares the keys, not their encodings. */
export const matches = (certificate: { publicKey: KeyObject }, key: KeyObject): boolean =>
  certificate.publicKey.equals(publicHalf(key));
