// How far along a value is. A step that would write an earlier value than what is there was done before: resume leaves it out.

import type { Holds, Value } from '../model/value.ts';
import type { Course } from './course.ts';

const FORWARD: Readonly<Record<Holds, readonly Value[]>> = {
  trust: ['none', 'old', 'both', 'new'],
  credential: ['other', 'old', 'old+reverse', 'new+bridge', 'new'],
  signer: ['absent', 'bundle', 'mismatched', 'old', 'new'],
  flags: ['found', 'split'],
};

const BACK: Readonly<Record<Holds, readonly Value[]>> = {
  trust: ['none', 'new', 'both', 'old'],
  credential: ['other', 'new', 'new+bridge', 'old+reverse', 'old'],
  signer: ['absent', 'bundle', 'mismatched', 'new', 'old'],
  flags: ['found', 'split'],
};

/** Whether this value is as far along as the wanted one, or further. */
export function isAtLeast(direction: Course['direction'], holds: Holds, value: Value, wanted: Value): boolean {
  const order = (direction === 'forward' ? FORWARD : BACK)[holds];
  return order.indexOf(value) >= order.indexOf(wanted);
}
