import { createPrivateKey } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PemError } from '../../../src/pki/errors.ts';
import { generateKey, KEY_TYPES } from '../../../src/pki/keys.ts';
import { keyToPem, parseCertificates, parsePrivateKey, requireCertificates, toPem } from '../../../src/pki/pem.ts';
import { keyFor, oldCA, oldLeaf } from './support/fixtures.ts';
import { useJudge } from './support/judge.ts';
import { useOpenSSL } from './support/openssl.ts';

const go = useJudge();
const openssl = useOpenSSL();

const ca = oldCA('today', 'EC-P-256');
const leaf = oldLeaf(ca, 'EC-P-256');
const fingerprints = (text: string | Uint8Array): string[] =>
  parseCertificates(text, 'x').map(({ fingerprint }) => fingerprint);
const both = [leaf.fingerprint, ca.certificate.fingerprint];

describe('certificates in a text', () => {
  it('come in order, whatever stands between them', () => {
    const text = `# the leaf\n${leaf.pem}\n  subject=CN = kubernetes\n\n${ca.certificate.pem}# end`;

    expect(fingerprints(text)).toEqual(both);
    expect(fingerprints(Buffer.from(text))).toEqual(both);
    expect(fingerprints(text.replaceAll('\n', '\r\n'))).toEqual(both);
  });

  it('are written as they were read', () => {
    const text = toPem([leaf, ca.certificate]);

    expect(toPem(parseCertificates(text, 'x'))).toBe(text);
    expect(text.split('\n').every((line) => line.length <= 64)).toBe(true);
  });

  it('stand beside keys and parameters', () => {
    expect(fingerprints(keyToPem(ca.key) + leaf.pem + keyToPem(ca.key) + ca.certificate.pem)).toEqual(both);
  });

  it('commented out or indented are not there, for no reader of Kubernetes sees them', () => {
    expect(fingerprints(ca.certificate.pem.replace(/^/gm, '# '))).toEqual([]);
    expect(fingerprints(ca.certificate.pem.replace(/^/gm, '  '))).toEqual([]);
  });

  it('may be none, unless one is required', () => {
    expect(parseCertificates('', 'empty.crt')).toEqual([]);
    expect(() => requireCertificates('\n', 'empty.crt on cp1')).toThrow(/^empty.crt on cp1 holds no certificate$/);
    expect(requireCertificates(ca.certificate.pem, 'x')[0].fingerprint).toBe(ca.certificate.fingerprint);
  });

  const pem = ca.certificate.pem;
  it.each([
    ['cut in the middle', pem + pem.slice(0, 300), /^ca.crt: PEM block 2 \(CERTIFICATE\) has no END line/],
    ['with the END of another', pem.replace('END CERTIFICATE', 'END RSA PRIVATE KEY'), /block 1 .* has no END line/],
    ['that is not base64', pem.replace(/M/, '!'), /block 1 \(CERTIFICATE\) is not base64/],
    ['of no bytes', '-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n', /block 1 .* is not base64/],
    ['with headers', pem.replace('-----\n', '-----\nProc-Type: 4\n\n'), /headers, which Kubernetes skips/],
    ['after a byte order mark', `\uFEFF${pem}`, /byte order mark/],
    ['after a byte order mark, as bytes', Buffer.from(`\uFEFF${pem}`), /byte order mark/],
    [
      'that holds something else',
      `${pem}-----BEGIN CERTIFICATE-----\nMAMCAQE=\n-----END CERTIFICATE-----\n`,
      /block 2 is not a certificate/,
    ],
  ])('%s are told by text and block', (_, text, message) => {
    expect(() => parseCertificates(text, 'ca.crt')).toThrow(message);
    expect(() => parseCertificates(text, 'ca.crt')).toThrow(PemError);
  });
});

