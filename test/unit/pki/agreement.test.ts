// The two verifiers of ours against the real ones, over random chains and random trust: broken, looping, misnamed, expired, constrained.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Certificate } from '../../../src/pki/certificate.ts';
import type { KeyUsageName } from '../../../src/pki/extensions.ts';
import type { Issuer } from '../../../src/pki/issue.ts';
import type { KeyType } from '../../../src/pki/keys.ts';
import { type OpenSSLQuestion, verifyLikeGo, verifyLikeOpenSSL } from '../../../src/pki/verify.ts';
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
  type Spec,
} from './support/fixtures.ts';
import { useJudge } from './support/judge.ts';
import { useOpenSSL } from './support/openssl.ts';

const go = useJudge();
const openssl = useOpenSSL();

/** A CA by who it is and who signed it; indexes point to earlier ones, so that cross-certificates and loops come up. */
interface CAPlan {
  name: number;
  encoding: Encoding;
  key: number;
  signer: number | undefined;
  keyId: 'own' | 'none' | 'wrong';
  authority: 'right' | 'none' | 'wrong' | 'serial';
  pathLen: number | undefined;
  usages: 'sign' | 'none' | 'no-sign' | 'empty';
  extUsages: ('serverAuth' | 'clientAuth')[] | undefined;
  dates: 'valid' | 'over' | 'later' | 'ends-now';
  critical: boolean;
}

interface World {
  cas: CAPlan[];
  leaf: {
    signer: number;
    authority: CAPlan['authority'];
    extUsages: ('serverAuth' | 'clientAuth')[];
    dates: CAPlan['dates'];
  };
  sent: number[];
  anchors: number[];
  leafIsAnchor: boolean;
  usage: 'serverAuth' | 'clientAuth';
}

const NAMES = ['kubernetes', 'kubernetes-ca', 'Kubernetes  CA'];
const KEYS: [KeyType, string][] = [
  ['EC-P-256', 'a'],
  ['EC-P-256', 'b'],
  ['Ed25519', 'c'],
];

const mostly = <T>(usual: T, ...others: T[]): fc.Arbitrary<T> =>
  fc.oneof({ weight: 8, arbitrary: fc.constant(usual) }, { weight: 2, arbitrary: fc.constantFrom(...others) });

const dates = mostly<CAPlan['dates']>('valid', 'over', 'later', 'ends-now');
const usages = fc.constantFrom<('serverAuth' | 'clientAuth')[]>(
  ['serverAuth'],
  ['clientAuth'],
  ['serverAuth', 'clientAuth'],
);

const caPlan = fc.record<CAPlan>({
  name: fc.nat(NAMES.length - 1),
  encoding: mostly<Encoding>('printable', 'utf8', 'multi'),
  key: fc.nat(KEYS.length - 1),
  signer: fc.option(fc.nat(5), { nil: undefined }),
  keyId: mostly<CAPlan['keyId']>('own', 'none', 'wrong'),
  authority: mostly<CAPlan['authority']>('right', 'none', 'wrong', 'serial'),
  pathLen: mostly<number | undefined>(undefined, 0, 1),
  usages: mostly<CAPlan['usages']>('sign', 'none', 'no-sign', 'empty'),
  extUsages: fc.oneof({ weight: 8, arbitrary: fc.constant(undefined) }, { weight: 2, arbitrary: usages }),
  dates,
  critical: mostly(false, true),
});

const world = fc.record<World>({
  cas: fc.array(caPlan, { minLength: 1, maxLength: 5 }),
  leaf: fc.record({
    signer: fc.nat(5),
    authority: mostly<CAPlan['authority']>('right', 'none', 'wrong', 'serial'),
    extUsages: usages,
    dates,
  }),
  sent: fc.array(fc.nat(5), { maxLength: 4 }),
  anchors: fc.array(fc.nat(5), { maxLength: 3 }),
  leafIsAnchor: mostly(false, true),
  usage: fc.constantFrom('serverAuth', 'clientAuth'),
});

const LIFE: Record<CAPlan['dates'], [number, number]> = {
  valid: [NOW - DAY, NOW + DAY],
  over: [NOW - 2 * DAY, NOW - DAY],
  later: [NOW + DAY, NOW + 2 * DAY],
  'ends-now': [NOW - DAY, NOW],
};

const KEY_USAGES: Record<CAPlan['usages'], KeyUsageName[] | null> = {
  sign: ['keyCertSign'],
  none: null,
  'no-sign': ['digitalSignature', 'cRLSign'],
  empty: ['digitalSignature', 'keyCertSign'],
};

