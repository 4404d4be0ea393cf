import { generateKeyPairSync } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type BridgePurpose, makeBridge, REVERSE_BRIDGE_LIFE } from '../../../src/pki/bridge.ts';
import type { Certificate } from '../../../src/pki/certificate.ts';
import { OID } from '../../../src/pki/extensions.ts';
import type { Issuer } from '../../../src/pki/issue.ts';
import { makeCA } from '../../../src/pki/make-ca.ts';
import { judgeChain } from '../../../src/pki/verify.ts';
import {
  caLike,
  DAY,
  type Encoding,
  keyFor,
  leafLike,
  NOW,
  nameOf,
  oldCA,
  type Spec,
  YEAR,
} from './support/fixtures.ts';
import { useJudge } from './support/judge.ts';
import { useOpenSSL } from './support/openssl.ts';

const go = useJudge();
const openssl = useOpenSSL();

const old = oldCA('today', 'EC-P-256');
const next = makeCA({
  commonName: 'kubernetes-ca-2026-11-24',
  keyType: 'EC-P-256',
  now: NOW,
  notAfter: NOW + 10 * YEAR,
});

const ca = (label: string, spec: Partial<Spec> = {}): Issuer => {
  const key = keyFor('EC-P-256', label);
  return { key, certificate: caLike({ subjectDer: nameOf(label), key, ...spec }) };
};

const bytes = (certificate: Certificate, oid: string): Uint8Array | undefined =>
  certificate.slices.extensions.find((extension) => extension.oid === oid)?.value;

