// A worker that cannot be reached: what needs it waits, nothing else does, and who gives it up gives up what runs on it.

import { describe, expect, it } from 'vitest';
import { OLD, PKI, syntheticInventory, syntheticRotation, T0 } from '../../../bench/inventory.ts';
import type { Inventory, Pod } from '../../../src/core/model/inventory.ts';
import type { Rotation, Route } from '../../../src/core/model/rotation.ts';
import type { Plan } from '../../../src/core/model/step.ts';
import { plan } from '../../../src/core/plan/plan.ts';
import { follow, MINUTE } from './follow.ts';

const pod = (name: string, node: string, more: Partial<Pod> = {}): Pod => ({
  id: `pod/team-1/${name}`,
  namespace: 'team-1',
  name,
  node,
  startedAt: T0 - 1000 * MINUTE,
  rootCA: 'projected',
  owner: { kind: 'ReplicaSet', name: 'app' },
  hostPaths: [],
  ...more,
});

/** w2 is away: nothing of its files, processes and volumes is in what was seen; its pods are in the API. */
function withAway(change: (inventory: Inventory) => void = () => undefined): Inventory {
  const inventory = syntheticInventory({ controlPlanes: 1 });
  const node = inventory.nodes.find(({ name }) => name === 'w2')!;
  Object.assign(node, { reached: false, why: 'no route' });
  inventory.instances = inventory.instances.filter((one) => one.node !== 'w2');
  inventory.stores = inventory.stores.filter((one) => one.node !== 'w2');
  inventory.pods = [pod('there', 'w2'), pod('here', 'w1', { holds: [OLD.fingerprint], rereads: true })];
  change(inventory);
  return inventory;
}
const blocked = (made: Plan): string[] => made.steps.flatMap(({ blockers }) => blockers.map(({ party }) => party));
const waiving = (rotation: Rotation, ...parties: string[]): Rotation => ({
  ...rotation,
  waivers: parties.map((party) => ({ party, reason: 'a test' })),
});
const moves = (made: Plan) => [...new Set(made.steps.filter((one) => one.blockers.length > 0).map(({ move }) => move))];

describe.each<{ route: Route; first: string }>([
  { route: 'bridge', first: 'retire' },
  { route: 'bundle', first: 'issue' },
])('a worker that is away, $route route', ({ route, first }) => {
  it(`blocks ${first} and nothing before it`, () => {
    const made = plan(withAway(), syntheticRotation(route), 'retire', T0);
    expect([made.refusal?.message, moves(made)]).toEqual([undefined, [first]]);
    expect(blocked(made)).toEqual(expect.arrayContaining(['node/w2', 'pod/team-1/there']));
    expect(blocked(made)).toHaveLength(2);
    expect(blocked(plan(withAway(), syntheticRotation(route), 'trust', T0))).toEqual([]);
  });

  it('and once it is waived, what runs on it is, and the rotation goes to its end', () => {
    const rotation = waiving(syntheticRotation(route), 'node/w2');
    const made = plan(withAway(), rotation, 'retire', T0);
    expect([made.refusal?.message, blocked(made)]).toEqual([undefined, []]);
    expect(() => follow(withAway(), rotation, made, T0)).not.toThrow();
    const named = made.steps.flatMap((step) => [...step.gate, ...step.proof].flatMap(({ of }) => of));
    expect(named.filter((of) => of.includes('there') || of.includes('w2'))).toEqual([]);
  });
});

describe('what a node that is away keeps from being done', () => {
  it('pods on it are named and not restarted: nobody sees what they would be given', () => {
    const rotation = syntheticRotation('bridge', { restart: 'stale' });
    const inventory = withAway((one) => one.pods.push(pod('stale', 'w1', { holds: [OLD.fingerprint] })));
    const made = plan(inventory, rotation, 'retire', T0);
    const evicted = made.steps.flatMap(({ action }) => (action.do === 'evict' ? action.pods : []));
    expect(evicted).toEqual(['pod/team-1/stale']);
    expect(blocked(made)).toEqual(expect.arrayContaining(['node/w2', 'pod/team-1/there']));
    const shown = made.steps.flatMap((step) => [...step.gate, ...step.proof]).flatMap(({ of }) => of);
    expect(shown.filter((of) => of.includes('there'))).toEqual([]);
  });

  it('a waiver of a node that is there takes nothing out with it', () => {
    const inventory = withAway((one) => one.pods.push(pod('frozen', 'w1', { holds: [OLD.fingerprint] })));
    const made = plan(inventory, waiving(syntheticRotation(), 'node/w1', 'node/w2'), 'retire', T0);
    expect(blocked(made)).toEqual(['pod/team-1/frozen']);
  });

  it('what its kubelet serves counts where API servers check that', () => {
    const checked = withAway((one) => {
      for (const server of one.instances.filter(({ component }) => component === 'kube-apiserver'))
        server.flags['kubelet-certificate-authority'] = [`${PKI}/ca.crt`];
      one.pods = [];
    });
    const made = plan(checked, syntheticRotation(), 'retire', T0);
    expect([made.refusal?.message, moves(made), [...new Set(blocked(made))]]).toEqual([
      undefined,
      ['retire'],
      ['node/w2'],
    ]);
  });
});
