// The gate of a write: from what it would violate to the proofs that are lacking. Taken when the write is due, never before.

import { apply } from './apply.ts';
import { acceptanceOf, type Belief, bitOf, NOTHING } from './belief.ts';
import { demandsOn } from './demand.ts';
import { type ChannelViolation, causeAt, type FaultViolation, type Violation } from './invariant.ts';
import { Contradiction, type State } from './state.ts';
import type { Effect, Proof } from './step.ts';
import type { Topology } from './topology.ts';
import { type Index, index, type NodeIndex, nodeOf } from './topology-index.ts';

/**
 * The proofs that would remove these violations, sources before consumers: of each combination the value that is stale is to be
 * shown gone, not the one that the write brings. `s` is the state before the write, or after it. Empty when nothing stale takes
 * part: then no proof helps and the write itself is wrong.
 */
export function gateOf(t: Topology, s: State, violations: readonly Violation[]): Proof[] {
  const ix = index(t);
  const demands = demandsOn(t, s);
  for (const v of violations) {
    for (const [node, bad] of v.rule === 'channel' ? staleEnds(ix, s, v) : staleContent(ix, s, v)) {
      demands.demand(node, bad);
    }
  }
  return demands.proofs();
}

/** A value is stale when it was possible before the effect that was found wrong. At the start everything is. */
function isStale(s: State, node: NodeIndex, bits: Belief, step: number): boolean {
  if ((s.beliefs[node]! & bits) === NOTHING) return false;
  return s.step < step || step === 0 || (causeAt(s, node, bits)?.step ?? step) < step;
}

function* staleEnds(ix: Index, s: State, v: ChannelViolation): Iterable<[NodeIndex, Belief]> {
  const trust = bitOf('trust', v.verifier.value);
  const credential = bitOf('credential', v.presenter.value);
  for (const edge of v.edges) {
    const verifier = nodeOf(ix, edge.verifier);
    const presenter = nodeOf(ix, edge.presenter);
    const accepts = acceptanceOf(ix.useAt[presenter]!.kind);
    const ends: [NodeIndex, Belief][] = [];
    if (isStale(s, verifier, trust, v.step)) ends.push([verifier, accepts.trusts[credential]!]);
    if (isStale(s, presenter, credential, v.step)) ends.push([presenter, accepts.credentials[trust]!]);
    // Where both are stale, the one that can be shown good.
    const [node, good] = ends.find(([end, fine]) => (s.beliefs[end]! & fine) !== NOTHING) ?? ends[0] ?? [];
    if (node !== undefined && good !== undefined) yield [node, ~good];
  }
}

function* staleContent(ix: Index, s: State, v: FaultViolation): Iterable<[NodeIndex, Belief]> {
  const at = nodeOf(ix, v.at.use);
  const value = bitOf(ix.holds[at]!, v.at.value);
  for (const inflow of ix.inflows[at]!) {
    const bad = bringersOf(s, inflow.brings, inflow.from, value);
    const content = isStale(s, inflow.from, bad & -bad, v.step);
    const flags = inflow.flags >= 0 && isStale(s, inflow.flags, inflow.flagsBit, v.step);
    const otherContent = (s.beliefs[inflow.from]! & ~bad) !== NOTHING;
    if (content && (otherContent || !flags)) yield [inflow.from, bad];
    else if (flags && bringsAtAll(inflow.brings, value)) yield [inflow.flags, inflow.flagsBit];
  }
}

function bringersOf(s: State, brings: Uint8Array, from: NodeIndex, value: Belief): Belief {
  let bad: Belief = NOTHING;
  for (let rest = s.beliefs[from]!; rest !== 0; rest &= rest - 1) {
    if ((brings[rest & -rest]! & value) !== NOTHING) bad |= rest & -rest;
  }
  return bad;
}

const bringsAtAll = (brings: Uint8Array, value: Belief): boolean =>
  brings.some((brought) => (brought & value) !== NOTHING);

/** What a proof does to a state: it filters what it names. */
export function effectOf(proof: Proof): Effect {
  switch (proof.kind) {
    case 'holds':
    case 'published':
    case 'settled':
      return { kind: 'read', stores: proof.of, keep: proof.keep };
    case 'restarted':
      return { kind: 'restarted', parties: proof.of };
    case 'serves':
    case 'accepts':
    case 'presents':
    case 'signs':
    case 'loaded':
      return { kind: 'probe', uses: proof.of, keep: proof.keep };
  }
}

/** The state once these proofs were had, or undefined where one of them contradicts it: it cannot be had before something else is done. */
export function afterProofs(t: Topology, s: State, proofs: readonly Proof[]): State | undefined {
  try {
    return proofs.reduce((state, proof) => apply(t, state, effectOf(proof)), s);
  } catch (thrown) {
    if (thrown instanceof Contradiction) return undefined;
    throw thrown;
  }
}
