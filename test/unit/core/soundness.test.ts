// Soundness, by chance: whatever the checker lets through breaks no concrete cluster. And what needs no check: proofs and restarts.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { apply } from '../../../src/core/model/apply.ts';
import { violations } from '../../../src/core/model/invariant.ts';
import { Contradiction, initialState, type State } from '../../../src/core/model/state.ts';
import type { Topology } from '../../../src/core/model/topology.ts';
import { VALUES } from '../../../src/core/model/value.ts';
import { unfold, unfoldKubeadm } from '../../simulator/blueprint.ts';
import { kubeadm } from '../../simulator/kubeadm.ts';
import { makeMaterial, verifier } from '../../simulator/material.ts';
import { names } from '../../simulator/names.ts';
import * as orders from '../../simulator/orders.ts';
import * as others from '../../simulator/other-orders.ts';
import { type Random, random } from '../../simulator/random.ts';
import type { Order } from '../../simulator/script.ts';
import { hasty, simulate } from '../../simulator/simulate.ts';
import { anyEffect, anyTopology, edgyOrder, keepAccepted, varied } from '../../simulator/vary.ts';

const n = names();
const t = kubeadm();
const plan = unfoldKubeadm(t, n);
const verify = verifier(makeMaterial(Date.UTC(2026, 10, 24)));

const whole: readonly Order[] = [
  orders.bridgeRetire(n),
  orders.bundleRetire(n),
  orders.bridgeFirst(n),
  [...orders.bridgeIssue(n), ...others.rollback(n)],
  [...others.frontProxy(n), ...others.etcd(n), ...others.serviceAccount(n)],
];

const wild = (topology: Topology, r: Random, acts: number): Order =>
  Array.from({ length: acts }, (_, i) => ({ name: `act ${i}`, effect: anyEffect(topology, r) }));

const seeds = fc.integer({ min: 1, max: 2 ** 31 - 1 });

describe('what is accepted never breaks', () => {
  it('of varied rotations of the kubeadm cluster', () => {
    let writes = 0;
    let refused = 0;
    fc.assert(
      fc.property(seeds, fc.nat(whole.length - 1), (seed, which) => {
        const kept = keepAccepted(t, varied(t, whole[which]!, random(seed)));
        writes += kept.order.filter(({ effect }) => effect.kind === 'write').length;
        refused += kept.refused;
        for (let run = 0; run < 3; run++) {
          const end = simulate(plan, verify, kept.order, seed + run, run === 0 ? undefined : hasty);
          expect(end).not.toMatchObject({ end: 'broken' });
        }
      }),
      { numRuns: 150 },
    );
    // Both happen often, or nothing was tried.
    expect(writes).toBeGreaterThan(1500);
    expect(refused).toBeGreaterThan(300);
  });

  it('of orders at the edge, on topologies made by chance', () => {
    let writes = 0;
    let refused = 0;
    fc.assert(
      fc.property(seeds, (seed) => {
        const r = random(seed);
        const { t: small, elected } = anyTopology(r);
        const kept = edgyOrder(small, 40, r);
        writes += kept.order.filter(({ effect }) => effect.kind === 'write').length;
        refused += kept.refused;
        const blueprint = unfold(small, elected, [], 'peer');
        for (let run = 0; run < 6; run++) {
          const end = simulate(blueprint, verify, kept.order, seed + run, { lost: 0.1, between: 3, after: 60 });
          expect(end).not.toMatchObject({ end: 'broken' });
        }
      }),
      { numRuns: 400 },
    );
    expect(writes).toBeGreaterThan(2000);
    expect(refused).toBeGreaterThan(1000);
  });
});

const subset = (some: State, all: State): boolean =>
  some.beliefs.every((belief, i) => (belief & ~all.beliefs[i]!) === 0);

describe('only writes, and actors that come, need a check', () => {
  it('proofs, restarts, waivers and actors that go only take away', () => {
    let filtered = 0;
    fc.assert(
      fc.property(seeds, fc.boolean(), (seed, small) => {
        const r = random(seed);
        const topology = small ? anyTopology(r).t : t;
        let s = keepAccepted(
          topology,
          small ? wild(topology, r, 30) : varied(topology, r.pick(whole), r).slice(0, r.below(90)),
        ).state;
        for (let i = 0; i < 30; i++) {
          const effect = anyEffect(topology, r);
          if (effect.kind === 'write' || (effect.kind === 'actor' && effect.on)) continue;
          const next = attempt(topology, s, effect);
          if (!next) continue;
          expect(subset(next, s)).toBe(true);
          expect(violations(topology, next)).toEqual([]);
          if (!subset(s, next)) filtered++;
          s = next;
        }
      }),
      { numRuns: 150 },
    );
    expect(filtered).toBeGreaterThan(150);
  });

  it('states are closed: looking at everything again, and ruling nothing out, adds nothing', () => {
    const everything = Object.values(VALUES).flat();
    fc.assert(
      fc.property(seeds, (seed) => {
        const r = random(seed);
        const { t: small } = anyTopology(r);
        const look = {
          kind: 'read',
          stores: [...small.stores, ...small.uses].map(({ id }) => id),
          keep: everything,
        } as const;
        let s = initialState(small);
        for (const { effect } of wild(small, r, 40)) {
          s = attempt(small, s, effect) ?? s;
          const again = apply(small, s, look);
          expect(again.beliefs).toEqual(s.beliefs);
          expect(again.boot).toEqual(s.boot);
        }
      }),
      { numRuns: 150 },
    );
  });

  it('an effect is the same however often it is looked at: states are values', () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        const r = random(seed);
        const s = keepAccepted(t, varied(t, r.pick(whole), r).slice(0, 50)).state;
        const before = s.beliefs.slice();
        const effect = anyEffect(t, r);
        const once = attempt(t, s, effect);
        const again = attempt(t, s, effect);
        expect(s.beliefs).toEqual(before);
        expect(again?.beliefs).toEqual(once?.beliefs);
      }),
      { numRuns: 50 },
    );
  });
});

function attempt(topology: Topology, s: State, effect: Parameters<typeof apply>[2]): State | undefined {
  try {
    return apply(topology, s, effect);
  } catch (thrown) {
    if (thrown instanceof Contradiction) return undefined;
    throw thrown;
  }
}
