// Trust bundles: which anchors a list holds, and the list after a change. Certificates of others stay where they are.

import type { Certificate } from './certificate.ts';

/** Anchors are known by fingerprint, never by name. CertFact and Certificate both fit. */
interface Anchor {
  fingerprint: string;
}

export interface AnchorChange {
  add?: readonly Certificate[];
  /** Fingerprints. */
  drop?: readonly string[];
}

/**
 * `existing` without those to drop and with those to add behind it: what was first stays first as long as it is there, since kubeadm and others
 * read only the first of a bundle, and an anchor with no key id is still found before a newer one of the same name.
 * One that is there already is not added again. Asked to add and drop the same one, it is dropped.
 */
export function withAnchors(existing: readonly Certificate[], { add = [], drop = [] }: AnchorChange): Certificate[] {
  const gone = new Set(drop);
  const there = new Set(existing.map(({ fingerprint }) => fingerprint));
  const added = add.filter(({ fingerprint }, i) => {
    const earlier = add.findIndex((other) => other.fingerprint === fingerprint);
    return !there.has(fingerprint) && earlier === i;
  });
  return [...existing, ...added].filter(({ fingerprint }) => !gone.has(fingerprint));
}

export type Held = 'old' | 'new' | 'both' | 'none';

/** Which of two generations (fingerprints) are among the anchors. The core's word for a trust store's content. */
export function holdsOf(anchors: readonly Anchor[], generations: { old: string; new: string }): Held {
  const has = (fingerprint: string): boolean => anchors.some((anchor) => anchor.fingerprint === fingerprint);
  if (has(generations.old)) return has(generations.new) ? 'both' : 'old';
  return has(generations.new) ? 'new' : 'none';
}
