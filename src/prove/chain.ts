// Certificates seen now as values of a rotation.

import { credentialOf, trustOf } from '../core/catalog/value-of.ts';
import type { CertFact } from '../core/model/inventory.ts';
import type { AuthorityRotation } from '../core/model/rotation.ts';
import type { Credential, Trust } from '../core/model/value.ts';
import { type Certificate, facts } from '../pki/certificate.ts';
import type { ProbeContext } from './context.ts';

export const factsIn = (ctx: Pick<ProbeContext, 'cas'>, certificates: readonly Certificate[]): CertFact[] =>
  certificates.map((certificate) => facts(certificate, ctx.cas));

export const credentialIn = (
  ctx: Pick<ProbeContext, 'cas'>,
  chain: readonly Certificate[],
  authority: AuthorityRotation,
): Credential => credentialOf(factsIn(ctx, chain), authority);

export const trustIn = (
  ctx: Pick<ProbeContext, 'cas'>,
  anchors: readonly Certificate[],
  authority: AuthorityRotation,
): Trust => trustOf(factsIn(ctx, anchors), authority);

/** `CN=kube-apiserver 3fa1b2c4d5e6 by CN=kubernetes, then CN=new 99…`. */
export const describeChain = (chain: readonly Certificate[]): string => {
  const [leaf, ...rest] = chain;
  if (!leaf) return 'nothing';
  const then = rest.map(({ subject, fingerprint }) => `${subject} ${fingerprint.slice(0, 12)}`);
  return [`${leaf.subject} ${leaf.fingerprint.slice(0, 12)} by ${leaf.issuer}`, ...then].join(', then ');
};

export const describeAnchors = (anchors: readonly Certificate[]): string =>
  anchors.length === 0
    ? 'nothing'
    : anchors.map(({ subject, fingerprint }) => `${subject} ${fingerprint.slice(0, 12)}`).join(' + ');

/** The largest of times, as a certificate file's mtime is read: 10:11:12Z. */
export const clock = (millis: number): string => `${new Date(millis).toISOString().slice(11, 19)}Z`;
