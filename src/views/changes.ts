// What a write would change in a file or an object, for people: certificates by subject and fingerprint, keys by whether they differ, the rest as a diff.

import type { CertFact } from '../core/model/inventory.ts';
import { type Colours, plainColours } from './colours.ts';
import { lineDiff } from './line-diff.ts';
import { printable } from './redact.ts';
import { columns, dateTime, short } from './text.ts';

type CertView = Pick<CertFact, 'subject' | 'fingerprint' | 'notAfter'>;

export interface ContentView {
  text: string;
  certificates: readonly CertView[];
  /** SHA-256 of the public half, hex; absent without a key. The key itself is never handed to a view. */
  keySpki?: string;
}

export interface ChangeView {
  /** `cp1:/etc/kubernetes/pki/ca.crt`, or an object's name. */
  target: string;
  /** Absent: it is not there now. */
  before?: ContentView;
  after: ContentView;
  /** Other things that differ: `mode 644 -> 600`. */
  also?: readonly string[];
}

/** Lines without newlines: the target, and below it what differs. */
export function changeLines(change: ChangeView, colours: Colours = plainColours): string[] {
  const { before, after, also = [] } = change;
  const content = before
    ? [...certificateLines(before, after), ...keyLines(before, after), ...textLines(before.text, after.text)]
    : ['+ new', ...certificateLines({ text: '', certificates: [] }, after)];
  const lines = [...content, ...also.map((text) => `~ ${text}`)].map((line) => coloured(printable(line), colours));
  return [colours.bold(change.target), ...lines.map((line) => `  ${line}`)];
}

function coloured(line: string, colours: Colours): string {
  if (line.startsWith('+')) return colours.green(line);
  return line.startsWith('-') ? colours.red(line) : line;
}

function certificateLines(before: ContentView, after: ContentView): string[] {
  const has = (list: readonly CertView[], one: CertView): boolean =>
    list.some((cert) => cert.fingerprint === one.fingerprint);
  const gone = before.certificates.filter((cert) => !has(after.certificates, cert));
  const come = after.certificates.filter((cert) => !has(before.certificates, cert));
  const order = (list: readonly CertView[]): string => list.map((cert) => cert.fingerprint).join();
  const onlyOrder = gone.length === 0 && come.length === 0 && order(before.certificates) !== order(after.certificates);
  return [
    ...columns([...gone.map((cert) => certRow('-', cert)), ...come.map((cert) => certRow('+', cert))]),
    ...(onlyOrder ? ['~ the same certificates in another order'] : []),
  ];
}

const certRow = (sign: string, cert: CertView): string[] => [
  `${sign} certificate ${cert.subject}`,
  short(cert.fingerprint),
  `until ${dateTime(cert.notAfter)}`,
];

function keyLines(before: ContentView, after: ContentView): string[] {
  if (before.keySpki === after.keySpki) return [];
  const name = (key: string | undefined): string => (key === undefined ? 'none' : `of public key ${short(key)}`);
  return [`~ private key: ${name(before.keySpki)} -> ${name(after.keySpki)}`];
}

/** PEM says nothing to a reader: certificates and keys are told above. What is left of the text is shown line by line. */
function textLines(before: string, after: string): string[] {
  return lineDiff(readable(before), readable(after));
}

const PEM_BLOCK = /-----BEGIN ([A-Z0-9 ]+)-----[\s\S]*?-----END \1-----\n?/g;
/** Values that let someone in. */
const SECRET_VALUE =
  /^(\s*(?:- )?["']?(?:client-key-data|token|password|id-token|refresh-token|client-secret)["']?\s*:\s*).+$/gim;
const LONG_BASE64 = /[A-Za-z0-9+/]{120,}={0,2}/g;

/** The text without key material, and with long base64 by its size. */
export const readable = (text: string): string =>
  text
    .replace(PEM_BLOCK, '')
    .replace(SECRET_VALUE, '$1[hidden]')
    .replace(LONG_BASE64, (found) => `[${found.length} characters of base64]`);
