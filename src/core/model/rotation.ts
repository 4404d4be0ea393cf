// What a rotation is asked to do, and the material it goes between. Values only.

import type { Authority, Fingerprint, NodeName, PartyId } from './ids.ts';
import type { CertFact, Millis } from './inventory.ts';

export type Move = 'trust' | 'issue' | 'retire' | 'rollback';
export const MOVES: readonly Move[] = ['trust', 'issue', 'retire'];

/**
 * bridge: servers serve leaf + bridge, so a verifier that trusts only old accepts them; clients restart once.
 * bundle: both CAs everywhere first; clients restart twice.
 */
export type Route = 'bridge' | 'bundle';

export interface AuthorityRotation {
  authority: Authority;
  old: CertFact;
  new: CertFact;
  route: Route;
  /** Why this route, in words for the plan: `old has pathlen 0 (trap 7a)`. */
  because: string;
  /** Fingerprints of bridges minted so far: for serving chains, for client chains, and the reverse ones of a rollback. */
  bridges: { serving?: Fingerprint; client?: Fingerprint; reverse?: Fingerprint };
  /** The old CA's key was on no node (an external CA): none is put where kubeadm looks for one at the end. */
  external?: boolean;
}

export interface Waiver {
  party: PartyId | string;
  reason: string;
}

export interface Rotation {
  id: string;
  authorities: AuthorityRotation[];
  restart: 'none' | 'stale' | 'all';
  waivers: Waiver[];
  newKeys: boolean;
  compromised: boolean;
  /** A rollback has begun: this rotation can only go back, and what stores have held is no longer ordered. */
  rollback?: boolean;
  /** A moment before anything of new was written anywhere, by the clock of each node: what started earlier had old at its start. */
  begunAt?: Readonly<Record<NodeName, Millis>>;
  /** Nodes at once in a wave of kubelet restarts: `1`, `10%`. */
  maxUnavailable: string;
}
