// Trap 22: what stands at the server of a kubeconfig is not always an API server.

import { describe, expect, it } from 'vitest';
import { fakeCA, fakeLeaf, OLD, PKI, syntheticInventory, syntheticRotation, T0 } from '../../../bench/inventory.ts';
import { fileId } from '../../../src/core/model/ids.ts';
import type { Front, Inventory } from '../../../src/core/model/inventory.ts';
import type { Refusal } from '../../../src/core/model/step.ts';
import { preconditions } from '../../../src/core/plan/preconditions.ts';

const SERVER = 'https://10.0.0.100:6443';
const OTHER = fakeCA('corporate');
const nodes = ['cp1', 'cp2', 'cp3', 'w1', 'w2'];

/** What is refused when w1 and w2 meet this, and everybody else an API server. */
function refused(
  met: Pick<Front, 'served' | 'why'> | 'an API server',
  change: (inventory: Inventory) => void = () => undefined,
  waived: string[] = [],
): Refusal[] {
  const inventory = syntheticInventory();
  const own = inventory.stores.find(({ id }) => id === fileId('cp2', `${PKI}/apiserver.crt`))!.certs;
  inventory.fronts = nodes.map((node) => ({
    node,
    server: SERVER,
    ...(node.startsWith('w') && met !== 'an API server' ? met : { served: own }),
  }));
  change(inventory);
  const waivers = waived.map((party) => ({ party, reason: 'it is a test' }));
  return preconditions(inventory, { ...syntheticRotation(), waivers }, T0);
}
describe('the servers of kubeconfigs', () => {
  it('are an API server, whichever of them', () => {
    expect(refused('an API server')).toEqual([]);
  });

  it('are refused with a certificate from neither CA, once for all nodes, with its name', () => {
    const found = refused({ served: [fakeLeaf('lb.example', OTHER)] });
    expect(found.map(({ reason }) => reason)).toEqual(['server-of-another-ca']);
    expect(found[0]?.message).toMatch(/^https:\/\/10\.0\.0\.100:6443, .* of w1, w2, presents .*lb\.example/);
    expect(found[0]?.hint).toMatch(/--waive node\/w1=REASON/);
  });

  it('are refused with a certificate from old that no API server has: no step turns it', () => {
    const found = refused({ served: [fakeLeaf('haproxy', OLD)] });
    expect(found.map(({ reason }) => reason)).toEqual(['server-ends-tls']);
    expect(found[0]?.message).toMatch(/haproxy/);
  });

  it('are refused when nothing answers there, with the reason', () => {
    const found = refused({ why: '10.0.0.100:6443: connect ECONNREFUSED' });
    expect(found.map(({ reason }) => reason)).toEqual(['server-not-met']);
    expect(found[0]?.message).toMatch(/w1, w2, .*ECONNREFUSED/);
  });

  it('may be of another CA that the kubeconfigs trust as well', () => {
    const trustBoth = (inventory: Inventory): void => {
      for (const store of inventory.stores) if (store.kind === 'kubeconfig-ca') store.certs = [OLD, OTHER];
    };
    expect(refused({ served: [fakeLeaf('lb.example', OTHER)] }, trustBoth)).toEqual([]);
  });

  it('are no matter of ours where the kubeconfig trusts neither CA, or its node was given up', () => {
    const served = [fakeLeaf('lb.example', OTHER)];
    const elsewhere = (inventory: Inventory): void => {
      for (const { node, kind, ...store } of inventory.stores)
        if (kind === 'kubeconfig-ca' && node?.startsWith('w')) store.certs.splice(0, 1, OTHER);
    };
    expect(refused({ served }, elsewhere)).toEqual([]);
    expect(refused({ why: 'nobody answers' }, elsewhere)).toEqual([]);
    expect(refused({ served }, undefined, ['node/w1', 'node/w2'])).toEqual([]);
    expect(refused({ served }, undefined, ['node/w1'])[0]?.message).toMatch(/kubeconfigs of w2,/);
  });

  it('are not asked about where nobody looked', () => {
    expect(refused({ why: 'x' }, (inventory) => delete inventory.fronts)).toEqual([]);
  });
});
