// What the simulator's stores hold: lists of real certificates, and what real verification says of them. It knows nothing of the
// model's values but how a script's value is made into content, and how a prover names the content it has measured.

import type { Credential, Holds, Value } from '../../src/core/model/value.ts';
import { makeBridge } from '../../src/pki/bridge.ts';
import type { Certificate } from '../../src/pki/certificate.ts';
import { encodeExtKeyUsage, encodeKeyUsage } from '../../src/pki/extensions.ts';
import { authorityKeyIdFor, type Issuer, issueFrom, randomSerial } from '../../src/pki/issue.ts';
import { generateKey, type KeyType, spkiDer } from '../../src/pki/keys.ts';
import { makeCA } from '../../src/pki/make-ca.ts';
import { encodeName } from '../../src/pki/names.ts';
import { verifyLikeGo, verifyLikeOpenSSL } from '../../src/pki/verify.ts';

export type Generation = 'old' | 'new';
export type Anchors = readonly Generation[];
export type Link = `${Generation} leaf` | 'serving bridge' | 'client bridge' | 'peer bridge' | 'reverse bridge';

/** What a store or a process holds. A signer's file is a certificate list and the generation of the key it comes with. */
export type Content =
  | { readonly kind: 'trust'; readonly anchors: Anchors }
  | { readonly kind: 'credential'; readonly chain: readonly Link[] }
  | { readonly kind: 'signer'; readonly certs: Anchors; readonly key: Generation | undefined }
  | { readonly kind: 'flags'; readonly is: 'found' | 'split' };

/** How a credential is used: etcd shows one file both ways. */
export type Purpose = 'serving' | 'client' | 'peer';

const trust = (...anchors: Generation[]): Content => ({ kind: 'trust', anchors });
const leafOf = (generation: Generation): Link => `${generation} leaf`;
export const leafContent = (generation: Generation): Content => ({ kind: 'credential', chain: [leafOf(generation)] });

/** The bytes that a write of this value puts there. */
export function contentOf(holds: Holds, value: Value, purpose: Purpose = 'serving'): Content {
  if (holds === 'flags') return { kind: 'flags', is: value === 'split' ? 'split' : 'found' };
  if (holds === 'trust') {
    return value === 'both' ? trust('old', 'new') : value === 'none' ? trust() : trust(value as Generation);
  }
  if (holds === 'signer') return signerContent(value);
  switch (value as Credential) {
    case 'new+bridge':
      return { kind: 'credential', chain: ['new leaf', `${purpose} bridge`] };
    case 'old+reverse':
      return { kind: 'credential', chain: ['old leaf', 'reverse bridge'] };
    case 'old':
    case 'new':
      return leafContent(value as Generation);
    case 'other':
      throw new Error('the simulator has no third CA');
  }
}

function signerContent(value: Value): Content {
  if (value === 'old' || value === 'new') return { kind: 'signer', certs: [value], key: value };
  if (value === 'mismatched') return { kind: 'signer', certs: ['new'], key: 'old' };
  if (value === 'absent') return { kind: 'signer', certs: [], key: undefined };
  return { kind: 'signer', certs: ['old', 'new'], key: 'old' };
}

/** How a prover would name what it measured: by fingerprints. */
export function measured(content: Content): Value {
  switch (content.kind) {
    case 'flags':
      return content.is;
    case 'trust': {
      const old = content.anchors.includes('old');
      const fresh = content.anchors.includes('new');
      return old && fresh ? 'both' : old ? 'old' : fresh ? 'new' : 'none';
    }
    case 'credential': {
      const [leaf, next] = content.chain;
      if (leaf === 'old leaf') return next === 'reverse bridge' ? 'old+reverse' : 'old';
      return next === undefined ? 'new' : 'new+bridge';
    }
    case 'signer': {
      if (content.certs.length === 0) return 'absent';
      if (content.certs.length > 1) return 'bundle';
      return content.key === content.certs[0] ? (content.certs[0] as Generation) : 'mismatched';
    }
  }
}

// ---- real certificates ----

export interface Material {
  anchors: Record<Generation, Certificate>;
  links: Record<Link, Certificate>;
  now: number;
}

const DAY = 86_400_000;

/** Two CAs with key ids and distinct subjects, a leaf of each with one key, and every bridge. */
export function makeMaterial(now: number, keyType: KeyType = 'EC-P-256'): Material {
  const old = makeCA({ commonName: 'kubernetes', keyType, now, notAfter: now + 3650 * DAY });
  const fresh = makeCA({ commonName: 'kubernetes-ca-2026-11-24', keyType, now, notAfter: now + 3650 * DAY });
  const key = spkiDer(generateKey(keyType));
  const leaf = (ca: Issuer) =>
    issueFrom(ca, {
      serial: randomSerial(),
      subjectDer: encodeName({ commonName: 'party' }),
      notBefore: now - DAY,
      notAfter: now + 365 * DAY,
      spkiDer: key,
      extensions: [
        encodeKeyUsage(['digitalSignature']),
        encodeExtKeyUsage(['serverAuth', 'clientAuth']),
        ...authorityKeyIdFor(ca.certificate),
      ],
    });
  const forward = { of: fresh.certificate, by: old, now };
  return {
    anchors: { old: old.certificate, new: fresh.certificate },
    links: {
      'old leaf': leaf(old),
      'new leaf': leaf(fresh),
      'serving bridge': makeBridge({ ...forward, purpose: 'serving' }),
      'client bridge': makeBridge({ ...forward, purpose: 'client' }),
      'peer bridge': makeBridge({ ...forward, purpose: 'peer' }),
      'reverse bridge': makeBridge({ of: old.certificate, by: fresh, now, purpose: 'reverse' }),
    },
    now,
  };
}

export type Verify = (anchors: Anchors, chain: readonly Link[], usage: 'serverAuth' | 'clientAuth') => boolean;

/** Go's and OpenSSL's verdict on the certificates themselves: both must accept. Each combination is verified once and remembered. */
export function verifier(material: Material): Verify {
  const known = new Map<string, boolean>();
  return (anchors, chain, usage) => {
    const key = `${anchors.join()}|${chain.join()}|${usage}`;
    let verdict = known.get(key);
    if (verdict === undefined) {
      const question = {
        anchors: anchors.map((one) => material.anchors[one]),
        chain: chain.map((one) => material.links[one]),
        usage,
        now: material.now,
      };
      verdict = verifyLikeGo(question).ok && verifyLikeOpenSSL(question).ok;
      known.set(key, verdict);
    }
    return verdict;
  };
}
