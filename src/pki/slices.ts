// A certificate cut into the byte slices that others are made from (RFC 5280 section 4.1), and put together from such slices.

import { algorithmFor, demandPrivate, signBytes } from './algorithms.ts';
import {
  bitStringBytes,
  childrenOf,
  concat,
  contextTag,
  DerError,
  type Element,
  encodeElement,
  encodePositive,
  expectTag,
  hexOf,
  oidText,
  readOnly,
  TAG,
} from './der.ts';
import { type Extension, readExtensions } from './extensions.ts';
import { decodeTime, encodeTime } from './time.ts';

export interface Slices {
  /** 1 or 3, as people count (the field says 0 or 2). */
  version: number;
  /** Content of the INTEGER. */
  serial: Uint8Array;
  /** OID of the signature algorithm. */
  signatureAlgorithm: string;
  issuerDer: Uint8Array;
  subjectDer: Uint8Array;
  notBefore: number;
  notAfter: number;
  spkiDer: Uint8Array;
  extensions: Extension[];
}

export function sliceCertificate(der: Uint8Array): Slices {
  const [tbs, algorithm, signature, extra] = childrenOf(readOnly(der, TAG.sequence));
  if (extra) throw new DerError('a certificate with more than three parts');
  bitStringBytes(expectTag(signature, TAG.bitString));
  const fields = childrenOf(expectTag(tbs, TAG.sequence));
  const version = fields[0]?.tag === contextTag(0) ? versionOf(fields.shift()) : 1;
  const [serial, inner, issuer, validity, subject, spki, ...optional] = fields;
  if (hexOf(expectTag(inner, TAG.sequence).raw) !== hexOf(expectTag(algorithm, TAG.sequence).raw))
    throw new DerError('two signature algorithms that differ');
  const [notBefore, notAfter] = childrenOf(expectTag(validity, TAG.sequence));
  const extensions = optional.find(({ tag }) => tag === contextTag(3));
  return {
    version,
    serial: nonEmpty(expectTag(serial, TAG.integer)),
    signatureAlgorithm: oidText(expectTag(childrenOf(expectTag(inner, TAG.sequence))[0], TAG.oid)),
    issuerDer: expectTag(issuer, TAG.sequence).raw,
    subjectDer: expectTag(subject, TAG.sequence).raw,
    notBefore: decodeTime(notBefore),
    notAfter: decodeTime(notAfter),
    spkiDer: expectTag(spki, TAG.sequence).raw,
    extensions: extensions ? readExtensions(readOnly(extensions.content, TAG.sequence)) : [],
  };
}

function versionOf(wrapper: Element | undefined): number {
  const { content } = readOnly(expectTag(wrapper, contextTag(0)).content, TAG.integer);
  const value = content[0] ?? 3;
  if (content.length !== 1 || value > 2) throw new DerError('a version that X.509 does not have');
  return value + 1;
}

function nonEmpty(element: Element): Uint8Array {
  if (element.content.length === 0) throw new DerError('an empty integer');
  return element.content;
}

/** All that a new certificate is made of. Names, key and extensions are DER and go in as they are. */
export interface Draft {
  /** Most significant byte first, taken as positive. */
  serial: Uint8Array;
  issuerDer: Uint8Array;
  subjectDer: Uint8Array;
  notBefore: number;
  notAfter: number;
  spkiDer: Uint8Array;
  extensions: readonly Uint8Array[];
}

/** DER of a certificate from these slices, signed with `key`. Without extensions it is a version 1 certificate. */
export function signDraft(draft: Draft, key: Parameters<typeof signBytes>[0]): Uint8Array {
  const { identifier } = algorithmFor(demandPrivate(key));
  const withExtensions = draft.extensions.length > 0;
  const tbs = encodeElement(
    TAG.sequence,
    ...(withExtensions ? [VERSION_3] : []),
    encodePositive(draft.serial),
    identifier,
    draft.issuerDer,
    encodeElement(TAG.sequence, encodeTime(draft.notBefore), encodeTime(draft.notAfter)),
    draft.subjectDer,
    draft.spkiDer,
    ...(withExtensions ? [encodeElement(contextTag(3), encodeElement(TAG.sequence, ...draft.extensions))] : []),
  );
  const signature = encodeElement(TAG.bitString, concat(Uint8Array.of(0), signBytes(key, tbs)));
  return encodeElement(TAG.sequence, tbs, identifier, signature);
}

const VERSION_3 = Uint8Array.of(contextTag(0), 3, TAG.integer, 1, 2);
