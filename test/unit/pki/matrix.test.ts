// Every certificate src/pki makes for a rotation, over key types, old CAs and name encodings, judged by Go, OpenSSL and Node.

import { X509Certificate } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { makeBridge } from '../../../src/pki/bridge.ts';
import type { Certificate } from '../../../src/pki/certificate.ts';
import type { Issuer } from '../../../src/pki/issue.ts';
import type { KeyType } from '../../../src/pki/keys.ts';
import { makeCA, newSubject } from '../../../src/pki/make-ca.ts';
import { keyToPem, toPem } from '../../../src/pki/pem.ts';
import { reissueLeaf } from '../../../src/pki/reissue.ts';
import { judgeChain, type OpenSSLQuestion } from '../../../src/pki/verify.ts';
import { type Encoding, keyFor, NOW, oldCA, oldLeaf, YEAR } from './support/fixtures.ts';
import { useJudge } from './support/judge.ts';
import { useOpenSSL } from './support/openssl.ts';

const go = useJudge();
const openssl = useOpenSSL();

const KEYS: [KeyType, KeyType][] = [
  ['RSA-2048', 'RSA-2048'],
  ['EC-P-256', 'EC-P-256'],
  ['EC-P-384', 'EC-P-384'],
  ['Ed25519', 'Ed25519'],
  ['RSA-2048', 'EC-P-256'],
  ['EC-P-256', 'RSA-2048'],
  ['RSA-2048', 'Ed25519'],
];
const STYLES = ['today', 'before 1.19'] as const;
const ENCODINGS: Encoding[] = ['printable', 'utf8', 'multi'];

// Every pair of key types with either old CA; the encodings of names, which no key can touch, with three pairs.
const CASES = KEYS.flatMap(([from, to], i) =>
  STYLES.flatMap((style) =>
    ENCODINGS.filter((encoding) => encoding === 'printable' || (i < 4 && i !== 2 && style === 'today')).map(
      (encoding) => ({
        from,
        to,
        style,
        encoding,
      }),
    ),
  ),
);

interface Rotation {
  old: Issuer;
  new: Issuer;
  ol: Certificate;
  nl: Certificate;
  serving: Certificate;
  client: Certificate;
  reverse: Certificate;
}

function rotate(from: KeyType, to: KeyType, style: (typeof STYLES)[number], encoding: Encoding): Rotation {
  const old = oldCA(style, from, encoding);
  const next = makeCA({
    commonName: newSubject(old.certificate, NOW),
    keyType: to,
    key: keyFor(to, 'new'),
    now: NOW,
    notAfter: NOW + 10 * YEAR,
  });
  const ol = oldLeaf(old, from);
  const bridge = { of: next.certificate, by: old, now: NOW };
  return {
    old,
    new: next,
    ol,
    nl: reissueLeaf(ol, next, { now: NOW }),
    serving: makeBridge({ ...bridge, purpose: 'serving' }),
    client: makeBridge({ ...bridge, purpose: 'client' }),
    reverse: makeBridge({ of: old.certificate, by: next, now: NOW, purpose: 'reverse' }),
  };
}

interface Expectation {
  question: OpenSSLQuestion;
  accepted: boolean;
  label: string;
}

/** Who must accept what: the promise of the bridge route, and what must stay shut. */
function expectations(r: Rotation): Expectation[] {
  const [old, next] = [r.old.certificate, r.new.certificate];
  const trusts = { old: [old], new: [next], 'old,new': [old, next], 'new,old': [next, old] };
  const chains: [string, Certificate[], OpenSSLQuestion['usage'], Partial<Record<keyof typeof trusts, false>>][] = [
    ['old leaf', [r.ol], 'serverAuth', { new: false }],
    ['old leaf + reverse bridge', [r.ol, r.reverse], 'serverAuth', {}],
    ['old leaf + reverse bridge as client', [r.ol, r.reverse], 'clientAuth', { new: false }],
    ['new leaf', [r.nl], 'serverAuth', { old: false }],
    ['new leaf + serving bridge', [r.nl, r.serving], 'serverAuth', {}],
    ['new leaf + serving bridge as client', [r.nl, r.serving], 'clientAuth', { old: false }],
    ['new leaf + client bridge', [r.nl, r.client], 'clientAuth', {}],
    ['new leaf + client bridge as server', [r.nl, r.client], 'serverAuth', { old: false }],
  ];
  return chains.flatMap(([label, chain, usage, refusedBy]) =>
    Object.entries(trusts).map(([trust, anchors]) => ({
      label: `${label}, trust ${trust}`,
      question: { chain, anchors, usage, now: NOW },
      accepted: refusedBy[trust as keyof typeof trusts] !== false,
    })),
  );
}

