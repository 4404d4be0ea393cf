// The bytes behind the generations. The plan says "old", "new+bridge", "both"; here is what that is in certificates and keys.
// Private keys live in memory only, beside the certificates they belong to, and leave through stdin of a node's command alone.

import type { KeyObject } from 'node:crypto';
import type { Role } from '../core/catalog/presenters.ts';
import type { Authority } from '../core/model/ids.ts';
import type { CertFact } from '../core/model/inventory.ts';
import type { AuthorityRotation, Route } from '../core/model/rotation.ts';
import type { Credential, Trust } from '../core/model/value.ts';
import { type Certificate, facts, verifiedBy } from '../pki/certificate.ts';
import { reissueLeaf } from '../pki/reissue.ts';

export interface Generation {
  certificate: Certificate;
  /** Absent where the CA's key is not to be had: an external CA. */
  key?: KeyObject;
}

export interface Bridges {
  serving?: Certificate;
  client?: Certificate;
  reverse?: Certificate;
}

export interface AuthorityMaterial {
  authority: Authority;
  route: Route;
  because: string;
  old: Generation;
  new: Generation;
  bridges: Bridges;
  /** The old CA's key was on no node when the rotation began. */
  external?: boolean;
  /** The new CA was made by reroot, not given. */
  made?: boolean;
}

/** The public part, as the core wants it. */
export function authorityRotation(material: AuthorityMaterial): AuthorityRotation {
  const cas = [material.old.certificate, material.new.certificate];
  const fingerprints: AuthorityRotation['bridges'] = {};
  for (const purpose of ['serving', 'client', 'reverse'] as const) {
    const bridge = material.bridges[purpose];
    if (bridge) fingerprints[purpose] = bridge.fingerprint;
  }
  return {
    authority: material.authority,
    old: factOf(material.old.certificate, cas),
    new: factOf(material.new.certificate, cas),
    route: material.route,
    because: material.because,
    bridges: fingerprints,
    ...(material.external ? { external: true } : {}),
  };
}

const factOf = (certificate: Certificate, cas: Certificate[]): CertFact => facts(certificate, cas);

/**
 * The anchors a bundle holds for a value. Certificates of others keep their place: reroot did not put them there.
 * Old comes before new while both are held (kubeadm reads the first, and its key is the old one until retire).
 */
export function anchorsFor(current: readonly Certificate[], value: Trust, material: AuthorityMaterial): Certificate[] {
  const ours = new Set([
    material.old.certificate.fingerprint,
    material.new.certificate.fingerprint,
    ...Object.values(material.bridges).map((bridge) => bridge.fingerprint),
  ]);
  const wanted = {
    old: [material.old.certificate],
    new: [material.new.certificate],
    both: [material.old.certificate, material.new.certificate],
    none: [],
  }[value];
  const foreign = current.filter((certificate) => !ours.has(certificate.fingerprint));
  return [...wanted, ...foreign];
}

export interface LeafRequest {
  /** The chain in the file now, leaf first. */
  current: readonly Certificate[];
  value: Credential;
  material: AuthorityMaterial;
  /** How it is presented, where that is known: a leaf's usages may allow both, or say nothing. */
  as?: Role;
  /** A leaf to go back to, where one was kept and is still valid. */
  kept?: Certificate;
  /** A new key for the leaf; by default it keeps its own (trap 8). */
  publicKey?: KeyObject;
  now: number;
}

/** Leaf and bridge for a value. A leaf that is already from the wanted generation is kept byte for byte. */
export function chainFor(request: LeafRequest): Certificate[] {
  const [leaf] = request.current;
  if (!leaf) throw new Error('there is no leaf to reissue');
  const { value, material } = request;
  if (value === 'other') throw new Error('a leaf of another authority is not reissued');
  const wanted = value.startsWith('new') ? material.new : material.old;
  const fresh = leafFrom(wanted, leaf, request);
  const bridge = bridgeFor(fresh, request);
  return bridge ? [fresh, bridge] : [fresh];
}

/** Whether a leaf that was kept can go back as it was: by the wanted CA, of the key that is in place now, and still valid. */
export const fitsAgain = (
  kept: Certificate | undefined,
  leaf: Pick<Certificate, 'spki'>,
  by: Certificate,
  now: number,
): kept is Certificate => kept !== undefined && kept.spki === leaf.spki && verifiedBy(kept, by) && kept.notAfter > now;

function leafFrom(wanted: Generation, leaf: Certificate, request: LeafRequest): Certificate {
  const issuedBy = (candidate: Certificate): boolean => verifiedBy(candidate, wanted.certificate);
  if (!request.publicKey && issuedBy(leaf)) return leaf;
  const { kept } = request;
  if (fitsAgain(kept, leaf, wanted.certificate, request.now)) return kept;
  if (!wanted.key)
    throw new Error(`the key of ${wanted.certificate.subject} is not here, so no leaf can be issued from it`);
  return reissueLeaf(
    leaf,
    { certificate: wanted.certificate, key: wanted.key },
    request.publicKey ? { now: request.now, publicKey: request.publicKey } : { now: request.now },
  );
}

function bridgeFor(leaf: Certificate, { value, material, as }: LeafRequest): Certificate | undefined {
  if (value === 'old+reverse') return demand(material.bridges.reverse, 'reverse bridge');
  if (value !== 'new+bridge') return undefined;
  // The front proxy's certificates are presented to servers, whatever their usages say.
  const role = material.authority === 'front-proxy' ? 'client' : (as ?? roleByUsages(leaf));
  return role === 'server'
    ? demand(material.bridges.serving, 'bridge for serving chains')
    : demand(material.bridges.client, 'bridge for client chains');
}

const roleByUsages = ({ extKeyUsages }: Certificate): Role =>
  extKeyUsages.length === 0 || extKeyUsages.includes('serverAuth') ? 'server' : 'client';

function demand(bridge: Certificate | undefined, name: string): Certificate {
  if (!bridge) throw new Error(`no ${name} was minted in this rotation`);
  return bridge;
}
