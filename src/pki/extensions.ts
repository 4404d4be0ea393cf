// Certificate extensions: read into facts, and encoded where a certificate of ours needs a new one (RFC 5280 section 4.2).

import { AsnConvert, OctetString } from '@peculiar/asn1-schema';
import {
  AuthorityKeyIdentifier,
  BasicConstraints,
  ExtendedKeyUsage,
  Extension as ExtensionSchema,
  GeneralName,
  GeneralNames,
  KeyIdentifier,
  KeyUsage,
  SubjectKeyIdentifier,
} from '@peculiar/asn1-x509';
import { childrenOf, DerError, type Element, expectTag, oidText, readOnly, TAG } from './der.ts';
import { PkiError } from './errors.ts';

export const OID = {
  subjectKeyId: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  nameConstraints: '2.5.29.30',
  authorityKeyId: '2.5.29.35',
  policyConstraints: '2.5.29.36',
  extKeyUsage: '2.5.29.37',
} as const;

/** One extension as it stands in a certificate; `raw` is the whole of it, to be copied. */
export interface Extension {
  oid: string;
  critical: boolean;
  /** What the OCTET STRING holds. */
  value: Uint8Array;
  raw: Uint8Array;
}

/** Reads the SEQUENCE OF Extension; the same extension twice is an error, as in Go. */
export function readExtensions(sequence: Element): Extension[] {
  const extensions = childrenOf(expectTag(sequence, TAG.sequence)).map(readExtension);
  if (new Set(extensions.map(({ oid }) => oid)).size < extensions.length)
    throw new DerError('an extension that is there twice');
  return extensions;
}

function readExtension(element: Element): Extension {
  const [id, ...rest] = childrenOf(expectTag(element, TAG.sequence));
  const critical = rest[0]?.tag === TAG.boolean ? rest.shift() : undefined;
  const value = expectTag(rest[0], TAG.octetString).content;
  if (rest.length > 1) throw new DerError('an extension with more than a value');
  return { oid: oidText(expectTag(id, TAG.oid)), critical: critical?.content[0] === 0xff, value, raw: element.raw };
}

/** RFC 5280 section 4.2.1.3, by bit. */
const KEY_USAGES = [
  'digitalSignature',
  'nonRepudiation',
  'keyEncipherment',
  'dataEncipherment',
  'keyAgreement',
  'keyCertSign',
  'cRLSign',
  'encipherOnly',
  'decipherOnly',
] as const;
export type KeyUsageName = (typeof KEY_USAGES)[number];

/** RFC 5280 section 4.2.1.12; usages without a name there keep their number. */
const EXT_KEY_USAGES: Readonly<Record<string, string>> = {
  '2.5.29.37.0': 'anyExtendedKeyUsage',
  '1.3.6.1.5.5.7.3.1': 'serverAuth',
  '1.3.6.1.5.5.7.3.2': 'clientAuth',
  '1.3.6.1.5.5.7.3.3': 'codeSigning',
  '1.3.6.1.5.5.7.3.4': 'emailProtection',
  '1.3.6.1.5.5.7.3.8': 'timeStamping',
  '1.3.6.1.5.5.7.3.9': 'OCSPSigning',
};

export function readBasicConstraints(value: Uint8Array): { isCA: boolean; pathLen?: number } {
  readOnly(value, TAG.sequence);
  const { cA, pathLenConstraint } = AsnConvert.parse(value, BasicConstraints);
  return pathLenConstraint === undefined ? { isCA: cA } : { isCA: cA, pathLen: pathLenConstraint };
}

export function readKeyUsage(value: Uint8Array): KeyUsageName[] {
  const [, ...bytes] = readOnly(value, TAG.bitString).content;
  return KEY_USAGES.filter((_, bit) => ((bytes[bit >> 3] ?? 0) & (0x80 >> (bit & 7))) !== 0);
}

export function readExtKeyUsage(value: Uint8Array): string[] {
  return childrenOf(readOnly(value, TAG.sequence)).map((usage) => EXT_KEY_USAGES[oidText(usage)] ?? oidText(usage));
}

