import { describe, expect, it } from 'vitest';
import { makeCSR, parseCSR } from '../../../src/pki/csr.ts';
import { PemError } from '../../../src/pki/errors.ts';
import { KEY_TYPES, publicSpki } from '../../../src/pki/keys.ts';
import { keyFor } from './support/fixtures.ts';
import { useJudge } from './support/judge.ts';
import { useOpenSSL } from './support/openssl.ts';

const go = useJudge();
const openssl = useOpenSSL();

const subject = { commonName: 'system:node:node-1', organizations: ['system:nodes'] };
const names = { dnsNames: ['node-1', 'webhook.default.svc'], ipAddresses: ['10.0.0.1', 'fd00::12'] };

describe('a certificate signing request', () => {
  it.each(KEY_TYPES)('with %s is read by Go and OpenSSL, and by ourselves', async (type) => {
    const key = keyFor(type, 'csr');
    const csr = makeCSR({ key, subject, ...names });
    openssl.file('r.csr', csr);

    expect(await go.csr(csr)).toMatchObject({
      ok: true,
      description: {
        subject: 'CN=system:node:node-1,O=system:nodes',
        commonName: subject.commonName,
        ...(subject.organizations && { organizations: subject.organizations }),
        ...names,
      },
    });
    expect(openssl.run(['req', '-in', 'r.csr', '-verify', '-noout', '-subject', '-nameopt', 'RFC2253'])).toContain(
      'CN=system:node:node-1,O=system:nodes',
    );
    expect(parseCSR(csr, 'x')).toMatchObject({
      ...subject,
      ...names,
      keyType: type,
      spki: publicSpki(key),
      subject: 'CN=system:node:node-1,O=system:nodes',
    });
  });

  it('without names asks for no extension', async () => {
    const csr = makeCSR({ key: keyFor('EC-P-256', 'csr'), subject: { organizations: ['a', 'ü'], commonName: 'x' } });

    expect(await go.csr(csr)).toMatchObject({
      ok: true,
      description: { organizations: ['a', 'ü'], dnsNames: null, ipAddresses: null },
    });
    expect(parseCSR(csr, 'x')).toMatchObject({ organizations: ['a', 'ü'], dnsNames: [], ipAddresses: [] });
  });

  it.each([
    ['made by openssl', ['-addext', 'subjectAltName=DNS:a.b,IP:1.2.3.4', '-addext', 'keyUsage=digitalSignature']],
    ['made by openssl without extensions', []],
  ])('%s is read', (_, extra) => {
    const text = openssl.run([
      'req',
      '-new',
      '-newkey',
      'rsa:2048',
      '-nodes',
      '-keyout',
      'o.key',
      '-subj',
      '/O=x/CN=y',
      ...extra,
    ]);

    expect(parseCSR(text, 'x')).toMatchObject({
      commonName: 'y',
      organizations: ['x'],
      keyType: 'RSA-2048',
      dnsNames: extra.length > 0 ? ['a.b'] : [],
      ipAddresses: extra.length > 0 ? ['1.2.3.4'] : [],
    });
  });

  it('with a name changed after it was signed is refused', () => {
    const csr = makeCSR({ key: keyFor('EC-P-256', 'csr'), subject });
    const der = Buffer.from(csr.replace(/-----.*-----/g, ''), 'base64');
    der.write('system:node:node-2', der.indexOf('system:node:node-1'));
    const forged = `-----BEGIN CERTIFICATE REQUEST-----\n${der.toString('base64')}\n-----END CERTIFICATE REQUEST-----\n`;

    expect(() => parseCSR(forged, 'request')).toThrow(
      /^request: PEM block 1 is not a certificate signing request: its signature is not by the key in it$/,
    );
    expect(() => parseCSR('', 'request')).toThrow(PemError);
  });

  it('cannot hold an address that is none', () => {
    expect(() => makeCSR({ key: keyFor('EC-P-256', 'csr'), subject, ipAddresses: ['10.0.0.256'] })).toThrow(
      /10.0.0.256 is not an IP address/,
    );
    expect(() => makeCSR({ key: keyFor('EC-P-256', 'csr'), subject, ipAddresses: ['10.0.0.0/8'] })).toThrow(
      /10.0.0.0\/8 is not an IP address/,
    );
  });
});
