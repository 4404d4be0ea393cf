// An order of steps run against one concrete cluster, as reroot would run it: writes and restarts get lost and are done again when
// their proof fails, proofs measure one thing after the other, and the cluster goes on living in between.

import type { PartyId, StoreId } from '../../src/core/model/ids.ts';
import type { Effect } from '../../src/core/model/step.ts';
import type { Value } from '../../src/core/model/value.ts';
import type { Blueprint } from './blueprint.ts';
import { contentOf, measured, type Verify } from './material.ts';
import { type Random, random } from './random.ts';
import type { Order } from './script.ts';
import { happen, load, newWorld, run, start, tryChannels, type World } from './world.ts';

export interface Run {
  /** blocked: a proof was not to be had, so that reroot would wait. */
  end: 'done' | 'blocked' | 'broken';
  /** The act at which it ended, and what broke. */
  at?: string;
  why?: string;
}

export interface Chances {
  /** Of a write or restart to be lost. */
  lost: number;
  /** Things that happen by themselves between two acts, at most. */
  between: number;
  /** And after the last one. */
  after: number;
}

const usual: Chances = { lost: 0.08, between: 6, after: 120 };
/** Few proofs' time to heal in, and a long life with what was done last: for orders that must break. */
export const hasty: Chances = { lost: 0.15, between: 2, after: 250 };

const TRIES = 12;

interface Runner {
  w: World;
  r: Random;
  chances: Chances;
  lastWrite: Map<number, Value>;
  restartedAt: Map<PartyId, number>;
}

export function simulate(plan: Blueprint, verify: Verify, order: Order, seed: number, chances: Chances = usual): Run {
  const r = random(seed);
  const w = newWorld(plan, verify, r);
  const runner: Runner = { w, r, chances, lastWrite: new Map(), restartedAt: new Map() };
  for (const i of plan.instances.keys()) tryChannels(w, i);
  for (const { name, effect } of order) {
    live(runner, r.below(chances.between + 1));
    const shown = perform(runner, effect);
    if (w.broken !== undefined) return { end: 'broken', at: name, why: w.broken };
    if (!shown) return { end: 'blocked', at: name };
  }
  live(runner, chances.after);
  return w.broken === undefined ? { end: 'done' } : { end: 'broken', at: 'afterwards', why: w.broken };
}

function live({ w }: Runner, events: number): void {
  for (let i = 0; i < events && w.broken === undefined; i++) happen(w);
}

/** False when a proof was not had. */
function perform(runner: Runner, e: Effect): boolean {
  const { w } = runner;
  switch (e.kind) {
    case 'write':
      for (const member of membersOf(w, e.stores)) {
        runner.lastWrite.set(member, e.value);
        put(runner, member);
        live(runner, runner.r.below(2));
      }
      return true;
    case 'restart':
      for (const party of e.parties) {
        runner.restartedAt.set(party, ++w.clock);
        if (!runner.r.chance(runner.chances.lost)) start(w, party);
        live(runner, runner.r.below(2));
      }
      return true;
    case 'read':
      return membersOf(w, e.stores).every((member) => shownToHold(runner, member, e.keep));
    case 'probe':
      return e.uses.flatMap((use) => w.plan.instancesOf.get(use)!).every((i) => shownToHave(runner, i, e.keep));
    case 'restarted':
      for (const party of e.parties) {
        // Its process is no younger than our restart: the restart was lost, and is done again.
        if ((w.startedAt.get(party) ?? 0) <= runner.restartedAt.get(party)!) start(w, party);
        live(runner, runner.r.below(2));
      }
      return true;
    case 'actor':
      if (e.on) w.actors.add(e.actor);
      else {
        w.actors.delete(e.actor);
        if (e.actor === 'join') forgetTheComing(w);
      }
      return true;
    case 'waive':
      for (const party of e.parties) w.waived.add(party);
      return true;
  }
}

const membersOf = (w: World, stores: readonly StoreId[]): number[] =>
  stores.flatMap((id) => w.plan.membersOf.get(id) ?? []);

function put({ w, r, chances, lastWrite }: Runner, member: number): void {
  if (r.chance(chances.lost)) return;
  const { holds, purpose } = w.plan.members[member]!;
  w.stores[member] = contentOf(holds, lastWrite.get(member)!, purpose);
}

function shownToHold(runner: Runner, member: number, keep: readonly Value[]): boolean {
  const { w } = runner;
  const good = () => {
    const queue = w.queues.get(member);
    if (queue) return queue.every((one) => keep.includes(measured(one)));
    const held = w.stores[member];
    return held === undefined || keep.includes(measured(held));
  };
  const shown = waitFor(runner, good, () => {
    const value = runner.lastWrite.get(member);
    if (value !== undefined && keep.includes(value)) put(runner, member);
    w.queues.get(member)?.splice(0, runner.r.below(2));
    for (const pipe of w.plan.pipes) {
      // Nobody waits for kubeadm to undo it.
      if (pipe.actor === 'kubeadm') continue;
      if (pipe.toMembers.includes(member) || pipe.fromMembers.includes(member)) run(w, pipe);
    }
  });
  // Shown to be over: doing that write again would be another step.
  const value = runner.lastWrite.get(member);
  if (value !== undefined && !keep.includes(value)) runner.lastWrite.delete(member);
  return shown;
}

function shownToHave(runner: Runner, i: number, keep: readonly Value[]): boolean {
  const { w } = runner;
  const { reread, party } = w.plan.instances[i]!;
  const good = () => {
    const held = w.memory[i];
    return held === undefined || w.waived.has(party) || keep.includes(measured(held));
  };
  return waitFor(runner, good, () => {
    if (reread !== 'restart' && reread !== 'leadership') load(w, i, 'later');
    for (const pipe of w.plan.pipes) if (pipe.toInstances.includes(i)) run(w, pipe);
  });
}

function waitFor(runner: Runner, good: () => boolean, pass: () => void): boolean {
  live(runner, runner.r.below(2));
  for (let tries = 0; tries < TRIES; tries++) {
    if (runner.w.broken !== undefined || good()) return true;
    pass();
    live(runner, 1);
  }
  return good();
}

/** Nodes that were joining have joined or gone. */
function forgetTheComing(w: World): void {
  for (const pipe of w.plan.pipes) if (pipe.actor === 'join') for (const i of pipe.toInstances) w.memory[i] = undefined;
}

/** The first of these seeded runs that breaks; undefined when none does. */
export function firstBreak(
  plan: Blueprint,
  verify: Verify,
  order: Order,
  seeds: number,
): (Run & { seed: number }) | undefined {
  for (let seed = 0; seed < seeds; seed++) {
    const run = simulate(plan, verify, order, seed, hasty);
    if (run.end === 'broken') return { ...run, seed };
  }
  return undefined;
}
