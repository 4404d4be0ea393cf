import { describe, expect, it } from 'vitest';
import { planText } from '../../../src/views/plan.ts';
import { statusText } from '../../../src/views/status.ts';
import { at, inventory, iso, newCA, oldCA, plan, record } from './fixtures.ts';

describe('a plan as text', () => {
  it('says everything a user decides by', () => {
    expect(
      planText(plan(), inventory()),
    ).toBe(`Plan for https://10.0.0.10:6443 (Kubernetes v1.36.3), as seen 2026-11-24 22:10Z

Routes
  kubernetes: bridge route, old has a key id and new a subject of its own
    in use  CN=kubernetes  aaaabbbbcccc  RSA-2048  2017-01-02 03:04Z to 2027-01-02 03:04Z

Deadline
  kubernetes: the old CA and its bridges, with it, end 2027-01-02 03:04Z (in 38 days): be done with retire before that

Restarts of each instance, at most
  kube-controller-manager  2
  kube-scheduler           1

trust (1 step): everything that verifies accepts what issue will present
   1. kubernetes: accept clients of both  trust.kubernetes.client-ca.cp1
        gate    cp1/kube-controller-manager:signer signs from old, shown by a request
        change  file/cp1:/etc/kubernetes/pki/ca.crt: old -> both
        proof   cp1/kube-apiserver:client-ca trusts both, shown by whom it accepts
        undo    write old to file/cp1:/etc/kubernetes/pki/ca.crt

retire (1 step): nothing accepts old any more; the only move that cannot simply be undone
   2. kubernetes: accept clients of new only  retire.kubernetes.client-ca.cp1
        change   file/cp1:/etc/kubernetes/pki/ca.crt: both -> new
        undo     not possible any more: old is dropped here
        BLOCKED  pod/default/shop-7c (pod-started-before-new-trust): mounts the cluster CA and started before new trust reached it

Stands in the way
  1 party
  pod/default/shop-7c (pod-started-before-new-trust): mounts the cluster CA and started before new trust reached it
    blocks retire, step retire.kubernetes.client-ca.cp1
    way on: reroot rotate --until retire --restart stale
    way on: reroot rotate --until retire --waive pod/default/shop-7c=REASON
`);
  });

  it('names both generations where the material is known', () => {
    const rotation = [
      { authority: 'kubernetes' as const, old: oldCA, new: newCA, route: 'bridge' as const, because: '', bridges: {} },
    ];

    const text = planText(plan(), inventory(), { rotation });

    expect(text).toContain('    old  CN=kubernetes  aaaabbbbcccc');
    expect(text).toContain('    new  CN=kubernetes-2026  ddddeeeeffff  EC-P-256');
  });

  it('gives the counterexample of a refusal and the way on', () => {
    const refusal = {
      reason: 'same-subject-without-key-id',
      message: 'cp1/kube-scheduler with old cannot verify cp2/kube-apiserver with new',
      hint: 'leave --new-ca out: reroot makes a CA with a subject of its own',
    };

    const text = planText(plan({ steps: [], refusal }), inventory());

    expect(text).toContain('Refused (same-subject-without-key-id)');
    expect(text).toContain(
      '  cp1/kube-scheduler with old cannot verify cp2/kube-apiserver with new\n  hint: leave --new-ca out',
    );
  });

  it('says that an old CA has ended already', () => {
    const text = planText(plan(), inventory({ takenAt: Date.parse('2027-02-01T00:00:00Z') }));

    expect(text).toContain('ended 2027-01-02 03:04Z (29 days ago)');
  });

  it('does not print five thousand stores of one step unless all are asked for', () => {
    const stores = Array.from({ length: 5000 }, (_, index) => `file/n${index}:/etc/kubernetes/pki/ca.crt`);
    const [step] = plan().steps;
    const wide = {
      ...step!,
      before: Object.fromEntries(stores.map((store) => [store, 'old' as const])),
      after: Object.fromEntries(stores.map((store) => [store, 'both' as const])),
    };

    const some = planText(plan({ steps: [wide] }), inventory());
    const full = planText(plan({ steps: [wide] }), inventory(), { full: true });

    expect(some).toContain('and 4,994 more in the same way');
    expect(some.split('\n').length).toBeLessThan(40);
    expect(full.match(/: old -> both/g)).toHaveLength(5000);
  });
});

describe('a status as text', () => {
  it('says where it stands, what comes next and needs, and who blocks', () => {
    const text = statusText({
      now: at('22:14:00'),
      record: record(),
      plan: plan(),
    });

    expect(text).toBe(`Rotation r1: open
  cluster     https://10.0.0.10:6443
  started     2026-11-24 22:10Z (0 hours ago)
  kubernetes  bridge route, old has a key id

  trust   reached    1 step done
  issue   begun
  retire  not begun

Last step   issue.kubernetes.serving.cp1: serve a leaf from new with the bridge
            begun 3 min 00 s ago and not ended
Next step   trust.kubernetes.client-ca.cp1
            kubernetes: accept clients of both
            needs cp1/kube-controller-manager:signer signs from old, shown by a request
hint: reroot rotate --until trust goes on from here; reroot rollback turns it back

Blocked by
  pod/default/shop-7c: mounts the cluster CA and started before new trust reached it
    way on: reroot rotate --until retire --restart stale
    way on: reroot rotate --until retire --waive pod/default/shop-7c=REASON

Waived
  pod/default/shop-7c  restarts on Monday
`);
  });

  it('does not offer a rollback once retire has begun', () => {
    const steps = [{ id: 'x', move: 'retire' as const, title: 'y', begunAt: iso('22:12:00'), state: 'begun' as const }];

    const text = statusText({ now: at('22:14:00'), record: record({ reached: 'issue', steps }) });

    expect(text).toContain('reroot rotate --until retire goes on from here');
    expect(text).not.toContain('reroot rollback');
  });

  it('does not take a finished rollback for a finished retire', () => {
    const text = statusText({ now: at('22:14:00'), record: record({ state: 'rolled-back', reached: 'rollback' }) });

    expect(text).toContain('Rotation r1: rolled back');
    expect(text).toMatch(/retire +not begun/);
  });

  it('says so when there is no rotation', () => {
    expect(statusText({ now: 0 })).toContain('No rotation was begun');
  });
});
