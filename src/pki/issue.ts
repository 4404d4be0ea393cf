// What makes every certificate of ours: an issuer that is a pair, a serial no one can guess, an authority key id by RFC 5280.

import { type KeyObject, randomBytes } from 'node:crypto';
import { type Certificate, readCertificate } from './certificate.ts';
import { bytesOf } from './der.ts';
import { PkiError } from './errors.ts';
import { encodeAuthorityKeyId } from './extensions.ts';
import { matches } from './keys.ts';
import { type Draft, signDraft } from './slices.ts';

/** A CA that can sign: its certificate and its private key. */
export interface Issuer {
  certificate: Certificate;
  key: KeyObject;
}

/** 127 random bits, positive, never zero (RFC 5280 section 4.1.2.2 wants at most 20 bytes, browsers at least 64 bits of chance). */
export function randomSerial(): Uint8Array {
  const serial = new Uint8Array(randomBytes(16));
  serial[0] = ((serial[0] ?? 0) & 0x7f) | 0x01;
  return serial;
}

/** The certificate that `issuer` signs. Refuses a key that is not the issuer's, and a validity that ends before it starts. */
export function issueFrom(issuer: Issuer, draft: Omit<Draft, 'issuerDer'>): Certificate {
  const { certificate, key } = issuer;
  if (!matches(certificate, key))
    throw new PkiError(`the private key given for ${certificate.subject} is not that certificate's key`, {
      hints: ['compare: openssl x509 -pubkey -noout -in CERT; openssl pkey -pubout -in KEY'],
    });
  if (draft.notAfter <= draft.notBefore)
    throw new PkiError(`${certificate.subject} cannot issue anything valid: it ended on ${day(certificate.notAfter)}`);
  return readCertificate(signDraft({ ...draft, issuerDer: certificate.slices.subjectDer }, key));
}

/** DER of the authority key id extension for what this CA issues: its key id alone, and nothing where it has none. */
export const authorityKeyIdFor = (issuer: Certificate): Uint8Array[] =>
  issuer.keyId === undefined ? [] : [encodeAuthorityKeyId(bytesOf(issuer.keyId))];

export const day = (at: number): string => new Date(at).toISOString().slice(0, 10);
