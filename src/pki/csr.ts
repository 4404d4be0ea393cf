// Certificate signing requests (RFC 2986), for certificates that the cluster's own signers issue.

import { createPublicKey, type KeyObject, verify } from 'node:crypto';
import { algorithmFor, demandPrivate, familyOf, signatureKind, signBytes } from './algorithms.ts';
import {
  bitStringBytes,
  bytesOf,
  childrenOf,
  concat,
  contextTag,
  DerError,
  type Element,
  encodeElement,
  expectTag,
  oidText,
  readOnly,
  TAG,
} from './der.ts';
import { PemError } from './errors.ts';
import { encodeSubjectAltName, OID, readExtensions, readSubjectAltName } from './extensions.ts';
import { keyTypeOf, publicSpki, spkiDer } from './keys.ts';
import { encodeName, type NameParts, nameParts, nameText } from './names.ts';
import { blocksOf, decodeBody, encodeBlock } from './pem-blocks.ts';

const LABEL = 'CERTIFICATE REQUEST';
const EXTENSION_REQUEST = '1.2.840.113549.1.9.14'; // RFC 2985 section 5.4.2
const EXTENSION_REQUEST_DER = bytesOf('06092a864886f70d01090e');

export interface CSRRequest {
  /** The private key of the certificate to come. */
  key: KeyObject;
  subject: { commonName?: string; organizations?: readonly string[] };
  dnsNames?: readonly string[];
  ipAddresses?: readonly string[];
}

/** A request as PEM, as the CertificateSigningRequest API takes it (base64 of it goes into spec.request). */
export function makeCSR(request: CSRRequest): string {
  const { key, subject, dnsNames = [], ipAddresses = [] } = request;
  const { identifier } = algorithmFor(demandPrivate(key));
  const names = dnsNames.length + ipAddresses.length > 0 ? [encodeSubjectAltName(dnsNames, ipAddresses)] : [];
  const info = encodeElement(
    TAG.sequence,
    encodeElement(TAG.integer, Uint8Array.of(0)),
    encodeName(subject),
    spkiDer(key),
    encodeElement(contextTag(0), ...(names.length > 0 ? [extensionRequest(names)] : [])),
  );
  const signature = encodeElement(TAG.bitString, concat(Uint8Array.of(0), signBytes(key, info)));
  return encodeBlock(LABEL, encodeElement(TAG.sequence, info, identifier, signature));
}

const extensionRequest = (extensions: Uint8Array[]): Uint8Array =>
  encodeElement(
    TAG.sequence,
    EXTENSION_REQUEST_DER,
    encodeElement(TAG.set, encodeElement(TAG.sequence, ...extensions)),
  );

export interface CSR extends NameParts {
  /** RFC 4514 text. */
  subject: string;
  publicKey: KeyObject;
  /** SHA-256 of the SubjectPublicKeyInfo, hex. */
  spki: string;
  keyType: string;
  dnsNames: string[];
  ipAddresses: string[];
}

/** The first CERTIFICATE REQUEST block of the text. Throws a PemError if there is none, or its signature is not by its own key. */
export function parseCSR(text: string | Uint8Array, what: string): CSR {
  const block = blocksOf(text, what).find(({ label }) => label === LABEL || label === `NEW ${LABEL}`);
  if (!block) throw new PemError(`${what} holds no certificate signing request`);
  const der = decodeBody(block, what);
  try {
    return readCSR(der);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new PemError(`${what}: PEM block ${block.number} is not a certificate signing request: ${why}`, { cause });
  }
}

function readCSR(der: Uint8Array): CSR {
  const [info, algorithm, signature] = childrenOf(readOnly(der, TAG.sequence));
  const [, subject, spki, attributes] = childrenOf(expectTag(info, TAG.sequence));
  const subjectDer = expectTag(subject, TAG.sequence).raw;
  const key = Buffer.from(expectTag(spki, TAG.sequence).raw);
  const publicKey = createPublicKey({ key, format: 'der', type: 'spki' });
  demandSignature(expectTag(info, TAG.sequence), expectTag(algorithm, TAG.sequence), signature, publicKey);
  return {
    ...nameParts(subjectDer),
    subject: nameText(subjectDer),
    publicKey,
    spki: publicSpki(publicKey),
    keyType: keyTypeOf(publicKey),
    ...requestedNames(attributes),
  };
}

function demandSignature(info: Element, algorithm: Element, signature: Element | undefined, key: KeyObject): void {
  const kind = signatureKind(oidText(expectTag(childrenOf(algorithm)[0], TAG.oid)));
  const bytes = bitStringBytes(expectTag(signature, TAG.bitString));
  if (kind?.family !== familyOf(key) || !verify(kind.hash ?? null, info.raw, key, bytes))
    throw new DerError('its signature is not by the key in it');
}

function requestedNames(attributes: Element | undefined): { dnsNames: string[]; ipAddresses: string[] } {
  const none = { dnsNames: [], ipAddresses: [] };
  if (!attributes) return none;
  for (const attribute of childrenOf(expectTag(attributes, contextTag(0)))) {
    const [type, values] = childrenOf(expectTag(attribute, TAG.sequence));
    if (oidText(expectTag(type, TAG.oid)) !== EXTENSION_REQUEST) continue;
    const [extensions] = childrenOf(expectTag(values, TAG.set));
    const names = readExtensions(expectTag(extensions, TAG.sequence)).find(({ oid }) => oid === OID.subjectAltName);
    if (names) return readSubjectAltName(names.value);
  }
  return none;
}
