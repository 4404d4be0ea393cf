// Distinguished names: as text for people, and made new from parts. A name that exists is copied as bytes, never through here.

import { childrenOf, DerError, type Element, encodeElement, expectTag, hexOf, oidText, readOnly, TAG } from './der.ts';

/** Attribute types with a short name in RFC 4514 section 3, and the two that Go's pkix.Name prints besides. */
const KEYWORDS: Readonly<Record<string, string>> = {
  '2.5.4.3': 'CN',
  '2.5.4.5': 'SERIALNUMBER',
  '2.5.4.6': 'C',
  '2.5.4.7': 'L',
  '2.5.4.8': 'ST',
  '2.5.4.9': 'STREET',
  '2.5.4.10': 'O',
  '2.5.4.11': 'OU',
  '2.5.4.17': 'POSTALCODE',
  '0.9.2342.19200300.100.1.1': 'UID',
  '0.9.2342.19200300.100.1.25': 'DC',
};
const COMMON_NAME = '2.5.4.3';
const ORGANIZATION = '2.5.4.10';

interface Attribute {
  type: string;
  value: Element;
}

/** What Kubernetes reads from a client's subject: CN is the user, every O a group. */
export interface NameParts {
  commonName?: string;
  organizations: string[];
}

/** The relative distinguished names in the order of the DER, each with its attributes. */
export function readName(der: Uint8Array): Attribute[][] {
  return childrenOf(readOnly(der, TAG.sequence)).map((rdn) =>
    childrenOf(expectTag(rdn, TAG.set)).map((pair) => {
      const [type, value, extra] = childrenOf(expectTag(pair, TAG.sequence));
      if (!type || !value || extra) throw new DerError('an attribute of a name is not a type and a value');
      return { type: oidText(type), value };
    }),
  );
}

/** RFC 4514 text: last RDN first, special characters escaped; control characters as well, for this goes to terminals. */
export function nameText(der: Uint8Array): string {
  return readName(der)
    .reverse()
    .map((rdn) => rdn.map(attributeText).join('+'))
    .join(',');
}

function attributeText({ type, value }: Attribute): string {
  const keyword = KEYWORDS[type];
  const text = keyword === undefined ? undefined : stringValue(value);
  return text === undefined ? `${keyword ?? type}=#${hexOf(value.raw)}` : `${keyword}=${escapeValue(text)}`;
}

function escapeValue(text: string): string {
  const chars = [...text];
  return chars
    .map((char, i) => {
      if (/\p{C}/u.test(char)) return [...Buffer.from(char)].map((byte) => `\\${hexOf(Uint8Array.of(byte))}`).join('');
      const special =
        '\\",+<>;'.includes(char) || (i === 0 && ' #'.includes(char)) || (i === chars.length - 1 && char === ' ');
      return special ? `\\${char}` : char;
    })
    .join('');
}

/** The text of a string type; undefined for any other (and for bytes that are not text). */
export function stringValue({ tag, content }: Element): string | undefined {
  const bytes = Buffer.from(content);
  switch (tag) {
    case TAG.utf8String:
      return bytes.toString('utf8');
    case TAG.printableString:
    case TAG.ia5String:
    case TAG.visibleString:
    case TAG.numericString:
    case TAG.teletexString:
      return bytes.toString('latin1');
    case TAG.bmpString:
      return bytes.length % 2 === 0 ? bytes.swap16().toString('utf16le') : undefined;
    case TAG.universalString:
      return universalText(bytes);
    default:
      return undefined;
  }
}

function universalText(bytes: Buffer): string | undefined {
  if (bytes.length % 4 !== 0) return undefined;
  let text = '';
  for (let i = 0; i < bytes.length; i += 4) {
    const point = bytes.readUInt32BE(i);
    if (point > 0x10ffff) return undefined;
    text += String.fromCodePoint(point);
  }
  return text;
}

export function nameParts(der: Uint8Array): NameParts {
  const parts: NameParts = { organizations: [] };
  for (const { type, value } of readName(der).flat()) {
    const text = stringValue(value);
    if (text === undefined) continue;
    // Go keeps the last of several (crypto/x509/pkix FillFromRDNSequence), and Kubernetes sees what Go sees.
    if (type === COMMON_NAME) parts.commonName = text;
    if (type === ORGANIZATION) parts.organizations.push(text);
  }
  return parts;
}

/** A new name: organizations, then the common name, one RDN each. */
export function encodeName(parts: { commonName?: string; organizations?: readonly string[] }): Uint8Array {
  const rdns = (parts.organizations ?? []).map((organization) => encodeRdn(ORGANIZATION_DER, organization));
  if (parts.commonName !== undefined) rdns.push(encodeRdn(COMMON_NAME_DER, parts.commonName));
  return encodeElement(TAG.sequence, ...rdns);
}

const COMMON_NAME_DER = Uint8Array.of(TAG.oid, 3, 0x55, 4, 3);
const ORGANIZATION_DER = Uint8Array.of(TAG.oid, 3, 0x55, 4, 10);

const encodeRdn = (type: Uint8Array, text: string): Uint8Array =>
  encodeElement(TAG.set, encodeElement(TAG.sequence, type, encodeString(text)));

/** PrintableString where the characters allow it, as Go does: a tool that builds the same name from its text gets the same bytes. */
function encodeString(text: string): Uint8Array {
  const tag = /^[A-Za-z0-9 '()+,\-./:=?]*$/.test(text) ? TAG.printableString : TAG.utf8String;
  return encodeElement(tag, Buffer.from(text, 'utf8'));
}

const CANONICAL_TAGS: readonly number[] = [
  TAG.utf8String,
  TAG.bmpString,
  TAG.universalString,
  TAG.printableString,
  TAG.teletexString,
  TAG.ia5String,
  TAG.visibleString,
];

/**
 * A text that is equal for two names exactly when OpenSSL holds them for the same (X509_NAME_cmp): string types do not matter, nor
 * does the case of ASCII letters, nor spaces at the ends or their number between words.
 */
export function canonicalName(der: Uint8Array): string {
  return readName(der)
    .map((rdn) => rdn.map(canonicalAttribute).sort().join('+'))
    .join(',');
}

function canonicalAttribute({ type, value }: Attribute): string {
  const text = CANONICAL_TAGS.includes(value.tag) ? stringValue(value) : undefined;
  if (text === undefined) return `${type}=#${hexOf(value.raw)}`;
  const folded = text
    .replace(/^[\t-\r ]+|[\t-\r ]+$/g, '')
    .replace(/[\t-\r ]+/g, ' ')
    .replace(/[A-Z]/g, (letter) => letter.toLowerCase());
  return `${type}=${hexOf(Buffer.from(folded, 'utf8'))}`;
}
