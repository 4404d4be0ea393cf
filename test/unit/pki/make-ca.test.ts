import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { makeBridge } from '../../../src/pki/bridge.ts';
import { bytesOf } from '../../../src/pki/der.ts';
import { OID } from '../../../src/pki/extensions.ts';
import { generateKey, KEY_TYPES, matches, publicSpki } from '../../../src/pki/keys.ts';
import { keyIdOf, makeCA, newSubject } from '../../../src/pki/make-ca.ts';
import { reissueLeaf } from '../../../src/pki/reissue.ts';
import { caLike, DAY, keyFor, leafLike, NOW, nameOf, YEAR } from './support/fixtures.ts';
import { useJudge } from './support/judge.ts';
import { useOpenSSL } from './support/openssl.ts';

const go = useJudge();
const openssl = useOpenSSL();

const request = {
  commonName: 'kubernetes-ca-2026-11-24',
  keyType: 'EC-P-256',
  now: NOW,
  notAfter: NOW + 10 * YEAR,
} as const;

describe('a new CA', () => {
  it.each(KEY_TYPES)('of %s is what Go, OpenSSL and the strict take for one', async (keyType) => {
    const { certificate, key } = makeCA({ ...request, keyType });
    const question = { chain: [certificate], anchors: [certificate], usage: 'serverAuth' as const, now: NOW };

    expect(matches(certificate, key)).toBe(true);
    expect(certificate).toMatchObject({
      isCA: true,
      selfSigned: true,
      keyType,
      extKeyUsages: [],
      dnsNames: [],
      subject: 'CN=kubernetes-ca-2026-11-24',
    });
    expect(await go.verify(question)).toEqual({ ok: true });
    expect(openssl.refusal({ ...question, strict: true })).toBeUndefined();
  });

  it('has critical usages, critical basic constraints without a path length, and a key id', () => {
    const { certificate } = makeCA(request);
    const critical = certificate.slices.extensions.filter((extension) => extension.critical).map(({ oid }) => oid);

    expect(certificate.keyUsages).toEqual(['digitalSignature', 'keyCertSign', 'cRLSign']);
    expect(critical.sort()).toEqual([OID.keyUsage, OID.basicConstraints].sort());
    expect(certificate.pathLen).toBeUndefined();
    expect(certificate.keyId).toMatch(/^[0-9a-f]{40}$/);
    expect(certificate.authorityKeyId).toBeUndefined();
  });

  it('has the key id that OpenSSL would give it', () => {
    const { certificate, key } = makeCA(request);
    openssl.file('ca.key', key.export({ type: 'pkcs8', format: 'pem' }).toString());
    const made = openssl.run([
      'req',
      '-x509',
      '-key',
      'ca.key',
      '-subj',
      '/CN=x',
      '-addext',
      'subjectKeyIdentifier=hash',
    ]);
    openssl.file('x.crt', made);

    const printed = openssl.run(['x509', '-in', 'x.crt', '-noout', '-ext', 'subjectKeyIdentifier']);
    expect(printed.toLowerCase().replaceAll(':', '')).toContain(certificate.keyId);
  });

  it('starts a day before now, for clocks that lag, or exactly when told', () => {
    expect(makeCA(request).certificate.notBefore).toBe(NOW - DAY);
    expect(
      makeCA({ commonName: 'x', keyType: 'EC-P-256', notBefore: NOW, notAfter: NOW + DAY }).certificate.notBefore,
    ).toBe(NOW);
  });

  it('that follows one without an end has none either, and neither have leafs or bridges of it', () => {
    const end = Date.UTC(9999, 11, 31, 23, 59, 59);
    const old = makeCA({ commonName: 'kubernetes', keyType: 'EC-P-256', now: NOW - YEAR, notAfter: end });
    const life = old.certificate.notAfter - old.certificate.notBefore;
    const next = makeCA({ ...request, notAfter: NOW + life });
    const leaf = leafLike(
      { subjectDer: nameOf('x'), key: keyFor('EC-P-256', 'leaf'), notBefore: NOW - YEAR, notAfter: end },
      old,
    );

    expect(next.certificate.notAfter).toBe(end);
    expect(reissueLeaf(leaf, next, { now: NOW }).notAfter).toBe(end);
    expect(makeBridge({ of: next.certificate, by: old, purpose: 'client', now: NOW }).notAfter).toBe(end);
  });

  it('takes a subject as bytes', () => {
    const subjectDer = nameOf('kubernetes', 'multi');
    const { certificate } = makeCA({ subjectDer, keyType: 'EC-P-256', now: NOW, notAfter: NOW + DAY });

    expect(certificate.slices.subjectDer).toEqual(subjectDer);
    expect(certificate.slices.issuerDer).toEqual(subjectDer);
  });

  it('takes serial and key as given, else a serial of 127 random bits', () => {
    const key = generateKey('EC-P-256');
    const given = makeCA({ ...request, key, serial: bytesOf('00ff') }).certificate;
    const serials = Array.from({ length: 50 }, () => makeCA({ ...request, key }).certificate.serial);

    expect([given.serial, given.spki]).toEqual(['00ff', publicSpki(key)]);
    expect(new Set(serials).size).toBe(50);
    expect(serials.every((serial) => /^[0-7][0-9a-f]{31}$/.test(serial))).toBe(true);
  });

  it('ends in UTCTime to 2049 and in GeneralizedTime from 2050 on', async () => {
    for (const [notAfter, type] of [
      [Date.UTC(2049, 11, 31, 23, 59, 59), 0x17],
      [Date.UTC(2050, 0, 1), 0x18],
      [Date.UTC(9999, 11, 31, 23, 59, 59), 0x18],
    ] as const) {
      const { certificate } = makeCA({ ...request, notAfter });
      const digits = new Date(notAfter).toISOString().replace(/\.000|[-:T]/g, '');
      const written = Buffer.from(type === 0x17 ? digits.slice(2) : digits);

      expect(certificate.notAfter).toBe(notAfter);
      expect((await go.describe(certificate.der)).notAfter).toBe(notAfter);
      expect(Buffer.from(certificate.der).includes(Buffer.concat([Buffer.of(type, written.length), written]))).toBe(
        true,
      );
    }
  });

  it('key id is SHA-1 over the bits of the key alone', () => {
    const spki = keyFor('Ed25519', 'k').export({ type: 'pkcs8', format: 'der' });
    expect(spki.length).toBe(48);
    const { certificate, key } = makeCA({ ...request, keyType: 'Ed25519' });
    const raw = Buffer.from(key.export({ format: 'jwk' }).x ?? '', 'base64url');

    expect(certificate.keyId).toBe(createHash('sha1').update(raw).digest('hex'));
    expect(Buffer.from(keyIdOf(certificate.slices.spkiDer)).toString('hex')).toBe(certificate.keyId);
  });
});

