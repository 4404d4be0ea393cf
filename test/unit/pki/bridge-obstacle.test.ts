import { describe, expect, it } from 'vitest';
import { makeBridge } from '../../../src/pki/bridge.ts';
import { bridgeObstacle } from '../../../src/pki/bridge-obstacle.ts';
import { type Certificate, readCertificate } from '../../../src/pki/certificate.ts';
import type { Issuer } from '../../../src/pki/issue.ts';
import { spkiDer } from '../../../src/pki/keys.ts';
import { makeCA } from '../../../src/pki/make-ca.ts';
import { signDraft } from '../../../src/pki/slices.ts';
import { judgeChain } from '../../../src/pki/verify.ts';
import { caLike, DAY, keyFor, leafLike, NOW, nameConstraints, nameOf, type Spec, YEAR } from './support/fixtures.ts';
import { useJudge } from './support/judge.ts';
import { useOpenSSL } from './support/openssl.ts';

const go = useJudge();
const openssl = useOpenSSL();

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

describe('what stands against a bridge', () => {
  const judged = (spec: Partial<Spec>, question: { oldKeyAvailable?: boolean; now?: number; new?: Certificate } = {}) =>
    bridgeObstacle({
      old: ca('kubernetes', spec).certificate,
      new: next.certificate,
      oldKeyAvailable: true,
      now: NOW,
      ...question,
    });

  const version1 = (): Certificate => {
    const key = keyFor('EC-P-256', 'v1');
    const name = nameOf('v1');
    const draft = {
      serial: Uint8Array.of(1),
      issuerDer: name,
      subjectDer: name,
      notBefore: NOW - DAY,
      notAfter: NOW + DAY,
      spkiDer: spkiDer(key),
      extensions: [],
    };
    return readCertificate(signDraft(draft, key));
  };

  it("is nothing, for kubeadm's CAs of any age", () => {
    expect(judged({})).toBeUndefined();
    expect(judged({ keyId: null })).toBeUndefined();
    expect(judged({ usages: null, pathLen: 1 })).toBeUndefined();
    expect(judged({ extUsages: ['serverAuth', 'clientAuth'] })).toBeUndefined();
  });

  it.each([
    ['no-old-key', {}, { oldKeyAvailable: false }, /private key of the old CA \(CN=kubernetes\) is not there/],
    ['path-length', { pathLen: 0 }, {}, /path length 0/],
    ['name-constraints', { more: [nameConstraints('svc')] }, {}, /name constraints/],
    ['ext-key-usage', { extUsages: ['serverAuth'] as const }, {}, /limited to serverAuth/],
    ['ext-key-usage', { extUsages: ['clientAuth'] as const }, {}, /limited to clientAuth/],
    ['key-usage', { usages: ['digitalSignature'] as const }, {}, /lacks keyCertSign/],
    ['expired', { notAfter: NOW }, {}, /ended on 2026-11-24/],
    ['not-yet-valid', { notBefore: NOW + DAY }, {}, /from 2026-11-25 only/],
  ])('%s: the bundle route', (reason, spec, question, message) => {
    expect(judged(spec as Partial<Spec>, question)).toEqual({
      reason,
      route: 'bundle',
      message: expect.stringMatching(message),
    });
  });

  it('not-a-ca: a certificate that does not say it is one', () => {
    expect(bridgeObstacle({ old: version1(), new: next.certificate, oldKeyAvailable: true, now: NOW })).toMatchObject({
      reason: 'not-a-ca',
    });
  });

  const namesake = (spec: Partial<Spec> = {}): Certificate =>
    caLike({ subjectDer: nameOf('kubernetes'), key: keyFor('EC-P-256', 'namesake'), ...spec });

  it('same-subject: the bundle route, if both have key ids', () => {
    expect(judged({}, { new: namesake() })).toMatchObject({ reason: 'same-subject', route: 'bundle' });
    expect(judged({}, { new: namesake({ subjectDer: nameOf(' KUBERNETES ', 'utf8') }) })).toMatchObject({
      reason: 'same-subject',
    });
  });

  it('same-subject-without-key-id: refused outright, before all else', () => {
    const refusal = { reason: 'same-subject-without-key-id', route: 'refused' };

    expect(judged({ keyId: null }, { new: namesake() })).toMatchObject({
      ...refusal,
      message: expect.stringContaining('the old one has no'),
    });
    expect(judged({}, { new: namesake({ keyId: null }) })).toMatchObject({
      ...refusal,
      message: expect.stringContaining('the new one has no'),
    });
    expect(judged({ keyId: null, pathLen: 0 }, { new: namesake(), oldKeyAvailable: false })).toMatchObject(refusal);
  });

  it('same-key: nothing to bridge', () => {
    const again = ca('kubernetes', { keyId: null, notAfter: NOW + 20 * YEAR }).certificate;

    expect(judged({ keyId: null }, { new: again })).toMatchObject({ reason: 'same-key', route: 'bundle' });
  });
});

describe('an obstacle is real, and its absence too', () => {
  it.each([
    ['path length 0', { pathLen: 0 }],
    ['clientAuth only', { extUsages: ['clientAuth'] }],
    ['no keyCertSign', { usages: ['digitalSignature'] }],
    ['nothing odd', {}],
    ['no key id', { keyId: null }],
  ] as [string, Partial<Spec>][])('%s: the verifiers agree with bridgeObstacle', async (_, spec) => {
    const by = ca('kubernetes', spec);
    const leaf = leafLike({ subjectDer: nameOf('x'), key: keyFor('EC-P-256', 'leaf') }, next);
    const bridge = makeBridge({ of: next.certificate, by, purpose: 'serving', now: NOW });
    const question = { chain: [leaf, bridge], anchors: [by.certificate], usage: 'serverAuth' as const, now: NOW };
    const free =
      bridgeObstacle({ old: by.certificate, new: next.certificate, oldKeyAvailable: true, now: NOW }) === undefined;

    expect([(await go.verify(question)).ok, openssl.refusal(question) === undefined, judgeChain(question).ok]).toEqual([
      free,
      free,
      free,
    ]);
  });
});
