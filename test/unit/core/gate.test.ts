// Gates: the proofs that a refused write lacks are enough, are not too many, and come in an order in which they can be had.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { apply } from '../../../src/core/model/apply.ts';
import { afterProofs, effectOf, gateOf } from '../../../src/core/model/gate.ts';
import { goalOf } from '../../../src/core/model/goal.ts';
import { check } from '../../../src/core/model/invariant.ts';
import { initialState } from '../../../src/core/model/state.ts';
import type { Effect } from '../../../src/core/model/step.ts';
import { badOrders } from '../../simulator/bad-orders.ts';
import { unfoldKubeadm } from '../../simulator/blueprint.ts';
import { kubeadm } from '../../simulator/kubeadm.ts';
import { makeMaterial, verifier } from '../../simulator/material.ts';
import { moreBadOrders } from '../../simulator/more-bad-orders.ts';
import { names } from '../../simulator/names.ts';
import { bridgeRetire, bundleRetire } from '../../simulator/orders.ts';
import { actsOf, planByGates, walk } from '../../simulator/planner.ts';
import { type Act, judge, type Order } from '../../simulator/script.ts';
import { simulate } from '../../simulator/simulate.ts';
import { tiny } from '../../simulator/tiny.ts';

const n = names();
const t = kubeadm();

const bad = new Map([...badOrders(n), ...moreBadOrders(n)].map((one) => [one.name, one.order]));
const refusalOf = (name: string) => judge(t, bad.get(name)!).refused!;

describe('a gate', () => {
  // What was forgotten is proofs only, or restarts that the proofs ask for.
  it.each([
    'the bundle before the controller managers are proved restarted',
    'a manifest that names a file not read back',
    'a manifest that names a root bundle not read back',
    'front-proxy-client before the ConfigMap holds both',
    'front-proxy-client with the ConfigMap proved but the extension server not',
    'kubelet trusts new only, one API server not proved to serve the bridge',
    'the bridge away while a frozen pod is not proved',
    'kubelets drop old, kept connections not proved',
    'retire with a certificate from old in flight',
    'old dropped while a user presents old',
    'sa.key before every API server was restarted',
  ])('is enough: %s', (name) => {
    const { before, violations, effect } = refusalOf(name);
    const proved = walk(t, before, actsOf(gateOf(t, before, violations)));
    expect(proved).toBeDefined();
    expect(check(t, proved!, effect)).toEqual([]);
  });

  it.each([
    'sign with new before API servers trust it',
    'kubelet.conf written new-only early, not restarted by us',
    'etcd trusts new only, without bridges',
    'bundle route, one controller manager keeps the old root file',
  ])('cannot be passed where something else must be written first: %s', (name) => {
    const { before, violations } = refusalOf(name);
    const gate = gateOf(t, before, violations);
    expect(gate).not.toEqual([]);
    expect(afterProofs(t, before, gate)).toBeUndefined();
  });

  it('is empty where the write itself is wrong', () => {
    const { before, violations } = refusalOf('the signer as two files');
    expect(gateOf(t, before, violations)).toEqual([]);
  });

  it('is the same seen from after the write', () => {
    for (const name of bad.keys()) {
      const { before, violations, effect } = refusalOf(name);
      const after = apply(t, before, effect);
      const kinds = (s: typeof before) => gateOf(t, s, violations).map(({ kind, of }) => `${kind} ${of.join()}`);
      expect(kinds(after)).toEqual(kinds(before));
    }
  });

  it('asks for sources before consumers, and for no proof that nothing would bring back', () => {
    const { before, violations } = refusalOf("retire while a standby's signer was not written");
    const gate = gateOf(t, before, violations);
    const at = (id: string) => gate.findIndex((proof) => proof.of.includes(id));
    expect(gate[0]).toEqual({ kind: 'holds', authority: 'kubernetes', of: [n.signer('cp3')], keep: ['new'] });
    const chain = [n.signer('cp3'), `${n.leader}:signer`, n.flight, n.kubeletPem('w1'), n.kubelet('w1')];
    expect(chain.map(at)).toEqual([...chain.map(at)].sort((a, b) => a - b));
    expect(chain.map(at)).not.toContain(-1);
    expect(gate.flatMap((proof) => proof.of)).not.toContain(n.signer('cp1'));
  });

  it('of a stale value asks for what is good, whatever else it may be', () => {
    const { before, violations } = refusalOf(
      'front-proxy-client with the ConfigMap proved but the extension server not',
    );
    expect(gateOf(t, before, violations)).toEqual([
      { kind: 'accepts', authority: 'front-proxy', of: [`${n.ext}:front-proxy-ca`], keep: ['new', 'both'] },
    ]);
  });

  it('names all members of a class', () => {
    const u = tiny({
      stores: { confs: { members: ['a', 'b'] }, leaf: { holds: 'credential' } },
      uses: {
        'nodes:trust': { reads: ['confs'], parties: ['na', 'nb'], proof: 'restarted' },
        's:serving': { kind: 'presents-as-server', reads: ['leaf'] },
      },
      edges: ['nodes:trust s:serving'],
    });
    const s = apply(u, initialState(u), { kind: 'write', stores: ['confs'], value: 'both' });
    const found = check(u, s, { kind: 'write', stores: ['leaf'], value: 'new' });
    expect(found).toMatchObject([{ rule: 'channel', count: 2 }]);
    expect(gateOf(u, s, found).map(({ kind, of }) => [kind, of])).toEqual([
      ['holds', ['a', 'b']],
      ['restarted', ['na', 'nb']],
    ]);
  });
});

