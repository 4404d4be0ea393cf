import { describe, expect, it } from 'vitest';
import { authorityRotation, fakeCA, OLD, syntheticInventory, syntheticRotation, T0 } from '../../../bench/inventory.ts';
import type { Inventory } from '../../../src/core/model/inventory.ts';
import type { Rotation, Route } from '../../../src/core/model/rotation.ts';
import { onlyProves, plan } from '../../../src/core/plan/plan.ts';
import { planRollback } from '../../../src/core/plan/rollback.ts';
import { follow, MINUTE } from './follow.ts';
import { after, valuesIn } from './world.ts';

const LATER = T0 + 1000 * MINUTE;
const EVEN_LATER = T0 + 2000 * MINUTE;
const back = (rotation: Rotation): Rotation => ({ ...rotation, rollback: true });
const leftOf = (world: Inventory, rotation: Rotation) =>
  Object.entries(valuesIn(world, rotation)).filter(([, value]) => value !== 'old');

describe.each<{ route: Route }>([{ route: 'bridge' }, { route: 'bundle' }])(
  'the way back, $route route',
  ({ route }) => {
    const start = syntheticInventory({ controlPlanes: 2 });
    const rotation = syntheticRotation(route);
    const made = plan(start, rotation, 'retire', T0);
    const { worlds } = follow(start, rotation, made, T0, true);

    it('is open from every prefix, and leaves nothing of new', () => {
      worlds.forEach((world, done) => {
        const name = made.steps[done]?.id ?? 'the end';
        const rollback = planRollback(world, rotation, LATER);
        expect(rollback.refusal?.message, `before ${name}`).toBeUndefined();
        const { end } = follow(world, back(rotation), rollback, LATER);
        expect(leftOf(end, rotation), `before ${name}`).toEqual([]);
        const again = planRollback(end, rotation, EVEN_LATER);
        expect(again.refusal?.message, `back from before ${name}`).toBeUndefined();
        expect(onlyProves(again), `${name}: ${again.steps.map((step) => step.id)}`).toBe(true);
      });
    });

    it('can itself be interrupted anywhere', () => {
      const issued = worlds[made.steps.findIndex((step) => step.move === 'retire')] as Inventory;
      const rollback = planRollback(issued, rotation, LATER);
      const { worlds: backwards } = follow(issued, back(rotation), rollback, LATER, true);
      rollback.steps.forEach((step, done) => {
        const half = after(backwards[done] as Inventory, back(rotation), step, LATER + 500 * MINUTE, true);
        const rest = planRollback(half, rotation, EVEN_LATER);
        expect(rest.refusal?.message, `in the middle of ${step.id}`).toBeUndefined();
        expect(leftOf(follow(half, back(rotation), rest, EVEN_LATER).end, rotation), step.id).toEqual([]);
      });
    });
  },
);

describe('a rollback from after issue', () => {
  const start = syntheticInventory();
  const rotation = syntheticRotation();
  const issued = follow(start, rotation, plan(start, rotation, 'issue', T0), T0).end;
  const rollback = planRollback(issued, rotation, LATER);
  const ids = rollback.steps.map((step) => step.id);

  it('serves old over the reverse bridge before any client is turned back', () => {
    const reverse = ids.findIndex((id) => id.startsWith('rollback.kubernetes.serving.cp1'));
    const clients = ids.findIndex((id) => id.includes('kubelet-ca') || id.includes('restart'));
    expect(rollback.steps[reverse]?.action).toMatchObject({ do: 'write', value: 'old+reverse' });
    expect(reverse).toBeLessThan(clients);
  });

  it('restarts each client once and no API server', () => {
    expect(rollback.restarts).toMatchObject({
      'kube-apiserver': 0,
      'kube-controller-manager': 1,
      'kube-scheduler': 1,
      kubelet: 1,
    });
  });

  it('trap 2: the reverse bridge is served only, and goes before the plan ends', () => {
    const reverse = rollback.steps.filter((step) => step.action.do === 'write' && step.action.value === 'old+reverse');
    const stores = reverse.flatMap((step) => (step.action.do === 'write' ? step.action.stores : []));
    expect(stores.every((id) => id.endsWith('/apiserver.crt'))).toBe(true);
    expect(leftOf(follow(issued, back(rotation), rollback, LATER).end, rotation)).toEqual([]);
  });

  it('trap 2: with a leaked key no reverse bridge is minted', () => {
    const leaked = planRollback(issued, { ...rotation, compromised: true }, LATER);
    const values = leaked.steps.flatMap((step) => (step.action.do === 'write' ? [step.action.value] : []));
    expect(values).not.toContain('old+reverse');
    expect(leaked.refusal?.message).toBeUndefined();
    const serves = leaked.steps.findIndex((step) => step.id.startsWith('rollback.kubernetes.serving'));
    const trusts = leaked.steps.findLastIndex((step) => step.id.endsWith('-both') && step.action.do === 'restart');
    expect(trusts).toBeGreaterThan(-1);
    expect(trusts).toBeLessThan(serves);
  });

  it('burns the generation: no plan goes forward with it again', () => {
    expect(plan(issued, back(rotation), 'issue', LATER).refusal?.reason).toBe('generation-goes-back');
    const [cluster, proxy] = rotation.authorities;
    const minted = { ...rotation, authorities: [{ ...cluster!, bridges: { reverse: 'ab' } }, proxy!] };
    expect(plan(issued, minted, 'retire', LATER).refusal?.reason).toBe('generation-goes-back');
  });
});

