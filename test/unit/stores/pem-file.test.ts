import { describe, expect, it } from 'vitest';
import { readPemFile, replaceCertificates } from '../../../src/stores/pem-file.ts';

const block = (label: string, body: string) => `-----BEGIN ${label}-----\n${body}\n-----END ${label}-----\n`;
const [A, B, N] = ['AAAA', 'BBBB', 'NNNN'].map((body) => block('CERTIFICATE', body)) as [string, string, string];
const KEY = block('PRIVATE KEY', 'S2V5').replace('S2V5\n', 'S2V5  \n');

describe('PEM files', () => {
  it('are told by their blocks', () => {
    expect(readPemFile(`# note\n${A}${KEY}${B}${block('X509 CRL', 'x')}`)).toEqual({
      certificates: [A, B],
      keys: ['PRIVATE KEY'],
      others: ['X509 CRL'],
    });
    expect(readPemFile('hello')).toEqual({ certificates: [], keys: [], others: [] });
  });

  it('keep the key and the comments to the byte when the certificates change', () => {
    expect(replaceCertificates(`# leaf\n${A}# bridge\n${B}\n${KEY}`, N, 'x')).toBe(`# leaf\n${N}# bridge\n\n${KEY}`);
    expect(replaceCertificates(`${KEY}${A}`, N.trimEnd(), 'x')).toBe(`${KEY}${N}`);
    expect(replaceCertificates(A.trimEnd(), N + B, 'x')).toBe(N + B);
    expect(replaceCertificates(A.replaceAll('\n', '\r\n'), N, 'x')).toBe(N);
  });

  it('are refused when they hold something else or no certificate', () => {
    expect(() => replaceCertificates(KEY, N, '/a.pem on cp1')).toThrow(
      'cannot edit /a.pem on cp1: it holds no certificate',
    );
    expect(() => replaceCertificates(A + block('TRUSTED CERTIFICATE', 'x'), N, 'x')).toThrow(/TRUSTED CERTIFICATE/);
  });
});
