// The cluster reduced to what the check needs: stores, uses, flows and channels as data. The catalogue makes it from an inventory.

import type { Authority, PartyId, StoreId, UseId } from './ids.ts';
import type { Actor, ProofKind } from './step.ts';
import type { FlagSet, Holds, Value } from './value.ts';

/**
 * A store, or a class of stores that are told apart by nothing the check looks at (one a pod, say). A belief about a class is
 * "each of the members holds one of these", which is exact, for a channel's verdict depends on the union only (model.md, section 6).
 * Stores of control planes are classes of one.
 */
export interface StoreClass {
  id: StoreId;
  authority: Authority;
  holds: Holds;
  /**
   * The real stores; [id] for a class of one. A class of several has an id of its own that is none of its members', so that an
   * effect says which it means: the id stands for all of them, a member for itself.
   */
  members: readonly StoreId[];
  /** How the content is shown. Default: `settled` for the target of a union, `published` for that of a publisher, else `holds`. */
  proof?: ProofKind;
}

export type UseKind =
  | 'verifies-servers'
  | 'verifies-clients'
  | 'presents-as-server'
  | 'presents-as-client'
  | 'signs'
  | 'publishes'
  | 'flags';

/** When a running party takes up a changed store. For planner and proofs only: the check takes every re-read as possible at any moment. */
export type Reread = 'at-once' | 'five-minutes' | 'own-rotation' | 'restart' | 'leadership' | 'never-known';

/** Where a use reads from. Several sources: flags not settled, or an elected party whose files are those of all instances. */
export interface Source {
  /** Holds only when the party's flags may have this value. */
  when?: { flags: UseId; is: FlagSet };
  store: StoreId;
}

export interface Use {
  id: UseId;
  /** The party, or the class's representative. */
  party: PartyId;
  parties: readonly PartyId[];
  authority: Authority;
  kind: UseKind;
  holds: Holds;
  sources: readonly Source[];
  reread: Reread;
  /** How what this use has loaded can be shown: `accepts` for a server's client CA, `restarted` for what is read at start only, … */
  proof: ProofKind;
  /**
   * Its parties started before the rotation began and not since: each holds old, or re-reads its source. That is as good as known
   * once the source has held old for longer than any re-read takes, although `reread` says never-known.
   */
  untouched?: true;
}

/** A store that others fill: `kube-root-ca.crt` from the leader, a kubelet's certificate from the signer. */
export interface Flow {
  id: string;
  from: readonly (UseId | StoreId)[];
  /** A store, or a use: a coming party takes its trust from `cluster-info`, an open connection what its client presents. */
  to: StoreId | UseId;
  /**
   * copy: the target takes the source's value.
   * union: the target adds the source's anchors to its own and never drops any (extension-apiserver-authentication).
   * signs: the target takes a leaf of the signer's generation, without a bridge (signer.go: the certificate only).
   */
  how: 'copy' | 'union' | 'signs';
  /** A flow that can be off: `join` (a node joins), `kubeadm` (renew or upgrade), `own-rotation` (a kubelet renews its certificate). */
  actor?: Actor;
}

/** One direction of a channel: the verifier checks what the presenter shows. A mutual channel is two edges. */
export interface Edge {
  channel: string;
  verifier: UseId;
  presenter: UseId;
}

/** Every verifier of the first list checks every presenter of the second, all of which present as servers or all as clients: as many edges, kept as one (model.md, section 6). */
export interface RolePair {
  channel: string;
  verifiers: readonly UseId[];
  presenters: readonly UseId[];
}

export interface Topology {
  stores: readonly StoreClass[];
  uses: readonly Use[];
  flows: readonly Flow[];
  edges: readonly Edge[];
  /** More edges, as role pairs. */
  pairs?: readonly RolePair[];
  /**
   * Values each store may hold and each use may have loaded when this topology was made. A use that is left out has loaded what
   * its sources hold; a store or use that nothing fills holds nothing, and nothing can break through it.
   */
  initial: { stores: Readonly<Record<StoreId, readonly Value[]>>; uses: Readonly<Record<UseId, readonly Value[]>> };
  /** Actors that are on at first. */
  actors: readonly Actor[];
}
