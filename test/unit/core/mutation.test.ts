// No rule is dead: without any one kind of channel or flow some order passes that must not, and a run of the whole cluster breaks it.

import { describe, expect, it } from 'vitest';
import { goalOf } from '../../../src/core/model/goal.ts';
import type { Authority } from '../../../src/core/model/ids.ts';
import type { Topology } from '../../../src/core/model/topology.ts';
import { badOrders, untilRefused } from '../../simulator/bad-orders.ts';
import { unfoldKubeadm } from '../../simulator/blueprint.ts';
import { kubeadm } from '../../simulator/kubeadm.ts';
import { makeMaterial, verifier } from '../../simulator/material.ts';
import { moreBadOrders } from '../../simulator/more-bad-orders.ts';
import { names } from '../../simulator/names.ts';
import { extAuthEarly } from '../../simulator/orders.ts';
import { frontProxy } from '../../simulator/other-orders.ts';
import { judge, type Order } from '../../simulator/script.ts';
import { firstBreak } from '../../simulator/simulate.ts';

const n = names();
const t = kubeadm();
const plan = unfoldKubeadm(t, n);
const verify = verifier(makeMaterial(Date.UTC(2026, 10, 24)));
const pool = [...badOrders(n), ...moreBadOrders(n)].map((bad) => ({ name: bad.name, order: untilRefused(bad) }));

const passes = (mutant: Topology, order: Order): boolean => {
  const { refused, contradiction } = judge(mutant, order);
  return !refused && !contradiction;
};

const withoutEdges = (channel: string): Topology => ({ ...t, edges: t.edges.filter((e) => e.channel !== channel) });
const withoutFlows = (kind: RegExp): Topology => ({ ...t, flows: t.flows.filter((flow) => !kind.test(flow.id)) });

function expectNeeded(mutant: Topology): void {
  const killers = pool.filter(({ order }) => passes(mutant, order));
  expect(killers.map(({ name }) => name)).not.toEqual([]);
  // The checker with a rule less would have let this through.
  expect(killers.some(({ order }) => firstBreak(plan, verify, order, 400))).toBe(true);
}

describe('every kind of channel is needed', () => {
  it.each([...new Set(t.edges.map((edge) => edge.channel))])('%s', (channel) => {
    expectNeeded(withoutEdges(channel));
  });
});

describe('every kind of flow is needed', () => {
  it.each([
    /^connections of/,
    /^own rotation of/,
    /^answers of the signer/,
    /^root CA publisher/,
    /^projected ca\.crt of/,
    /^tokens of/,
    /^certificate of the webhook/,
    /^a join takes cluster-info/,
    /^a join writes ca\.crt/,
    /^a join takes a certificate/,
    /^kubeadm renew/,
  ])('%s', (kind) => {
    expect(t.flows.some((flow) => kind.test(flow.id))).toBe(true);
    expectNeeded(withoutFlows(kind));
  });

  // A union never drops, so it cannot break anybody; it is what keeps a goal from being reached.
  const early: [RegExp, Authority, Order][] = [
    [/^union of client CAs/, 'kubernetes', extAuthEarly(n)],
    [/^union of front-proxy CAs/, 'front-proxy', proxyEditedEarly()],
  ];
  it.each(early)('%s, for the goal', (kind, authority, order) => {
    const reached = (topology: Topology) =>
      goalOf(topology, judge(topology, order).state, 'retire', [authority]).reached;
    expect(reached(t)).toBe(false);
    expect(reached(handEdited(withoutFlows(kind)))).toBe(true);
  });
});

/** The ConfigMap is set to new, and seen to be, while the API servers still hold both. */
function proxyEditedEarly(): Order {
  const order = frontProxy(n);
  const edit = order.slice(-3);
  const at = order.findIndex((a) => a.name === 'write front-proxy-ca.crt new');
  return [...order.slice(0, at), ...edit, ...order.slice(at, -3)];
}

/** Nothing but a hand fills the ConfigMap: it holds both from the start, as the orders read back. */
function handEdited(topology: Topology): Topology {
  const stores = { ...topology.initial.stores, [n.extClient]: ['both'] as const, [n.extProxy]: ['both'] as const };
  return { ...topology, initial: { ...topology.initial, stores } };
}

describe('every instance of an elected party is needed', () => {
  it('with the leader at cp1 only, orders that forget another pass, and break', () => {
    const uses = t.uses.map((use) =>
      use.party === n.kcm('cp1') && use.parties.length > 1
        ? { ...use, sources: use.sources.filter((source) => source.when?.flags === `${n.kcm('cp1')}:flags`) }
        : use,
    );
    const mutant = { ...t, uses };
    for (const name of [
      'bundle route, one controller manager keeps the old root file',
      "retire while a standby's signer was not written",
    ]) {
      const order = pool.find((bad) => bad.name === name)!.order;
      expect(passes(mutant, order)).toBe(true);
      expect(firstBreak(plan, verify, order, 400)).toBeDefined();
    }
  });
});
