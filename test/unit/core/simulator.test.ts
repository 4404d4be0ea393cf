// The checker against concrete clusters: what it accepts never breaks, what it refuses does. The clusters hold real certificates,
// verified as Go and as OpenSSL do, and know nothing of beliefs.

import { describe, expect, it } from 'vitest';
import { type Credential, type Trust, VALUES, verifies } from '../../../src/core/model/value.ts';
import { badOrders, untilRefused } from '../../simulator/bad-orders.ts';
import { unfoldKubeadm } from '../../simulator/blueprint.ts';
import { kubeadm } from '../../simulator/kubeadm.ts';
import { contentOf, makeMaterial, measured, verifier } from '../../simulator/material.ts';
import { moreBadOrders } from '../../simulator/more-bad-orders.ts';
import { names } from '../../simulator/names.ts';
import * as orders from '../../simulator/orders.ts';
import * as others from '../../simulator/other-orders.ts';
import { judge, type Order } from '../../simulator/script.ts';
import { firstBreak, hasty, simulate } from '../../simulator/simulate.ts';

const n = names();
const t = kubeadm();
const plan = unfoldKubeadm(t, n);
const verify = verifier(makeMaterial(Date.UTC(2026, 10, 24)));

describe('the verify table', () => {
  const trusts = VALUES.trust as readonly Trust[];
  const credentials = (VALUES.credential as readonly Credential[]).filter((one) => one !== 'other');
  const bundles = trusts.flatMap((trust) => {
    const content = contentOf('trust', trust);
    const anchors = content.kind === 'trust' ? content.anchors : [];
    return anchors.length > 1
      ? [
          { trust, anchors },
          { trust, anchors: [...anchors].reverse() },
        ]
      : [{ trust, anchors }];
  });

  it.each(['server', 'client'] as const)('is what real certificates give, presented as %s', (as) => {
    const [usage, purpose] =
      as === 'server' ? (['serverAuth', 'serving'] as const) : (['clientAuth', 'client'] as const);
    for (const { trust, anchors } of bundles) {
      for (const credential of credentials) {
        for (const purposeOf of [purpose, 'peer'] as const) {
          const content = contentOf('credential', credential, purposeOf);
          const chain = content.kind === 'credential' ? content.chain : [];
          const real = verify(anchors, chain, usage);
          expect({ trust, anchors, credential, real }).toEqual({
            trust,
            anchors,
            credential,
            real: verifies(trust, credential, as),
          });
        }
      }
    }
  });

  it('needs the bridge of its own kind: a serving bridge opens nothing for a client', () => {
    expect(verify(['old'], ['new leaf', 'serving bridge'], 'clientAuth')).toBe(false);
    expect(verify(['old'], ['new leaf', 'client bridge'], 'serverAuth')).toBe(false);
  });

  it('measures content as what it was written for', () => {
    for (const holds of ['trust', 'signer', 'flags'] as const) {
      for (const value of VALUES[holds]) expect(measured(contentOf(holds, value))).toBe(value);
    }
    for (const value of credentials) expect(measured(contentOf('credential', value))).toBe(value);
  });
});

const accepted: [string, Order][] = [
  ['bridge', orders.bridgeRetire(n)],
  ['bundle', orders.bundleRetire(n)],
  ['front-proxy', others.frontProxy(n)],
  ['etcd', others.etcd(n)],
  ['service-account', others.serviceAccount(n)],
  ['bridge served first', orders.bridgeFirst(n)],
  ['bridge away first', orders.bridgeAwayFirst(n)],
  ['the lab’s order', orders.labOrder(n)],
  ['ext-auth too early', orders.extAuthEarly(n)],
  ['and back', [...orders.bridgeIssue(n), ...others.rollback(n)]],
];
const RUNS = 120;

describe('accepted orders never break', () => {
  it.each(accepted)('%s', (_, order) => {
    expect(judge(t, order).refused).toBeUndefined();
    const ends = { done: 0, blocked: 0 };
    for (let seed = 0; seed < RUNS; seed++) {
      const run = simulate(plan, verify, order, seed, seed % 3 === 0 ? hasty : undefined);
      if (run.end === 'broken') expect.fail(`seed ${seed}, at ${run.at}: ${run.why}`);
      ends[run.end]++;
    }
    // Otherwise nothing was tried.
    expect(ends.done).toBeGreaterThan(RUNS * 0.6);
  });
});

const SEEDS = 400;

describe('refused orders break', () => {
  it.each([...badOrders(n), ...moreBadOrders(n)])('$name', (bad) => {
    const found = firstBreak(plan, verify, untilRefused(bad), SEEDS);
    expect(found?.why).toBeDefined();
    // The run is the same again.
    expect(simulate(plan, verify, untilRefused(bad), found!.seed, hasty).why).toBe(found!.why);
  });
});
