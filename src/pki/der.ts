// DER as slices of the bytes it came in. Names, keys and extensions are copied from one certificate to the next as these slices,
// never decoded and encoded again: Go compares names byte by byte, and a PrintableString that became a UTF8String is another CA to it.

export const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  oid: 0x06,
  utf8String: 0x0c,
  numericString: 0x12,
  printableString: 0x13,
  teletexString: 0x14,
  ia5String: 0x16,
  utcTime: 0x17,
  generalizedTime: 0x18,
  visibleString: 0x1a,
  universalString: 0x1c,
  bmpString: 0x1e,
  sequence: 0x30,
  set: 0x31,
} as const;

/** `[n]` of a sequence, constructed (a field in a wrapper of its own) or primitive. */
export const contextTag = (n: number, form: 'constructed' | 'primitive' = 'constructed'): number =>
  (form === 'constructed' ? 0xa0 : 0x80) + n;

export interface Element {
  tag: number;
  /** Tag, length and content. */
  raw: Uint8Array;
  content: Uint8Array;
}

/** The bytes are not the DER that was expected. Callers turn it into an error that names the text. */
export class DerError extends Error {
  override readonly name = 'DerError';
}

/** The element that starts at `offset` (X.690 section 10: definite, shortest lengths; no multi-byte tags, X.509 has none). */
export function readElement(bytes: Uint8Array, offset = 0): Element {
  const tag = byteAt(bytes, offset);
  if ((tag & 0x1f) === 0x1f) throw new DerError('a multi-byte tag');
  const { length, start } = readLength(bytes, offset + 1);
  if (start + length > bytes.length) throw new DerError('an element that goes on after the end of the data');
  return { tag, raw: bytes.subarray(offset, start + length), content: bytes.subarray(start, start + length) };
}

function readLength(bytes: Uint8Array, offset: number): { length: number; start: number } {
  const first = byteAt(bytes, offset);
  if (first < 0x80) return { length: first, start: offset + 1 };
  const count = first & 0x7f;
  if (count === 0 || count > 4) throw new DerError('a length that is not DER');
  let length = 0;
  for (let i = 1; i <= count; i++) length = length * 256 + byteAt(bytes, offset + i);
  if (length < 0x80 || length < 256 ** (count - 1)) throw new DerError('a length that is not the shortest');
  return { length, start: offset + 1 + count };
}

function byteAt(bytes: Uint8Array, offset: number): number {
  const value = bytes[offset];
  if (value === undefined) throw new DerError('the data ends too early');
  return value;
}

/** The one element that `bytes` holds, with this tag and nothing after it. */
export function readOnly(bytes: Uint8Array, tag: number): Element {
  const element = expectTag(readElement(bytes), tag);
  if (element.raw.length !== bytes.length) throw new DerError('bytes after the end');
  return element;
}

/** The elements inside a constructed element, in order. */
export function childrenOf(element: Element): Element[] {
  const children: Element[] = [];
  for (let offset = 0; offset < element.content.length; ) {
    const child = readElement(element.content, offset);
    children.push(child);
    offset += child.raw.length;
  }
  return children;
}

export function expectTag(element: Element | undefined, tag: number): Element {
  if (!element) throw new DerError('a field is missing');
  if (element.tag !== tag) throw new DerError(`tag 0x${element.tag.toString(16)} where 0x${tag.toString(16)} belongs`);
  return element;
}

/** Whole bytes of a BIT STRING. */
export function bitStringBytes(element: Element): Uint8Array {
  const unused = byteAt(expectTag(element, TAG.bitString).content, 0);
  if (unused !== 0) throw new DerError('a bit string that does not end with a whole byte');
  return element.content.subarray(1);
}

/** Dotted text of an OBJECT IDENTIFIER (X.690 section 8.19). */
export function oidText(element: Element): string {
  const { content } = expectTag(element, TAG.oid);
  const arcs: bigint[] = [];
  let value = 0n;
  for (const [i, byte] of content.entries()) {
    value = value * 128n + BigInt(byte & 0x7f);
    if (byte < 0x80) {
      arcs.push(value);
      value = 0n;
    } else if (i === content.length - 1) throw new DerError('an object identifier that is cut short');
  }
  const [head, ...rest] = arcs;
  if (head === undefined) throw new DerError('an empty object identifier');
  const top = head < 80n ? head / 40n : 2n;
  return [top, head - top * 40n, ...rest].join('.');
}

export function encodeElement(tag: number, ...parts: Uint8Array[]): Uint8Array {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  return concat(Uint8Array.of(tag, ...lengthBytes(length)), ...parts);
}

function lengthBytes(length: number): number[] {
  if (length < 0x80) return [length];
  const bytes: number[] = [];
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256);
  return [0x80 + bytes.length, ...bytes];
}

/** A positive INTEGER from its bytes, most significant first; a zero byte goes before a set top bit. */
export function encodePositive(bytes: Uint8Array): Uint8Array {
  let start = 0;
  while (start < bytes.length - 1 && bytes[start] === 0) start++;
  const digits = bytes.subarray(start);
  return encodeElement(TAG.integer, ...((digits[0] ?? 0) >= 0x80 ? [Uint8Array.of(0), digits] : [digits]));
}

export function concat(...parts: Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    out.set(part, offset);
    offset += part.length;
  }
  return out;
}

export const sameBytes = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && a.every((byte, i) => byte === b[i]);

export const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
export const bytesOf = (hex: string): Uint8Array => new Uint8Array(Buffer.from(hex, 'hex'));
export const base64Of = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');
