// The planner's own plans, on the catalogue's own topology, run by the simulator: what reroot does to a cluster, but for the bytes.

import { describe, expect, it } from 'vitest';
import { authorityRotation, fakeCA, OLD, syntheticInventory, syntheticRotation, T0 } from '../../../bench/inventory.ts';
import { ROOT_CA, SIGNER } from '../../../src/core/catalog/manager.ts';
import { IN_FLIGHT } from '../../../src/core/catalog/published.ts';
import { topologyOf } from '../../../src/core/catalog/topology.ts';
import { afterProofs, effectOf } from '../../../src/core/model/gate.ts';
import type { Inventory, Pod } from '../../../src/core/model/inventory.ts';
import { believed, initialState } from '../../../src/core/model/state.ts';
import type { Effect, Step } from '../../../src/core/model/step.ts';
import type { Topology } from '../../../src/core/model/topology.ts';
import { plan } from '../../../src/core/plan/plan.ts';
import { planRollback } from '../../../src/core/plan/rollback.ts';
import { type Blueprint, unfold } from '../../simulator/blueprint.ts';
import { makeMaterial, verifier } from '../../simulator/material.ts';
import { judge, type Order } from '../../simulator/script.ts';
import { firstBreak, simulate } from '../../simulator/simulate.ts';
import { follow, MINUTE } from '../plan/follow.ts';

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

/** Where a rollback begins its beliefs may break the invariant by themselves, until what re-reads at once was looked at. */
function afterLook(t: Topology, look: Step): Topology {
  const state = afterProofs(t, initialState(t), look.proof) ?? initialState(t);
  const known = (ids: readonly { id: string }[]) =>
    Object.fromEntries(ids.map(({ id }) => [id, believed(t, state, id)]).filter(([, values]) => values?.length !== 0));
  return { ...t, initial: { stores: known(t.stores), uses: known(t.uses) } };
}

/** Named alike, so that no bridge leads either way: the way back must have everybody trust both again. */
const SAME = fakeCA('kubernetes', { fingerprint: 'f'.repeat(64), spki: 'e'.repeat(64), keyId: 'd'.repeat(40) });
const ways = [
  { name: 'over the reverse bridge', rotation: { ...syntheticRotation('bridge'), begunAt: { w1: T0, w2: T0 } } },
  {
    name: 'with bundles',
    rotation: {
      ...syntheticRotation('bundle'),
      authorities: [authorityRotation('kubernetes', OLD, SAME, 'bundle')],
      begunAt: { w1: T0, w2: T0 },
    },
  },
];

describe.each(ways)('the plan back from after issue, $name', ({ rotation }) => {
  const base = syntheticInventory({ controlPlanes: 2 });
  const pod = (name: string, lastStartedAt: number): Pod => ({
    id: `pod/team-1/${name}`,
    namespace: 'team-1',
    name,
    node: 'w1',
    startedAt: T0 - 1000 * MINUTE,
    lastStartedAt,
    rootCA: 'projected',
    holds: [OLD.fingerprint],
    owner: { kind: 'ReplicaSet', name: 'app' },
    hostPaths: [],
  });
  // With bundles no pod comes through issue without a restart.
  const bridged = rotation.authorities[0]?.route === 'bridge';
  const pods = [pod('untouched', T0 - 1000 * MINUTE), pod('another', T0 - 900 * MINUTE)];
  const start: Inventory = { ...base, pods: bridged ? pods : [] };
  const issued = follow(start, rotation, plan(start, rotation, 'issue', T0), T0).end;
  const later = T0 + 1000 * MINUTE;
  const back = { ...rotation, rollback: true };
  const made = planRollback(issued, back, later);
  const [look, ...steps] = made.steps;
  const t = afterLook(topologyOf(issued, back, later), look as Step);
  const blueprint = blueprintOf(t);
  const order = orderOf(steps);

  it('waives nobody and is accepted act by act', () => {
    expect([made.refusal?.message, made.steps.flatMap((step) => step.blockers)]).toEqual([undefined, []]);
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

  if (!bridged) return;
  it('would break somebody without what is shown of pods', () => {
    // Pods that keep what they have, whatever it is: the rule that says it is old is tried in untouched.test.ts.
    const keeping = { ...t, uses: t.uses.map((use) => (use.untouched ? { ...use, reread: 'restart' as const } : use)) };
    const podless = order.filter(
      ({ effect }) => effect.kind !== 'probe' || !effect.uses.some((id) => id.startsWith('pod/')),
    );
    const withoutFiles = podless.filter(
      ({ effect }) => effect.kind !== 'read' || !effect.stores.some((id) => id.startsWith('object/')),
    );
    expect(firstBreak(blueprintOf(keeping), verify, withoutFiles, 60)).toBeDefined();
    expect(firstBreak(blueprintOf(keeping), verify, order, 60)).toBeUndefined();
  });
});
