// The measured table of TLS stacks against the chains of a rotation, as far as Go and OpenSSL go: each row for the real verifier and for ours.
// A pattern has a letter for each trust bundle: old | new | old,new | new,old; o accepted, F refused.

import { describe, expect, it } from 'vitest';
import { makeBridge } from '../../../src/pki/bridge.ts';
import type { Certificate } from '../../../src/pki/certificate.ts';
import type { Issuer } from '../../../src/pki/issue.ts';
import { makeCA } from '../../../src/pki/make-ca.ts';
import { reissueLeaf } from '../../../src/pki/reissue.ts';
import { type OpenSSLQuestion, verifyLikeGo, verifyLikeOpenSSL } from '../../../src/pki/verify.ts';
import {
  caLike,
  DAY,
  issuerAndSerial,
  keyFor,
  keyIdOfKey,
  leafLike,
  NOW,
  nameConstraints,
  nameOf,
  oldCA,
  oldLeaf,
  type Spec,
  YEAR,
} from './support/fixtures.ts';
import { useJudge } from './support/judge.ts';
import { useOpenSSL } from './support/openssl.ts';

const go = useJudge();
const openssl = useOpenSSL();

interface World {
  old: Issuer;
  new: Issuer;
  ol: Certificate;
  nl: Certificate;
  br: Certificate;
  rb: Certificate;
}

interface Row {
  title: string;
  world: World;
  chain: (world: World) => Certificate[];
  go: string;
  openssl: string;
  /** Python 3.13's default context: strict and partial chains. */
  strict: string;
}

const NEW = makeCA({
  commonName: 'kubernetes-ca-2026-11-24',
  keyType: 'EC-P-256',
  key: keyFor('EC-P-256', 'new'),
  now: NOW,
  notAfter: NOW + 10 * YEAR,
});

const OLD = oldCA('today', 'EC-P-256');

function world(parts: Partial<World> = {}): World {
  const old = parts.old ?? OLD;
  const next = parts.new ?? NEW;
  const ol = parts.ol ?? oldLeaf(old, 'EC-P-256');
  return {
    old,
    new: next,
    ol,
    nl: parts.nl ?? reissueLeaf(ol, next, { now: NOW }),
    br: parts.br ?? makeBridge({ of: next.certificate, by: old, purpose: 'serving', now: NOW }),
    rb: parts.rb ?? makeBridge({ of: old.certificate, by: next, purpose: 'reverse', now: NOW }),
  };
}

/** An old CA that differs from kubeadm's in one thing. */
function oddOld(spec: Partial<Spec>): Issuer {
  const key = keyFor('EC-P-256', 'old');
  return { certificate: caLike({ subjectDer: nameOf('kubernetes'), key, ...spec }), key };
}

/** A bridge that breaks one rule, which makeBridge would not make. */
function oddBridge(spec: Partial<Spec>, by: Issuer = OLD): Certificate {
  return caLike(
    {
      subjectDer: NEW.certificate.slices.subjectDer,
      key: NEW.key,
      notBefore: NOW - DAY,
      extUsages: ['serverAuth'],
      ...spec,
    },
    by,
  );
}

const served = {
  ol: ({ ol }: World) => [ol],
  'ol+rb': ({ ol, rb }: World) => [ol, rb],
  nl: ({ nl }: World) => [nl],
  'nl+br': ({ nl, br }: World) => [nl, br],
  'nl+br+oldroot': ({ nl, br, old }: World) => [nl, br, old.certificate],
  'nl+newroot+br': ({ nl, br, new: next }: World) => [nl, next.certificate, br],
};

function rows(
  label: string,
  parts: Partial<World>,
  cells: Partial<Record<keyof typeof served, [string, string, string]>>,
): Row[] {
  const made = world(parts);
  return Object.entries(cells).map(([name, [goes, opens, strict]]) => ({
    title: `${name}, ${label}`,
    world: made,
    chain: served[name as keyof typeof served],
    go: goes,
    openssl: opens,
    strict,
  }));
}

const reencoded = (): Issuer => ({
  ...OLD,
  certificate: oldCA('today', 'EC-P-256', 'utf8').certificate,
});

function sameSubject(oldSpec: Partial<Spec> = {}): Partial<World> {
  const old = oddOld(oldSpec);
  const next = makeCA({
    subjectDer: old.certificate.slices.subjectDer,
    keyType: 'EC-P-256',
    key: keyFor('EC-P-256', 'new'),
    now: NOW,
    notAfter: NOW + 10 * YEAR,
  });
  return { old, new: next };
}

const withoutAuthority = sameSubject();

