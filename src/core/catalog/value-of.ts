// From certificates to values: what a store's content is of one authority. By fingerprint and signature, never by name.

import type { CertFact, Store } from '../model/inventory.ts';
import type { AuthorityRotation } from '../model/rotation.ts';
import type { Credential, Signer, Trust } from '../model/value.ts';

type Generations = Pick<AuthorityRotation, 'old' | 'new'>;

/** Which generations are among these anchors. Anchors of others are not looked at. */
export function trustOf(certs: readonly CertFact[], a: Generations): Trust {
  const old = certs.some((cert) => cert.fingerprint === a.old.fingerprint);
  const fresh = certs.some((cert) => cert.fingerprint === a.new.fingerprint);
  if (old) return fresh ? 'both' : 'old';
  return fresh ? 'new' : 'none';
}

/** The issuer of a chain's first certificate and the bridge behind it. */
export function credentialOf(chain: readonly CertFact[], a: Generations): Credential {
  const [leaf, ...rest] = chain;
  if (!leaf) return 'other';
  if (isFrom(leaf, a.new, a.old)) return rest.some((cert) => isBridge(cert, a.new)) ? 'new+bridge' : 'new';
  if (isFrom(leaf, a.old, a.new)) return rest.some((cert) => isBridge(cert, a.old)) ? 'old+reverse' : 'old';
  return 'other';
}

/** Signature first; the name with the key id only where the CA is not among those the inventory could verify against. */
function isFrom(leaf: CertFact, ca: CertFact, other: CertFact): boolean {
  if (leaf.signedBy.includes(ca.fingerprint)) return true;
  if (leaf.signedBy.includes(other.fingerprint)) return false;
  const named = leaf.issuerDer === ca.subjectDer && ca.subjectDer !== other.subjectDer;
  return named && leaf.authorityKeyId !== undefined && leaf.authorityKeyId === ca.keyId;
}

/** An intermediate that stands for this CA: its key under another certificate. */
const isBridge = (cert: CertFact, ca: CertFact): boolean =>
  cert.spki === ca.spki && cert.fingerprint !== ca.fingerprint;

/**
 * What a controller manager finds in the file it signs with: it wants one certificate whose key fits
 * (K:pkg/controller/certificates/signer/ca_provider.go).
 */
export function signerOf(store: Pick<Store, 'certs' | 'keySpki'>, a: Generations): Signer {
  const [cert, ...more] = store.certs;
  if (!cert) return 'absent';
  if (more.length > 0) return 'bundle';
  if (store.keySpki !== undefined && store.keySpki !== cert.spki) return 'mismatched';
  if (cert.fingerprint === a.old.fingerprint) return 'old';
  return cert.fingerprint === a.new.fingerprint ? 'new' : 'mismatched';
}
