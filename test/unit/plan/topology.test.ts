import { describe, expect, it } from 'vitest';
import {
  fakeBridge,
  fakeCA,
  fakeLeaf,
  NEW,
  OLD,
  PKI,
  syntheticInventory,
  syntheticRotation,
  T0,
  UNION,
} from '../../../bench/inventory.ts';
import { topologyOf } from '../../../src/core/catalog/topology.ts';
import { credentialOf, signerOf, trustOf } from '../../../src/core/catalog/value-of.ts';
import { fileId } from '../../../src/core/model/ids.ts';
import { violations } from '../../../src/core/model/invariant.ts';
import type { CertFact, Inventory, Store } from '../../../src/core/model/inventory.ts';
import { initialState } from '../../../src/core/model/state.ts';
import type { Topology, Use } from '../../../src/core/model/topology.ts';
import type { Value } from '../../../src/core/model/value.ts';

const rotation = syntheticRotation();
const [cluster] = rotation.authorities;
const make = (change: (inventory: Inventory) => void = () => undefined, shape = {}): Topology => {
  const inventory = syntheticInventory({ controlPlanes: 1, ...shape });
  change(inventory);
  return topologyOf(inventory, rotation, T0);
};
const use = (t: Topology, id: string): Use => {
  const found = t.uses.find((one) => one.id === id);
  if (!found) throw new Error(`no use ${id}; there are ${t.uses.map((one) => one.id).join(', ')}`);
  return found;
};
const store = (inventory: Inventory, node: string, path: string): Store =>
  inventory.stores.find((one) => one.id === fileId(node, path))!;

describe('values', () => {
  const a = cluster!;
  const leaf = fakeLeaf('x', NEW);
  it('of anchors, by fingerprint alone', () => {
    expect([trustOf([OLD], a), trustOf([OLD, NEW], a), trustOf([NEW], a), trustOf([fakeBridge(NEW, OLD)], a)]).toEqual([
      'old',
      'both',
      'new',
      'none',
    ]);
  });
  it('of chains, by issuer and the bridge behind the leaf', () => {
    expect(credentialOf([leaf], a)).toBe('new');
    expect(credentialOf([leaf, fakeBridge(NEW, OLD)], a)).toBe('new+bridge');
    expect(credentialOf([leaf, NEW], a)).toBe('new');
    expect(credentialOf([fakeLeaf('x', OLD), fakeBridge(OLD, NEW)], a)).toBe('old+reverse');
    expect(credentialOf([], a)).toBe('other');
  });
  it('of chains whose CA the inventory could not verify against, by name and key id', () => {
    expect(credentialOf([{ ...leaf, signedBy: [] }], a)).toBe('new');
    const { authorityKeyId: _, ...nameless } = leaf;
    expect(credentialOf([{ ...nameless, signedBy: [] }], a)).toBe('other');
  });
  it('of signers: one certificate, with its key', () => {
    expect(signerOf({ certs: [OLD], keySpki: OLD.spki }, a)).toBe('old');
    expect(signerOf({ certs: [OLD, NEW], keySpki: OLD.spki }, a)).toBe('bundle');
    expect(signerOf({ certs: [NEW], keySpki: OLD.spki }, a)).toBe('mismatched');
    expect(signerOf({ certs: [] }, a)).toBe('absent');
  });
});