const TABLE: Row[] = [
  ...rows(
    'OLD as kubeadm makes today',
    {},
    {
      ol: ['oFoo', 'oFoo', 'oFoo'],
      'ol+rb': ['oooo', 'oooo', 'oooo'],
      nl: ['Fooo', 'Fooo', 'Fooo'],
      'nl+br': ['oooo', 'oooo', 'oooo'],
      'nl+br+oldroot': ['oooo', 'oooo', 'oooo'],
      'nl+newroot+br': ['oooo', 'Fooo', 'Fooo'],
    },
  ),
  ...rows(
    'OLD as kubeadm <= 1.18 (no key ids)',
    { old: oldCA('before 1.19', 'EC-P-256') },
    {
      ol: ['oFoo', 'oFoo', 'FFFF'],
      'ol+rb': ['oooo', 'oooo', 'FFFF'],
      nl: ['Fooo', 'Fooo', 'Fooo'],
      'nl+br': ['oooo', 'oooo', 'Fooo'],
      'nl+br+oldroot': ['oooo', 'oooo', 'Fooo'],
      'nl+newroot+br': ['oooo', 'Fooo', 'Fooo'],
    },
  ),
  ...rows(
    'OLD pathlen:0',
    { old: oddOld({ pathLen: 0 }) },
    {
      ol: ['oFoo', 'oFoo', 'oFoo'],
      'nl+br': ['Fooo', 'Fooo', 'Fooo'],
      'nl+br+oldroot': ['Fooo', 'Fooo', 'Fooo'],
    },
  ),
  ...rows(
    'NEW pathlen:0',
    {
      new: {
        certificate: caLike({ subjectDer: nameOf('new'), key: keyFor('EC-P-256', 'new'), pathLen: 0 }),
        key: keyFor('EC-P-256', 'new'),
      },
    },
    {
      'nl+br': ['oooo', 'oooo', 'oooo'],
      'ol+rb': ['oFoo', 'oFoo', 'oFoo'],
    },
  ),
  ...rows(
    'OLD without keyUsage (openssl-made)',
    { old: oddOld({ usages: null }) },
    {
      ol: ['oFoo', 'oFoo', 'FFFF'],
      'nl+br': ['oooo', 'oooo', 'Fooo'],
    },
  ),
  ...rows(
    "br with SKI other than NEW's",
    { br: oddBridge({ keyId: keyIdOfKey(keyFor('EC-P-256', 'other')) }) },
    {
      'nl+br': ['oooo', 'Fooo', 'Fooo'],
    },
  ),
  ...rows('br without SKI', { br: oddBridge({ keyId: null }) }, { 'nl+br': ['oooo', 'oooo', 'Fooo'] }),
  ...rows(
    'br without AKI (OLD has SKI)',
    { br: oddBridge({ authority: null }) },
    { 'nl+br': ['oooo', 'oooo', 'Fooo'] },
  ),
  ...rows(
    'leaf AKI has issuer+serial',
    {
      nl: leafLike(
        {
          subjectDer: nameOf('kube-apiserver'),
          key: keyFor('EC-P-256', 'leaf'),
          authority: issuerAndSerial(NEW.certificate),
        },
        NEW,
      ),
      ol: leafLike(
        {
          subjectDer: nameOf('kube-apiserver'),
          key: keyFor('EC-P-256', 'leaf'),
          authority: issuerAndSerial(OLD.certificate),
        },
        OLD,
      ),
    },
    { 'nl+br': ['oooo', 'Fooo', 'Fooo'], 'ol+rb': ['oooo', 'oFoo', 'oFoo'] },
  ),
  ...rows(
    'br subject re-encoded (UTF8 for Printable)',
    {
      br: oddBridge({ subjectDer: nameOf('kubernetes-ca-2026-11-24', 'utf8') }),
    },
    { 'nl+br': ['Fooo', 'oooo', 'oooo'] },
  ),
  ...rows('br issuer re-encoded', { br: oddBridge({}, reencoded()) }, { 'nl+br': ['Fooo', 'oooo', 'oooo'] }),
  ...rows(
    'br expired, still served',
    { br: oddBridge({ notBefore: NOW - 9 * DAY, notAfter: NOW - DAY }) },
    { 'nl+br': ['Fooo', 'Fooo', 'Fooo'] },
  ),
  ...rows(
    'bridge.notAfter > OLD.notAfter',
    {
      old: oddOld({ notAfter: NOW + DAY }),
      br: oddBridge({ notAfter: NOW + YEAR }, oddOld({ notAfter: NOW + DAY })),
    },
    { 'nl+br': ['oooo', 'oooo', 'oooo'] },
  ),
  ...rows(
    "OLD's EKU without serverAuth",
    { old: oddOld({ extUsages: ['clientAuth'] }) },
    { 'nl+br': ['Fooo', 'Fooo', 'Fooo'], ol: ['FFFF', 'FFFF', 'FFFF'] },
  ),
  ...rows(
    "OLD's keyUsage without keyCertSign",
    { old: oddOld({ usages: ['digitalSignature', 'cRLSign'] }) },
    {
      'nl+br': ['Fooo', 'Fooo', 'Fooo'],
      ol: ['FFFF', 'FFFF', 'FFFF'],
    },
  ),
  ...rows('same subject, bridge with explicit AKI', sameSubject(), {
    'nl+br': ['oooo', 'oooo', 'oooo'],
    'ol+rb': ['oooo', 'oooo', 'oooo'],
    ol: ['oFoo', 'oFoo', 'oFoo'],
    nl: ['Fooo', 'Fooo', 'Fooo'],
  }),
  ...rows(
    'same subject, bridge without AKI (as Go makes it)',
    {
      ...withoutAuthority,
      br: caLike(
        { subjectDer: nameOf('kubernetes'), key: keyFor('EC-P-256', 'new'), authority: null },
        withoutAuthority.old as Issuer,
      ),
    },
    { 'nl+br': ['oooo', 'Fooo', 'Fooo'] },
  ),
  ...rows('same subject, OLD without SKI (no order works)', sameSubject({ keyId: null }), {
    ol: ['oFoo', 'oFoF', 'FFFF'],
    nl: ['Fooo', 'FoFo', 'FoFo'],
  }),
];

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
