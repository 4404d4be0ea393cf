// What changes a state of beliefs, and what a plan is made of. Values: nothing here acts.

import type { Authority, PartyId, StoreId, UseId } from './ids.ts';
import type { Move, Route } from './rotation.ts';
import type { Value } from './value.ts';

/** Another actor than reroot that can be on or off: a node that joins, kubeadm renew or upgrade, a kubelet that renews its certificate by itself. */
export type Actor = 'join' | 'kubeadm' | 'own-rotation';

/** A change to the state of beliefs (model.md, section 1). Writes add, proofs remove. */
export type Effect =
  | { kind: 'write'; stores: readonly StoreId[]; value: Value }
  | { kind: 'restart'; parties: readonly PartyId[] }
  | { kind: 'read'; stores: readonly StoreId[]; keep: readonly Value[] }
  | { kind: 'probe'; uses: readonly UseId[]; keep: readonly Value[] }
  | { kind: 'restarted'; parties: readonly PartyId[] }
  | { kind: 'actor'; actor: Actor; on: boolean }
  | { kind: 'waive'; parties: readonly PartyId[] };

export type ProofKind =
  | 'holds' // a store read back: file or object
  | 'serves' // the chain an endpoint presents in a fresh handshake
  | 'accepts' // an endpoint accepts a client of this generation (401 against 200/403)
  | 'presents' // what a client shows to a server that looks
  | 'restarted' // start time of the process is later than the change it must have read
  | 'signs' // a probe CSR comes from this generation
  | 'published' // a flow's target holds it everywhere: kube-root-ca.crt in every namespace
  | 'loaded' // what a pod has taken up: projected file and start time
  | 'settled'; // a union that was edited stays as it is

/** One thing to show. `keep` is the set of values that are good; what is measured outside it is left standing. */
export interface Proof {
  kind: ProofKind;
  authority: Authority;
  /** What is looked at: use ids for serves, accepts, presents, signs, loaded; store ids for holds, published, settled; party ids for restarted. */
  of: readonly string[];
  keep: readonly Value[];
}

/** What the shell does in a step. The bytes come from the material (src/rotate/material.ts); the core knows generations only. */
export type Action =
  | { do: 'write'; stores: readonly StoreId[]; value: Value }
  | { do: 'restart'; waves: readonly (readonly PartyId[])[] }
  | { do: 'evict'; pods: readonly PartyId[] }
  | { do: 'roll'; workloads: readonly StoreId[]; pods: readonly PartyId[] } // the page's annotation on Deployments, DaemonSets, StatefulSets: they restart their pods by their own strategy
  | { do: 'freeze'; authority: Authority } // the CA key to the staging folder: kubeadm sees an external CA (trap 24)
  | { do: 'unfreeze'; authority: Authority }
  | { do: 'shrink-union'; store: StoreId; more?: readonly StoreId[] } // extension-apiserver-authentication; `more`: its other keys, edited and watched together
  | { do: 'nudge'; parties: readonly PartyId[] } // a harmless request through each API server to its kubelets (trap 26)
  | { do: 'prove' };

export interface Step {
  /** Stable within a plan and over a resume: `issue.kubernetes.serving-leaf.cp1`. */
  id: string;
  move: Move;
  authority: Authority;
  /** One line for people, present tense: `serve a leaf from new with the bridge`. */
  title: string;
  action: Action;
  effects: readonly Effect[];
  /** Values of each target before and after, for the diff. */
  before: Readonly<Record<string, Value | 'various'>>;
  after: Readonly<Record<string, Value>>;
  /** What turns this step back; absent only in retire once old is dropped. */
  inverse?: Action;
  /** What must be shown before this step may run (the gate), sources before consumers. */
  gate: readonly Proof[];
  /** What shows that it has worked. */
  proof: readonly Proof[];
  /** The action is left out when these hold already: a restart of a party that may have taken the change up by itself. */
  unless?: readonly Proof[];
  /** Parties that keep this step waiting whatever is proved: a frozen pod, a node away. Each with the way on. */
  blockers: readonly Blocker[];
}

export interface Blocker {
  party: PartyId | StoreId;
  /** Documented constant, kebab-case. */
  reason: string;
  message: string;
  /** Ways on, most sparing first: the commands that mend it. */
  ways: readonly string[];
}

export interface Plan {
  steps: readonly Step[];
  routes: readonly { authority: Authority; route: Route; because: string }[];
  /** Restarts by component: the most of any instance. */
  restarts: Readonly<Record<string, number>>;
  /** Why no safe plan was found; then steps end where it stopped. */
  refusal?: Refusal;
  /** By when the moves must be over, milliseconds since the epoch: bridges end with the old CA (trap 7). */
  deadline?: { at: number; because: string };
}

export interface Refusal {
  reason: string;
  message: string;
  hint?: string;
}
