// A violation as words: the channel, the combination that would fail, how each side may have come to its value, what is missing.

import { gateOf } from './gate.ts';
import type { PartyId, UseId } from './ids.ts';
import {
  type ChannelViolation,
  componentOf,
  type End,
  type FaultViolation,
  roleOf,
  type Violation,
} from './invariant.ts';
import type { Cause, State } from './state.ts';
import type { Topology, Use } from './topology.ts';
import { index, nodeOf } from './topology-index.ts';
import { credentialKind, faultWords, presenterWords, proofWords, storeWords, verifierWords } from './words.ts';

/**
 * The counterexample in lines, each a heading and its text. Of several violations the first is told and the others counted.
 * `s` is the state before or after the effect that was found wrong, as for `gateOf`.
 */
export function explain(t: Topology, s: State, v: Violation | readonly Violation[]): string {
  const all: readonly Violation[] = isOne(v) ? [v] : v;
  const first = all[0];
  if (!first) return '';
  const useOf = useFinder(t);
  const told = first.rule === 'channel' ? channelLines(useOf, first, all) : faultLines(useOf, first, all);
  return [...told, ...missingLines(t, s, useOf, all)].map(([head, text]) => `${head.padEnd(12)}${text}`).join('\n');
}

const isOne = (v: Violation | readonly Violation[]): v is Violation => 'rule' in v;

type Line = [head: string, text: string];
type UseOf = (id: UseId) => Use | undefined;

const useFinder = (t: Topology): UseOf => {
  const ix = index(t);
  return (id) => ix.useAt[nodeOf(ix, id)];
};

function channelLines(useOf: UseOf, v: ChannelViolation, all: readonly Violation[]): Line[] {
  const verifier = useOf(v.verifier.use)!;
  const presenter = useOf(v.presenter.use)!;
  const [client, server] =
    presenter.kind === 'presents-as-server' ? [verifier.party, presenter.party] : [presenter.party, verifier.party];
  const presents = `${presenter.party} ${presenterWords(presenter, v.presenter.value)}`;
  const trusts = `${verifier.party} ${verifierWords(v.verifier.value)}`;
  return [
    ['channel', `${client} -> ${server}, ${credentialKind(presenter)}${more(all)}`],
    ['would fail', `${presents}; ${trusts}`],
    ['possible', provenance(v.presenter, v.step)],
    ['', provenance(v.verifier, v.step)],
  ];
}

function faultLines(useOf: UseOf, v: FaultViolation, all: readonly Violation[]): Line[] {
  const use = useOf(v.at.use)!;
  const cannot = v.rule === 'sign' ? 'could not sign' : 'could not start';
  const store = storeWords(v.sources[0]?.store ?? '');
  const content: Line = ['possible', v.content ? chain(v.content, v.step) : `${store} = ${v.at.value}`];
  const flags: Line[] = v.flags ? [['', `the flags that name it: ${provenance(v.flags, v.step)}`]] : [];
  const what = faultWords[v.at.value] ?? v.at.value;
  return [
    ['party', `${use.party}${more(all)}`],
    ['would fail', `${use.party} ${cannot}: ${store} may hold ${what}`],
    content,
    ...flags,
  ];
}

function more(all: readonly Violation[]): string {
  const others = all.reduce((sum, v) => sum + v.count, 0) - 1;
  if (others === 0) return '';
  const kinds = new Set(all.map(kindOf)).size;
  return ` (and ${others} more${kinds > 1 ? `, ${kinds} kinds` : ''})`;
}

const kindOf = (v: Violation): string =>
  v.rule === 'channel' ? `${roleOf(v.verifier.use)} ${roleOf(v.presenter.use)}` : `${v.rule} ${roleOf(v.at.use)}`;

/** How this end may hold its value, and for a value from before the step: that nothing has ruled it out. */
function provenance(end: End, step: number): string {
  if (!end.cause) return `${end.use} = ${end.value}`;
  const stale = step > 0 && end.cause.step < step;
  return `${chain(end.cause, step)}${stale ? '; nothing has shown that this is over' : ''}`;
}

/** From the end back to a write or the start: what was read, and by which flows it got there. */
function chain(cause: Cause, step: number): string {
  if (cause.by !== 'reads' || !cause.from) return `${storeWords(cause.node)} = ${cause.value}${origin(cause, step)}`;
  // What was read names the store, so the store's own way there comes next.
  const read = `${partyOf(cause.node)} has read ${storeWords(cause.from.node)} = ${cause.from.value}`;
  // Flags that this very step brings are the news.
  const named = cause.given && cause.given.step === step && step > 0 ? `, since ${chain(cause.given, step)}` : '';
  return `${read}${origin(cause.from, step)}${named}`;
}

function origin(c: Cause, step: number): string {
  switch (c.by) {
    case 'start':
      return ' since the start';
    case 'write':
      return c.step === step ? ' (this step)' : ' (written before)';
    case 'reads':
    case 'flow':
      return `${c.flow === undefined ? '' : ` <- ${c.flow}`}${c.from ? ` <- ${chain(c.from, step)}` : ''}`;
  }
}

const partyOf = (use: UseId): PartyId => use.slice(0, Math.max(use.lastIndexOf(':'), 0)) || use;

function missingLines(t: Topology, s: State, useOf: UseOf, all: readonly Violation[]): Line[] {
  const proofs = gateOf(t, s, all);
  if (proofs.length === 0) return [['missing', 'nothing that could be shown: something else must be written before']];
  const lines = proofs.map((proof, i): Line => [i === 0 ? 'missing' : '', proofWords(proof)]);
  const waivable = waivableOf(useOf, all);
  if (waivable.length === 0) return lines;
  const flags = waivable.map((party) => `--waive ${party}=REASON`).join(' ');
  return [...lines, ['', `or ${waivable.length === 1 ? 'a waiver' : 'waivers'}: ${flags}`]];
}

/** Parties that a user may give up; components of the control plane and kubelets are not among them. */
const WAIVABLE = new Set(['pod', 'webhook', 'apiservice', 'crd', 'user', 'node']);
const MOST_NAMED = 4;

/** The parties without which nothing would be violated; none where that is not so, or where they are too many to be the way on. */
function waivableOf(useOf: UseOf, all: readonly Violation[]): readonly PartyId[] {
  const parties = new Set<PartyId>();
  for (const v of all) {
    const ends = v.rule === 'channel' ? v.edges.map((e) => [e.verifier, e.presenter]) : v.sources.map((s) => [s.use]);
    for (const uses of ends) {
      const use = uses.map(useOf).find((one) => one && WAIVABLE.has(componentOf(one.party)));
      if (!use) return [];
      for (const party of use.parties) parties.add(party);
    }
  }
  return parties.size <= MOST_NAMED ? [...parties] : [];
}
