// The invariant: every channel verifies in each direction for every combination of what its ends may hold (I1), and every party
// can start and every signer sign from whatever its stores may hold (I2). A violation says which combination would fail.

import { apply } from './apply.ts';
import { acceptanceOf, type Belief, bitOf, NOTHING, valueAt } from './belief.ts';
import type { PartyId, StoreId, UseId } from './ids.ts';
import { type Cause, isWaived, type State } from './state.ts';
import { CAUSES_PER_NODE } from './state-types.ts';
import type { Effect } from './step.ts';
import type { Edge, Topology } from './topology.ts';
import { type Index, type Inflow, index, type NodeIndex } from './topology-index.ts';
import type { Credential, Holds, Signer, Trust, Value } from './value.ts';

/** One end of a combination that would fail: what it may hold, and how it may have got there. */
export interface End {
  readonly use: UseId;
  readonly value: Value;
  readonly cause?: Cause;
}

/** Channels of one kind that would fail with one combination of values. */
export interface ChannelViolation {
  readonly rule: 'channel';
  /** The first of `edges`, for people. */
  readonly channel: string;
  readonly verifier: End & { readonly value: Trust };
  readonly presenter: End & { readonly value: Credential };
  /** All edges between uses of the same two roles that fail with these values. */
  readonly edges: readonly Edge[];
  /** Channels between single parties behind these edges: classes count with all their members. */
  readonly count: number;
  /** Effects applied to the state in which it was found: causes of this step are the last effect's doing. */
  readonly step: number;
}

/** A use and a store it may read that would do it harm; `flags` where it hangs on them. */
export interface FaultSource {
  readonly use: UseId;
  readonly store: StoreId;
  readonly flags?: UseId;
}

/** start: a file that the flags may name may not be there. sign: the signer's file may hold what it cannot sign with. */
export interface FaultViolation {
  readonly rule: 'start' | 'sign';
  readonly at: End;
  /** All stores that may bring this value to uses of the same role; `content` and `flags` tell of the first. */
  readonly sources: readonly FaultSource[];
  readonly content?: Cause;
  readonly flags?: End;
  readonly count: number;
  readonly step: number;
}

export type Violation = ChannelViolation | FaultViolation;

/** What the state after this effect, and all that may follow from it by itself, would violate. Empty: the effect is safe. */
export const check = (t: Topology, s: State, e: Effect): Violation[] => violations(t, apply(t, s, e));

/** What this state violates: faults first, then channels, each once for every pair of roles and values. */
export function violations(t: Topology, s: State): Violation[] {
  const ix = index(t);
  return [...faults(ix, s), ...channels(ix, s)];
}

// ---- I1 ----

function channels(ix: Index, s: State): ChannelViolation[] {
  const found = new Map<string, ChannelViolation & { edges: Edge[]; count: number }>();
  for (const { channel, verifiers, presenters, accepts } of ix.pairs) {
    // A role pair is a complete bipartite graph: its verdict depends on the unions only.
    const shown = unionOf(ix, s, presenters);
    if ((unionOf(ix, s, verifiers) & ~accepts.trusts[shown]!) === NOTHING) continue;
    for (const verifier of verifiers) {
      if ((s.beliefs[verifier]! & ~accepts.trusts[shown]!) === NOTHING || waived(ix, s, verifier)) continue;
      for (const presenter of presenters) {
        if ((s.beliefs[presenter]! & ~accepts.credentials[s.beliefs[verifier]!]!) === NOTHING) continue;
        if (!waived(ix, s, presenter)) collect(ix, s, { channel, verifier, presenter }, found);
      }
    }
  }
  return [...found.values()];
}

function unionOf(ix: Index, s: State, nodes: readonly NodeIndex[]): Belief {
  let union: Belief = NOTHING;
  for (const node of nodes) if (!waived(ix, s, node)) union |= s.beliefs[node]!;
  return union;
}

const waived = (ix: Index, s: State, node: NodeIndex): boolean =>
  s.waived.size > 0 && isWaived(s, ix.useAt[node]?.parties ?? []);

interface Found {
  channel: string;
  verifier: NodeIndex;
  presenter: NodeIndex;
}

function collect(
  ix: Index,
  s: State,
  e: Found,
  found: Map<string, ChannelViolation & { edges: Edge[]; count: number }>,
) {
  const edge: Edge = { channel: e.channel, verifier: ix.ids[e.verifier]!, presenter: ix.ids[e.presenter]! };
  const count = ix.useAt[e.verifier]!.parties.length * ix.useAt[e.presenter]!.parties.length;
  const accepts = acceptanceOf(ix.useAt[e.presenter]!.kind);
  for (const a of bitsOf(s.beliefs[e.verifier]!)) {
    for (const p of bitsOf(s.beliefs[e.presenter]! & ~accepts.credentials[a]!)) {
      const trust = valueAt('trust', a) as Trust;
      const credential = valueAt('credential', p) as Credential;
      const key = `${roleOf(edge.verifier)} ${roleOf(edge.presenter)} ${trust} ${credential}`;
      const same = found.get(key);
      if (same) {
        same.edges.push(edge);
        same.count += count;
        continue;
      }
      found.set(key, {
        rule: 'channel',
        channel: e.channel,
        verifier: { ...endAt(ix, s, e.verifier, a), value: trust },
        presenter: { ...endAt(ix, s, e.presenter, p), value: credential },
        edges: [edge],
        count,
        step: s.step,
      });
    }
  }
}

