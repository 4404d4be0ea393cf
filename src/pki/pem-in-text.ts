// Certificates whose PEM stands inside a text of another form: indented in YAML (`ca: |`), in a string with `\n` for its line breaks (JSON). Who reads that
// text takes the PEM out of it first, so they are trusted and presented as any others are; a reader of PEM files finds none of them.

import type { Certificate } from './certificate.ts';
import { base64Of } from './der.ts';
import { parseCertificates } from './pem.ts';

const BEGIN = '-----BEGIN CERTIFICATE-----';
const END = '-----END CERTIFICATE-----';
const DASHES = '-----';
/** More than any certificate has, so that of a text without an end no more is looked at. */
const LONGEST = 64 * 1024;

/**
 * What stands behind each BEGIN up to the next dashes, as base64 without breaks and blanks, whatever it is. One pass: a text may begin thousands and
 * end none.
 */
export function certificateBodies(text: string): string[] {
  return text
    .split(BEGIN)
    .slice(1)
    .map((after) => after.slice(0, LONGEST))
    .map((after) => (after.includes(DASHES) ? after.slice(0, after.indexOf(DASHES)) : after))
    .map((body) => body.replace(/\\+[nrt]|[\s\\]/g, ''));
}

/** Those that can be read, in order. The others are passed over: a text that explains certificates has examples of them. */
export function certificatesInText(text: string): Certificate[] {
  return certificateBodies(text).flatMap((body) => {
    try {
      return parseCertificates(`${BEGIN}\n${body}\n${END}\n`, 'it');
    } catch {
      return [];
    }
  });
}

/** Two lines of PEM. In fewer two CAs of one tool may be alike; these have a serial number, a time or a part of a key among them. */
const PIECE = 128;

/** Whether one of these bodies has a piece of one of the certificates. Tells a torn copy of a CA from what concerns nobody. */
export function isPieceOf(bodies: readonly string[], certificates: readonly Certificate[]): boolean {
  const pieces = certificates.flatMap(({ der }) => piecesOf(base64Of(der)));
  return bodies.some((body) => pieces.some((piece) => body.includes(piece)));
}

function piecesOf(base64: string): string[] {
  const starts = Array.from({ length: Math.ceil(base64.length / (PIECE / 2)) }, (_, i) => (i * PIECE) / 2);
  return starts.map((at) => base64.slice(at, at + PIECE)).filter(({ length }) => length === PIECE);
}
