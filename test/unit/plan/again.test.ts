// A second rotation directly after the first: the split signer is there, so there is less to do.

import { describe, expect, it } from 'vitest';
import {
  authorityRotation,
  fakeCA,
  NEW,
  NEW_PROXY,
  syntheticInventory,
  syntheticRotation,
  T0,
} from '../../../bench/inventory.ts';
import type { Inventory } from '../../../src/core/model/inventory.ts';
import type { Rotation, Route } from '../../../src/core/model/rotation.ts';
import { plan } from '../../../src/core/plan/plan.ts';
import { preconditions } from '../../../src/core/plan/preconditions.ts';
import { planRollback } from '../../../src/core/plan/rollback.ts';
import { changing, follow, MINUTE } from './follow.ts';
import { valuesIn } from './world.ts';

const LATER = T0 + 1000 * MINUTE;
const second = (route: Route): Rotation => ({
  ...syntheticRotation(route),
  authorities: [
    authorityRotation('kubernetes', NEW, fakeCA('kubernetes-2027'), route),
    authorityRotation('front-proxy', NEW_PROXY, fakeCA('front-proxy-ca-2027'), route),
  ],
});

function turnedOnce(): Inventory {
  const rotation = syntheticRotation();
  const start = syntheticInventory();
  const { end } = follow(start, rotation, plan(start, rotation, 'retire', T0), T0);
  // What discovery finds afterwards: the new CAs are the only anchors.
  for (const fact of end.authorities) fact.anchors = [fact.authority === 'front-proxy' ? NEW_PROXY : NEW];
  return end;
}

describe.each<{ route: Route }>([{ route: 'bridge' }, { route: 'bundle' }])(
  'a second rotation, $route route',
  ({ route }) => {
    const start = turnedOnce();
    const rotation = second(route);
    const made = plan(start, rotation, 'retire', LATER);

    it('may begin', () => {
      expect(preconditions(start, rotation, LATER)).toEqual([]);
    });

    it('finds the split signer and splits nothing', () => {
      const ids = changing(made);
      expect(ids.filter((id) => /signer-file|manager-flags/.test(id))).toEqual([]);
      expect(ids.some((id) => id === 'issue.kubernetes.signer')).toBe(true);
    });

    it('is safe, ends with nothing of old, and restarts controller managers once over bridges', () => {
      expect(made.refusal?.message).toBeUndefined();
      const { end } = follow(start, rotation, made, LATER);
      expect(Object.entries(valuesIn(end, rotation)).filter(([, value]) => value !== 'new')).toEqual([]);
      expect(made.restarts['kube-controller-manager']).toBe(route === 'bridge' ? 1 : 2);
    });

    it('can be turned back from after issue', () => {
      const { end } = follow(start, rotation, plan(start, rotation, 'issue', LATER), LATER);
      const at = LATER + 1000 * MINUTE;
      const back = planRollback(end, rotation, at);
      expect(back.refusal?.message).toBeUndefined();
      const { end: turned } = follow(end, { ...rotation, rollback: true }, back, at);
      expect(Object.entries(valuesIn(turned, rotation)).filter(([, value]) => value !== 'old')).toEqual([]);
    });
  },
);

it('a rotation after a rollback begins like the first, with the signer split already', () => {
  const rotation = syntheticRotation();
  const start = syntheticInventory();
  const { end: issued } = follow(start, rotation, plan(start, rotation, 'issue', T0), T0);
  const { end } = follow(issued, { ...rotation, rollback: true }, planRollback(issued, rotation, LATER), LATER);
  const fresh: Rotation = {
    ...rotation,
    authorities: rotation.authorities.map((a) => authorityRotation(a.authority, a.old, fakeCA(`${a.authority}-again`))),
  };
  const at = LATER + 1000 * MINUTE;
  expect(preconditions(end, fresh, at)).toEqual([]);
  const made = plan(end, fresh, 'retire', at);
  expect(made.refusal?.message).toBeUndefined();
  expect(
    Object.entries(valuesIn(follow(end, fresh, made, at).end, fresh)).filter(([, value]) => value !== 'new'),
  ).toEqual([]);
});
