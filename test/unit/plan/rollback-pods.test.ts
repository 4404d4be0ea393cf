// Pods on the way back: who was not started since the rotation began holds old, once its file does; who was is named.

import { describe, expect, it } from 'vitest';
import { fakeLeaf, NEW, OLD, syntheticInventory, syntheticRotation, T0 } from '../../../bench/inventory.ts';
import { fileId } from '../../../src/core/model/ids.ts';
import type { Inventory, Pod } from '../../../src/core/model/inventory.ts';
import type { Rotation } from '../../../src/core/model/rotation.ts';
import type { Plan, Proof } from '../../../src/core/model/step.ts';
import { plan } from '../../../src/core/plan/plan.ts';
import { planRollback } from '../../../src/core/plan/rollback.ts';
import { follow, MINUTE } from './follow.ts';

const LATER = T0 + 1000 * MINUTE;
const pod = (name: string, more: Partial<Pod> = {}): Pod => ({
  id: `pod/team-1/${name}`,
  namespace: 'team-1',
  name,
  node: 'w1',
  startedAt: T0 - 1000 * MINUTE,
  lastStartedAt: T0 - 1000 * MINUTE,
  rootCA: 'projected',
  holds: [OLD.fingerprint],
  owner: { kind: 'ReplicaSet', name: 'app' },
  hostPaths: [],
  ...more,
});

const rotation: Rotation = { ...syntheticRotation(), begunAt: { w1: T0, cp1: T0 } };
const issuedWith = (pods: Pod[], extra: Inventory['stores'] = []): Inventory => {
  const base = syntheticInventory({ controlPlanes: 1 });
  const start: Inventory = { ...base, pods, stores: [...base.stores, ...extra] };
  return follow(start, rotation, plan(start, rotation, 'issue', T0), T0).end;
};
const named = (made: Plan): string[] => made.steps.flatMap((step) => step.blockers.map(({ party }) => party));
const proofsOf = (made: Plan, of: string): Proof[] =>
  made.steps.flatMap((step) => [...step.gate, ...step.proof]).filter((proof) => proof.of.includes(of));

describe('a pod that keeps its CA, on the way back', () => {
  it('waives nobody when it was not started since: it is shown to hold old, after its file', () => {
    const issued = issuedWith([pod('frozen')]);
    const made = planRollback(issued, rotation, LATER);
    expect([made.refusal?.message, named(made)]).toEqual([undefined, []]);
    const [shown] = proofsOf(made, 'pod/team-1/frozen:root-ca');
    expect(shown).toMatchObject({ kind: 'loaded' });
    expect(shown?.keep).toContain('old');
    expect(shown?.keep).not.toContain('new');
    const step = made.steps.find((one) => one.gate.includes(shown as Proof));
    const before = (step?.gate ?? []).slice(0, step?.gate.indexOf(shown as Proof)).flatMap(({ of }) => of);
    const published = made.steps
      .slice(0, made.steps.indexOf(step as never))
      .some((one) => one.id.includes('root-bundle'));
    expect(published || before.includes('object/Pod/team-1/frozen#ca.crt')).toBe(true);
    expect(follow(issued, { ...rotation, rollback: true }, made, LATER).end.pods).toHaveLength(1);
  });

  const doubtful: [string, Partial<Pod>][] = [
    ['one of its containers was restarted in place', { lastStartedAt: T0 + 30 * MINUTE }],
    ['a container is between two runs', { lastStartedAt: undefined as never }],
    ['its node has joined since the rotation began', { node: 'w2' }],
    ['nobody saw what its file holds', { holds: undefined as never }],
  ];
  it.each(doubtful)('is named when %s', (_, more) => {
    expect(named(planRollback(issuedWith([pod('doubtful', more)]), rotation, LATER))).toEqual(['pod/team-1/doubtful']);
  });

  it('is named when the record is one that does not say when it began', () => {
    const { begunAt: _, ...nameless } = rotation;
    expect(named(planRollback(issuedWith([pod('frozen')]), nameless, LATER))).toEqual(['pod/team-1/frozen']);
  });

  it('with a mount that never changes it counts the same, and is watched, for it may start again', () => {
    const made = planRollback(issuedWith([pod('mounted', { rootCA: 'sub-path' })]), rotation, LATER);
    expect(named(made)).toEqual([]);
    expect(proofsOf(made, 'pod/team-1/mounted:root-ca').length).toBeGreaterThan(0);
  });

  it('a static pod with a kubeconfig of its node: shown by its start as well', () => {
    const path = '/etc/kubernetes/vip.conf';
    const stores = [
      {
        id: fileId('cp1', path, 'ca'),
        kind: 'kubeconfig-ca' as const,
        node: 'cp1',
        path,
        certs: [OLD],
        changedAt: T0 - 2000 * MINUTE,
      },
      {
        id: fileId('cp1', path, 'client'),
        kind: 'kubeconfig-client' as const,
        node: 'cp1',
        path,
        certs: [fakeLeaf('vip', OLD)],
        changedAt: T0 - 2000 * MINUTE,
      },
    ];
    const vip = { node: 'cp1', rootCA: 'none' as const, hostPaths: ['/etc/kubernetes'] };
    const back = (more: Partial<Pod>) => {
      const issued = issuedWith([pod('vip', { ...vip, ...more })], stores);
      // As `kubeconfig reissue` has left it.
      for (const store of issued.stores.filter((one) => one.path === path)) {
        store.certs = store.kind === 'kubeconfig-ca' ? [NEW] : [fakeLeaf('vip', NEW)];
        store.changedAt = T0 + 60 * MINUTE;
      }
      return named(planRollback(issued, rotation, LATER));
    };
    expect(back({ lastStartedAt: T0 + 100 * MINUTE, startedAt: T0 + 100 * MINUTE })).toContain('pod/team-1/vip');
    expect(back({})).not.toContain('pod/team-1/vip');
  });

  it('is named where it is cut off already, for nobody can show that it is not', () => {
    const bundle: Rotation = { ...rotation, ...syntheticRotation('bundle'), begunAt: { w1: T0 }, compromised: true };
    const base = syntheticInventory({ controlPlanes: 1 });
    const start: Inventory = { ...base, pods: [pod('frozen')] };
    const issued = follow(start, bundle, plan(start, bundle, 'issue', T0), T0).end;
    expect(named(planRollback(issued, bundle, LATER))).toEqual(['pod/team-1/frozen']);
  });

  it('does not count for a rotation that goes on: forth, what it had at its start is what must go', () => {
    const issued = issuedWith([pod('frozen')]);
    expect(named(plan(issued, rotation, 'retire', LATER))).toEqual(['pod/team-1/frozen']);
  });
});
