// The same leaf from another CA. What a component shows stays what it was, to the byte: only who vouches for it changes.

import type { KeyObject } from 'node:crypto';
import type { Certificate } from './certificate.ts';
import { PkiError } from './errors.ts';
import { encodeSubjectKeyId, OID } from './extensions.ts';
import { authorityKeyIdFor, type Issuer, issueFrom, randomSerial } from './issue.ts';
import { spkiDer } from './keys.ts';
import { keyIdOf } from './make-ca.ts';
import { BACKDATE } from './time.ts';

export type ReissueOptions = {
  /** A new key. By default the leaf keeps its own, and its file is switched by one rename (trap 8). */
  publicKey?: KeyObject;
  serial?: Uint8Array;
} & ({ notBefore: number; notAfter: number } | { now: number }); // Either these times, or the old leaf's lifetime from `now` on. Both are cut to the CA's own.

/**
 * `leaf` as `ca` would have issued it. Subject, names, usages and every other extension, known to reroot or not, are copied as bytes and in order.
 * Other than these: issuer, validity, serial and signature; the authority key id, which is there only if the CA has a key id, and holds
 * nothing else (trap 7c); with a new key the key, and the leaf's own key id if it had one.
 */
export function reissueLeaf(leaf: Certificate, ca: Issuer, options: ReissueOptions): Certificate {
  if (leaf.isCA) throw new PkiError(`${leaf.subject} is a CA, not a leaf: it is not reissued but replaced`);
  const { publicKey } = options;
  const { notBefore, notAfter } = 'now' in options ? sameLife(leaf, options.now) : options;
  const spki = publicKey ? spkiDer(publicKey) : leaf.slices.spkiDer;
  return issueFrom(ca, {
    serial: options.serial ?? randomSerial(),
    subjectDer: leaf.slices.subjectDer,
    notBefore: Math.max(notBefore, ca.certificate.notBefore),
    notAfter: Math.min(notAfter, ca.certificate.notAfter),
    spkiDer: spki,
    extensions: extensionsFor(leaf, ca.certificate, publicKey && spki),
  });
}

/**
 * As long as the old leaf's, started 24 hours early for clocks that lag (trap 9). A leaf of less than ten days gives up a tenth of its life for
 * that and no more, or it would be over before it is served.
 */
function sameLife(leaf: Certificate, now: number): { notBefore: number; notAfter: number } {
  const life = leaf.notAfter - leaf.notBefore;
  const notBefore = now - Math.min(BACKDATE, life / 10);
  return { notBefore, notAfter: notBefore + life };
}

function extensionsFor(leaf: Certificate, ca: Certificate, newSpki: Uint8Array | undefined): Uint8Array[] {
  const authority = authorityKeyIdFor(ca);
  const { extensions } = leaf.slices;
  const kept = extensions.flatMap(({ oid, raw }) => {
    if (oid === OID.authorityKeyId) return authority;
    if (oid === OID.subjectKeyId && newSpki) return [encodeSubjectKeyId(keyIdOf(newSpki))];
    return [raw];
  });
  return extensions.some(({ oid }) => oid === OID.authorityKeyId) ? kept : [...kept, ...authority];
}
