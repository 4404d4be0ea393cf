// A belief: the set of values that a store or a use may hold at this moment, as a bitset over the few values of one kind.
// Empty means that nothing is there (a party that has not come yet), never that nothing is known.

import type { UseKind } from './topology.ts';
import { type Credential, type Holds, type Trust, VALUES, type Value, verifies } from './value.ts';

/** One bit for each value of a kind, in the order of `VALUES`. */
export type Belief = number;

export const NOTHING: Belief = 0;
/** More than any kind has; tables over beliefs have `1 << WIDTH` entries. */
export const WIDTH = 5;
export const BELIEFS = 1 << WIDTH;

const bits = new Map<Holds, ReadonlyMap<Value, Belief>>();
for (const [holds, values] of Object.entries(VALUES) as [Holds, readonly Value[]][]) {
  bits.set(holds, new Map(values.map((value, i) => [value, 1 << i])));
}

/** The belief that holds this value alone. Throws when the kind has no such value: a mistake in a topology or plan. */
export function bitOf(holds: Holds, value: Value): Belief {
  const bit = bits.get(holds)?.get(value);
  if (bit === undefined) throw new Error(`a ${holds} never holds "${value}"`);
  return bit;
}

export const beliefOf = (holds: Holds, values: readonly Value[]): Belief =>
  values.reduce((belief, value) => belief | bitOf(holds, value), NOTHING);

/** The bits of those values that this kind can hold; others say nothing about it. */
export const maskOf = (holds: Holds, values: readonly Value[]): Belief =>
  values.reduce((belief, value) => belief | (bits.get(holds)?.get(value) ?? NOTHING), NOTHING);

export const valuesOf = (holds: Holds, belief: Belief): Value[] =>
  (VALUES[holds] as readonly Value[]).filter((_, i) => (belief & (1 << i)) !== 0);

export const includes = (holds: Holds, belief: Belief, value: Value): boolean => (belief & bitOf(holds, value)) !== 0;

/** The value of a belief of exactly one bit. */
export const valueAt = (holds: Holds, bit: Belief): Value => {
  const value = VALUES[holds][31 - Math.clz32(bit)];
  if (value === undefined) throw new Error(`a ${holds} has no value at bit ${bit}`);
  return value;
};

/** Extends a function of one value to beliefs: entry b is everything that some value of b gives. */
export function tableOf(from: Holds, to: Holds, of: (value: Value) => Value | undefined): Uint8Array {
  const table = new Uint8Array(BELIEFS);
  for (let belief = 1; belief < BELIEFS; belief++) {
    for (const value of valuesOf(from, belief)) {
      const given = of(value);
      if (given !== undefined) table[belief]! |= bitOf(to, given);
    }
  }
  return table;
}

const every = BELIEFS - 1;

/** Who accepts whom, over beliefs. */
export interface Acceptance {
  /** For each credential belief, the trust values that accept all of it. */
  readonly trusts: Uint8Array;
  /** For each trust belief, the credential values that all of it accepts. */
  readonly credentials: Uint8Array;
}

function acceptance(as: 'server' | 'client'): Acceptance {
  const trusts = new Uint8Array(BELIEFS).fill(every);
  const credentials = new Uint8Array(BELIEFS).fill(every);
  for (const trust of VALUES.trust as readonly Trust[]) {
    for (const credential of VALUES.credential as readonly Credential[]) {
      if (verifies(trust, credential, as)) continue;
      for (let belief = 1; belief < BELIEFS; belief++) {
        if (includes('credential', belief, credential)) trusts[belief]! &= ~bitOf('trust', trust);
        if (includes('trust', belief, trust)) credentials[belief]! &= ~bitOf('credential', credential);
      }
    }
  }
  return { trusts, credentials };
}

const acceptances = { server: acceptance('server'), client: acceptance('client') };

/** What is accepted of a presenter of this kind of use. */
export const acceptanceOf = (presenter: UseKind | undefined): Acceptance =>
  presenter === 'presents-as-client' ? acceptances.client : acceptances.server;
