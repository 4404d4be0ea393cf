// New authorities: self-signed, with everything that any verifier asks of a CA, and nothing that would stand in a rotation's way.

import { createHash, type KeyObject } from 'node:crypto';
import { type Certificate, readCertificate } from './certificate.ts';
import { bitStringBytes, childrenOf, expectTag, readOnly, sameBytes, TAG } from './der.ts';
import { encodeBasicConstraints, encodeKeyUsage, encodeSubjectKeyId } from './extensions.ts';
import { day, type Issuer, randomSerial } from './issue.ts';
import { generateKey, type KeyType, spkiDer } from './keys.ts';
import { canonicalName, encodeName, nameParts } from './names.ts';
import { signDraft } from './slices.ts';
import { BACKDATE, END_OF_TIME } from './time.ts';

export type CARequest = {
  keyType: KeyType;
  /** Milliseconds since the epoch, as all times here; cut to what a certificate can hold. */
  notAfter: number;
  /** At most 20 bytes, positive; random by default. */
  serial?: Uint8Array;
  /** A key that exists already; otherwise one of `keyType` is made. */
  key?: KeyObject;
} & ({ commonName: string } | { subjectDer: Uint8Array }) &
  // Starts at `notBefore` exactly, or 24 hours before `now`.
  ({ notBefore: number } | { now: number });

/**
 * A self-signed CA: subject key id, critical keyUsage digitalSignature+keyCertSign+cRLSign, critical basicConstraints without a path length
 * (a path length of 0 forbids bridges, trap 7a). Its own authority key id is left out, as RFC 5280 section 4.2.1.1 allows.
 */
export function makeCA(request: CARequest): Issuer {
  const key = request.key ?? generateKey(request.keyType);
  const subjectDer = 'subjectDer' in request ? request.subjectDer : encodeName({ commonName: request.commonName });
  const spki = spkiDer(key);
  const der = signDraft(
    {
      serial: request.serial ?? randomSerial(),
      issuerDer: subjectDer,
      subjectDer,
      notBefore: 'notBefore' in request ? request.notBefore : request.now - BACKDATE,
      notAfter: Math.min(request.notAfter, END_OF_TIME),
      spkiDer: spki,
      extensions: [
        encodeKeyUsage(['digitalSignature', 'keyCertSign', 'cRLSign']),
        encodeBasicConstraints(),
        encodeSubjectKeyId(keyIdOf(spki)),
      ],
    },
    key,
  );
  return { certificate: readCertificate(der), key };
}

/**
 * RFC 5280 section 4.2.1.2 (1): SHA-1 of the public key's bits. Only a name for the key, so the hash's strength does not matter; OpenSSL and
 * Go before 1.25 make the same one, and a tool that makes a bridge of this CA without copying its key id is then right by luck (trap 1).
 */
export function keyIdOf(spki: Uint8Array): Uint8Array {
  const [, bits] = childrenOf(readOnly(spki, TAG.sequence));
  return new Uint8Array(
    createHash('sha1')
      .update(bitStringBytes(expectTag(bits, TAG.bitString)))
      .digest(),
  );
}

const COMMON_NAME_LIMIT = 64; // ub-common-name, RFC 5280 appendix A.1

/**
 * A common name for the CA that follows `old`: `kubernetes` gives `kubernetes-ca-2026-11-24`, `front-proxy-ca` gives
 * `front-proxy-ca-2026-11-24`; a second one on the same day gets `-2`. It never equals the old one's: two CAs of one name cannot be bridged.
 */
export function newSubject(old: Certificate, at: number): string {
  const { commonName = '' } = nameParts(old.slices.subjectDer);
  const { stem, date, count = '1' } = generationIn(commonName);
  const today = day(at);
  for (let n = date === today ? Number(count) + 1 : 1; ; n++) {
    const suffix = `ca-${today}${n === 1 ? '' : `-${n}`}`;
    const room = COMMON_NAME_LIMIT - suffix.length - 1;
    const name = stem === '' ? suffix : `${stem.slice(0, room)}-${suffix}`;
    if (!sameName(encodeName({ commonName: name }), old.slices.subjectDer)) return name;
  }
}

/** A CA's name taken apart, as `newSubject` makes them: `kubernetes-ca-2026-11-24-2` is `kubernetes`, the day and `2`. */
export function generationIn(name: string): { stem: string; date: string | undefined; count: string | undefined } {
  const [, stem = '', date, count] = /^(.*?)(?:(?:^|-)ca)?(?:-(\d{4}-\d\d-\d\d)(?:-(\d+))?)?$/is.exec(name) ?? [];
  return { stem, date, count };
}

/** Whether any verifier would hold the two for the same name. */
export const sameName = (a: Uint8Array, b: Uint8Array): boolean =>
  sameBytes(a, b) || canonicalName(a) === canonicalName(b);
