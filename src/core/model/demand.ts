// From values that must not be to the proofs that show they are not: a node's sources first, for they would bring the value back.

import { BELIEFS, type Belief, NOTHING, valuesOf } from './belief.ts';
import { unionTable } from './reading.ts';
import { isWaived, type State } from './state.ts';
import { CAUSES_PER_NODE } from './state-types.ts';
import type { Proof, ProofKind } from './step.ts';
import type { StoreClass, Topology, Use } from './topology.ts';
import { type Index, type Inflow, index, type NodeIndex } from './topology-index.ts';
import type { Holds, Value } from './value.ts';

/** Collects what has to be shown, without repetition. */
export interface Demands {
  /** The node must be shown to hold none of these values, and all that could bring them back before it. */
  demand(node: NodeIndex, bad: Belief): void;
  /** Sources before consumers; proofs of the same kind and depth are one. */
  proofs(): Proof[];
}

export function demandsOn(t: Topology, s: State): Demands {
  const ix = index(t);
  const wanted = new Map<NodeIndex, Belief>();
  const unwanted = new Map<NodeIndex, Belief>();
  const depths = new Map<NodeIndex, number>();

  function visit(node: NodeIndex, asked: Belief): number {
    const held = asked & s.beliefs[node]!;
    const known = wanted.get(node) ?? NOTHING;
    if (held !== NOTHING) unwanted.set(node, (unwanted.get(node) ?? NOTHING) | asked);
    if ((held & ~known) === NOTHING) return depths.get(node) ?? 0;
    wanted.set(node, known | held);
    let depth = depths.get(node) ?? 1;
    depths.set(node, depth);
    for (const [source, bad] of sourcesToClear(ix, s, node, unwanted.get(node)!)) {
      depth = Math.max(depth, visit(source, bad) + 1);
    }
    depths.set(node, depth);
    return depth;
  }

  return {
    demand: visit,
    proofs() {
      const ordered = [...wanted].sort(([a], [b]) => depths.get(a)! - depths.get(b)! || a - b);
      return merged(
        ordered.map(([node]) => ({ depth: depths.get(node)!, proof: proofOf(ix, s, node, unwanted.get(node)!) })),
      );
    },
  };
}

/** What must be cleared first: for each way in, the flags that name it when they are on their way to others, else the source. */
function sourcesToClear(ix: Index, s: State, node: NodeIndex, bad: Belief): Map<NodeIndex, Belief> {
  const clear = new Map<NodeIndex, Belief>();
  for (const inflow of ix.inflows[node]!) {
    if (inflow.actor !== undefined && !s.actors.has(inflow.actor)) continue;
    if (inflow.flags >= 0 && (s.beliefs[inflow.flags]! & inflow.flagsBit) === NOTHING) continue;
    const bringing = bringers(inflow, s.beliefs[node]! & ~bad, bad);
    if ((bringing & s.beliefs[inflow.from]!) === NOTHING) continue;
    const [at, bits] = areLeaving(s, inflow) ? [inflow.flags, inflow.flagsBit] : [inflow.from, bringing];
    clear.set(at, (clear.get(at) ?? NOTHING) | bits);
  }
  return clear;
}

/** All values of the source that would bring one of the bad ones, possible now or not. */
function bringers(inflow: Inflow, own: Belief, bad: Belief): Belief {
  let bringing: Belief = NOTHING;
  for (let bit = 1; bit < BELIEFS; bit <<= 1) {
    const brought = inflow.brings[bit]!;
    if (((inflow.union ? unionTable[own * BELIEFS + brought]! : brought) & bad) !== NOTHING) bringing |= bit;
  }
  return bringing;
}

/** Flags that may have a younger value than the one this inflow needs: the party is being restarted away from it. */
function areLeaving(s: State, inflow: Inflow): boolean {
  if (inflow.flags < 0) return false;
  const since = (bit: Belief) => s.causes[inflow.flags * CAUSES_PER_NODE + 31 - Math.clz32(bit)]?.step ?? 0;
  for (let rest = s.beliefs[inflow.flags]! & ~inflow.flagsBit; rest !== 0; rest &= rest - 1) {
    if (since(rest & -rest) > since(inflow.flagsBit)) return true;
  }
  return false;
}

// ---- one proof ----

/** Values that nobody would take for a good sign, whatever they rule out. */
const NEVER_GOOD: Partial<Record<Holds, readonly Value[]>> = { signer: ['bundle', 'mismatched', 'absent'] };

function proofOf(ix: Index, s: State, node: NodeIndex, bad: Belief): Proof {
  const holds = ix.holds[node]!;
  const keep = valuesOf(holds, ~bad & (BELIEFS - 1)).filter((value) => !NEVER_GOOD[holds]?.includes(value));
  const use = ix.useAt[node];
  if (!use) {
    const store = ix.storeAt[node]!;
    return {
      kind: store.proof ?? storeProofOf(ix, node),
      authority: store.authority,
      of: shownMembers(s, store),
      keep,
    };
  }
  return {
    kind: use.proof,
    authority: use.authority,
    of: use.proof === 'restarted' ? shownParties(s, use) : [use.id],
    keep,
  };
}

const shownMembers = (s: State, store: StoreClass) =>
  isWaived(s, store.members) ? store.members : store.members.filter((member) => !s.waived.has(member));

const shownParties = (s: State, use: Use) =>
  isWaived(s, use.parties) ? use.parties : use.parties.filter((party) => !s.waived.has(party));

function storeProofOf(ix: Index, node: NodeIndex): ProofKind {
  const flows = ix.inflows[node]!.filter((inflow) => inflow.flow !== undefined);
  if (flows.some((inflow) => inflow.union)) return 'settled';
  return flows.some((inflow) => ix.useAt[inflow.from]?.kind === 'publishes') ? 'published' : 'holds';
}

// ---- many proofs ----

function merged(list: readonly { depth: number; proof: Proof }[]): Proof[] {
  const byKind = new Map<string, { proof: Proof; of: Set<string> }>();
  for (const { depth, proof } of list) {
    const key = [depth, proof.kind, proof.authority, ...proof.keep].join(' ');
    const same = byKind.get(key);
    if (same) for (const id of proof.of) same.of.add(id);
    else byKind.set(key, { proof, of: new Set(proof.of) });
  }
  return restartsOnce([...byKind.values()].map(({ proof, of }) => ({ ...proof, of: [...of] })));
}

/** One restart settles all uses of a party, flags first: of several such proofs the last and widest is left. */
function restartsOnce(proofs: readonly Proof[]): Proof[] {
  const within = proofs.map(({ of }) => new Set(of));
  const covers = (wide: number, narrow: number): boolean => {
    const [a, b] = [proofs[wide]!, proofs[narrow]!];
    return (
      [a, b].every(({ kind }) => kind === 'restarted') &&
      a.authority === b.authority &&
      b.of.every((id) => within[wide]!.has(id))
    );
  };
  return proofs.flatMap((proof, i) => {
    if (proofs.some((_, j) => j > i && covers(j, i))) return [];
    const covered = proofs.filter((_, j) => j < i && covers(i, j));
    return [{ ...proof, keep: [...new Set([...covered.flatMap(({ keep }) => keep), ...proof.keep])] }];
  });
}