describe('the subject of the CA that follows', () => {
  const named = (name: string, at = NOW) =>
    newSubject(caLike({ subjectDer: nameOf(name, 'utf8'), key: keyFor('EC-P-256', 'n') }), at);

  it.each([
    ['kubernetes', 'kubernetes-ca-2026-11-24'],
    ['front-proxy-ca', 'front-proxy-ca-2026-11-24'],
    ['etcd-ca', 'etcd-ca-2026-11-24'],
    ['mica', 'mica-ca-2026-11-24'],
    ['ca', 'ca-2026-11-24'],
    ['kubernetes-ca-2025-01-31', 'kubernetes-ca-2026-11-24'],
    ['kubernetes-ca-2026-11-24', 'kubernetes-ca-2026-11-24-2'],
    ['kubernetes-ca-2026-11-24-9', 'kubernetes-ca-2026-11-24-10'],
    ['Kubernetes-CA-2026-11-24', 'Kubernetes-ca-2026-11-24-2'],
    ['x'.repeat(64), `${'x'.repeat(50)}-ca-2026-11-24`],
  ])('%s is %s', (old, next) => {
    expect(named(old)).toBe(next);
    expect(next.length).toBeLessThanOrEqual(64);
  });

  it('is another for a CA without a common name', () => {
    const old = caLike({ subjectDer: Uint8Array.of(0x30, 0), key: keyFor('EC-P-256', 'n') });

    expect(newSubject(old, NOW)).toBe('ca-2026-11-24');
  });
});
