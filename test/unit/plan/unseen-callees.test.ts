import { describe, expect, it } from 'vitest';
import { fakeCA, fakeLeaf, NEW, OLD, syntheticInventory, syntheticRotation, T0 } from '../../../bench/inventory.ts';
import type { Callee, CertFact, Inventory } from '../../../src/core/model/inventory.ts';
import type { Rotation } from '../../../src/core/model/rotation.ts';
import type { Plan } from '../../../src/core/model/step.ts';
import { plan } from '../../../src/core/plan/plan.ts';
import { planRollback } from '../../../src/core/plan/rollback.ts';
import { follow } from './follow.ts';
import { LATER } from './whole-plan.ts';

const rotation = syntheticRotation();
const WAIVED: Rotation = { ...rotation, waivers: [{ party: 'webhook/policy', reason: 'a test' }] };

/** The webhook showed nothing, and its caBundle holds these. */
function unseen(anchors: CertFact[] = [OLD], more: Partial<Callee> = {}, at = syntheticInventory()): Inventory {
  const inventory = structuredClone(at);
  const [webhook] = inventory.callees;
  delete webhook!.servingStore;
  Object.assign(webhook!, { why: 'its Service hooks/policy has no endpoint', ...more });
  inventory.stores.find(({ id }) => id === webhook!.caBundle)!.certs = anchors;
  return inventory;
}
const waiting = (made: Plan): string[] =>
  made.steps.flatMap(({ id, move, blockers }) =>
    blockers.flatMap(({ party, reason }) => (reason === 'callee-not-seen' ? [`${move} ${party} ${id}`] : [])),
  );
const forth = (inventory: Inventory, asked = rotation) => plan(inventory, asked, 'retire', T0);

describe('a webhook that showed nothing', () => {
  it('stands in the way of the first step of retire, and of nothing before', () => {
    const made = forth(unseen());
    const first = made.steps.find(({ move }) => move === 'retire')?.id;
    expect(made.refusal).toBeUndefined();
    expect(waiting(made)).toEqual([`retire webhook/policy ${first}`]);
    expect(waiting(forth(unseen([OLD, NEW])))).toHaveLength(1);
    expect(made.steps.flatMap(({ blockers }) => blockers)[0]).toMatchObject({
      message: expect.stringMatching(/has no endpoint\): a certificate from old/),
      ways: [expect.stringMatching(/make it answer/), expect.stringMatching(/^--waive webhook\/policy=REASON/)],
    });
  });

  it('no more once it was waived, and its caBundle stays as it is', () => {
    const inventory = unseen();
    const made = forth(inventory, WAIVED);
    expect(waiting(made)).toEqual([]);
    const { end } = follow(inventory, WAIVED, made, T0);
    expect(end.stores.find(({ id }) => id === inventory.callees[0]!.caBundle)?.certs).toEqual([OLD]);
  });

  it('no more once its caBundle holds new alone, for nothing is dropped from it', () => {
    expect(waiting(forth(unseen([NEW])))).toEqual([]);
  });

  it.each<[string, CertFact[], Partial<Callee>]>([
    ['is verified through another CA', [fakeCA('other')], {}],
    ['is verified by nobody', [OLD], { insecureSkipTLSVerify: true }],
  ])('is nobody of ours where it %s', (_what, anchors, more) => {
    expect(waiting(forth(unseen(anchors, more)))).toEqual([]);
  });

  it('counts as not seen where one Pod behind it showed nothing, whatever the others serve', () => {
    const served = [fakeLeaf('policy', NEW)];
    const made = forth(unseen([OLD, NEW], { served, why: '1 of the 2 behind it: connect ECONNREFUSED' }));
    expect(waiting(made)).toHaveLength(1);
  });

  it('on the way back stands in the way of the step that takes new out of caBundles alone', () => {
    const start = syntheticInventory();
    const issued = follow(start, rotation, plan(start, rotation, 'issue', T0), T0).end;
    const back = planRollback(unseen([OLD, NEW], {}, issued), { ...rotation, rollback: true }, LATER);
    expect(back.refusal).toBeUndefined();
    const [at] = back.steps.flatMap(({ blockers }, i) => (blockers.length > 0 ? [i] : []));
    expect(waiting(back)).toEqual([`rollback webhook/policy ${back.steps[at!]?.id}`]);
    const bundle = issued.callees[0]!.caBundle!;
    expect(back.steps[at!]?.action).toMatchObject({ do: 'write', value: 'old' });
    expect(back.steps[at!]?.after[bundle]).toBe('old');
    expect(at).toBeGreaterThan(back.steps.findIndex(({ id }) => id.startsWith('rollback.kubernetes.restart-kubelets')));
    expect(waiting(planRollback(unseen([OLD], {}, issued), { ...rotation, rollback: true }, LATER))).toEqual([]);
  });
});
