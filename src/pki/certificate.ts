// One certificate: the bytes, and what reroot needs to know of them. Field meanings are those of CertFact in the core's inventory.

import { createHash, type KeyObject, X509Certificate } from 'node:crypto';
import { base64Of, hexOf } from './der.ts';
import {
  type AuthorityKeyId,
  type Extension,
  type KeyUsageName,
  OID,
  readAuthorityKeyId,
  readBasicConstraints,
  readExtKeyUsage,
  readKeyUsage,
  readSubjectAltName,
  readSubjectKeyId,
} from './extensions.ts';
import { keyTypeOf } from './keys.ts';
import { nameText } from './names.ts';
import { encodeBlock } from './pem-blocks.ts';
import { type Slices, sliceCertificate } from './slices.ts';

export interface Certificate {
  der: Uint8Array;
  /** SHA-256 over the DER, lower-case hex. */
  fingerprint: string;
  /** DER of the Name, base64. */
  subjectDer: string;
  issuerDer: string;
  /** RFC 4514 text, for people. */
  subject: string;
  issuer: string;
  /** Lower-case hex of the INTEGER's content. */
  serial: string;
  /** Milliseconds since the epoch. */
  notBefore: number;
  notAfter: number;
  isCA: boolean;
  pathLen?: number;
  /** Subject and authority key identifiers, hex. */
  keyId?: string;
  authorityKeyId?: string;
  /** SHA-256 of the SubjectPublicKeyInfo, hex. */
  spki: string;
  publicKey: KeyObject;
  /** `RSA-2048`, `EC-P-256`, `Ed25519`, … */
  keyType: string;
  /** RFC 5280 names; empty means unrestricted. */
  extKeyUsages: string[];
  /** RFC 5280 names; undefined when the extension is absent. */
  keyUsages?: KeyUsageName[];
  dnsNames: string[];
  ipAddresses: string[];
  nameConstraints: boolean;
  /** Issuer and subject are the same bytes, and its own key verifies its signature. */
  selfSigned: boolean;
  /** One CERTIFICATE block with a newline at its end. */
  pem: string;
  /** The raw parts, for those who make or judge certificates. */
  slices: Slices;
}

/** Reads one certificate from DER. Throws a DerError or PkiError; `parseCertificates` turns either into a PemError. */
export function readCertificate(der: Uint8Array): Certificate {
  const bytes = new Uint8Array(der);
  const slices = sliceCertificate(bytes);
  const native = new X509Certificate(bytes);
  const { publicKey } = native;
  const known = interpret(slices.extensions);
  const certificate: Certificate = {
    der: bytes,
    fingerprint: hexOf(createHash('sha256').update(bytes).digest()),
    subjectDer: base64Of(slices.subjectDer),
    issuerDer: base64Of(slices.issuerDer),
    subject: nameText(slices.subjectDer),
    issuer: nameText(slices.issuerDer),
    serial: hexOf(slices.serial),
    notBefore: slices.notBefore,
    notAfter: slices.notAfter,
    ...known,
    spki: hexOf(createHash('sha256').update(slices.spkiDer).digest()),
    publicKey,
    keyType: keyTypeOf(publicKey),
    selfSigned: false,
    pem: encodeBlock('CERTIFICATE', bytes),
    slices,
  };
  certificate.selfSigned = certificate.subjectDer === certificate.issuerDer && verifiedBy(certificate, certificate);
  return certificate;
}

type Known = Pick<
  Certificate,
  | 'isCA'
  | 'pathLen'
  | 'keyId'
  | 'authorityKeyId'
  | 'extKeyUsages'
  | 'keyUsages'
  | 'dnsNames'
  | 'ipAddresses'
  | 'nameConstraints'
>;

function interpret(extensions: readonly Extension[]): Known {
  const value = (oid: string): Uint8Array | undefined => extensions.find((extension) => extension.oid === oid)?.value;
  const read = <T>(oid: string, reader: (value: Uint8Array) => T): T | undefined => {
    const found = value(oid);
    return found && reader(found);
  };
  const keyId = read(OID.subjectKeyId, readSubjectKeyId);
  const authority = read(OID.authorityKeyId, readAuthorityKeyId)?.keyId;
  const keyUsages = read(OID.keyUsage, readKeyUsage);
  return {
    ...(read(OID.basicConstraints, readBasicConstraints) ?? { isCA: false }),
    ...(keyId && { keyId: hexOf(keyId) }),
    ...(authority && { authorityKeyId: hexOf(authority) }),
    ...(keyUsages && { keyUsages }),
    extKeyUsages: read(OID.extKeyUsage, readExtKeyUsage) ?? [],
    ...(read(OID.subjectAltName, readSubjectAltName) ?? { dnsNames: [], ipAddresses: [] }),
    nameConstraints: value(OID.nameConstraints) !== undefined,
  };
}

/** The authority key identifier with its issuer and serial, where there is one. */
export function authorityKeyIdOf(certificate: Certificate): AuthorityKeyId | undefined {
  const found = certificate.slices.extensions.find(({ oid }) => oid === OID.authorityKeyId);
  return found && readAuthorityKeyId(found.value);
}

// Verdicts by certificate and key. The same few certificates are asked about thousands of times when a plan is simulated.
const verdicts = new WeakMap<Certificate, Map<string, boolean>>();

/** Whether the issuer's key verifies this certificate's signature. Says nothing about names, dates or usages. */
export function verifiedBy(certificate: Certificate, issuer: Certificate): boolean {
  const known = verdicts.get(certificate) ?? new Map<string, boolean>();
  verdicts.set(certificate, known);
  const seen = known.get(issuer.spki);
  if (seen !== undefined) return seen;
  const verdict = verifySignature(certificate, issuer.publicKey);
  known.set(issuer.spki, verdict);
  return verdict;
}

function verifySignature(certificate: Certificate, key: KeyObject): boolean {
  try {
    return new X509Certificate(certificate.der).verify(key);
  } catch {
    // A key of another kind than the signature, or one this OpenSSL cannot use: it does not verify.
    return false;
  }
}

/** What the core keeps of a certificate: a CertFact. */
export interface Facts
  extends Pick<
    Certificate,
    | 'fingerprint'
    | 'subject'
    | 'issuer'
    | 'subjectDer'
    | 'issuerDer'
    | 'serial'
    | 'notBefore'
    | 'notAfter'
    | 'isCA'
    | 'pathLen'
    | 'keyId'
    | 'authorityKeyId'
    | 'spki'
    | 'keyType'
    | 'extKeyUsages'
    | 'dnsNames'
    | 'ipAddresses'
    | 'nameConstraints'
    | 'selfSigned'
  > {
  keyUsages?: string[];
  signedBy: string[];
}

/** The plain part of a certificate, with those of the self-signed CAs among `cas` whose key verifies it. */
export function facts(certificate: Certificate, cas: readonly Certificate[]): Facts {
  const { der, publicKey, pem, slices, ...plain } = certificate;
  const signedBy = cas.filter((ca) => ca.selfSigned && verifiedBy(certificate, ca)).map((ca) => ca.fingerprint);
  return { ...plain, signedBy: [...new Set(signedBy)] };
}