function specOf(plan: CAPlan, by: Issuer | undefined): Spec {
  const [type, label] = KEYS[plan.key] ?? ['EC-P-256', 'a'];
  const key = keyFor(type, label);
  const [notBefore, notAfter] = LIFE[plan.dates];
  return {
    subjectDer: nameOf(NAMES[plan.name] ?? '', plan.encoding),
    key,
    notBefore,
    notAfter,
    usages: KEY_USAGES[plan.usages],
    ...keyIdPart(plan.keyId),
    ...authorityPart(plan.authority, by),
    ...(plan.pathLen === undefined ? {} : { pathLen: plan.pathLen }),
    ...(plan.extUsages ? { extUsages: plan.extUsages } : {}),
    ...(plan.critical ? { more: [extension('06032a0304', Uint8Array.of(5, 0), true)] } : {}),
  };
}

const wrongId = (): Uint8Array => keyIdOfKey(keyFor('EC-P-256', 'wrong'));

const keyIdPart = (keyId: CAPlan['keyId']): Partial<Spec> =>
  keyId === 'own' ? {} : { keyId: keyId === 'none' ? null : wrongId() };

function authorityPart(authority: CAPlan['authority'], by: Issuer | undefined): Partial<Spec> {
  if (authority === 'right' || (!by && authority !== 'wrong')) return {};
  if (authority === 'none') return { authority: null };
  if (authority === 'serial' && by) return { authority: issuerAndSerial(by.certificate) };
  return { authority: extension('0603551d23', Buffer.concat([Uint8Array.of(0x30, 22, 0x80, 20), wrongId()])) };
}

function build(plan: World): OpenSSLQuestion {
  const issuers: Issuer[] = [];
  for (const ca of plan.cas) {
    const by = ca.signer === undefined ? undefined : issuers[ca.signer];
    const spec = specOf(ca, by);
    issuers.push({ certificate: caLike(spec, by), key: spec.key });
  }
  const at = (i: number): Issuer => issuers[i % issuers.length] as Issuer;
  const by = at(plan.leaf.signer);
  const [notBefore, notAfter] = LIFE[plan.leaf.dates];
  const spec = {
    subjectDer: nameOf('leaf'),
    key: keyFor('EC-P-256', 'leaf'),
    notBefore,
    notAfter,
    extUsages: plan.leaf.extUsages,
  };
  const leaf = leafLike({ ...spec, ...authorityPart(plan.leaf.authority, by) }, by);
  const pick = (indexes: number[]): Certificate[] => indexes.map((i) => at(i).certificate);
  return {
    chain: [leaf, ...pick(plan.sent)],
    anchors: [...(plan.leafIsAnchor ? [leaf] : []), ...pick(plan.anchors)],
    usage: plan.usage,
    now: NOW,
  };
}

/** Equal verdicts for every world, with a fair share of both: a verifier that always says no would agree too often. */
async function agree(
  runs: number,
  real: (question: OpenSSLQuestion) => Promise<string | undefined> | string | undefined,
  ours: (question: OpenSSLQuestion) => string | undefined,
) {
  const seen = { accepted: 0, refused: 0 };
  await fc.assert(
    fc.asyncProperty(world, async (plan) => {
      const question = build(plan);
      const theirs = await real(question);
      const mine = ours(question);
      seen[theirs === undefined ? 'accepted' : 'refused']++;
      expect({ accepted: mine === undefined, mine }, `the real verifier: ${theirs ?? 'accepted'}`).toMatchObject({
        accepted: theirs === undefined,
      });
    }),
    { numRuns: runs },
  );
  expect(seen.accepted).toBeGreaterThan(runs / 50);
  expect(seen.refused).toBeGreaterThan(runs / 4);
}

const words = (verdict: ReturnType<typeof verifyLikeGo>): string | undefined =>
  verdict.ok ? undefined : verdict.message;

describe('over random chains and trust', { timeout: 180_000 }, () => {
  it('verifyLikeGo agrees with Go', () =>
    agree(
      500,
      async (question) => (await go.verify(question)).error,
      (question) => words(verifyLikeGo(question)),
    ));

  it.each([
    ['as it is', {}],
    ['with partial chains', { partialChain: true }],
    ['strict', { strict: true }],
  ])('verifyLikeOpenSSL agrees with OpenSSL, %s', (_, flags) =>
    agree(
      150,
      (question) => openssl.refusal({ ...question, ...flags }),
      (question) => words(verifyLikeOpenSSL({ ...question, ...flags })),
    ),
  );
});