describe('whatever the text', { timeout: 180_000 }, () => {
  const only = (read: () => unknown): void => {
    try {
      read();
    } catch (error) {
      expect(error).toBeInstanceOf(PemError);
      expect(String(error)).not.toMatch(/MHcC|PRIVATE KEY-----\n/);
    }
  };

  it('nothing but a PemError is thrown', () => {
    const piece = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom(
        '-----BEGIN CERTIFICATE-----\n',
        '-----END CERTIFICATE-----\n',
        '-----BEGIN ',
        '-----\n',
        '\n',
        ':',
        leaf.pem,
      ),
      fc.constantFrom('-----BEGIN EC PRIVATE KEY-----\n', keyToPem(ca.key), keyToPem(ca.key).slice(0, 120)),
      fc.base64String(),
    );
    fc.assert(
      fc.property(fc.array(piece), (pieces) => {
        only(() => parseCertificates(pieces.join(''), 'x'));
        only(() => parsePrivateKey(pieces.join(''), 'x'));
      }),
      { numRuns: 400 },
    );
  });

  it('nor for a certificate or key with some bytes changed or cut off', () => {
    const changed = fc.array(fc.tuple(fc.nat(leaf.der.length - 1), fc.nat(255)), { minLength: 1, maxLength: 3 });
    const block = (label: string, der: Uint8Array): string =>
      `-----BEGIN ${label}-----\n${Buffer.from(der).toString('base64')}\n-----END ${label}-----\n`;
    const key = ca.key.export({ type: 'pkcs8', format: 'der' });
    fc.assert(
      fc.property(changed, fc.boolean(), (changes, cut) => {
        const der = Uint8Array.from(leaf.der);
        const keyDer = Uint8Array.from(key);
        for (const [at, byte] of changes) {
          der[at] = byte;
          if (at < keyDer.length) keyDer[at] = byte;
        }
        only(() => parseCertificates(block('CERTIFICATE', cut ? der.subarray(0, changes[0]?.[0]) : der), 'x'));
        only(() => parsePrivateKey(block('PRIVATE KEY', keyDer), 'x'));
      }),
      { numRuns: 400 },
    );
  });

  it('certificates survive the way through text', () => {
    const comment = fc.string().filter((text) => !text.includes('-----'));
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.constantFrom(leaf, ca.certificate), comment), { maxLength: 5 }), (parts) => {
        const text = parts.map(([certificate, words]) => `${words}\n${certificate.pem}`).join('');

        expect(fingerprints(text)).toEqual(parts.map(([{ fingerprint }]) => fingerprint));
      }),
    );
  });
});

describe('private keys in a text', () => {
  const label = (pem: string): string | undefined => /BEGIN (.*)-----/.exec(pem)?.[1];

  it.each(KEY_TYPES)('%s is written as kubeadm does, and read again', async (type) => {
    const key = type.startsWith('RSA') ? keyFor(type, 'pem') : generateKey(type);
    const text = keyToPem(key);

    expect(label(text)).toBe(
      type.startsWith('RSA') ? 'RSA PRIVATE KEY' : type.startsWith('EC') ? 'EC PRIVATE KEY' : 'PRIVATE KEY',
    );
    expect(parsePrivateKey(text, 'x').equals(key)).toBe(true);
    expect(parsePrivateKey(Buffer.from(leaf.pem + text), 'combined.pem').equals(key)).toBe(true);
  });

  it.each([
    ['PKCS#8', ['genpkey', '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256']],
    ['SEC1 after its parameters', ['ecparam', '-name', 'prime256v1', '-genkey']],
    ['PKCS#1', ['genrsa', '-traditional', '2048']],
  ])('openssl writes as %s are read', (_, args) => {
    const text = openssl.run(args);

    expect(parsePrivateKey(text, 'x').equals(createPrivateKey(text))).toBe(true);
  });

  it('is found in one combined PEM, as the split signer has it', async () => {
    const combined = ca.certificate.pem + keyToPem(ca.key);

    expect(parsePrivateKey(combined, 'signer.pem').equals(ca.key)).toBe(true);
    expect(fingerprints(combined)).toEqual([ca.certificate.fingerprint]);
    expect(await go.pair(combined, combined)).toEqual({ ok: true });
  });

  it.each([
    [
      'encrypted PKCS#8',
      ['genpkey', '-algorithm', 'ED25519', '-aes256', '-pass', 'pass:secret'],
      /the private key is encrypted/,
    ],
    [
      'encrypted traditional',
      ['genrsa', '-traditional', '-aes256', '-passout', 'pass:secret', '2048'],
      /the private key is encrypted/,
    ],
  ])('%s is refused clearly', (_, args, message) => {
    const text = openssl.run(args);

    expect(() => parsePrivateKey(text, 'ca.key on cp1')).toThrow(message);
    expect(() => parsePrivateKey(text, 'ca.key on cp1')).toThrow(/^ca.key on cp1: /);
  });

  it.each([
    ['no key', ca.certificate.pem, /^x holds no private key$/],
    [
      'a key of SSH',
      '-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n',
      /OPENSSH PRIVATE KEY is not one/,
    ],
    [
      'bytes that are no key',
      '-----BEGIN PRIVATE KEY-----\nMAMCAQE=\n-----END PRIVATE KEY-----\n',
      /PEM block 1 \(PRIVATE KEY\) is not a private key/,
    ],
    ['a label that lies', keyToPem(ca.key).replaceAll('EC PRIVATE', 'RSA PRIVATE'), /is not a private key/],
  ])('%s is told', (_, text, message) => {
    expect(() => parsePrivateKey(text, 'x')).toThrow(message);
    expect(() => parsePrivateKey(text, 'x')).toThrow(PemError);
  });
});
