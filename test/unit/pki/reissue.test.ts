import { createPublicKey } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Certificate } from '../../../src/pki/certificate.ts';
import { bytesOf } from '../../../src/pki/der.ts';
import { type Extension, OID } from '../../../src/pki/extensions.ts';
import type { Issuer } from '../../../src/pki/issue.ts';
import { makeCA } from '../../../src/pki/make-ca.ts';
import { reissueLeaf } from '../../../src/pki/reissue.ts';
import { judgeChain } from '../../../src/pki/verify.ts';
import {
  caLike,
  DAY,
  type Encoding,
  extension,
  issuerAndSerial,
  keyFor,
  keyIdOfKey,
  leafLike,
  NOW,
  nameOf,
  oldCA,
  oldLeaf,
  YEAR,
} from './support/fixtures.ts';
import { useJudge } from './support/judge.ts';

const go = useJudge();

const old = oldCA('today', 'EC-P-256');
const next = makeCA({
  commonName: 'new',
  keyType: 'EC-P-256',
  key: keyFor('EC-P-256', 'new'),
  now: NOW,
  notAfter: NOW + 10 * YEAR,
});
const withoutKeyId: Issuer = {
  key: next.key,
  certificate: caLike({ subjectDer: nameOf('new'), key: next.key, keyId: null }),
};
const other = createPublicKey(keyFor('RSA-2048', 'other'));

const raws = (certificate: Certificate, but: string[] = []): string[] =>
  certificate.slices.extensions
    .filter(({ oid }) => !but.includes(oid))
    .map(({ raw }) => Buffer.from(raw).toString('hex'));

