// The planner's own plans, on the catalogue's own topology, run by the simulator: what reroot does to a cluster, but for the bytes.

import { describe, expect, it } from 'vitest';
import { syntheticInventory, syntheticRotation, T0 } from '../../../bench/inventory.ts';
import { ROOT_CA, SIGNER } from '../../../src/core/catalog/manager.ts';
import { IN_FLIGHT } from '../../../src/core/catalog/published.ts';
import { topologyOf } from '../../../src/core/catalog/topology.ts';
import { effectOf } from '../../../src/core/model/gate.ts';
import type { Effect, Step } from '../../../src/core/model/step.ts';
import type { Topology } from '../../../src/core/model/topology.ts';
import { plan } from '../../../src/core/plan/plan.ts';
import { type Blueprint, unfold } from '../../simulator/blueprint.ts';
import { makeMaterial, verifier } from '../../simulator/material.ts';
import { judge, type Order } from '../../simulator/script.ts';
import { firstBreak, simulate } from '../../simulator/simulate.ts';

const verify = verifier(makeMaterial(Date.UTC(2026, 10, 24)));
const there = (t: Topology, id: string) =>
  t.uses.some((use) => use.id === id) || t.stores.some((store) => store.id === id);

/** As the runner does it: gate, writes and restarts, proofs, the rest. */
function orderOf(steps: readonly Step[]): Order {
  return steps.flatMap((step) => {
    const acts = step.effects.filter(({ kind }) => kind === 'write' || kind === 'restart');
    const rest = step.effects.filter((effect) => !acts.includes(effect));
    const effects: Effect[] = [
      ...step.gate.map(effectOf),
      ...keysAway(step),
      ...acts,
      ...step.proof.map(effectOf),
      ...rest,
    ];
    return effects.map((effect) => ({ name: `${effect.kind} in ${step.id}`, effect }));
  });
}

/** What the action itself does to the keys; to the model it is only shown that they are away. */
const keysAway = ({ action, effects }: Step): Effect[] =>
  action.do === 'freeze'
    ? effects.flatMap((effect): Effect[] =>
        effect.kind === 'read' && effect.keep.includes('absent')
          ? [{ kind: 'write', stores: effect.stores, value: 'absent' }]
          : [],
      )
    : [];

function blueprintOf(t: Topology): Blueprint {
  const elected = [SIGNER, ROOT_CA].filter((id) => there(t, id));
  return unfold(t, elected, there(t, IN_FLIGHT) ? [IN_FLIGHT] : []);
}

const cases = [1, 3].flatMap((controlPlanes) =>
  (['bridge', 'bundle'] as const).map((route) => ({ controlPlanes, route })),
);

describe.each(cases)('the plan for $controlPlanes control planes, $route route', ({ controlPlanes, route }) => {
  const inventory = syntheticInventory({ controlPlanes });
  const rotation = syntheticRotation(route);
  const made = plan(inventory, rotation, 'retire', T0);
  const t = topologyOf(inventory, rotation, T0);
  const blueprint = blueprintOf(t);
  const order = orderOf(made.steps);

  it('is accepted act by act', () => {
    expect(made.refusal).toBeUndefined();
    const { refused, contradiction } = judge(t, order);
    expect([refused?.name, contradiction]).toEqual([undefined, undefined]);
  });

  it('breaks nothing', () => {
    const ends = { done: 0, blocked: 0 };
    for (let seed = 0; seed < 40; seed++) {
      const run = simulate(blueprint, verify, order, seed);
      if (run.end === 'broken') expect.fail(`seed ${seed}, at ${run.at}: ${run.why}`);
      ends[run.end]++;
    }
    expect(ends.done).toBeGreaterThan(20);
  });

  it('would break something without its proofs and restarts', () => {
    const careless = order.filter(({ effect }) => effect.kind === 'write');
    expect(firstBreak(blueprint, verify, careless, 40)).toBeDefined();
  });
});