describe('topologyOf', () => {
  it('makes a state that breaks nothing, of a cluster where nothing was done', () => {
    for (const controlPlanes of [1, 3]) {
      const t = make(undefined, { controlPlanes, pods: 40, person: true });
      expect(violations(t, initialState(t))).toEqual([]);
    }
  });

  it('has both authorities side by side and leaves etcd alone', () => {
    const t = make();
    expect(new Set(t.uses.map((one) => one.authority))).toEqual(new Set(['kubernetes', 'front-proxy']));
    expect(JSON.stringify(t)).not.toContain('/etcd');
  });

  it('holds kubelets of workers and pods that are alike as classes, control planes one by one', () => {
    const t = make(undefined, { workers: 50, pods: 400 });
    expect(use(t, 'w1/kubelet:client-ca').parties).toHaveLength(50);
    expect(use(t, 'cp1/kubelet:client-ca').parties).toEqual(['cp1/kubelet']);
    const pods = t.uses.filter((one) => one.party.startsWith('pod/'));
    expect(pods.map((one) => one.parties.length).sort()).toEqual([360, 40]);
    expect(t.uses.length).toBeLessThan(60);
  });

  it('tells workers apart once they hold different things', () => {
    const t = make(
      (inventory) => {
        store(inventory, 'w1', `${PKI}/ca.crt`).certs = [OLD, NEW];
        store(inventory, 'w1', `${PKI}/ca.crt`).changedAt = T0;
      },
      { workers: 3 },
    );
    expect(use(t, 'w1/kubelet:client-ca').parties).toEqual(['w1/kubelet']);
    expect(use(t, 'w2/kubelet:client-ca').parties).toEqual(['w2/kubelet', 'w3/kubelet']);
    expect(t.initial.uses['w1/kubelet:client-ca']).toEqual(['old', 'both']);
  });

  it('takes what a party read from its start time, never from hope', () => {
    const conf = fileId('cp1', '/etc/kubernetes/scheduler.conf', 'ca');
    const changed = (startedAt: number) => (inventory: Inventory) => {
      const kubeconfig = inventory.stores.find((one) => one.id === conf)!;
      Object.assign(kubeconfig, { certs: [NEW], changedAt: T0 });
      inventory.instances.find((one) => one.id === 'cp1/kube-scheduler')!.startedAt = startedAt;
    };
    const loaded = (startedAt: number) => make(changed(startedAt)).initial.uses['cp1/kube-scheduler:kubeconfig-ca'];
    expect(loaded(T0 + 1)).toEqual(['new']);
    expect(loaded(T0)).toEqual(['old', 'both', 'new']);
    expect(loaded(T0 - 1)).toEqual(['old', 'both', 'new']);
  });

  it('knows the leader as one party with the files of all controller managers', () => {
    const t = make(undefined, { controlPlanes: 3 });
    const signer = use(t, 'kube-controller-manager:signer');
    expect(signer.parties).toHaveLength(3);
    expect(signer.sources.filter((source) => source.when?.is === 'found').map((source) => source.store)).toEqual(
      ['cp1', 'cp2', 'cp3'].map((node) => fileId(node, `${PKI}/ca.crt`)),
    );
    expect(t.initial.stores[fileId('cp1', `${PKI}/reroot/signer.pem`)]).toEqual(['absent']);
  });

  it('gives the scheduler what the union ConfigMap holds, and API servers as its source', () => {
    const t = make();
    expect(use(t, 'cp1/kube-scheduler:client-ca').sources).toEqual([{ store: `${UNION}#client-ca-file` }]);
    const flow = t.flows.find((one) => one.how === 'union' && one.to === `${UNION}#client-ca-file`);
    expect(flow?.from).toEqual(['cp1/kube-apiserver:client-ca']);
  });

  it('leaves out what belongs to other CAs', () => {
    const t = make((inventory) => {
      store(inventory, 'w1', '/srv/webhook/tls.crt').certs = [fakeLeaf('webhook', fakeCA('someone'))];
      for (const one of inventory.stores) if (one.id.includes('policy')) one.certs = [];
    });
    expect(t.uses.filter((one) => one.party === 'webhook/policy')).toEqual([]);
  });

  it('takes a callee for all that any of its Pods serves', () => {
    const serving = (others: CertFact[][]): readonly Value[] | undefined => {
      const t = make((inventory) => {
        const [webhook] = inventory.callees;
        delete webhook!.servingStore;
        Object.assign(webhook!, { served: [fakeLeaf('webhook', NEW)], others });
      });
      return t.initial.uses[use(t, 'webhook/policy:serving').id];
    };
    expect(serving([])).toEqual(['new']);
    expect(serving([[fakeLeaf('webhook', OLD)]])).toEqual(['new', 'old']);
  });

  it('leaves out who was waived', () => {
    const inventory = syntheticInventory({ controlPlanes: 1, pods: 20, person: true });
    const party = fileId('w1', '/home/ann/.kube/config');
    const waivers = ['pod/team-1/app-2', party].map((one) => ({ party: one, reason: 'test' }));
    const t = topologyOf(inventory, { ...rotation, waivers }, T0);
    expect(t.uses.flatMap((one) => one.parties)).not.toContain('pod/team-1/app-2');
    expect(t.uses.map((one) => one.party)).not.toContain(party);
    expect(t.uses.flatMap((one) => one.parties)).toContain('pod/team-2/app-3');
  });

  it('does not take a pod that only mounts something of its node for a reader of the kubelet', () => {
    const t = make(
      (inventory) => {
        for (const pod of inventory.pods) pod.hostPaths = ['/run/xtables.lock'];
      },
      { workers: 20, pods: 40 },
    );
    expect(use(t, 'w1/kubelet:client-ca').parties).toHaveLength(20);
  });

  it('has no two uses of one name where an object holds the CA twice', () => {
    const t = make((inventory) => {
      for (const key of ['a', 'b'])
        inventory.stores.push({ id: `object/ConfigMap/x/y#${key}`, kind: 'object-bundle', certs: [OLD] });
    });
    const ids = t.uses.map((one) => one.id).filter((id) => id.startsWith('object/'));
    expect(ids).toEqual(['object/ConfigMap/x/y:ca', 'object/ConfigMap/x/y:ca-2']);
    expect(() => initialState(t)).not.toThrow();
  });
});