describe('a bridge', () => {
  const plans = fc.record({
    purpose: fc.constantFrom<BridgePurpose>('serving', 'client', 'peer', 'reverse'),
    encoding: fc.constantFrom<Encoding>('printable', 'utf8', 'multi'),
    ofKeyId: fc.constantFrom<Uint8Array | null | undefined>(undefined, null, Uint8Array.of(1, 2, 3)),
    byKeyId: fc.constantFrom<Uint8Array | null | undefined>(undefined, null, Uint8Array.of(4, 5, 6)),
    pathLen: fc.constantFrom<number | undefined>(undefined, 0, 2),
    sameName: fc.boolean(),
    byFrom: fc.integer({ min: -20, max: -1 }),
    byTo: fc.integer({ min: 1, max: 5000 }),
    ofTo: fc.integer({ min: 1, max: 5000 }),
    notAfter: fc.option(fc.integer({ min: 1, max: 6000 }), { nil: undefined }),
  });

  it('keeps the rules, whatever the two CAs', async () => {
    await fc.assert(
      fc.asyncProperty(plans, async (plan) => {
        const of = ca('of', {
          subjectDer: nameOf(plan.sameName ? 'by' : 'of', plan.encoding),
          notAfter: NOW + plan.ofTo * DAY,
          ...(plan.ofKeyId === undefined ? {} : { keyId: plan.ofKeyId }),
          ...(plan.pathLen === undefined ? {} : { pathLen: plan.pathLen }),
        }).certificate;
        const by = ca('by', {
          notBefore: NOW + (plan.byFrom * DAY) / 10,
          notAfter: NOW + plan.byTo * DAY,
          ...(plan.byKeyId === undefined ? {} : { keyId: plan.byKeyId }),
        });
        const { purpose } = plan;
        const bridge = makeBridge({
          of,
          by,
          purpose,
          now: NOW,
          ...(plan.notAfter ? { notAfter: NOW + plan.notAfter * DAY } : {}),
        });

        expect(bridge.slices.subjectDer).toEqual(of.slices.subjectDer);
        expect(bridge.slices.spkiDer).toEqual(of.slices.spkiDer);
        expect(bridge.slices.issuerDer).toEqual(by.certificate.slices.subjectDer);
        expect(bytes(bridge, OID.subjectKeyId)).toEqual(bytes(of, OID.subjectKeyId));
        expect(bridge.authorityKeyId).toBe(by.certificate.keyId);
        expect(bridge.extKeyUsages).toEqual(
          {
            serving: ['serverAuth'],
            client: ['clientAuth'],
            peer: ['serverAuth', 'clientAuth'],
            reverse: ['serverAuth'],
          }[purpose],
        );
        expect(bridge.pathLen).toBe(purpose === 'reverse' ? 0 : plan.pathLen);
        expect(bridge.notBefore).toBe(Math.max(NOW - DAY, by.certificate.notBefore));
        expect(bridge.notAfter).toBe(
          Math.min(
            ...[of.notAfter, by.certificate.notAfter],
            purpose === 'reverse' ? NOW + REVERSE_BRIDGE_LIFE : Number.POSITIVE_INFINITY,
            plan.notAfter ? NOW + plan.notAfter * DAY : Number.POSITIVE_INFINITY,
          ),
        );
        expect(bridge.isCA && bridge.keyUsages?.includes('keyCertSign')).toBe(true);
        expect(await go.parses(bridge.der)).toBe(true);
      }),
      { numRuns: 200 },
    );
  });

  it("is refused with a key that is not the signer's, or by a signer that is not valid now", () => {
    const request = { of: next.certificate, by: old, purpose: 'serving', now: NOW } as const;

    expect(() => makeBridge({ ...request, by: { ...old, key: next.key } })).toThrow(/is not that certificate's key/);
    expect(() => makeBridge({ ...request, now: old.certificate.notAfter })).toThrow(
      /no bridge can be signed by CN=kubernetes/,
    );
    expect(() => makeBridge({ ...request, now: old.certificate.notBefore - 1 })).toThrow(/valid from 2025-11-24/);
  });

  it('reverse opens no door for old administrators, and still proves old servers (trap 2)', async () => {
    const admin = leafLike(
      { subjectDer: nameOf('kubernetes-admin'), key: keyFor('EC-P-256', 'admin'), extUsages: ['clientAuth'] },
      old,
    );
    const server = leafLike(
      { subjectDer: nameOf('kube-apiserver'), key: keyFor('EC-P-256', 'leaf'), extUsages: ['serverAuth'] },
      old,
    );
    const reverse = makeBridge({ of: old.certificate, by: next, purpose: 'reverse', now: NOW });
    const door = { chain: [admin, reverse], anchors: [next.certificate], usage: 'clientAuth' as const, now: NOW };
    const proof = { chain: [server, reverse], anchors: [next.certificate], usage: 'serverAuth' as const, now: NOW };

    expect([(await go.verify(door)).ok, openssl.refusal(door) === undefined, judgeChain(door).ok]).toEqual([
      false,
      false,
      false,
    ]);
    expect([(await go.verify(proof)).ok, openssl.refusal(proof) === undefined, judgeChain(proof).ok]).toEqual([
      true,
      true,
      true,
    ]);
  });

  it('for servers opens none either, after a rollback (trap 3)', async () => {
    const stolen = leafLike(
      { subjectDer: nameOf('kubernetes-admin'), key: keyFor('EC-P-256', 'admin'), extUsages: ['clientAuth'] },
      next,
    );
    const bridge = makeBridge({ of: next.certificate, by: old, purpose: 'serving', now: NOW });
    const door = { chain: [stolen, bridge], anchors: [old.certificate], usage: 'clientAuth' as const, now: NOW };

    expect([(await go.verify(door)).ok, openssl.refusal(door) === undefined, judgeChain(door).ok]).toEqual([
      false,
      false,
      false,
    ]);
  });

  it('for peers proves servers and clients', async () => {
    const peer = leafLike({ subjectDer: nameOf('etcd-1'), key: keyFor('EC-P-256', 'leaf') }, next);
    const bridge = makeBridge({ of: next.certificate, by: old, purpose: 'peer', now: NOW });
    for (const usage of ['serverAuth', 'clientAuth'] as const) {
      const question = { chain: [peer, bridge], anchors: [old.certificate], usage, now: NOW };

      expect([(await go.verify(question)).ok, openssl.refusal(question), judgeChain(question).ok]).toEqual([
        true,
        undefined,
        true,
      ]);
    }
  });
});

describe('a signer of a kind that cannot sign', () => {
  it('is told by its kind', () => {
    const { privateKey } = generateKeyPairSync('x25519');

    expect(() =>
      makeCA({ commonName: 'x', keyType: 'EC-P-256', key: privateKey, now: NOW, notAfter: NOW + DAY }),
    ).toThrow(/keys of type x25519 cannot sign/);
  });
});
