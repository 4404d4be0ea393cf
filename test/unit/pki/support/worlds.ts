// One rotation's certificates, and ones that break a rule: what src/pki would not make.

import { makeBridge } from '../../../../src/pki/bridge.ts';
import type { Certificate } from '../../../../src/pki/certificate.ts';
import type { Issuer } from '../../../../src/pki/issue.ts';
import { makeCA } from '../../../../src/pki/make-ca.ts';
import { reissueLeaf } from '../../../../src/pki/reissue.ts';
import { caLike, DAY, keyFor, NOW, nameOf, oldCA, oldLeaf, type Spec, YEAR } from './fixtures.ts';

export interface World {
  old: Issuer;
  new: Issuer;
  ol: Certificate;
  nl: Certificate;
  br: Certificate;
  rb: Certificate;
}

export const NEW = makeCA({
  commonName: 'kubernetes-ca-2026-11-24',
  keyType: 'EC-P-256',
  key: keyFor('EC-P-256', 'new'),
  now: NOW,
  notAfter: NOW + 10 * YEAR,
});

export const OLD = oldCA('today', 'EC-P-256');

export function world(parts: Partial<World> = {}): World {
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
export function oddOld(spec: Partial<Spec>): Issuer {
  const key = keyFor('EC-P-256', 'old');
  return { certificate: caLike({ subjectDer: nameOf('kubernetes'), key, ...spec }), key };
}

/** A bridge that breaks one rule, which makeBridge would not make. */
export function oddBridge(spec: Partial<Spec>, by: Issuer = OLD): Certificate {
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

export const reencoded = (): Issuer => ({
  ...OLD,
  certificate: oldCA('today', 'EC-P-256', 'utf8').certificate,
});

export function sameSubject(oldSpec: Partial<Spec> = {}): Partial<World> {
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
