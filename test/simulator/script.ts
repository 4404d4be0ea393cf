// Orders of steps as flat lists of named effects, so that tests can leave one out, move one, or stop before one.

import { apply } from '../../src/core/model/apply.ts';
import { type Violation, violations } from '../../src/core/model/invariant.ts';
import { Contradiction, initialState, type State } from '../../src/core/model/state.ts';
import type { Actor, Effect } from '../../src/core/model/step.ts';
import type { Topology } from '../../src/core/model/topology.ts';
import type { Value } from '../../src/core/model/value.ts';

export interface Act {
  name: string;
  effect: Effect;
}
export type Order = readonly Act[];

const act = (name: string, effect: Effect): Act => ({ name, effect });

/** `write X` in an order's names. */
export const write = (what: string, stores: readonly string[], value: Value): Act =>
  act(`write ${what}`, { kind: 'write', stores, value });
export const read = (what: string, stores: readonly string[], ...keep: Value[]): Act =>
  act(`read ${what}`, { kind: 'read', stores, keep });
export const probe = (what: string, uses: readonly string[], ...keep: Value[]): Act =>
  act(`probe ${what}`, { kind: 'probe', uses, keep });
export const restart = (what: string, parties: readonly string[]): Act =>
  act(`restart ${what}`, { kind: 'restart', parties });
export const restarted = (what: string, parties: readonly string[]): Act =>
  act(`restarted ${what}`, { kind: 'restarted', parties });
export const actor = (which: Actor, on: boolean): Act =>
  act(`actor ${which} ${on ? 'on' : 'off'}`, { kind: 'actor', actor: which, on });
export const waive = (...parties: string[]): Act => act(`waive ${parties.join(' ')}`, { kind: 'waive', parties });

/** A write that is read back. */
export const written = (what: string, stores: readonly string[], value: Value): Act[] => [
  write(what, stores, value),
  read(what, stores, value),
];
/** A restart that is proved. */
export const cycled = (what: string, parties: readonly string[]): Act[] => [
  restart(what, parties),
  restarted(what, parties),
];

const nameless = (order: Order, name: string) => {
  if (!order.some((a) => a.name === name)) throw new Error(`the order has no "${name}"`);
};

export function without(order: Order, ...names: string[]): Order {
  for (const name of names) nameless(order, name);
  return order.filter((a) => !names.includes(a.name));
}

/** Everything before the first act of that name. */
export function upTo(order: Order, name: string): Order {
  nameless(order, name);
  return order.slice(
    0,
    order.findIndex((a) => a.name === name),
  );
}

export function swap(order: Order, name: string, by: readonly Act[]): Order {
  nameless(order, name);
  return order.flatMap((a) => (a.name === name ? by : [a]));
}

export interface Outcome {
  state: State;
  /** The act that was refused, and why; undefined when the whole order was accepted. */
  refused?: { index: number; name: string; effect: Effect; violations: Violation[]; before: State };
  /** The act whose proof could not have been had. */
  contradiction?: { index: number; name: string };
}

/** Runs an order through the checker up to the first act that is refused. Every effect is checked, proofs as well. */
export function judge(t: Topology, order: Order): Outcome {
  let state = initialState(t);
  for (const [index, { name, effect }] of order.entries()) {
    let next: State;
    try {
      next = apply(t, state, effect);
    } catch (thrown) {
      if (thrown instanceof Contradiction) return { state, contradiction: { index, name } };
      throw thrown;
    }
    const found = violations(t, next);
    if (found.length > 0) return { state, refused: { index, name, effect, violations: found, before: state } };
    state = next;
  }
  return { state };
}
