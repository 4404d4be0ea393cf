import { describe, expect, it } from 'vitest';
import { DAY, fakeCA, NEW, OLD, T0 } from '../../../bench/inventory.ts';
import type { CertFact } from '../../../src/core/model/inventory.ts';
import { chooseRoute } from '../../../src/core/plan/route.ts';

const facts = { oldKey: true, now: T0 };
const old = (more: Partial<CertFact>): CertFact => ({ ...OLD, ...more });
const { keyId: _, ...withoutKeyId } = OLD;

describe('chooseRoute', () => {
  it('takes the bridge where the old key can certify a new subject', () => {
    expect(chooseRoute(OLD, NEW, facts)).toMatchObject({ route: 'bridge' });
    expect(chooseRoute(withoutKeyId, NEW, facts)).toMatchObject({ route: 'bridge' });
  });

  it.each<[string, CertFact, Partial<typeof facts>, RegExp]>([
    ['without the old key', OLD, { oldKey: false }, /private key of the old CA/],
    ['trap 7: an old CA that ended', old({ notAfter: T0 - DAY }), {}, /ended/],
    ['trap 7a: path length 0', old({ pathLen: 0 }), {}, /path length 0/],
    ['trap 7a: name constraints', old({ nameConstraints: true }), {}, /name constraints/],
    [
      'trap 7a: an extended key usage without clientAuth',
      old({ extKeyUsages: ['serverAuth'] }),
      {},
      /limited to serverAuth/,
    ],
    ['trap 7a: a key usage without keyCertSign', old({ keyUsages: ['digitalSignature'] }), {}, /keyCertSign/],
  ])('takes bundles %s, and says why', (_name, ca, more, why) => {
    const choice = chooseRoute(ca, NEW, { ...facts, ...more });
    expect(choice).toMatchObject({ route: 'bundle', because: expect.stringMatching(why) });
  });

  it('takes bundles for a subject that stays the same, where both have key ids', () => {
    const same = fakeCA('kubernetes', { fingerprint: '1'.repeat(64), spki: '2'.repeat(64) });
    expect(chooseRoute(OLD, same, facts)).toMatchObject({
      route: 'bundle',
      because: expect.stringMatching(/same subject/),
    });
  });

  it('refuses the same subject where one has no key id: no order of bundles works', () => {
    const same = fakeCA('kubernetes', { fingerprint: '1'.repeat(64), spki: '2'.repeat(64) });
    const choice = chooseRoute(withoutKeyId, same, facts);
    expect(choice).toMatchObject({ refusal: { reason: 'same-subject-without-key-id' } });
  });

  it('refuses a new CA with the old key', () => {
    const choice = chooseRoute(OLD, { ...NEW, spki: OLD.spki }, facts);
    expect(choice).toMatchObject({ refusal: { reason: 'new-ca-has-the-old-key' } });
  });

  it('says what the PKI found against it', () => {
    const obstacle = { reason: 'chain-refused', message: 'OpenSSL refuses the chain' };
    expect(chooseRoute(OLD, NEW, { ...facts, obstacle })).toEqual({ route: 'bundle', because: obstacle.message });
  });
});
