// What src/pki reads from a certificate, against what Go reads from the same bytes.

import { X509Certificate } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { CertFact } from '../../../src/core/model/inventory.ts';
import { makeBridge } from '../../../src/pki/bridge.ts';
import { type Certificate, facts, verifiedBy } from '../../../src/pki/certificate.ts';
import { makeCA } from '../../../src/pki/make-ca.ts';
import { nameParts } from '../../../src/pki/names.ts';
import { requireCertificates } from '../../../src/pki/pem.ts';
import { caLike, keyFor, leafLike, NOW, nameConstraints, nameOf, oldCA, oldLeaf } from './support/fixtures.ts';
import { useJudge } from './support/judge.ts';
import { useOpenSSL } from './support/openssl.ts';

const go = useJudge();
const openssl = useOpenSSL();

const old = oldCA('today', 'RSA-2048', 'multi');
const next = makeCA({ commonName: 'k8s ä "ca", #1', keyType: 'EC-P-384', now: NOW, notAfter: Date.UTC(2061, 1, 3) });

const SAMPLES: [string, Certificate][] = [
  ['an old CA with a name of many parts', old.certificate],
  ['an old CA without key id and with serial 0', oldCA('before 1.19', 'EC-P-256').certificate],
  ['a new CA with a name that needs escapes, ending after 2049', next.certificate],
  ['a leaf with DNS names and addresses', oldLeaf(old, 'RSA-2048')],
  ['a bridge', makeBridge({ of: next.certificate, by: old, purpose: 'peer', now: NOW })],
  ['a reverse bridge', makeBridge({ of: old.certificate, by: next, purpose: 'reverse', now: NOW })],
  ['a CA with a path length', caLike({ subjectDer: nameOf('p'), key: keyFor('Ed25519', 'p'), pathLen: 3 })],
  [
    'a leaf for any address',
    leafLike({ subjectDer: nameOf(' #x+y ', 'utf8'), key: keyFor('EC-P-256', 'x') }, old, {
      ip: ['::', '1:0:0:2::3', '255.0.0.1'],
      dns: ['*.a.b'],
    }),
  ],
];

