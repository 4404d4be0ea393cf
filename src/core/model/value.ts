// The few things a store or a running party can hold of one authority, and who accepts whom.

/** Trust anchors: which generations are among them. `none`: neither (another CA, or nothing). */
export type Trust = 'old' | 'new' | 'both' | 'none';
/** A leaf by its issuer, with the intermediate that follows it in the same file. `other`: from neither generation. */
export type Credential = 'old' | 'new' | 'new+bridge' | 'old+reverse' | 'other';
/** What a controller manager may find in the file it signs with. `bundle`: more than one certificate, which it refuses to sign with. */
export type Signer = 'old' | 'new' | 'bundle' | 'mismatched' | 'absent';
/** Which files a component's flags name: as found, or split (own signer and root bundle files). */
export type FlagSet = 'found' | 'split';

export type Holds = 'trust' | 'credential' | 'signer' | 'flags';
export type Value = Trust | Credential | Signer | FlagSet;

export const VALUES = {
  trust: ['old', 'new', 'both', 'none'],
  credential: ['old', 'new', 'new+bridge', 'old+reverse', 'other'],
  signer: ['old', 'new', 'bundle', 'mismatched', 'absent'],
  flags: ['found', 'split'],
} as const satisfies Record<Holds, readonly Value[]>;

/**
 * RFC 5280 section 6 reduced to two anchors and two bridges: is a presenter with this credential accepted by a verifier with this trust?
 * `other` is outside this authority: whoever presents it is verified through something else, so nothing here can break it.
 * A reverse bridge is for serverAuth only (trap 2), so as a client's chain `old+reverse` is no more than the leaf.
 */
export function verifies(trust: Trust, credential: Credential, as: 'server' | 'client' = 'server'): boolean {
  switch (credential) {
    case 'other':
      return true;
    case 'old':
      return trust === 'old' || trust === 'both';
    case 'new':
      return trust === 'new' || trust === 'both';
    case 'new+bridge':
      return trust !== 'none';
    case 'old+reverse':
      return as === 'server' ? trust !== 'none' : trust === 'old' || trust === 'both';
  }
}
