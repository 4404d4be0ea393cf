// Bundles of two CAs, in both orders: what distinct names buy, and why an old CA without key id must not be followed by one of its name.

import { describe, expect, it } from 'vitest';
import type { Certificate } from '../../../src/pki/certificate.ts';
import type { Issuer } from '../../../src/pki/issue.ts';
import { verifyLikeGo, verifyLikeOpenSSL } from '../../../src/pki/verify.ts';
import { caLike, issuerAndSerial, keyFor, leafLike, NOW, nameOf, YEAR } from './support/fixtures.ts';
import { useJudge } from './support/judge.ts';
import { useOpenSSL } from './support/openssl.ts';

const go = useJudge();
const openssl = useOpenSSL();

interface Shape {
  oldKeyId: boolean;
  newKeyId: boolean;
  leafAuthority: boolean;
}

const ALL: Shape = { oldKeyId: true, newKeyId: true, leafAuthority: true };
const NONE: Shape = { oldKeyId: false, newKeyId: false, leafAuthority: false };

function ca(label: string, name: string, keyId: boolean): Issuer {
  const key = keyFor('EC-P-256', label);
  return { key, certificate: caLike({ subjectDer: nameOf(name), key, ...(keyId ? {} : { keyId: null }) }) };
}

const leafOf = (by: Issuer, authority: boolean): Certificate =>
  leafLike(
    {
      subjectDer: nameOf('kube-apiserver'),
      key: keyFor('EC-P-256', 'leaf'),
      notAfter: NOW + YEAR,
      ...(authority ? {} : { authority: null }),
    },
    by,
  );

// Letters: [old,new] [new,old], for a leaf of old, then for a leaf of new. Go takes all of them, so OpenSSL's are listed.
const ROWS: { title: string; newName: string; shape: Shape; openssl: string }[] = [
  {
    title: 'A same name, both CAs with key ids, leafs with authority key id',
    newName: 'kubernetes',
    shape: ALL,
    openssl: 'oo oo',
  },
  { title: 'B same name, no key ids', newName: 'kubernetes', shape: NONE, openssl: 'oF Fo' },
  {
    title: 'C same name, CAs with key ids, leafs without',
    newName: 'kubernetes',
    shape: { ...ALL, leafAuthority: false },
    openssl: 'oF Fo',
  },
  {
    title: 'D same name, old CA without key id',
    newName: 'kubernetes',
    shape: { ...ALL, oldKeyId: false },
    openssl: 'oF Fo',
  },
  { title: 'F distinct names, no key ids', newName: 'kubernetes-ca-2026-11-24', shape: NONE, openssl: 'oo oo' },
  {
    title: 'F2 distinct names, old CA without key id',
    newName: 'kubernetes-ca-2026-11-24',
    shape: { ...ALL, oldKeyId: false },
    openssl: 'oo oo',
  },
];

