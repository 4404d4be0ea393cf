// The end of a move: what it must have reached, as a step that shows it. And the look at the beginning: what hot-reloads is measured
// once, so that nothing is asked for later that was true all along.

import { afterProofs } from '../model/gate.ts';
import { goalOf } from '../model/goal.ts';
import type { Authority } from '../model/ids.ts';
import { violations } from '../model/invariant.ts';
import type { Move, Route } from '../model/rotation.ts';
import { believed, type State } from '../model/state.ts';
import type { Proof } from '../model/step.ts';
import type { Use } from '../model/topology.ts';
import type { Value } from '../model/value.ts';
import { isFixed } from './blockers.ts';
import { type Course, held, membersOf } from './course.ts';
import { place } from './place.ts';

const authoritiesOf = (c: Course): Authority[] => c.rotation.authorities.map((a) => a.authority);
const routesOf = (c: Course): Partial<Record<Authority, Route>> =>
  Object.fromEntries(c.rotation.authorities.map((a) => [a.authority, a.route]));

const VERBS: Readonly<Record<Move, string>> = {
  trust: 'show that everything that verifies accepts what issue will present',
  issue: 'show that everything presents, signs and publishes new',
  retire: 'show that nothing accepts, presents or holds old any more',
  rollback: 'show that nothing accepts, presents or holds new any more',
};

/** Adds the step that shows a move's goal, where something of it is not known yet. */
export function prove(c: Course, move: Move): void {
  if (c.refusal) return;
  const first = authoritiesOf(c)[0];
  const proofs = missing(c, c.state, move);
  if (proofs.length === 0 || !first) return;
  const shown = afterProofs(c.t, c.state, proofs);
  const left = shown ? missing(c, shown, move) : proofs;
  if (left.length > 0) {
    c.refusal = {
      reason: 'goal-not-reached',
      message: `after all steps of ${move} something would be left that they do not change: ${left.map(words).join('; ')}`,
      hint: 'reroot inspect shows who uses these; what cannot follow is given up by --waive ID=REASON',
    };
    return;
  }
  place(c, {
    id: `${move}.goal`,
    authority: first,
    title: VERBS[move],
    action: { do: 'prove' },
    effects: [],
    proof: proofs,
    inverse: { do: 'prove' },
  });
}

const words = (proof: Proof): string => `${proof.of.slice(0, 3).join(', ')} ${proof.kind} ${proof.keep.join(' or ')}`;

/** What a goal lacks, but for parties that nobody can measure: those who matter have blocked a write already. */
function missing(c: Course, s: State, move: Move): Proof[] {
  return goalOf(c.t, s, move, authoritiesOf(c), routesOf(c)).missing.flatMap((proof) => {
    const of = proof.of.filter((id) => !isFixedUse(c, id) && !isLeaving(c, s, id));
    return of.length > 0 ? [{ ...proof, of }] : [];
  });
}

function isFixedUse(c: Course, id: string): boolean {
  const use = c.uses.get(id);
  return use !== undefined && isFixed(use);
}

/**
 * A bridge that is still shown on connections kept to kubelets, after it went from the file. It goes within five minutes (trap 25), and
 * nobody trusts anything through it: retire does not wait for that.
 */
function isLeaving(c: Course, s: State, id: string): boolean {
  const use = c.uses.get(id);
  if (use?.reread !== 'five-minutes' || use.kind !== 'presents-as-client') return false;
  const values = believed(c.t, s, id);
  return ['new', 'old'].some((end) =>
    values.every((value) => value === end || value === LEANING[end] || value === 'other'),
  );
}

/** Values whose leaf is of a generation, with a bridge behind it. */
const LEANING: Readonly<Record<string, Value>> = { new: 'new+bridge', old: 'old+reverse' };

const HOT: ReadonlySet<Proof['kind']> = new Set(['accepts', 'serves', 'signs', 'loaded', 'presents']);

/**
 * Measures what re-reads at once and may still hold something older than its store: after an interruption nobody knows which proofs
 * were had. Before it, beliefs can be so wide that they break the invariant by themselves.
 */
