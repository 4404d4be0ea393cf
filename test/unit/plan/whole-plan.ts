// The whole plan of a small cluster, and ways to find a step in it.

import { syntheticInventory, syntheticRotation, T0 } from '../../../bench/inventory.ts';
import type { Inventory } from '../../../src/core/model/inventory.ts';
import type { Rotation } from '../../../src/core/model/rotation.ts';
import type { Plan, Step } from '../../../src/core/model/step.ts';
import { plan } from '../../../src/core/plan/plan.ts';
import { follow, MINUTE } from './follow.ts';

export const LATER = T0 + 1000 * MINUTE;
export const rotation = syntheticRotation();
export const whole = plan(syntheticInventory(), rotation, 'retire', T0);
export const at = (made: Plan, matches: (step: Step) => boolean): number => made.steps.findIndex(matches);
export const writesTo = (path: string, value: string) => (step: Step) =>
  step.action.do === 'write' && step.action.value === value && step.action.stores.some((id) => id.endsWith(path));
export const restartsOf = (made: Plan, component: string): Step[] =>
  made.steps.filter(
    (step) => step.action.do === 'restart' && step.action.waves.flat().some((id) => id.endsWith(component)),
  );
export const end = (inventory: Inventory, asked: Rotation, until: 'trust' | 'issue' | 'retire'): Inventory =>
  follow(inventory, asked, plan(inventory, asked, until, T0), T0).end;
