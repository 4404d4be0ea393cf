// PEM texts (RFC 7468) as Kubernetes' own readers see them: a block starts at the start of a line, whatever is between blocks is comment.
// Where those readers would skip a broken block in silence, this one stops and says which.

import { base64Of } from './der.ts';
import { PemError } from './errors.ts';

export interface Block {
  label: string;
  /** Place among all blocks of the text, from 1. */
  number: number;
  headers: string[];
  body: string;
}

const BEGIN = /^-----BEGIN ([^\n]*?)-----[ \t]*$/;

/** Every block of the text, in order. Throws a PemError where one has no end. */
export function blocksOf(text: string | Uint8Array, what: string): Block[] {
  const content = typeof text === 'string' ? text : Buffer.from(text).toString('latin1');
  if (/^(\uFEFF|\u00EF\u00BB\u00BF)/.test(content))
    throw new PemError(`${what} starts with a byte order mark, which hides its first PEM block from OpenSSL and Go`);
  const blocks: Block[] = [];
  const lines = content.split(/\r?\n/);
  for (let at = 0; at < lines.length; at++) {
    const label = BEGIN.exec(lines[at] ?? '')?.[1];
    if (label === undefined) continue;
    const number = blocks.length + 1;
    let end = at + 1;
    while (end < lines.length && !lines[end]?.startsWith('-----')) end++;
    if (lines[end]?.trimEnd() !== `-----END ${label}-----`)
      throw new PemError(`${what}: PEM block ${number} (${printable(label)}) has no END line of its own`);
    blocks.push({ label, number, ...splitHeaders(lines.slice(at + 1, end)) });
    at = end;
  }
  return blocks;
}

/** RFC 1421 headers: lines with a colon, up to an empty line. */
function splitHeaders(lines: string[]): { headers: string[]; body: string } {
  if (!lines[0]?.includes(':')) return { headers: [], body: lines.join('') };
  const blank = lines.findIndex((line) => line.trim() === '');
  const split = blank < 0 ? lines.length : blank;
  return { headers: lines.slice(0, split), body: lines.slice(split).join('') };
}

/** A label fit for a message. */
export const printable = (label: string): string => label.replace(/[^ -~]/g, '?').slice(0, 40);

export function decodeBody(block: Block, what: string): Uint8Array {
  const text = block.body.replace(/[ \t]/g, '');
  if (text === '' || text.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(text))
    throw new PemError(`${what}: PEM block ${block.number} (${printable(block.label)}) is not base64`);
  return new Uint8Array(Buffer.from(text, 'base64'));
}

/** One block with lines of 64 characters and a newline at its end. */
export function encodeBlock(label: string, der: Uint8Array): string {
  const lines = base64Of(der).match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}
