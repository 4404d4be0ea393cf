import { describe, expect, test } from 'vitest';
import { makeBridge } from '../../../src/pki/bridge.ts';
import { type Certificate, verifiedBy } from '../../../src/pki/certificate.ts';
import { makeClientLeaf } from '../../../src/pki/client-leaf.ts';
import { encodeExtKeyUsage } from '../../../src/pki/extensions.ts';
import { issueFrom, randomSerial } from '../../../src/pki/issue.ts';
import { generateKey, spkiDer } from '../../../src/pki/keys.ts';
import { makeCA } from '../../../src/pki/make-ca.ts';
import { encodeName } from '../../../src/pki/names.ts';
import { type AuthorityMaterial, anchorsFor, authorityRotation, chainFor } from '../../../src/rotate/material.ts';

const NOW = Date.UTC(2026, 10, 24);
const YEAR = 365 * 86_400_000;
const ca = (commonName: string) => makeCA({ commonName, keyType: 'EC-P-256', now: NOW, notAfter: NOW + 10 * YEAR });

function material(): AuthorityMaterial {
  const old = ca('kubernetes');
  const fresh = ca('kubernetes-ca-2026-11-24');
  const by = old;
  const bridges = {
    serving: makeBridge({ of: fresh.certificate, by, purpose: 'serving', now: NOW }),
    client: makeBridge({ of: fresh.certificate, by, purpose: 'client', now: NOW }),
  };
  return { authority: 'kubernetes', route: 'bridge', because: 'a test', old, new: fresh, bridges };
}

const leafOf = (m: AuthorityMaterial): Certificate =>
  makeClientLeaf(
    { certificate: m.old.certificate, key: m.old.key! },
    { commonName: 'alice', publicKey: generateKey('EC-P-256'), now: NOW },
  );

type ExtKeyUsage = 'serverAuth' | 'clientAuth';

/** From old, with these extended key usages; none: without the extension. */
const leafWith = (m: AuthorityMaterial, usages: readonly ExtKeyUsage[]): Certificate =>
  issueFrom(
    { certificate: m.old.certificate, key: m.old.key! },
    {
      serial: randomSerial(),
      subjectDer: encodeName({ commonName: 'leaf' }),
      notBefore: NOW,
      notAfter: NOW + YEAR,
      spkiDer: spkiDer(generateKey('EC-P-256')),
      extensions: usages.length > 0 ? [encodeExtKeyUsage(usages)] : [],
    },
  );

describe('bundles', () => {
  test('both is old before new, so that kubeadm reads the one whose key it knows', () => {
    const m = material();
    expect(anchorsFor([m.old.certificate], 'both', m)).toEqual([m.old.certificate, m.new.certificate]);
  });

  test('a certificate of somebody else stays, whatever is dropped', () => {
    const m = material();
    const foreign = ca('somebody').certificate;
    expect(anchorsFor([m.old.certificate, foreign, m.new.certificate], 'new', m)).toEqual([m.new.certificate, foreign]);
  });

  test('a bridge that got into a bundle is not an anchor of ours and goes', () => {
    const m = material();
    expect(anchorsFor([m.new.certificate, m.bridges.serving!], 'new', m)).toEqual([m.new.certificate]);
  });
});

describe('chains', () => {
  test('a client leaf from new gets the bridge for client chains, after the leaf and nothing else', () => {
    const m = material();
    const [leaf, bridge, ...more] = chainFor({ current: [leafOf(m)], value: 'new+bridge', material: m, now: NOW });
    expect(verifiedBy(leaf!, m.new.certificate)).toBe(true);
    expect(bridge).toBe(m.bridges.client);
    expect(more).toEqual([]);
  });

  test.each([
    ['without usages', []],
    ['with both', ['serverAuth', 'clientAuth']],
  ] as const)('a front-proxy leaf %s gets the bridge for client chains, the only one there is', (_what, usages) => {
    const m: AuthorityMaterial = { ...material(), authority: 'front-proxy' };
    delete m.bridges.serving;
    const chain = chainFor({ current: [leafWith(m, usages)], value: 'new+bridge', material: m, now: NOW });
    expect(chain[1]).toBe(m.bridges.client);
  });

  test('how a leaf is presented says which bridge it gets; its usages only where that is not known', () => {
    const m = material();
    const bridge = (usages: readonly ExtKeyUsage[], as?: 'server' | 'client') =>
      chainFor({
        current: [leafWith(m, usages)],
        value: 'new+bridge',
        material: m,
        now: NOW,
        ...(as ? { as } : {}),
      })[1];
    expect(bridge(['serverAuth', 'clientAuth'], 'client')).toBe(m.bridges.client);
    expect(bridge([], 'client')).toBe(m.bridges.client);
    expect(bridge(['serverAuth', 'clientAuth'], 'server')).toBe(m.bridges.serving);
    expect(bridge(['serverAuth', 'clientAuth'])).toBe(m.bridges.serving);
    expect(bridge(['clientAuth'])).toBe(m.bridges.client);
  });

  test('taking the bridge away keeps the leaf byte for byte', () => {
    const m = material();
    const served = chainFor({ current: [leafOf(m)], value: 'new+bridge', material: m, now: NOW });
    expect(chainFor({ current: served, value: 'new', material: m, now: NOW })).toEqual([served[0]]);
  });

  test('going back takes the very leaf that was kept', () => {
    const m = material();
    const before = leafOf(m);
    const issued = chainFor({ current: [before], value: 'new', material: m, now: NOW });
    expect(chainFor({ current: issued, value: 'old', material: m, kept: before, now: NOW })).toEqual([before]);
  });

  test('without the key of the wanted CA it says whose key is missing', () => {
    const m = material();
    const without = { ...m, new: { certificate: m.new.certificate } };
    expect(() => chainFor({ current: [leafOf(m)], value: 'new', material: without, now: NOW })).toThrow(
      /kubernetes-ca-2026-11-24/,
    );
  });

  test('a bridge that was never minted is an error, not a chain without it', () => {
    const m = { ...material(), bridges: {} };
    expect(() => chainFor({ current: [leafOf(m)], value: 'new+bridge', material: m, now: NOW })).toThrow(/bridge/);
  });
});

test('what the core sees of a material is certificates and fingerprints only', () => {
  expect(JSON.stringify(authorityRotation(material()))).not.toMatch(/PRIVATE|"d":/);
});