describe('a reissued leaf', () => {
  const leaf = oldLeaf(old, 'EC-P-256');

  it('has the new issuer, and is verified by it', async () => {
    const fresh = reissueLeaf(leaf, next, { now: NOW });
    const question = {
      chain: [fresh],
      anchors: [next.certificate],
      usage: 'serverAuth' as const,
      now: NOW,
      name: 'kubernetes.default.svc',
    };

    expect(fresh.issuerDer).toBe(next.certificate.subjectDer);
    expect(fresh.authorityKeyId).toBe(next.certificate.keyId);
    expect(fresh.serial).not.toBe(leaf.serial);
    expect(judgeChain(question)).toEqual({ ok: true });
    expect(await go.verify(question)).toEqual({ ok: true });
    expect(judgeChain({ ...question, name: 'example.org' })).toMatchObject({ ok: false, reason: 'wrong-name' });
    expect(judgeChain({ ...question, name: '10.96.0.1' })).toEqual({ ok: true });
    expect(judgeChain({ ...question, name: '[FD00::0001]' })).toEqual({ ok: true });
  });

  it('lives as long as the old one, from a day ago on', () => {
    const fresh = reissueLeaf(leaf, next, { now: NOW });

    expect(fresh.notBefore).toBe(NOW - DAY);
    expect(fresh.notAfter - fresh.notBefore).toBe(leaf.notAfter - leaf.notBefore);
  });

  it('of a short life is valid for nine tenths of it from now on', () => {
    const short = leafLike(
      { subjectDer: nameOf('x'), key: keyFor('EC-P-256', 'leaf'), notBefore: NOW - DAY, notAfter: NOW + DAY },
      old,
    );
    const fresh = reissueLeaf(short, next, { now: NOW });

    expect([fresh.notBefore, fresh.notAfter]).toEqual([NOW - 0.2 * DAY, NOW + 1.8 * DAY]);
  });

  it('never starts before its CA nor outlives it', () => {
    const brief = makeCA({ commonName: 'brief', keyType: 'EC-P-256', notBefore: NOW - 1000, notAfter: NOW + DAY });
    const fresh = reissueLeaf(leaf, brief, { now: NOW });
    const told = reissueLeaf(leaf, brief, { notBefore: 0, notAfter: NOW + 99 * YEAR });

    expect([fresh.notBefore, fresh.notAfter]).toEqual([NOW - 1000, NOW + DAY]);
    expect([told.notBefore, told.notAfter]).toEqual([NOW - 1000, NOW + DAY]);
  });

  it('takes times and serial as told', () => {
    const fresh = reissueLeaf(leaf, next, { notBefore: NOW, notAfter: NOW + DAY, serial: bytesOf('0102') });

    expect([fresh.notBefore, fresh.notAfter, fresh.serial]).toEqual([NOW, NOW + DAY, '0102']);
  });

  it('with a new key keeps all but the key and its own key id', () => {
    const named = leafLike(
      { subjectDer: nameOf('x'), key: keyFor('EC-P-256', 'leaf'), keyId: keyIdOfKey(keyFor('EC-P-256', 'leaf')) },
      old,
    );
    const fresh = reissueLeaf(named, next, { now: NOW, publicKey: other });

    expect(fresh.publicKey.equals(other)).toBe(true);
    expect(fresh.keyId).toBe(Buffer.from(keyIdOfKey(keyFor('RSA-2048', 'other'))).toString('hex'));
    expect(raws(fresh, [OID.subjectKeyId, OID.authorityKeyId])).toEqual(
      raws(named, [OID.subjectKeyId, OID.authorityKeyId]),
    );
    expect(reissueLeaf(leaf, next, { now: NOW, publicKey: other }).keyId).toBeUndefined();
  });

  it.each([
    ['has none where the CA has no key id', leaf, withoutKeyId, undefined],
    [
      'is added where the leaf had none',
      leafLike({ subjectDer: nameOf('x'), key: keyFor('EC-P-256', 'leaf'), authority: null }, old),
      next,
      next.certificate.keyId,
    ],
    [
      'loses issuer and serial',
      leafLike(
        { subjectDer: nameOf('x'), key: keyFor('EC-P-256', 'leaf'), authority: issuerAndSerial(old.certificate) },
        old,
      ),
      next,
      next.certificate.keyId,
    ],
  ])('authority key id %s', (_, from, ca, keyId) => {
    const fresh = reissueLeaf(from, ca, { now: NOW });
    const found = fresh.slices.extensions.find(({ oid }) => oid === OID.authorityKeyId);

    expect(fresh.authorityKeyId).toBe(keyId);
    expect(found && Buffer.from(found.value).toString('hex')).toBe(keyId && `30168014${keyId}`);
  });

  it('is refused for a CA, a key of another, and a CA that is over', () => {
    const over = makeCA({ commonName: 'over', keyType: 'EC-P-256', notBefore: NOW - 9 * DAY, notAfter: NOW - 8 * DAY });

    expect(() => reissueLeaf(next.certificate, old, { now: NOW })).toThrow(/is a CA, not a leaf/);
    expect(() => reissueLeaf(leaf, { ...next, key: old.key }, { now: NOW })).toThrow(/is not that certificate's key/);
    expect(() => reissueLeaf(leaf, over, { now: NOW })).toThrow(
      /CN=over cannot issue anything valid: it ended on 2026-11-16/,
    );
  });
});

describe('whatever the leaf', () => {
  const unknown = fc
    .record({ arc: fc.integer({ min: 0, max: 127 }), critical: fc.boolean(), value: fc.uint8Array({ maxLength: 300 }) })
    .map(({ arc, critical, value }) =>
      extension(`06042a03047${arc.toString(16).slice(-1)}`.slice(0, 12), value, critical),
    );
  const leafs = fc.record({
    encoding: fc.constantFrom<Encoding>('printable', 'utf8', 'multi'),
    commonName: fc.stringMatching(/^[A-Za-z0-9 :.-]{1,30}$/),
    dns: fc.array(fc.domain(), { maxLength: 4 }),
    ip: fc.array(fc.oneof(fc.ipV4(), fc.constantFrom('::1', 'fd00:1::2')), { maxLength: 3 }),
    extUsages: fc.constantFrom<('serverAuth' | 'clientAuth')[][]>(
      ['serverAuth'],
      ['clientAuth'],
      ['clientAuth', 'serverAuth'],
    ),
    authority: fc.constantFrom('right', 'none', 'serial'),
    own: fc.boolean(),
    more: fc.uniqueArray(unknown, {
      maxLength: 3,
      selector: (bytes) => Buffer.from(bytes.subarray(2, 8)).toString('hex'),
    }),
    byKeyId: fc.boolean(),
    newKey: fc.boolean(),
  });

  it('everything but issuer, validity, serial and authority key id is kept to the byte', async () => {
    await fc.assert(
      fc.asyncProperty(leafs, async (plan) => {
        const key = keyFor('EC-P-256', 'leaf');
        const leaf = leafLike(
          {
            subjectDer: nameOf(plan.commonName, plan.encoding),
            key,
            extUsages: plan.extUsages,
            keyId: plan.own ? keyIdOfKey(key) : null,
            more: plan.more,
            ...(plan.authority === 'none' ? { authority: null } : {}),
            ...(plan.authority === 'serial' ? { authority: issuerAndSerial(old.certificate) } : {}),
          },
          old,
          plan,
        );
        const ca = plan.byKeyId ? next : withoutKeyId;
        const fresh = reissueLeaf(leaf, ca, plan.newKey ? { now: NOW, publicKey: other } : { now: NOW });
        const changing = [OID.authorityKeyId, ...(plan.newKey ? [OID.subjectKeyId] : [])];

        expect(fresh.slices.subjectDer).toEqual(leaf.slices.subjectDer);
        expect(fresh.slices.spkiDer.length > 0 && (plan.newKey || fresh.spki === leaf.spki)).toBe(true);
        expect(raws(fresh, changing)).toEqual(raws(leaf, changing));
        expect(orderOf(fresh)).toEqual(orderOf(leaf));
        expect(fresh.authorityKeyId).toBe(ca.certificate.keyId);
        expect(await go.parses(fresh.der)).toBe(await go.parses(leaf.der));
      }),
      { numRuns: 300 },
    );
  });

  const orderOf = ({ slices }: Certificate): string[] =>
    slices.extensions.map(({ oid }: Extension) => oid).filter((oid) => oid !== OID.authorityKeyId);
});