describe('a certificate', () => {
  it.each(SAMPLES)('%s reads as in Go', async (_, certificate) => {
    const theirs = await go.describe(certificate.der);

    expect({
      subject: certificate.subject,
      issuer: certificate.issuer,
      serial: certificate.serial.replace(/^0+(?=.)/, ''),
      notBefore: certificate.notBefore,
      notAfter: certificate.notAfter,
      isCA: certificate.isCA,
      pathLen: certificate.pathLen ?? null,
      keyId: certificate.keyId ?? '',
      authorityKeyId: certificate.authorityKeyId ?? '',
      keyUsage: keyUsageBits(certificate),
      serverAuth: certificate.extKeyUsages.includes('serverAuth'),
      clientAuth: certificate.extKeyUsages.includes('clientAuth'),
      dnsNames: certificate.dnsNames,
      ipAddresses: certificate.ipAddresses,
      commonName: nameParts(certificate.slices.subjectDer).commonName,
      organizations: nameParts(certificate.slices.subjectDer).organizations,
    }).toEqual({
      ...theirs,
      dnsNames: theirs.dnsNames ?? [],
      ipAddresses: theirs.ipAddresses ?? [],
      organizations: theirs.organizations ?? [],
    });
  });

  it.each(SAMPLES)('%s reads as in Node', (_, certificate) => {
    const native = new X509Certificate(certificate.pem);

    expect(native.fingerprint256.replaceAll(':', '').toLowerCase()).toBe(certificate.fingerprint);
    expect(native.raw.equals(certificate.der)).toBe(true);
    expect(native.publicKey.equals(certificate.publicKey)).toBe(true);
    expect(native.ca).toBe(certificate.isCA);
  });

  it('made by openssl is read as openssl prints it', () => {
    openssl.run([
      ...['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', 'o.key', '-out', 'o.crt', '-days', '400'],
      ...['-subj', '/C=DE/O=Beispiel GmbH/OU=a, b/CN=kubernetes', '-utf8'],
      ...[
        '-addext',
        'keyUsage=critical,keyCertSign,cRLSign',
        '-addext',
        'subjectAltName=DNS:kubernetes,IP:fd00::1,email:a@b.c',
      ],
    ]);
    const text = openssl.run(['x509', '-in', 'o.crt', '-text']);
    const [certificate] = requireCertificates(text, 'o.crt');
    const printed = (what: string): string =>
      openssl.run(['x509', '-in', 'o.crt', '-noout', what, '-nameopt', 'RFC2253']).trim();

    expect(`subject=${certificate.subject}`).toBe(printed('-subject'));
    expect(`serial=${certificate.serial.toUpperCase()}`).toBe(printed('-serial'));
    expect(certificate).toMatchObject({
      selfSigned: true,
      isCA: true,
      keyType: 'RSA-2048',
      keyUsages: ['keyCertSign', 'cRLSign'],
      dnsNames: ['kubernetes'],
      ipAddresses: ['fd00::1'],
      nameConstraints: false,
    });
  });

  it('names keys by kind and length', () => {
    const types = (['RSA-2048', 'RSA-3072', 'EC-P-256', 'EC-P-384', 'Ed25519'] as const).map(
      (type) => caLike({ subjectDer: nameOf('k'), key: keyFor(type, 'k') }).keyType,
    );

    expect(types).toEqual(['RSA-2048', 'RSA-3072', 'EC-P-256', 'EC-P-384', 'Ed25519']);
  });

  it('tells self-issued from self-signed', () => {
    const impostor = caLike(
      { subjectDer: old.certificate.slices.subjectDer, key: keyFor('EC-P-256', 'impostor') },
      old,
    );

    expect(impostor.subjectDer).toBe(impostor.issuerDer);
    expect(impostor.selfSigned).toBe(false);
  });

  it('says whose key signed it, whatever the names', () => {
    const [rsa, ec] = [oldCA('today', 'RSA-2048').certificate, oldCA('today', 'EC-P-256').certificate];
    const leaf = oldLeaf(oldCA('today', 'RSA-2048'), 'EC-P-256');

    expect([verifiedBy(leaf, rsa), verifiedBy(leaf, ec), verifiedBy(rsa, rsa)]).toEqual([true, false, true]);
  });
});

describe('the facts of a certificate', () => {
  const bridge = makeBridge({ of: next.certificate, by: old, purpose: 'serving', now: NOW });

  it('are a CertFact, plain data with the self-signed CAs that verify it', () => {
    const fact: CertFact = facts(bridge, [next.certificate, old.certificate, old.certificate, bridge]);

    expect(fact.signedBy).toEqual([old.certificate.fingerprint]);
    expect(JSON.parse(JSON.stringify(fact))).toEqual(fact);
    expect(fact.spki).toBe(facts(next.certificate, []).spki);
    expect(Object.keys(fact).sort()).toEqual(
      [
        ...[
          'authorityKeyId',
          'dnsNames',
          'extKeyUsages',
          'fingerprint',
          'ipAddresses',
          'isCA',
          'issuer',
          'issuerDer',
          'keyId',
          'keyType',
        ],
        ...[
          'keyUsages',
          'nameConstraints',
          'notAfter',
          'notBefore',
          'selfSigned',
          'serial',
          'signedBy',
          'spki',
          'subject',
          'subjectDer',
        ],
      ].sort(),
    );
  });

  it('tell name constraints', () => {
    const constrained = caLike({
      subjectDer: nameOf('c'),
      key: keyFor('EC-P-256', 'c'),
      more: [nameConstraints('example.org')],
    });

    expect(facts(constrained, []).nameConstraints).toBe(true);
  });
});

// crypto/x509 numbers the bits in the order of RFC 5280 section 4.2.1.3.
function keyUsageBits({ keyUsages = [] }: Certificate): number {
  const names = [
    'digitalSignature',
    'nonRepudiation',
    'keyEncipherment',
    'dataEncipherment',
    'keyAgreement',
    'keyCertSign',
    'cRLSign',
  ];
  return keyUsages.reduce((bits, name) => bits | (1 << names.indexOf(name)), 0);
}
