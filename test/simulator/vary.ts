// Orders by chance: true ones with acts dropped, moved, doubled and thrown in, and small topologies that resemble no cluster.

import { apply } from '../../src/core/model/apply.ts';
import { gateOf } from '../../src/core/model/gate.ts';
import { check, violations } from '../../src/core/model/invariant.ts';
import { Contradiction, initialState, type State } from '../../src/core/model/state.ts';
import type { Effect } from '../../src/core/model/step.ts';
import type { Flow, Source, Topology, UseKind } from '../../src/core/model/topology.ts';
import { type Holds, VALUES, type Value } from '../../src/core/model/value.ts';
import { actsOf } from './planner.ts';
import type { Random } from './random.ts';
import type { Act, Order } from './script.ts';
import { type TinyStore, type TinyUse, tiny } from './tiny.ts';

/** Values that a script can write; another CA's leaf is none of them. */
const valuesOf = (holds: Holds): readonly Value[] =>
  (VALUES[holds] as readonly Value[]).filter((value) => value !== 'other');

const some = <T>(r: Random, list: readonly T[], p: number): T[] => {
  const chosen = list.filter(() => r.chance(p));
  return chosen.length > 0 || list.length === 0 ? chosen : [r.pick(list)];
};

/** Any effect on this topology, likely or not. */
export function anyEffect(t: Topology, r: Random): Effect {
  const holds = r.pick(['trust', 'credential', 'signer', 'flags'] as const);
  const stores = t.stores.filter((store) => store.holds === holds);
  const uses = t.uses.filter((use) => use.holds === holds);
  const parties = [...new Set(t.uses.flatMap((use) => use.parties))];
  const dice = r.next();
  if (dice < 0.35 && stores.length > 0) {
    const written = some(r, stores, 0.3).flatMap((store) => some(r, store.members, 0.8));
    return { kind: 'write', stores: written, value: r.pick(valuesOf(holds)) };
  }
  if (dice < 0.6 && stores.length > 0) {
    const shown = some(r, stores, 0.4).flatMap((store) =>
      r.chance(0.8) ? store.members : some(r, store.members, 0.7),
    );
    return { kind: 'read', stores: shown, keep: some(r, valuesOf(holds), 0.5) };
  }
  if (dice < 0.75 && uses.length > 0) {
    return { kind: 'probe', uses: some(r, uses, 0.4).map((use) => use.id), keep: some(r, valuesOf(holds), 0.5) };
  }
  if (dice < 0.86) return { kind: 'restart', parties: some(r, parties, 0.4) };
  if (dice < 0.96) return { kind: 'restarted', parties: some(r, parties, 0.6) };
  return { kind: 'actor', actor: r.pick(['join', 'own-rotation', 'kubeadm'] as const), on: r.chance(0.5) };
}

/** The same order with a few acts dropped, doubled, moved, and others thrown in. */
export function varied(t: Topology, order: Order, r: Random): Order {
  const acts = order.filter(() => r.chance(0.93));
  for (let i = 0; i < 6; i++) {
    const at = r.below(acts.length);
    const dice = r.next();
    if (dice < 0.4) acts.splice(at, 0, ...acts.splice(r.below(acts.length), 1));
    else if (dice < 0.6) acts.splice(at, 0, r.pick(acts));
    else acts.splice(at, 0, { name: `thrown in ${i}`, effect: anyEffect(t, r) });
  }
  return acts;
}

const USUAL: Record<Holds, readonly Value[]> = {
  trust: ['old', 'new', 'both', 'both'],
  credential: ['old', 'new', 'new+bridge', 'new+bridge', 'old+reverse'],
  signer: ['old', 'new'],
  flags: ['found', 'split', 'split'],
};

function likelyWrite(t: Topology, r: Random): Effect {
  const store = r.pick(t.stores);
  const more = t.stores.filter((one) => one.holds === store.holds && r.chance(0.2));
  const stores = [...new Set([store, ...more])].flatMap((one) =>
    r.chance(0.8) ? one.members : some(r, one.members, 0.5),
  );
  return { kind: 'write', stores, value: r.pick(USUAL[store.holds]) };
}

/** A gate's acts, or nearly: in another order, one missing, some members only, restarts in waves. */
function perturbed(acts: readonly Act[], r: Random): Act[] {
  const list = [...acts];
  const dice = r.next();
  if (list.length === 0 || dice < 0.3) return list;
  const restart = list.findIndex(({ effect }) => effect.kind === 'restart');
  // Too early is the likeliest mistake of all.
  const at = restart >= 0 && r.chance(0.5) ? restart : r.below(list.length);
  if (restart >= 0 && dice < 0.4) list.splice(r.below(restart + 1), 0, ...list.splice(restart, 1));
  else if (dice < 0.5) list.splice(r.below(list.length), 0, ...list.splice(at, 1));
  else if (dice < 0.7) list.splice(at, 1);
  else if (dice < 0.85) list.splice(at, 1, partOf(list[at]!, r));
  return r.chance(0.5) ? list.flatMap(inWaves) : list;
}

function partOf({ name, effect }: Act, r: Random): Act {
  if (effect.kind === 'read') return { name, effect: { ...effect, stores: some(r, effect.stores, 0.6) } };
  if (effect.kind === 'restart' || effect.kind === 'restarted')
    return { name, effect: { ...effect, parties: some(r, effect.parties, 0.6) } };
  return { name, effect };
}

const inWaves = ({ name, effect }: Act): Act[] =>
  effect.kind === 'restart' || effect.kind === 'restarted'
    ? effect.parties.map((party) => ({ name, effect: { ...effect, parties: [party] } }))
    : [{ name, effect }];

/**
 * An accepted order by chance that keeps to the edge of what is accepted: writes after no more proofs than their gates ask for, and
 * often fewer or in the wrong order, to see whether the checker minds.
 */
