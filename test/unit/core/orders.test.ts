// Whole orders through the checker: those that are safe are accepted and reach their goal, the others are refused with the reason in words.

import { describe, expect, it } from 'vitest';
import { explain } from '../../../src/core/model/explain.ts';
import { goalOf } from '../../../src/core/model/goal.ts';
import type { Authority } from '../../../src/core/model/ids.ts';
import type { Move, Route } from '../../../src/core/model/rotation.ts';
import type { Topology } from '../../../src/core/model/topology.ts';
import { badOrders } from '../../simulator/bad-orders.ts';
import { kubeadm } from '../../simulator/kubeadm.ts';
import { moreBadOrders } from '../../simulator/more-bad-orders.ts';
import { names } from '../../simulator/names.ts';
import * as orders from '../../simulator/orders.ts';
import * as others from '../../simulator/other-orders.ts';
import { judge, type Order, upTo, without } from '../../simulator/script.ts';
import { tiny } from '../../simulator/tiny.ts';

const t = kubeadm();
const n = names();

const accepted: [string, Order, Authority[], Move, Route?][] = [
  ['bridge, issue', orders.bridgeIssue(n), ['kubernetes'], 'issue'],
  ['bridge, issue and retire', orders.bridgeRetire(n), ['kubernetes'], 'retire'],
  ['bundle, issue', orders.bundleIssue(n), ['kubernetes'], 'issue', 'bundle'],
  ['bundle, issue and retire', orders.bundleRetire(n), ['kubernetes'], 'retire', 'bundle'],
  ['front-proxy', others.frontProxy(n), ['front-proxy'], 'retire'],
  ['etcd with bridges', others.etcd(n), ['etcd'], 'retire'],
  ['service-account', others.serviceAccount(n), ['service-account'], 'retire'],
  [
    'all four in a row',
    [...orders.bridgeRetire(n), ...others.frontProxy(n), ...others.etcd(n), ...others.serviceAccount(n)],
    ['kubernetes', 'front-proxy', 'etcd', 'service-account'],
    'retire',
  ],
  [
    'bridge without the first write of the controller managers’ kubeconfig',
    [...orders.split(n, 'both', false), ...orders.bridgeRetire(n).slice(orders.split(n).length)],
    ['kubernetes'],
    'retire',
  ],
  ['bridge served first of all, then root = new at once', orders.bridgeFirst(n), ['kubernetes'], 'retire'],
  ['bridge away before old is dropped', orders.bridgeAwayFirst(n), ['kubernetes'], 'retire'],
  ['back from the end of issue', [...orders.bridgeIssue(n), ...others.rollback(n)], ['kubernetes'], 'rollback'],
];

describe('accepted', () => {
  it.each(accepted)('%s, and the goal is reached', (_, order, authorities, move, route) => {
    const { refused, contradiction, state } = judge(t, order);
    expect(refused && explain(t, refused.before, refused.violations)).toBeUndefined();
    expect(contradiction).toBeUndefined();
    const routes = Object.fromEntries(authorities.map((authority) => [authority, route ?? 'bridge']));
    expect(goalOf(t, state, move, authorities, routes)).toEqual({ reached: true, missing: [], waived: [] });
  });

  it('the lab’s order, which misses the goal: the controller managers still publish both', () => {
    const { refused, contradiction, state } = judge(t, orders.labOrder(n));
    expect([refused, contradiction]).toEqual([undefined, undefined]);
    const goal = goalOf(t, state, 'retire', ['kubernetes']);
    expect(goal.reached).toBe(false);
    expect(goal.missing[0]).toMatchObject({ kind: 'restarted', of: n.cps.map(n.kcm) });
    expect(goal.missing.flatMap((proof) => proof.of)).toContain(n.rootCm);
  });

  it('ext-auth edited too early, which misses the goal: old comes back', () => {
    const { refused, contradiction, state } = judge(t, orders.extAuthEarly(n));
    expect([refused, contradiction]).toEqual([undefined, undefined]);
    const goal = goalOf(t, state, 'retire', ['kubernetes']);
    expect(goal.reached).toBe(false);
    expect(goal.missing[0]).toMatchObject({ kind: 'settled', of: [n.extClient] });
  });
});

describe('goals', () => {
  it('are not reached at the start, nor one by the move before it', () => {
    const start = judge(t, []).state;
    for (const move of ['trust', 'issue', 'retire'] as const) {
      expect(goalOf(t, start, move, ['kubernetes']).reached).toBe(false);
    }
    expect(goalOf(t, start, 'rollback', ['kubernetes']).reached).toBe(true);
    const trusted = judge(t, upTo(orders.bridgeIssue(n), 'write apiserver.crt')).state;
    expect(goalOf(t, trusted, 'trust', ['kubernetes']).reached).toBe(true);
    expect(goalOf(t, trusted, 'issue', ['kubernetes']).reached).toBe(false);
    const issued = judge(t, orders.bridgeIssue(n)).state;
    expect(goalOf(t, issued, 'retire', ['kubernetes']).reached).toBe(false);
  });

  it('of trust on the bundle route want new everywhere, on the bridge route only where no bridge comes', () => {
    const trusted = judge(t, upTo(orders.bridgeIssue(n), 'write apiserver.crt')).state;
    const bundle = goalOf(t, trusted, 'trust', ['kubernetes'], { kubernetes: 'bundle' });
    expect(bundle.missing.flatMap((proof) => proof.of)).toContain(n.kubelet('w1'));
    // etcd presents leaf and bridge both ways, so nothing has to be trusted before.
    expect(goalOf(t, trusted, 'trust', ['etcd']).reached).toBe(true);
    expect(goalOf(t, trusted, 'trust', ['etcd'], { etcd: 'bundle' }).reached).toBe(false);
  });

  it('are reached without what was waived, which is listed apart', () => {
    const order = without(orders.bridgeRetire(n), 'restart frozen pods', 'restarted frozen pods');
    const waive = { name: 'waive', effect: { kind: 'waive' as const, parties: n.frozen } };
    const { refused, state } = judge(t, [waive, ...order]);
    expect(refused).toBeUndefined();
    const goal = goalOf(t, state, 'retire', ['kubernetes']);
    expect(goal).toMatchObject({ reached: true, missing: [] });
    expect(goal.waived).toEqual([{ kind: 'restarted', authority: 'kubernetes', of: n.frozen, keep: ['new', 'none'] }]);
  });
});

