// Rotations that are interrupted again and again, in the middle of steps, turned back or not: the same end, and never an unsafe write.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { syntheticInventory, syntheticRotation, T0 } from '../../../bench/inventory.ts';
import type { Inventory } from '../../../src/core/model/inventory.ts';
import type { Rotation } from '../../../src/core/model/rotation.ts';
import type { Plan } from '../../../src/core/model/step.ts';
import { onlyProves, plan } from '../../../src/core/plan/plan.ts';
import { planRollback } from '../../../src/core/plan/rollback.ts';
import { follow, MINUTE } from './follow.ts';
import { after, valuesIn } from './world.ts';

const SPELL = 1000 * MINUTE;

/** Runs a part of a plan and dies in the middle of a step. `share` of its steps are done. */
function interrupted(world: Inventory, rotation: Rotation, made: Plan, share: number, at: number): Inventory {
  const done = Math.floor(share * made.steps.length);
  const begun = follow(world, rotation, { ...made, steps: made.steps.slice(0, done) }, at).end;
  const step = made.steps[done];
  return step ? after(begun, rotation, step, at + SPELL / 2, true) : begun;
}

const shapes = fc.record({
  controlPlanes: fc.constantFrom(1, 2, 3),
  workers: fc.constantFrom(1, 2),
  webhook: fc.boolean(),
  aggregated: fc.boolean(),
  pods: fc.constantFrom(0, 12),
});
const runs = { numRuns: 25, seed: 20261124 };
const shares = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 4 });
const routes = fc.constantFrom('bridge' as const, 'bundle' as const);

describe('whatever interrupts it', () => {
  it('a rotation ends with nothing of old', () => {
    fc.assert(
      fc.property(shapes, routes, shares, (shape, route, cuts) => {
        const rotation = syntheticRotation(route);
        let world = syntheticInventory(shape);
        let now = T0;
        for (const cut of cuts) {
          world = interrupted(world, rotation, plan(world, rotation, 'retire', now), cut, now);
          now += SPELL;
        }
        const rest = plan(world, rotation, 'retire', now);
        expect(rest.refusal?.message).toBeUndefined();
        const { end } = follow(world, rotation, rest, now);
        expect(Object.entries(valuesIn(end, rotation)).filter(([, value]) => value !== 'new')).toEqual([]);
        expect(onlyProves(plan(end, rotation, 'retire', now + SPELL))).toBe(true);
      }),
      runs,
    );
  });

  it('a rollback ends with nothing of new', () => {
    fc.assert(
      fc.property(shapes, routes, shares, shares, (shape, route, forth, back) => {
        const rotation = syntheticRotation(route);
        const turned = { ...rotation, rollback: true };
        let world = syntheticInventory(shape);
        let now = T0;
        for (const cut of forth) {
          world = interrupted(world, rotation, plan(world, rotation, 'retire', now), cut, now);
          now += SPELL;
        }
        for (const cut of back) {
          const made = planRollback(world, rotation, now);
          expect(made.refusal?.message).toBeUndefined();
          world = interrupted(world, turned, made, cut, now);
          now += SPELL;
        }
        const rest = planRollback(world, rotation, now);
        expect(rest.refusal?.message).toBeUndefined();
        const { end } = follow(world, turned, rest, now);
        expect(Object.entries(valuesIn(end, rotation)).filter(([, value]) => value !== 'old')).toEqual([]);
      }),
      runs,
    );
  });
});