export function look(c: Course): void {
  const first = authoritiesOf(c)[0];
  // A use that is no end of a channel breaks nothing, whatever it has loaded: a scheduler that came up before the API servers had
  // published front-proxy CAs accepts none, old or new, and never will.
  const ends = new Set([
    ...c.t.edges.flatMap(({ verifier, presenter }) => [verifier, presenter]),
    ...(c.t.pairs ?? []).flatMap(({ verifiers, presenters }) => [...verifiers, ...presenters]),
  ]);
  const slow = brokenEnds(c);
  const wanted = (use: Use) => use.reread === 'at-once' || (use.reread === 'five-minutes' && slow.has(use.id));
  const hot = c.t.uses.flatMap((use) =>
    wanted(use) && (ends.has(use.id) || use.kind === 'signs') ? lookAt(c, use) : [],
  );
  const proofs = [...merged(hot), ...(hot.some((proof) => proof.kind === 'signs') ? takenUp(c, hot) : [])];
  if (proofs.length === 0 || !first) return;
  place(c, {
    id: `${c.move}.look`,
    authority: first,
    title: 'see what is loaded now',
    action: { do: 'prove' },
    effects: [],
    proof: proofs,
    inverse: { do: 'prove' },
  });
}

/** Ends of channels that would not verify as far as is known: what takes minutes to be shown is asked for only there. */
function brokenEnds(c: Course): ReadonlySet<string> {
  const edges = violations(c.t, c.state).flatMap((violation) => (violation.rule === 'channel' ? violation.edges : []));
  return new Set(edges.flatMap(({ verifier, presenter }) => [verifier, presenter]));
}

function lookAt(c: Course, use: Use): Proof[] {
  const measurable = HOT.has(use.proof) && use.sources.length > 0;
  if (!measurable || held(c, use.id).length <= 1) return [];
  const sources = use.sources.filter(({ when }) => !when || held(c, when.flags).includes(when.is));
  const values = [...new Set(sources.flatMap((source) => held(c, source.store)))];
  const keep = values.filter((value) => held(c, use.id).includes(value));
  return keep.length === 0 ? [] : [{ kind: use.proof, authority: use.authority, of: [use.id], keep }];
}

/**
 * While the signer may still be the old one, a kubelet may be about to take up a certificate from it, so what was just read on its node
 * counts for little. Shown in this order: nothing is on its way, the files hold what they held, and who started after that has it.
 */
function takenUp(c: Course, hot: readonly Proof[]): Proof[] {
  const signed = hot.filter((proof) => proof.kind === 'signs').flatMap((proof) => proof.keep);
  const flows = c.t.flows.filter((flow) => flow.actor === 'own-rotation');
  const { authority } = hot.find((proof) => proof.kind === 'signs') ?? { authority: 'kubernetes' as const };
  const flight = flows
    .filter((flow) => flow.how === 'signs')
    .map((flow): Proof => ({ kind: 'holds', authority, of: [flow.to], keep: signed }));
  const files = flows
    .filter((flow) => flow.how === 'copy')
    .flatMap((flow): Proof[] =>
      once(c.t.initial.stores[flow.to], { kind: 'holds', authority, of: membersOf(c, [flow.to]) }),
    );
  const filled = new Set(flows.map((flow) => flow.to));
  const readers = c.t.uses.filter((use) => use.sources.some((source) => filled.has(source.store)));
  const loaded = readers.flatMap((use) => once(c.t.initial.uses[use.id], { kind: use.proof, authority, of: [use.id] }));
  return [...flight, ...merged(files), ...merged(loaded)];
}

/** A proof of the one value that the inventory showed. */
const once = (values: readonly Value[] | undefined, proof: Omit<Proof, 'keep'>): Proof[] =>
  values?.length === 1 ? [{ ...proof, keep: values }] : [];

/** One proof for uses or stores of one kind and value. */
function merged(proofs: readonly Proof[]): Proof[] {
  const byKind = new Map<string, { proof: Proof; of: string[] }>();
  for (const proof of proofs) {
    const key = [proof.kind, proof.authority, ...proof.keep].join(' ');
    const same = byKind.get(key);
    if (same) same.of = same.of.concat(proof.of);
    else byKind.set(key, { proof, of: [...proof.of] });
  }
  return [...byKind.values()].map(({ proof, of }) => ({ ...proof, of }));
}
