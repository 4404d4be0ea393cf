// Whom OpenSSL takes for a certificate's issuer: by name, key ids and kind of key, before any signature is looked at.

import { familyOf, signatureKind } from './algorithms.ts';
import { authorityKeyIdOf, type Certificate } from './certificate.ts';
import { hexOf } from './der.ts';
import { canonicalName } from './names.ts';

/** The first that may have issued `child` and is valid now; failing that the one of them that ends last. */
export function bestIssuer(child: Certificate, pool: readonly Certificate[], now: number): Certificate | undefined {
  const candidates = pool.filter((candidate) => candidate !== child && likelyIssued(candidate, child));
  const valid = candidates.find((candidate) => withinDates(candidate, now));
  return (
    valid ??
    candidates.reduce<Certificate | undefined>(
      (best, next) => (best && best.notAfter >= next.notAfter ? best : next),
      undefined,
    )
  );
}

/** notAfter itself is over already (X509_cmp_time takes equal for earlier). */
export const withinDates = (certificate: Certificate, now: number): boolean =>
  seconds(now) >= certificate.notBefore && seconds(now) < certificate.notAfter;

const seconds = (now: number): number => Math.floor(now / 1000) * 1000;

/** ossl_x509_likely_issued: names, key ids, kind of key. Not the signature. */
function likelyIssued(issuer: Certificate, child: Certificate): boolean {
  return (
    canonical(issuer, 'subject') === canonical(child, 'issuer') &&
    keyIdsAgree(issuer, child) &&
    signatureKind(child.slices.signatureAlgorithm)?.family === familyOf(issuer.publicKey)
  );
}

/** X509_check_akid: what the child says of its issuer's key id, serial and issuer is not contradicted. */
function keyIdsAgree(issuer: Certificate, child: Certificate): boolean {
  const said = authorityKeyIdOf(child);
  if (!said) return true;
  if (said.keyId && issuer.keyId !== undefined && hexOf(said.keyId) !== issuer.keyId) return false;
  if (said.serial && hexOf(said.serial) !== issuer.serial) return false;
  return !said.issuerDer || canonicalName(said.issuerDer) === canonical(issuer, 'issuer');
}

/** EXFLAG_SS: self-issued, and nothing says otherwise. A bridge of equal names without an authority key id counts as self-signed. */
export const selfSigned = (certificate: Certificate): boolean => likelyIssued(certificate, certificate);

/** EXFLAG_SI: issuer and subject are one name. */
export const selfIssued = (certificate: Certificate): boolean =>
  canonical(certificate, 'subject') === canonical(certificate, 'issuer');

const canonicalNames = new WeakMap<Certificate, { subject: string; issuer: string }>();

function canonical(certificate: Certificate, which: 'subject' | 'issuer'): string {
  const known = canonicalNames.get(certificate) ?? {
    subject: canonicalName(certificate.slices.subjectDer),
    issuer: canonicalName(certificate.slices.issuerDer),
  };
  canonicalNames.set(certificate, known);
  return known[which];
}