describe('waived stores are missing from no goal', () => {
  const id = 'file/w1:/root/old.conf#ca';
  const alone = tiny({ stores: { [id]: {} } });
  const readByAnn = tiny({ stores: { [id]: {} }, uses: { 'user/ann:ca': { reads: [id] } } });
  const goalWith = (topology: Topology, waived: string[]) =>
    goalOf(topology, judge(topology, [{ name: 'waive', effect: { kind: 'waive', parties: waived } }]).state, 'retire', [
      'kubernetes',
    ]);

  it.each([
    ['by their own id', alone, id],
    ['by their file', alone, 'file/w1:/root/old.conf'],
    ['because none but waived parties read them', readByAnn, 'user/ann'],
  ])('%s', (_, topology, waived) => {
    expect(goalWith(topology, []).missing.flatMap((proof) => proof.of)).toContain(id);
    const goal = goalWith(topology, [waived]);
    expect(goal).toMatchObject({ reached: true, missing: [] });
    expect(goal.waived.flatMap((proof) => proof.of)).toContain(id);
  });

  it('unless a party that is not waived reads them', () => {
    expect(goalWith(readByAnn, [id]).missing.flatMap((proof) => proof.of)).toEqual([id, 'user/ann:ca']);
  });
});

describe('refused', () => {
  const all = badOrders(n);

  it('are all 21 of the reference', () => {
    expect(all).toHaveLength(21);
  });

  it.each([...all, ...moreBadOrders(n)])('$name', ({ order, refusedAt, says }) => {
    const { refused, contradiction } = judge(t, order);
    expect(contradiction).toBeUndefined();
    expect(refused?.name).toBe(refusedAt);
    expect(refused?.effect.kind).toBe('write');
    const text = explain(t, refused!.before, refused!.violations);
    for (const pattern of says) expect(text).toMatch(pattern);
  });
});

describe('the verdict', () => {
  it('is the same whatever the number of members', () => {
    for (const shape of [{ workers: 1, podsPerClass: 1 }, { workers: 6, podsPerClass: 4 }, { controlPlanes: 5 }]) {
      const many = kubeadm(shape);
      const named = names(shape);
      for (const bad of badOrders(named)) expect(judge(many, bad.order).refused?.name).toBe(bad.refusedAt);
      expect(judge(many, orders.bridgeRetire(named)).refused).toBeUndefined();
      expect(judge(many, orders.bundleRetire(named)).refused).toBeUndefined();
    }
  });

  it('is the same with edges kept as role pairs, and names the same ends', () => {
    const paired = asPairs(t);
    expect(paired.edges.length).toBeLessThan(t.edges.length / 2);
    for (const { order } of [...badOrders(n), ...moreBadOrders(n)]) {
      const told = (topology: Topology) => {
        const { before, violations, name } = judge(topology, order).refused!;
        return [name, ...explain(topology, before, violations).split('\n').sort()];
      };
      expect(told(paired)).toEqual(told(t));
    }
    expect(judge(paired, orders.bridgeRetire(n)).refused).toBeUndefined();
  });

  it('on one control plane is the same, but for what only several can break', () => {
    const shape = { controlPlanes: 1, workers: 0 };
    const one = kubeadm(shape);
    const { refused, contradiction, state } = judge(one, orders.bridgeRetire(names(shape)));
    expect([refused, contradiction]).toEqual([undefined, undefined]);
    expect(goalOf(one, state, 'retire', ['kubernetes']).reached).toBe(true);
  });
});

/** Channels of which every verifier meets every presenter, as one role pair each. */
function asPairs(topology: Topology): Topology {
  const channels = [...new Set(topology.edges.map((edge) => edge.channel))];
  const pairs = channels.flatMap((channel) => {
    const edges = topology.edges.filter((edge) => edge.channel === channel);
    const verifiers = [...new Set(edges.map((edge) => edge.verifier))];
    const presenters = [...new Set(edges.map((edge) => edge.presenter))];
    return verifiers.length * presenters.length === edges.length ? [{ channel, verifiers, presenters }] : [];
  });
  const kept = topology.edges.filter((edge) => !pairs.some((pair) => pair.channel === edge.channel));
  return { ...topology, edges: kept, pairs };
}