export function edgyOrder(t: Topology, writes: number, r: Random): Kept {
  const kept: Kept = { order: [], state: initialState(t), refused: 0 };
  const last = new Map<string, Value>();
  const noteWrite = ({ effect }: Act) => {
    if (effect.kind === 'write') for (const id of effect.stores) last.set(id, effect.value);
  };
  // A store that nobody else fills holds what was written last: a proof of anything else would keep a run waiting for ever.
  const isHopeless = ({ effect }: Act) =>
    effect.kind === 'read' && effect.stores.some((id) => !effect.keep.includes(last.get(id) ?? effect.keep[0]!));
  for (let i = 0; i < writes; i++) {
    const write = { name: `write ${i}`, effect: likelyWrite(t, r) };
    if (keep(t, kept, write)) {
      noteWrite(write);
      continue;
    }
    const gate = actsOf(gateOf(t, kept.state, check(t, kept.state, write.effect)));
    if (gate.some(isHopeless)) continue;
    for (const act of perturbed(gate, r)) keep(t, kept, act);
    if (keep(t, kept, write)) noteWrite(write);
  }
  return kept;
}

export interface Kept {
  order: Act[];
  state: State;
  refused: number;
}

/** What the checker lets through, act by act; what it refuses, and proofs that contradict, are left out. */
export function keepAccepted(t: Topology, order: Order): Kept {
  const kept: Kept = { order: [], state: initialState(t), refused: 0 };
  for (const act of order) keep(t, kept, act);
  return kept;
}

function keep(t: Topology, kept: Kept, act: Act): boolean {
  try {
    const next = apply(t, kept.state, act.effect);
    if (violations(t, next).length > 0) {
      kept.refused++;
      return false;
    }
    kept.state = next;
    kept.order.push(act);
    return true;
  } catch (thrown) {
    if (thrown instanceof Contradiction) return false;
    throw thrown;
  }
}

/** A small topology by chance, with classes, flags, flows into stores and uses, and an elected party; all is old at first. */
export function anyTopology(r: Random): { t: Topology; elected: string[] } {
  const stores: Record<string, TinyStore> = {
    m1: { holds: 'flags', first: ['found'] },
    m2: { holds: 'flags', first: ['found'] },
    key: { holds: 'signer' },
  };
  for (const i of [1, 2, 3, 4]) stores[`t${i}`] = r.chance(0.3) ? { members: [`t${i}a`, `t${i}b`] } : {};
  for (const i of [1, 2, 3])
    stores[`c${i}`] = { holds: 'credential', ...(r.chance(0.3) && { members: [`c${i}a`, `c${i}b`] }) };
  const trusts = ['t1', 't2', 't3', 't4'];
  const credentials = ['c1', 'c2', 'c3'];
  const uses: Record<string, TinyUse> = {
    'k1:flags': { kind: 'flags', reads: ['m1'], atStart: true },
    'k2:flags': { kind: 'flags', reads: ['m2'], atStart: true },
    'k:root': { kind: 'publishes', reads: electedSources(r, trusts), parties: ['k1', 'k2'], atStart: true },
    'k1:signer': { kind: 'signs', reads: ['key'] },
  };
  const kinds: UseKind[] = ['verifies-servers', 'verifies-clients', 'presents-as-server', 'presents-as-client'];
  for (let i = 0; i < 6; i++) {
    const kind = kinds[i % 4]!;
    const list = i % 4 < 2 ? trusts : credentials;
    const store = r.pick(list);
    const many = stores[store]!.members !== undefined || r.chance(0.2);
    const named: Source[] = [
      { store, when: { flags: 'k1:flags', is: 'found' } },
      { store: r.pick(list), when: { flags: 'k1:flags', is: 'split' } },
    ];
    const flagged = !many && r.chance(0.3);
    uses[`${flagged ? 'k1' : `p${i}`}:u${i}`] = {
      kind,
      atStart: r.chance(0.5),
      reads: flagged ? named : [store],
      parties: flagged ? ['k1'] : many ? [`p${i}a`, `p${i}b`] : [`p${i}`],
    };
  }
  const ids = Object.keys(uses);
  const of = (...wanted: UseKind[]) => ids.filter((id) => wanted.includes(uses[id]!.kind!));
  uses['p0:kept'] = { kind: 'presents-as-client' };
  const flows: Flow[] = [
    { id: 'kept', from: [r.pick(of('presents-as-client', 'presents-as-server'))], to: 'p0:kept', how: 'copy' },
    { id: 'published', from: ['k:root'], to: r.pick(trusts), how: 'copy' },
    { id: 'united', from: [r.pick(of('verifies-clients')), r.pick(trusts)], to: r.pick(trusts), how: 'union' },
    { id: 'signed', from: ['k1:signer'], to: r.pick(credentials), how: 'signs' },
    { id: 'joined', from: [r.pick(trusts)], to: r.pick(trusts), how: 'copy', actor: 'join' },
  ];
  const verifiers = of('verifies-servers', 'verifies-clients');
  const presenters = [...of('presents-as-server', 'presents-as-client'), 'p0:kept'];
  const edges = verifiers.flatMap((v) => presenters.filter(() => r.chance(0.4)).map((p) => `${v} ${p}`));
  return { t: tiny({ stores, uses, flows, edges, actors: r.chance(0.5) ? ['join'] : [] }), elected: ['k:root'] };
}

const electedSources = (r: Random, trusts: readonly string[]): Source[] =>
  ['k1', 'k2'].flatMap((k): Source[] => [
    { store: r.pick(trusts), when: { flags: `${k}:flags`, is: 'found' } },
    { store: r.pick(trusts), when: { flags: `${k}:flags`, is: 'split' } },
  ]);