describe('a rotation', () => {
  it.each(CASES)(
    'from $from ($style, $encoding) to $to is accepted and refused where it must be',
    async ({ from, to, style, encoding }) => {
      const made = rotate(from, to, style, encoding);
      const expected = expectations(made);
      const wanted = Object.fromEntries(expected.map(({ label, accepted }) => [label, accepted]));
      const verdicts = async (judge: (question: OpenSSLQuestion) => Promise<boolean> | boolean) => {
        const pairs: [string, boolean][] = [];
        for (const { label, question } of expected) pairs.push([label, await judge(question)]);
        return Object.fromEntries(pairs);
      };

      expect(await verdicts(async (question) => (await go.verify(question)).ok)).toEqual(wanted);
      expect(await verdicts((question) => openssl.refusal(question) === undefined)).toEqual(wanted);
      expect(await verdicts((question) => judgeChain(question).ok)).toEqual(wanted);
    },
  );

  it.each(CASES.filter(({ style }) => style === 'today'))(
    'from $from ($encoding) to $to passes the strict rules',
    ({ from, to, encoding }) => {
      const made = rotate(from, to, 'today', encoding);
      const strict = { strict: true, now: NOW };
      const [old, next] = [[made.old.certificate], [made.new.certificate]];

      expect(openssl.refusal({ ...strict, chain: [made.nl], anchors: next, usage: 'serverAuth' })).toBeUndefined();
      expect(
        openssl.refusal({ ...strict, chain: [made.nl, made.serving], anchors: old, usage: 'serverAuth' }),
      ).toBeUndefined();
      expect(
        openssl.refusal({ ...strict, chain: [made.nl, made.client], anchors: old, usage: 'clientAuth' }),
      ).toBeUndefined();
      expect(
        openssl.refusal({ ...strict, chain: [made.ol, made.reverse], anchors: next, usage: 'serverAuth' }),
      ).toBeUndefined();
    },
  );

  it.each(CASES)(
    'from $from ($style, $encoding) to $to: Node sees who issued what',
    ({ from, to, style, encoding }) => {
      const made = rotate(from, to, style, encoding);
      const native = (certificate: Certificate): X509Certificate => new X509Certificate(certificate.pem);
      const issued = (child: Certificate, issuer: Certificate): boolean[] => [
        native(child).checkIssued(native(issuer)),
        native(child).verify(native(issuer).publicKey),
      ];
      const [old, next] = [made.old.certificate, made.new.certificate];

      expect(issued(next, next)).toEqual([true, true]);
      expect(issued(made.nl, next)).toEqual([true, true]);
      expect(issued(made.nl, made.serving)).toEqual([true, true]);
      expect(issued(made.serving, old)).toEqual([true, true]);
      expect(issued(made.ol, made.reverse)).toEqual([true, true]);
      expect(issued(made.reverse, next)).toEqual([true, true]);
      expect(issued(made.nl, old)).toEqual([false, false]);
    },
  );

  it.each(KEYS)('from %s to %s: chain and key load as a Go TLS pair', async (from, to) => {
    const { nl, serving, ol, new: next } = rotate(from, to, 'today', 'printable');
    const key = keyFor(from, 'leaf');

    expect(await go.pair(toPem([nl, serving]), keyToPem(key))).toEqual({ ok: true });
    expect(await go.pair(toPem([ol]), keyToPem(key))).toEqual({ ok: true });
    expect(
      await go.pair(toPem([next.certificate]) + keyToPem(next.key), toPem([next.certificate]) + keyToPem(next.key)),
    ).toEqual({ ok: true });
    expect((await go.pair(toPem([nl]), keyToPem(next.key))).ok).toBe(false);
  });
});
