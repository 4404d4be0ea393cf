import type { Fingerprint, StoreId } from '../core/model/ids.ts';
import type { AuthorityFact, Store } from '../core/model/inventory.ts';
import type { Rotation } from '../core/model/rotation.ts';
import type { Certificate } from '../pki/certificate.ts';
import { isPieceOf } from '../pki/pem-in-text.ts';
import type { Unread } from './objects.ts';

/**
 * Tells whether an object's content is of one of the cluster's authorities, or of the generations of an open rotation. Clusters are full of other
 * certificates (ingress, databases): those are none of ours. What a component publishes always counts, whatever it holds by mistake.
 */
export function relevance(
  authorities: readonly AuthorityFact[],
  rotation: Rotation | undefined,
): (store: Store) => boolean {
  const roots = rootsOf(authorities, rotation);
  return (store) =>
    store.publishedBy !== undefined ||
    store.certs.some((cert) => roots.has(cert.fingerprint) || cert.signedBy.some((root) => roots.has(root)));
}

/** Of the objects of which nothing could be read, those that were to hold one of these CAs: a piece of it says so. */
export function tornCopies(
  authorities: readonly AuthorityFact[],
  rotation: Rotation | undefined,
  certificates: ReadonlyMap<Fingerprint, Certificate>,
  unread: Unread,
): StoreId[] {
  const cas = [...rootsOf(authorities, rotation)].flatMap((root) => certificates.get(root) ?? []);
  return [...unread].flatMap(([id, bodies]) => (isPieceOf(bodies, cas) ? id : []));
}

const rootsOf = (authorities: readonly AuthorityFact[], rotation: Rotation | undefined): ReadonlySet<Fingerprint> =>
  new Set([
    ...authorities.flatMap(({ anchors }) => anchors.map(({ fingerprint }) => fingerprint)),
    ...(rotation?.authorities ?? []).flatMap((one) => [one.old.fingerprint, one.new.fingerprint]),
  ]);
