// Progress, which is not safety: what each move must have reached. A goal missed says what is left, as the proofs that would show it done.

import { acceptanceOf, type Belief, beliefOf, bitOf, maskOf, NOTHING } from './belief.ts';
import { demandsOn } from './demand.ts';
import { type Authority, wholeStore } from './ids.ts';
import type { Move, Route } from './rotation.ts';
import { isWaived, type State } from './state.ts';
import type { Proof } from './step.ts';
import type { Topology } from './topology.ts';
import { type Index, index, type NodeIndex } from './topology-index.ts';
import type { Credential, Value } from './value.ts';

export interface Goal {
  /** Nothing is missing but what was waived. */
  reached: boolean;
  missing: Proof[];
  /** What would be missing too, had its party or store not been waived: the report names it. */
  waived: Proof[];
}

/**
 * trust: every verifier accepts what `issue` will present to it. issue: every presenter presents from new, signers sign with new,
 * publishers publish new. retire: no use and no store holds old or a bridge. rollback: none holds new.
 * `routes` says how each authority goes; bridge where it says nothing.
 */
export function goalOf(
  t: Topology,
  s: State,
  move: Move,
  authorities: readonly Authority[],
  routes: Readonly<Partial<Record<Authority, Route>>> = {},
): Goal {
  const ix = index(t);
  const expected = move === 'trust' ? expectedBy(ix, routes) : undefined;
  const missing = demandsOn(t, s);
  const waived = demandsOn(t, s);
  for (let node = 0; node < ix.size; node++) {
    const of = ix.storeAt[node] ?? ix.useAt[node]!;
    if (of.holds === 'flags' || !authorities.includes(of.authority)) continue;
    const bad = unwanted(ix, node, move, expected);
    if ((bad & s.beliefs[node]!) !== NOTHING) (isOut(ix, s, node) ? waived : missing).demand(node, bad);
  }
  const left = missing.proofs();
  return { reached: left.length === 0, missing: left, waived: waived.proofs() };
}

/** Values of either kind that are a generation's, or lean on it. */
const OF_OLD: readonly Value[] = ['old', 'both', 'new+bridge', 'old+reverse', 'bundle', 'mismatched'];
const OF_NEW: readonly Value[] = ['new', 'both', 'new+bridge', 'old+reverse', 'bundle', 'mismatched'];

function unwanted(ix: Index, node: NodeIndex, move: Move, expected: Map<NodeIndex, Credential> | undefined): Belief {
  const holds = ix.holds[node]!;
  switch (move) {
    case 'trust': {
      const shown = expected?.get(node);
      return shown === undefined ? NOTHING : ~acceptanceOf(undefined).trusts[bitOf('credential', shown)]!;
    }
    case 'issue':
      return unissued(ix, node);
    case 'retire':
      return maskOf(holds, OF_OLD);
    case 'rollback':
      return maskOf(holds, OF_NEW);
  }
}

/** What each verifier will be shown in `issue`. The signer's answers have no bridge, so who meets one of them must hold new itself. */
function expectedBy(ix: Index, routes: Readonly<Partial<Record<Authority, Route>>>): Map<NodeIndex, Credential> {
  const expected = new Map<NodeIndex, Credential>();
  for (const { verifiers, presenters } of ix.pairs) {
    const signed = presenters.some((presenter) => comesFromSigner(ix, presenter));
    for (const verifier of verifiers) {
      const plain = signed || routes[ix.useAt[verifier]!.authority] === 'bundle' || expected.get(verifier) === 'new';
      expected.set(verifier, plain ? 'new' : 'new+bridge');
    }
  }
  return expected;
}

function comesFromSigner(ix: Index, node: NodeIndex, seen: Set<NodeIndex> = new Set()): boolean {
  if (seen.has(node)) return false;
  seen.add(node);
  if (ix.holds[node] === 'signer') return true;
  return ix.inflows[node]!.some((inflow) => inflow.actor !== 'kubeadm' && comesFromSigner(ix, inflow.from, seen));
}

function unissued(ix: Index, node: NodeIndex): Belief {
  switch (ix.useAt[node]?.kind) {
    case 'presents-as-server':
    case 'presents-as-client':
      return beliefOf('credential', ['old', 'old+reverse']);
    case 'signs':
      return ~bitOf('signer', 'new');
    case 'publishes':
      return ix.holds[node] === 'trust' ? beliefOf('trust', ['old', 'none']) : NOTHING;
    default:
      return NOTHING;
  }
}

/** Waived: a use by all its parties, a store by its own id or because none but waived uses read it. */
function isOut(ix: Index, s: State, node: NodeIndex): boolean {
  if (s.waived.size === 0) return false;
  const use = ix.useAt[node];
  if (use) return isWaived(s, use.parties);
  const named = ix.storeAt[node]!.members.every((id) => s.waived.has(id) || s.waived.has(wholeStore(id)));
  const readers = ix.readers[node]!.flatMap((reader) => ix.useAt[reader] ?? []);
  return named || (readers.length > 0 && readers.every((reader) => isWaived(s, reader.parties)));
}