describe('bundles of old and new', () => {
  it.each(ROWS)('$title', async ({ newName, shape, openssl: expected }) => {
    const [old, next] = [ca('old', 'kubernetes', shape.oldKeyId), ca('new', newName, shape.newKeyId)];
    const orders = [
      [old.certificate, next.certificate],
      [next.certificate, old.certificate],
    ];
    const letters = async (
      accepts: (q: Parameters<typeof verifyLikeGo>[0]) => boolean | Promise<boolean>,
    ): Promise<string> => {
      const words = [leafOf(old, shape.leafAuthority), leafOf(next, shape.leafAuthority)].map(async (leaf) => {
        const verdicts = orders.map((anchors) => accepts({ chain: [leaf], anchors, usage: 'serverAuth', now: NOW }));
        return (await Promise.all(verdicts)).map((ok) => (ok ? 'o' : 'F')).join('');
      });
      return (await Promise.all(words)).join(' ');
    };

    expect(await letters(async (question) => (await go.verify(question)).ok)).toBe('oo oo');
    expect(await letters((question) => verifyLikeGo(question).ok)).toBe('oo oo');
    expect(await letters((question) => openssl.refusal(question) === undefined)).toBe(expected);
    expect(await letters((question) => verifyLikeOpenSSL(question).ok)).toBe(expected);
  });

  it('E same name and key: leafs of either verify by either', async () => {
    const old = ca('old', 'kubernetes', true);
    const again = {
      ...old,
      certificate: caLike({ subjectDer: nameOf('kubernetes'), key: old.key, notAfter: NOW + 20 * YEAR }),
    };
    for (const [by, anchor] of [
      [old, again],
      [again, old],
    ] as const) {
      const question = {
        chain: [leafOf(by, true)],
        anchors: [anchor.certificate],
        usage: 'serverAuth' as const,
        now: NOW,
      };

      expect((await go.verify(question)).ok).toBe(true);
      expect(openssl.refusal(question)).toBeUndefined();
      expect(verifyLikeGo(question).ok && verifyLikeOpenSSL(question).ok).toBe(true);
    }
  });

  it('a bridge as an anchor: Go takes it, OpenSSL only with partial chains', async () => {
    const [old, next] = [ca('old', 'kubernetes', true), ca('new', 'new', true)];
    const bridge = caLike({ subjectDer: nameOf('new'), key: next.key }, old);
    const question = { chain: [leafOf(next, true)], anchors: [bridge], usage: 'serverAuth' as const, now: NOW };

    expect((await go.verify(question)).ok).toBe(true);
    expect(verifyLikeGo(question).ok).toBe(true);
    expect(openssl.refusal(question)).toMatch(/unable to get issuer certificate/);
    expect(verifyLikeOpenSSL(question)).toMatchObject({ reason: 'no-self-signed-end' });
    expect(openssl.refusal({ ...question, partialChain: true })).toBeUndefined();
    expect(verifyLikeOpenSSL({ ...question, partialChain: true }).ok).toBe(true);
  });

  it('once in the trust bundle OpenSSL does not go back to what was sent', async () => {
    const [root, middle, low] = [ca('root', 'root', true), ca('middle', 'middle', true), ca('low', 'low', true)];
    const middleByRoot = caLike({ subjectDer: nameOf('middle'), key: middle.key }, root);
    const lowByMiddle = caLike({ subjectDer: nameOf('low'), key: low.key }, { ...middle, certificate: middleByRoot });
    const sent = [leafOf(low, true), lowByMiddle, middleByRoot];
    const question = { anchors: [root.certificate], usage: 'serverAuth' as const, now: NOW };
    const both = { ...question, anchors: [root.certificate, lowByMiddle] };

    expect([openssl.refusal({ ...question, chain: sent }), verifyLikeOpenSSL({ ...question, chain: sent }).ok]).toEqual(
      [undefined, true],
    );
    expect(openssl.refusal({ ...both, chain: sent })).toMatch(/unable to get issuer certificate/);
    expect(verifyLikeOpenSSL({ ...both, chain: sent })).toMatchObject({ ok: false, reason: 'no-self-signed-end' });
    expect([(await go.verify({ ...both, chain: sent })).ok, verifyLikeGo({ ...both, chain: sent }).ok]).toEqual([
      true,
      true,
    ]);
  });

  it('a serial in the authority key id decides between CAs that are otherwise alike', () => {
    const old = ca('old', 'kubernetes', true);
    const again = {
      ...old,
      certificate: caLike({ subjectDer: nameOf('kubernetes'), key: old.key, notAfter: NOW + 20 * YEAR }),
    };
    const leaf = leafLike(
      { subjectDer: nameOf('x'), key: keyFor('EC-P-256', 'leaf'), authority: issuerAndSerial(old.certificate) },
      old,
    );
    const question = { chain: [leaf], usage: 'serverAuth' as const, now: NOW };
    for (const [anchors, accepted] of [
      [[old], true],
      [[again], false],
      [[again, old], true],
    ] as const) {
      const asked = { ...question, anchors: anchors.map(({ certificate }) => certificate) };

      expect(openssl.refusal(asked) === undefined).toBe(accepted);
      expect(verifyLikeOpenSSL(asked).ok).toBe(accepted);
      expect(verifyLikeGo(asked).ok).toBe(true);
    }
  });
});
