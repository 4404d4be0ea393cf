import { expect, it } from 'vitest';
import {
  authorityRotation,
  NEW,
  NEW_PROXY,
  OLD,
  OLD_PROXY,
  PKI,
  syntheticInventory,
  syntheticRotation,
  T0,
} from '../../../bench/inventory.ts';
import { fileId } from '../../../src/core/model/ids.ts';
import type { Inventory, Stranger } from '../../../src/core/model/inventory.ts';
import type { Rotation } from '../../../src/core/model/rotation.ts';
import { plan } from '../../../src/core/plan/plan.ts';
import { planRollback } from '../../../src/core/plan/rollback.ts';

const CA = fileId('cp1', `${PKI}/ca.crt`);
const PROXY_CA = fileId('cp1', `${PKI}/front-proxy-ca.crt`);
const KUBELET_CLIENT = fileId('cp1', `${PKI}/apiserver-kubelet-client.crt`);

const withStranger = (more: Partial<Stranger> = {}): Inventory => ({
  ...syntheticInventory(),
  strangers: [
    {
      id: 'cp1/tunnel',
      node: 'cp1',
      name: 'tunnel',
      pid: 77,
      startedAt: T0 - 9e9,
      paths: ['x'],
      stores: [CA],
      ...more,
    },
  ],
});
const waiting = (inventory: Inventory, rotation: Rotation = syntheticRotation()): string[] =>
  plan(inventory, rotation, 'retire', T0).steps.flatMap(({ move, blockers }) =>
    blockers.flatMap(({ party, reason }) => (reason === 'unknown-process' ? [`${move} ${party}`] : [])),
  );

it.each<[string, string[]]>([
  ['a CA', [CA]],
  ['a client certificate', [KUBELET_CLIENT]],
])('retire waits for a process that nobody knows and that names %s', (_what, stores) => {
  expect(waiting(withStranger({ stores }))).toEqual(['retire cp1/tunnel']);
});

it('and no more once it is waived by name', () => {
  const rotation = { ...syntheticRotation(), waivers: [{ party: 'cp1/tunnel', reason: 'a test' }] };
  expect(waiting(withStranger(), rotation)).toEqual([]);
});

it('nor once it was started again after the file got both', () => {
  const changed = (startedAt: number): Inventory => {
    const inventory = withStranger({ startedAt, stores: [PROXY_CA] });
    const store = inventory.stores.find(({ id }) => id === PROXY_CA)!;
    Object.assign(store, { certs: [OLD_PROXY, NEW_PROXY], changedAt: T0 - 5000 });
    return inventory;
  };
  expect(waiting(changed(T0 - 1000))).toEqual([]);
  expect(waiting(changed(T0 - 6000))).toEqual(['retire cp1/tunnel']);
});

it('on the way back the steps that leave old alone wait for one that was started on new, and nothing before them', () => {
  const inventory = withStranger({ startedAt: T0 - 1000, stores: [PROXY_CA] });
  const store = inventory.stores.find(({ id }) => id === PROXY_CA)!;
  Object.assign(store, { certs: [NEW_PROXY], changedAt: T0 - 5000 });
  const { steps } = planRollback(inventory, syntheticRotation(), T0);
  const at = steps.findIndex(({ blockers }) => blockers.some(({ reason }) => reason === 'unknown-process'));
  expect(steps[at]?.blockers[0]?.ways[0]).toMatch(/once what it names holds old/);
  expect(at).toBeGreaterThan(0);
  expect(steps.slice(0, at).flatMap(({ blockers }) => blockers)).toEqual([]);
});

it('without a bridge, issue waits for one that trusts old alone', () => {
  const bundle: Rotation = {
    ...syntheticRotation(),
    authorities: [{ ...authorityRotation('kubernetes', OLD, NEW), route: 'bundle', bridges: {} }],
  };
  expect(waiting(withStranger(), bundle)[0]).toBe('issue cp1/tunnel');
  expect(waiting(withStranger({ stores: [KUBELET_CLIENT] }), bundle)).toEqual(['retire cp1/tunnel']);
});

it('one that names nothing of these authorities is nobody of theirs', () => {
  expect(waiting(withStranger({ stores: [fileId('cp1', `${PKI}/etcd/ca.crt`)] }))).toEqual([]);
});
