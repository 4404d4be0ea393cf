import type { AuthorityFact, Store } from '../core/model/inventory.ts';
import type { Rotation } from '../core/model/rotation.ts';

/**
 * Tells whether an object's content is of one of the cluster's authorities, or of the generations of an open rotation. Clusters are full of other
 * certificates (ingress, databases): those are none of ours. What a component publishes always counts, whatever it holds by mistake.
 */
export function relevance(
  authorities: readonly AuthorityFact[],
  rotation: Rotation | undefined,
): (store: Store) => boolean {
  const roots = new Set([
    ...authorities.flatMap(({ anchors }) => anchors.map(({ fingerprint }) => fingerprint)),
    ...(rotation?.authorities ?? []).flatMap((one) => [one.old.fingerprint, one.new.fingerprint]),
  ]);
  return (store) =>
    store.publishedBy !== undefined ||
    store.certs.some((cert) => roots.has(cert.fingerprint) || cert.signedBy.some((root) => roots.has(root)));
}
