// The measured table of TLS stacks against the chains of a rotation, as far as Go and OpenSSL go: each row for the real verifier and for ours.

import { describe, expect, it } from 'vitest';
import { makeBridge } from '../../../src/pki/bridge.ts';
import { type OpenSSLQuestion, verifyLikeGo, verifyLikeOpenSSL } from '../../../src/pki/verify.ts';
import { DAY, NOW, nameConstraints, oldLeaf, YEAR } from './support/fixtures.ts';
import { useJudge } from './support/judge.ts';
import { useOpenSSL } from './support/openssl.ts';
import { type Row, served, TABLE } from './support/stacks-table.ts';
import { NEW, oddBridge, oddOld, world } from './support/worlds.ts';

const go = useJudge();
const openssl = useOpenSSL();

async function pattern(row: Row, accepts: (question: OpenSSLQuestion) => Promise<boolean> | boolean): Promise<string> {
  const [first, second] = [row.world.old.certificate, row.world.new.certificate];
  let letters = '';
  for (const anchors of [[first], [second], [first, second], [second, first]]) {
    const accepted = await accepts({ chain: row.chain(row.world), anchors, usage: 'serverAuth', now: NOW });
    letters += accepted ? 'o' : 'F';
  }
  return letters;
}

describe('rows of the table of TLS stacks', () => {
  const python = { strict: true, partialChain: true };
  it.each(TABLE)('$title', async (row) => {
    const measured = {
      go: await pattern(row, async (question) => (await go.verify(question)).ok),
      openssl: await pattern(row, (question) => openssl.refusal(question) === undefined),
      strict: await pattern(row, (question) => openssl.refusal({ ...question, ...python }) === undefined),
    };
    const ours = {
      go: await pattern(row, (question) => verifyLikeGo(question).ok),
      openssl: await pattern(row, (question) => verifyLikeOpenSSL(question).ok),
      strict: await pattern(row, (question) => verifyLikeOpenSSL({ ...question, ...python }).ok),
    };
    const expected = { go: row.go, openssl: row.openssl, strict: row.strict };

    expect(measured).toEqual(expected);
    expect(ours).toEqual(expected);
  });

  it('OLD expired: ol + rb is refused by OpenSSL with both, which stops at the trusted old', async () => {
    const old = oddOld({ notBefore: NOW - YEAR, notAfter: NOW - DAY });
    const fresh = { ...old, certificate: oddOld({}).certificate };
    const row: Row = {
      title: '',
      world: world({
        old,
        ol: oldLeaf(fresh, 'EC-P-256'),
        br: oddBridge({}),
        rb: makeBridge({ of: fresh.certificate, by: NEW, purpose: 'reverse', now: NOW }),
      }),
      chain: served['ol+rb'],
      go: 'Fooo',
      openssl: 'FoFF',
      strict: 'FoFF',
    };

    expect(await pattern(row, async (question) => (await go.verify(question)).ok)).toBe(row.go);
    expect(await pattern(row, (question) => openssl.refusal(question) === undefined)).toBe(row.openssl);
    expect(await pattern(row, (question) => verifyLikeGo(question).ok)).toBe(row.go);
    expect(await pattern(row, (question) => verifyLikeOpenSSL(question).ok)).toBe(row.openssl);
  });

  it("OLD's name constraints are enforced on the bridge path, and refused by ours even where they would allow", async () => {
    const [narrow, wide] = ['example.org', 'svc'].map((tree) => {
      const made = world({ old: oddOld({ more: [nameConstraints(tree)] }) });
      return { chain: [made.nl, made.br], anchors: [made.old.certificate], usage: 'serverAuth' as const, now: NOW };
    });
    if (!narrow || !wide) throw new Error('two questions');

    expect([(await go.verify(narrow)).ok, openssl.refusal(narrow)]).toEqual([
      false,
      expect.stringContaining('permitted subtree'),
    ]);
    expect([(await go.verify(wide)).ok, openssl.refusal(wide)]).toEqual([true, undefined]);
    for (const question of [narrow, wide]) {
      expect(verifyLikeGo(question)).toMatchObject({ ok: false, reason: 'name-constraints' });
      expect(verifyLikeOpenSSL(question)).toMatchObject({ ok: false, reason: 'name-constraints' });
    }
  });
});
