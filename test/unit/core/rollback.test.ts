// The way back: from where it is accepted, that it is safe there, and that nothing shorter is.

import { describe, expect, it } from 'vitest';
import { goalOf } from '../../../src/core/model/goal.ts';
import { unfoldKubeadm } from '../../simulator/blueprint.ts';
import { kubeadm } from '../../simulator/kubeadm.ts';
import { makeMaterial, verifier } from '../../simulator/material.ts';
import { names } from '../../simulator/names.ts';
import { bridgeRetire, trust } from '../../simulator/orders.ts';
import { rollback } from '../../simulator/other-orders.ts';
import { type Act, judge, type Order } from '../../simulator/script.ts';
import { firstBreak, simulate } from '../../simulator/simulate.ts';

const n = names();
const t = kubeadm();
const plan = unfoldKubeadm(t, n);
const verify = verifier(makeMaterial(Date.UTC(2026, 10, 24)));
const forth = bridgeRetire(n);
const back = rollback(n);
const drop = forth.findIndex((a) => a.name === 'write ca.crt new');

/** The same way back with the old leaf bare, for those who still trust old. */
const bare: Order = back.map(({ name, effect }): Act => {
  if (name === 'write back apiserver.crt' && effect.kind === 'write')
    return { name, effect: { ...effect, value: 'old' } };
  if (name === 'read back apiserver.crt' && effect.kind === 'read')
    return { name, effect: { ...effect, keep: ['old'] } };
  if (name === 'probe back serving' && effect.kind === 'probe') return { name, effect: { ...effect, keep: ['old'] } };
  return { name, effect };
});

const acceptedFrom = (order: Order, at: number) => {
  const { refused, contradiction } = judge(t, [...forth.slice(0, at), ...order]);
  return !refused && !contradiction;
};

describe('the way back', () => {
  it('is accepted from everywhere before old is dropped, and reaches its goal', () => {
    for (let at = 0; at <= drop; at++) {
      const { refused, contradiction, state } = judge(t, [...forth.slice(0, at), ...back]);
      expect({ at, refused: refused?.name, contradiction }).toEqual({ at });
      expect(goalOf(t, state, 'rollback', ['kubernetes']).reached).toBe(true);
    }
  });

  it('is refused from there on, unless both are trusted again first', () => {
    for (let at = drop + 1; at <= forth.length; at++) {
      expect({ at, accepted: acceptedFrom(back, at) }).toEqual({ at, accepted: false });
      expect({ at, accepted: acceptedFrom([...trust(n), ...back], at) }).toEqual({ at, accepted: true });
    }
  });

  it('without the reverse bridge ends with the first client that may trust new only', () => {
    const first = forth.findIndex((a) => a.name === 'write kubelet.conf');
    for (let at = 0; at <= forth.length; at++) {
      expect({ at, accepted: acceptedFrom(bare, at) }).toEqual({ at, accepted: at <= first });
    }
  });

  it('breaks nothing where it is accepted, in any run', () => {
    for (let at = 0; at <= drop; at += 5) {
      for (let seed = 0; seed < 8; seed++) {
        const run = simulate(plan, verify, [...forth.slice(0, at), ...back], seed);
        if (run.end === 'broken') expect.fail(`from ${at}, seed ${seed}, at ${run.at}: ${run.why}`);
      }
    }
  });

  it('breaks somebody where it is refused, in some run', () => {
    for (const at of [drop + 1, forth.length])
      expect(firstBreak(plan, verify, [...forth.slice(0, at), ...back], 100)).toBeDefined();
    expect(firstBreak(plan, verify, [...forth.slice(0, drop), ...bare], 100)).toBeDefined();
  });
});
