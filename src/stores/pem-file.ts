import { cannotEdit } from './splice.ts';

// PEM files as text: what a write does not mean to change stays byte for byte, the private key of a combined file first of all.

export interface PemFile {
  /** Each certificate's block, in order, with its BEGIN and END lines. */
  certificates: string[];
  /** Labels of private keys in it: `RSA PRIVATE KEY`, `PRIVATE KEY`, … */
  keys: string[];
  /** Labels of blocks of any other kind. */
  others: string[];
}

interface Block {
  label: string;
  start: number;
  /** Behind the newline of the END line. */
  end: number;
}

const BLOCK = /^-----BEGIN ([A-Z0-9 ]+)-----[ \t]*\r?\n[\s\S]*?^-----END \1-----[ \t]*(?:\r?\n|$)/gm;

const blocksOf = (text: string): Block[] =>
  [...text.matchAll(BLOCK)].map((match) => ({
    label: match[1] ?? '',
    start: match.index,
    end: match.index + match[0].length,
  }));

const isKey = (label: string): boolean => label.endsWith('PRIVATE KEY');

/** What kinds of blocks a PEM file has. */
export function readPemFile(text: string): PemFile {
  const blocks = blocksOf(text);
  const labels = blocks.map(({ label }) => label);
  return {
    certificates: blocks.filter(({ label }) => label === 'CERTIFICATE').map(({ start, end }) => text.slice(start, end)),
    keys: labels.filter(isKey),
    others: labels.filter((label) => label !== 'CERTIFICATE' && !isKey(label)),
  };
}

/**
 * Puts `pem` (certificates) where the first certificate is and takes the other ones out. Keys and comments stay. A file without a certificate, or with blocks that are
 * neither certificate nor key (a CRL, a TRUSTED CERTIFICATE), is not understood and throws.
 */
export function replaceCertificates(text: string, pem: string, what: string): string {
  const { certificates, others } = readPemFile(text);
  if (certificates.length === 0) throw cannotEdit(what, 'it holds no certificate');
  const [other] = others;
  if (other !== undefined)
    throw cannotEdit(what, `it holds a block of the kind ${other}, which reroot does not understand`);
  const blocks = blocksOf(text).filter(({ label }) => label === 'CERTIFICATE');
  const lines = pem.endsWith('\n') || pem === '' ? pem : `${pem}\n`;
  return blocks.reduceRight(
    (at, { start, end }, index) => at.slice(0, start) + (index === 0 ? lines : '') + at.slice(end),
    text,
  );
}