export const readSubjectKeyId = (value: Uint8Array): Uint8Array => readOnly(value, TAG.octetString).content;

/** An authority key id, and the issuer and serial that some CAs put beside it or in its place (trap 7c). */
export interface AuthorityKeyId {
  keyId?: Uint8Array;
  /** DER of the Name. */
  issuerDer?: Uint8Array;
  /** Content of the INTEGER. */
  serial?: Uint8Array;
}

export function readAuthorityKeyId(value: Uint8Array): AuthorityKeyId {
  const fields = childrenOf(readOnly(value, TAG.sequence));
  const field = (tag: number): Element | undefined => fields.find((element) => element.tag === tag);
  const keyId = field(0x80)?.content;
  const serial = field(0x82)?.content;
  const issuers = field(0xa1);
  const directory = issuers && childrenOf(issuers).find((name) => name.tag === 0xa4)?.content;
  return { ...(keyId && { keyId }), ...(serial && { serial }), ...(directory && { issuerDer: directory }) };
}

/** DNS names and IP addresses (RFC 5952 text for IPv6). Other kinds of names are left out. */
export function readSubjectAltName(value: Uint8Array): { dnsNames: string[]; ipAddresses: string[] } {
  readOnly(value, TAG.sequence);
  const names = AsnConvert.parse(value, GeneralNames);
  return {
    dnsNames: names.flatMap(({ dNSName }) => (dNSName === undefined ? [] : [dNSName])),
    ipAddresses: names.flatMap(({ iPAddress }) => (iPAddress === undefined ? [] : [iPAddress])),
  };
}

export const encodeBasicConstraints = (pathLen?: number): Uint8Array =>
  encode(
    OID.basicConstraints,
    true,
    new BasicConstraints(pathLen === undefined ? { cA: true } : { cA: true, pathLenConstraint: pathLen }),
  );

export function encodeKeyUsage(usages: readonly KeyUsageName[]): Uint8Array {
  const bits = usages.reduce((sum, usage) => sum | (1 << KEY_USAGES.indexOf(usage)), 0);
  return encode(OID.keyUsage, true, new KeyUsage(bits));
}

export const encodeExtKeyUsage = (usages: readonly ('serverAuth' | 'clientAuth')[]): Uint8Array =>
  encode(
    OID.extKeyUsage,
    false,
    new ExtendedKeyUsage(usages.map((usage) => (usage === 'serverAuth' ? '1.3.6.1.5.5.7.3.1' : '1.3.6.1.5.5.7.3.2'))),
  );

export const encodeSubjectKeyId = (id: Uint8Array): Uint8Array =>
  encode(OID.subjectKeyId, false, new SubjectKeyIdentifier(id));

/** Key id only: with issuer and serial in it OpenSSL refuses the leaf over a bridge (trap 7c). */
export const encodeAuthorityKeyId = (id: Uint8Array): Uint8Array =>
  encode(OID.authorityKeyId, false, new AuthorityKeyIdentifier({ keyIdentifier: new KeyIdentifier(id) }));

/** Throws a PkiError for an address that is none. */
export const encodeSubjectAltName = (dnsNames: readonly string[], ipAddresses: readonly string[]): Uint8Array =>
  encode(
    OID.subjectAltName,
    false,
    new GeneralNames([
      ...dnsNames.map((dNSName) => new GeneralName({ dNSName })),
      ...ipAddresses.map((iPAddress) => checkedAddress(new GeneralName({ iPAddress }))),
    ]),
  );

function checkedAddress(name: GeneralName): GeneralName {
  try {
    // The schema would also take 10.0.0.0/8, which belongs into name constraints.
    if (!name.iPAddress?.includes('/')) AsnConvert.serialize(name);
    else throw new DerError('a network');
  } catch (cause) {
    throw new PkiError(`${name.iPAddress} is not an IP address`, { cause });
  }
  return name;
}

function encode(extnID: string, critical: boolean, value: unknown): Uint8Array {
  const extnValue = new OctetString(AsnConvert.serialize(value));
  return new Uint8Array(AsnConvert.serialize(new ExtensionSchema({ extnID, critical, extnValue })));
}
