// What a state of beliefs is made of.

import type { PartyId, StoreId, UseId } from './ids.ts';
import type { Actor } from './step.ts';
import type { Value } from './value.ts';

/** Why a node may hold a value: the first way in which it got there since it was last shown not to. Causes form a chain to a write or the start. */
export interface Cause {
  readonly node: StoreId | UseId;
  readonly value: Value;
  readonly by: 'start' | 'write' | 'reads' | 'flow';
  /** The flow's id, for `flow`. */
  readonly flow?: string;
  /** Number of effects applied when it got there; 0 is the start. */
  readonly step: number;
  readonly from?: Cause;
  /** Why the flags may name the store it was read from, for `reads` that hang on flags. */
  readonly given?: Cause;
}

/** Restarts of ours that are not proved yet, for the uses of one group of parties. */
export interface Round {
  readonly restarted: ReadonlySet<PartyId>;
  readonly proved: ReadonlySet<PartyId>;
}

/** Immutable for callers. Beliefs are indexed by node (topology-index.ts). */
export interface State {
  readonly beliefs: Uint8Array;
  /** What each use can have read from the start of its pending restart on. */
  readonly boot: Uint8Array;
  /** Pending restarts by group. */
  readonly rounds: ReadonlyMap<number, Round>;
  /** At `node * 8 + bit number`. */
  readonly causes: readonly (Cause | undefined)[];
  readonly actors: ReadonlySet<Actor>;
  readonly waived: ReadonlySet<string>;
  /** Effects applied so far. */
  readonly step: number;
}

export const CAUSES_PER_NODE = 8;