function* bitsOf(belief: Belief): Iterable<Belief> {
  for (let rest = belief; rest !== 0; rest &= rest - 1) yield rest & -rest;
}

/** How a value got into a node; undefined when it does not hold it. */
export const causeAt = (s: State, node: NodeIndex, bit: Belief): Cause | undefined =>
  s.causes[node * CAUSES_PER_NODE + 31 - Math.clz32(bit)];

function endAt(ix: Index, s: State, node: NodeIndex, bit: Belief): End {
  const cause = causeAt(s, node, bit);
  return { use: ix.ids[node]!, value: valueAt(ix.holds[node]!, bit), ...(cause && { cause }) };
}

/** `cp1/kube-apiserver:client-ca` is `kube-apiserver:client-ca`, `pod/ns/name:root-ca` is `pod:root-ca`. Only for grouping and wording. */
export function roleOf(use: UseId): string {
  const colon = use.lastIndexOf(':');
  const party = componentOf(colon < 0 ? use : use.slice(0, colon));
  return colon < 0 ? party : `${party}${use.slice(colon)}`;
}

const KINDS = new Set(['pod', 'webhook', 'apiservice', 'crd', 'user', 'node', 'file', 'object']);

/** `cp1/kube-apiserver` is `kube-apiserver`; `pod/ns/name` is `pod`. */
export function componentOf(party: PartyId): string {
  const [first = '', ...rest] = party.split('/');
  return KINDS.has(first) || rest.length === 0 ? first : rest.join('/');
}

// ---- I2 ----

const CANNOT_SIGN: readonly Signer[] = ['bundle', 'mismatched', 'absent'];

type FaultFound = Map<string, FaultViolation & { sources: FaultSource[]; count: number }>;

function faults(ix: Index, s: State): FaultViolation[] {
  const found: FaultFound = new Map();
  for (let node = ix.storeCount; node < ix.size; node++) {
    if (!waived(ix, s, node)) faultsOf(ix, s, node, found);
  }
  return [...found.values()];
}

function faultsOf(ix: Index, s: State, node: NodeIndex, found: FaultFound): void {
  const holds = ix.holds[node]!;
  if (holds !== 'signer' && holds !== 'trust') return;
  for (const inflow of ix.inflows[node]!) {
    if (inflow.flow !== undefined) continue;
    if (inflow.flags >= 0 && (s.beliefs[inflow.flags]! & inflow.flagsBit) === NOTHING) continue;
    for (const value of harmful(holds, inflow)) {
      const bit = bitOf(holds, value);
      if ((inflow.brings[s.beliefs[inflow.from]!]! & bit) === NOTHING) continue;
      const key = `${roleOf(ix.ids[node]!)} ${value}`;
      const fault = found.get(key) ?? faultAt(ix, s, node, inflow, value);
      const flags = inflow.flags >= 0 && { flags: ix.ids[inflow.flags]! };
      fault.sources.push({ use: ix.ids[node]!, store: ix.ids[inflow.from]!, ...flags });
      fault.count++;
      found.set(key, fault);
    }
  }
}

/** Trust files found in use are there; those that only the split flags name are made by us, and `none` is: not made yet. */
function harmful(holds: Holds, inflow: Inflow): readonly Value[] {
  if (holds === 'signer') return CANNOT_SIGN;
  return inflow.flags >= 0 && inflow.flagsBit === SPLIT ? ['none'] : [];
}

const SPLIT = bitOf('flags', 'split');

function faultAt(ix: Index, s: State, node: NodeIndex, inflow: Inflow, value: Value) {
  const bit = bitOf(ix.holds[node]!, value);
  const bringing = [...bitsOf(s.beliefs[inflow.from]!)].find((one) => (inflow.brings[one]! & bit) !== NOTHING);
  const content = bringing === undefined ? undefined : causeAt(s, inflow.from, bringing);
  return {
    rule: value === 'none' || value === 'absent' ? ('start' as const) : ('sign' as const),
    at: endAt(ix, s, node, bit),
    sources: [] as FaultSource[],
    ...(inflow.flags >= 0 && { flags: endAt(ix, s, inflow.flags, inflow.flagsBit) }),
    ...(content && { content }),
    count: 0,
    step: s.step,
  };
}
