// The gate of a write: from what it would violate to the proofs that are lacking. Taken when the write is due, never before.

import { apply } from './apply.ts';
import { acceptanceOf, BELIEFS, type Belief, bitOf, NOTHING } from './belief.ts';
import { demandsOn } from './demand.ts';
import { type ChannelViolation, causeAt, type FaultViolation, type Violation } from './invariant.ts';
import { Contradiction, type State } from './state.ts';
import type { Effect, Proof } from './step.ts';
import type { Topology } from './topology.ts';
import { type Index, type Inflow, index, type NodeIndex, nodeOf } from './topology-index.ts';

/**
 * The proofs that would remove these violations, sources before consumers: of each combination the value that is stale is to be
 * shown gone, not the one that the write brings. `s` is the state before the write, or after it. Empty when nothing stale takes
 * part: then no proof helps and the write itself is wrong.
 */
export function gateOf(t: Topology, s: State, violations: readonly Violation[]): Proof[] {
  const ix = index(t);
  const demands = demandsOn(t, s);
  // A file that is not there yet is told by its fault; that nobody can be verified with it follows.
  const absent = violations.some((v) => v.rule === 'start');
  for (const v of violations) {
    if (absent && v.rule === 'channel' && v.verifier.value === 'none') continue;
    for (const [node, bad] of v.rule === 'channel' ? staleEnds(ix, s, v) : staleContent(ix, s, v)) {
      demands.demand(node, bad);
    }
  }
  return demands.proofs();
}

/** A value is stale when it was possible before the effect that was found wrong. At the start everything is. */
function isStale(s: State, node: NodeIndex, bits: Belief, step: number): boolean {
  const held = s.beliefs[node]! & bits;
  if (held === NOTHING) return false;
  return s.step < step || step === 0 || (causeAt(s, node, held & -held)?.step ?? step) < step;
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
  for (const source of v.sources) {
    const at = nodeOf(ix, source.use);
    const from = nodeOf(ix, source.store);
    const flags = source.flags === undefined ? -1 : nodeOf(ix, source.flags);
    const inflow = ix.inflows[at]!.find((one) => one.from === from && one.flags === flags);
    if (!inflow) continue;
    const bad = bringersOf(inflow.brings, bitOf(ix.holds[at]!, v.at.value));
    if (isStale(s, from, s.beliefs[from]! & bad, v.step)) yield [from, bad];
    else if (flags >= 0 && isStale(s, flags, inflow.flagsBit, v.step) && mayLeave(s, inflow))
      yield [flags, inflow.flagsBit];
  }
}

/** Every value of the source that brings this one. */
function bringersOf(brings: Uint8Array, value: Belief): Belief {
  let bad: Belief = NOTHING;
  for (let bit = 1; bit < BELIEFS; bit <<= 1) if ((brings[bit]! & value) !== NOTHING) bad |= bit;
  return bad;
}

/** Flags are led away from what was found, or to what else they may be by now. */
const mayLeave = (s: State, inflow: Inflow): boolean =>
  inflow.flagsBit === bitOf('flags', 'found') || (s.beliefs[inflow.flags]! & ~inflow.flagsBit) !== NOTHING;

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