describe('effectOf', () => {
  it.each([
    ['holds', 'read'],
    ['published', 'read'],
    ['settled', 'read'],
    ['restarted', 'restarted'],
    ['serves', 'probe'],
    ['accepts', 'probe'],
    ['presents', 'probe'],
    ['signs', 'probe'],
    ['loaded', 'probe'],
  ] as const)('of %s is a %s', (kind, effect) => {
    expect(effectOf({ kind, authority: 'etcd', of: ['x'], keep: ['new'] }).kind).toBe(effect);
  });
});

// ---- liveness ----

type Write = Extract<Effect, { kind: 'write' }>;
const isWrite = (act: Act): act is Act & { effect: Write } => act.effect.kind === 'write';

/** The writes of an order alone, one queue for each set of stores. */
function queuesOf(order: Order): Order[] {
  const queues = new Map<string, Act[]>();
  for (const act of order.filter(isWrite)) {
    const key = act.effect.stores.join();
    queues.set(key, [...(queues.get(key) ?? []), act]);
  }
  return [...queues.values()];
}

/** Each move's writes may go in any order; the moves may not. */
const routes = [
  ['bridge', bridgeRetire(n), ['write apiserver.crt', 'read kube-root-ca.crt']],
  ['bundle', bundleRetire(n), ['write apiserver.crt', 'read kube-root-ca.crt']],
] as const;

function movesOf(order: Order, starts: readonly string[]): Order[] {
  const at = starts.map((name) => order.findIndex((act) => act.name === name));
  return [0, ...at].map((from, i) => order.slice(from, at[i]));
}

describe('writes alone, in whatever order within a move', () => {
  const plan = unfoldKubeadm(t, n);
  const verify = verifier(makeMaterial(Date.UTC(2026, 10, 24)));

  it.each(routes)('get through by their gates, reach the goal, and break nothing: %s', (_, order, starts) => {
    const moves = movesOf(order, starts);
    fc.assert(
      fc.property(fc.infiniteStream(fc.nat(1000)), fc.nat(), (choices, seed) => {
        const choose = (most: number) => (choices.next().value as number) % most;
        let state = initialState(t);
        const acts: Act[] = [];
        for (const [i, move] of (['trust', 'issue', 'retire'] as const).entries()) {
          const done = planByGates(t, state, queuesOf(moves[i]!), choose);
          expect(done.left).toEqual([]);
          const last = actsOf(goalOf(t, done.state, move, ['kubernetes']).missing);
          acts.push(...done.acts, ...last);
          state = walk(t, done.state, last)!;
          expect(goalOf(t, state, move, ['kubernetes']).missing).toEqual([]);
        }
        expect(simulate(plan, verify, acts, seed).end).not.toBe('broken');
      }),
      { numRuns: 60 },
    );
  });
});