describe('a rollback on the bundle route with the same subject', () => {
  const same = fakeCA('kubernetes', { fingerprint: 'f'.repeat(64), spki: 'e'.repeat(64), keyId: 'd'.repeat(40) });
  const rotation: Rotation = {
    ...syntheticRotation('bundle'),
    authorities: [authorityRotation('kubernetes', OLD, same, 'bundle')],
  };
  const start = syntheticInventory({ controlPlanes: 1 });

  const made = plan(start, rotation, 'retire', T0);
  const { worlds } = follow(start, rotation, made, T0, true);
  const bridged = (steps: typeof made.steps) =>
    steps.some(({ action }) => action.do === 'write' && String(action.value).includes('+'));

  it('needs no reverse bridge and no second restart while clients still trust old', () => {
    const trusted = follow(start, rotation, plan(start, rotation, 'trust', T0), T0).end;
    const rollback = planRollback(trusted, rotation, LATER);
    expect(rollback.refusal?.message).toBeUndefined();
    expect(rollback.steps.filter(({ id }) => id.includes('-both'))).toEqual([]);
    expect(leftOf(follow(trusted, back(rotation), rollback, LATER).end, rotation)).toEqual([]);
  });

  it('is open from every prefix: who trusts new alone is made to trust both again first', () => {
    worlds.forEach((world, done) => {
      const name = made.steps[done]?.id ?? 'the end';
      const rollback = planRollback(world, rotation, LATER);
      expect(rollback.refusal?.message, `before ${name}`).toBeUndefined();
      expect(bridged(rollback.steps), `before ${name}`).toBe(false);
      const { end } = follow(world, back(rotation), rollback, LATER);
      expect(leftOf(end, rotation), `before ${name}`).toEqual([]);
      expect(onlyProves(planRollback(end, rotation, EVEN_LATER)), `back from before ${name}`).toBe(true);
    });
  });

  it('can itself be interrupted anywhere', () => {
    const issued = worlds[made.steps.findIndex((step) => step.move === 'retire')] as Inventory;
    const rollback = planRollback(issued, rotation, LATER);
    const { worlds: backwards } = follow(issued, back(rotation), rollback, LATER, true);
    rollback.steps.forEach((step, done) => {
      const half = after(backwards[done] as Inventory, back(rotation), step, LATER + 500 * MINUTE, true);
      const rest = planRollback(half, rotation, EVEN_LATER);
      expect(rest.refusal?.message, `in the middle of ${step.id}`).toBeUndefined();
      expect(leftOf(follow(half, back(rotation), rest, EVEN_LATER).end, rotation), step.id).toEqual([]);
    });
  });

  it('restarts clients twice from after issue, and no API server', () => {
    const issued = follow(start, rotation, plan(start, rotation, 'issue', T0), T0).end;
    expect(planRollback(issued, rotation, LATER).restarts).toMatchObject({
      'kube-apiserver': 0,
      'kube-controller-manager': 2,
      'kube-scheduler': 2,
      kubelet: 2,
    });
  });
});

describe('controller managers without a signer (the CA key on no node)', () => {
  const whole = syntheticInventory();
  const instances = whole.instances.map((one) => ({
    ...one,
    flags: Object.fromEntries(Object.entries(one.flags).filter(([name]) => !name.startsWith('cluster-signing'))),
  }));
  const start: Inventory = { ...whole, instances };
  const rotation = syntheticRotation('bundle');

  it('publish old alone again, though they read the CA file itself', () => {
    const issued = follow(start, rotation, plan(start, rotation, 'issue', T0), T0).end;
    const rollback = planRollback(issued, rotation, LATER);
    expect(rollback.refusal?.message).toBeUndefined();
    expect(leftOf(follow(issued, back(rotation), rollback, LATER).end, rotation)).toEqual([]);
  });
});
