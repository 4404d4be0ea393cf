// The traps of the kubernetes and front-proxy authorities that a plan can walk into. Each test fails without its mend.

import { describe, expect, it } from 'vitest';
import {
  fakeLeaf,
  KUBELET_PEM,
  OLD,
  PKI,
  syntheticInventory,
  syntheticRotation,
  T0,
  UNION,
} from '../../../bench/inventory.ts';
import { splitFlags } from '../../../src/core/catalog/split.ts';
import { topologyOf } from '../../../src/core/catalog/topology.ts';
import { fileId } from '../../../src/core/model/ids.ts';
import { check } from '../../../src/core/model/invariant.ts';
import type { Inventory } from '../../../src/core/model/inventory.ts';
import type { Rotation } from '../../../src/core/model/rotation.ts';
import { initialState } from '../../../src/core/model/state.ts';
import type { Plan, Step } from '../../../src/core/model/step.ts';
import { plan } from '../../../src/core/plan/plan.ts';
import { planRollback } from '../../../src/core/plan/rollback.ts';
import { follow, MINUTE } from './follow.ts';

const LATER = T0 + 1000 * MINUTE;
const rotation = syntheticRotation();
const whole = plan(syntheticInventory(), rotation, 'retire', T0);
const at = (made: Plan, matches: (step: Step) => boolean): number => made.steps.findIndex(matches);
const writesTo = (path: string, value: string) => (step: Step) =>
  step.action.do === 'write' && step.action.value === value && step.action.stores.some((id) => id.endsWith(path));
const restartsOf = (made: Plan, component: string): Step[] =>
  made.steps.filter(
    (step) => step.action.do === 'restart' && step.action.waves.flat().some((id) => id.endsWith(component)),
  );
const end = (inventory: Inventory, asked: Rotation, until: 'trust' | 'issue' | 'retire'): Inventory =>
  follow(inventory, asked, plan(inventory, asked, until, T0), T0).end;

describe('signer and pairs', () => {
  it('trap 8: the signer is one file with certificate and key, so that one rename switches both', () => {
    const flags = splitFlags({ signer: '/s.pem', rootCA: '/r.crt' });
    expect(flags['cluster-signing-cert-file']).toBe(flags['cluster-signing-key-file']);
    const signer = whole.steps.filter((step) => step.id === 'issue.kubernetes.signer');
    expect(signer).toHaveLength(1);
    expect(signer[0]?.action).toMatchObject({
      stores: ['cp1', 'cp2', 'cp3'].map((node) => fileId(node, `${PKI}/reroot/signer.pem`)),
    });
  });

  it('trap 8: no CA file holds two certificates before every controller manager was shown to sign from its own', () => {
    const restarted = at(whole, (step) => step.id === 'trust.kubernetes.restart-managers');
    expect(whole.steps[restarted]?.proof).toMatchObject([{ kind: 'restarted' }]);
    expect(restarted).toBeLessThan(at(whole, writesTo(`${PKI}/ca.crt`, 'both')));
    // And the check would say no to it: what the plan does first is not a habit.
    const inventory = syntheticInventory();
    const t = topologyOf(inventory, rotation, T0);
    const found = check(t, initialState(t), { kind: 'write', stores: [fileId('cp1', `${PKI}/ca.crt`)], value: 'both' });
    expect(found.map((one) => one.rule)).toContain('sign');
  });

  it('signs with new only once API servers were shown to accept clients from new', () => {
    const signer = at(whole, (step) => step.id === 'issue.kubernetes.signer');
    const before = whole.steps
      .slice(0, signer + 1)
      .flatMap((step) => [...step.gate, ...step.proof].filter((proof) => proof !== undefined));
    const accepts = before.filter((proof) => proof.kind === 'accepts').flatMap((proof) => proof.of);
    for (const node of ['cp1', 'cp2', 'cp3']) expect(accepts).toContain(`${node}/kube-apiserver:client-ca`);
  });
});

describe('controller managers', () => {
  it('trap 11: two restarts, the second with the certificate, the trust and the root bundle from new', () => {
    const [first, second, ...more] = restartsOf(whole, 'kube-controller-manager');
    expect([first?.move, second?.move, more.length]).toEqual(['trust', 'issue', 0]);
    const secondAt = whole.steps.indexOf(second as Step);
    for (const path of ['controller-manager.conf#client', 'controller-manager.conf#ca', 'reroot/root-ca.crt']) {
      expect(at(whole, writesTo(path, 'new'))).toBeGreaterThan(-1);
      expect(at(whole, writesTo(path, 'new'))).toBeLessThan(secondAt);
    }
  });

  it('trap 11: new alone is published only where everyone serves what new-only accepts; else with a third restart in retire', () => {
    // A controller manager that does not sign has no files of its own: it publishes the CA file, which holds both until retire.
    const inventory = syntheticInventory();
    for (const manager of inventory.instances.filter((one) => one.component === 'kube-controller-manager')) {
      for (const flag of ['cluster-signing-cert-file', 'cluster-signing-key-file']) delete manager.flags[flag];
    }
    const made = plan(inventory, rotation, 'retire', T0);
    expect(made.refusal).toBeUndefined();
    const last = restartsOf(made, 'kube-controller-manager').at(-1);
    expect(last?.move).toBe('retire');
    expect(made.steps.indexOf(last as Step)).toBeGreaterThan(at(made, writesTo(`cp3:${PKI}/ca.crt`, 'new')));
    expect(() => follow(inventory, rotation, made, T0)).not.toThrow();
  });

  it('trap 12: standbys first, the leader last; one by one where nobody knows who leads', () => {
    const step = restartsOf(whole, 'kube-controller-manager')[0];
    expect(step?.action).toMatchObject({
      waves: [['cp2/kube-controller-manager', 'cp3/kube-controller-manager'], ['cp1/kube-controller-manager']],
    });
    const inventory = syntheticInventory();
    for (const one of inventory.instances) delete one.leader;
    const unknown = restartsOf(plan(inventory, rotation, 'trust', T0), 'kube-controller-manager')[0];
    expect(unknown?.action.do === 'restart' && unknown.action.waves.every((wave) => wave.length === 1)).toBe(true);
  });
});

describe('API servers and kubelets', () => {
  it('trap 5: what API servers present to kubelets carries the bridge until retire', () => {
    expect(at(whole, writesTo('apiserver-kubelet-client.crt', 'new+bridge'))).toBeGreaterThan(-1);
    const plain = whole.steps.filter(writesTo('apiserver-kubelet-client.crt', 'new'));
    expect(plain.every((step) => step.move === 'retire')).toBe(true);
  });

  it('trap 6: a serving certificate from the signer has no bridge, so API servers hold both before it turns', () => {
    const inventory = syntheticInventory();
    const current = '/var/lib/kubelet/pki/kubelet-server-current.pem';
    for (const one of inventory.instances) {
      if (one.component === 'kube-apiserver') one.flags['kubelet-certificate-authority'] = [`${PKI}/ca.crt`];
      if (one.component !== 'kubelet') continue;
      one.settings.serverTLSBootstrap = 'true';
      inventory.stores.push({
        id: fileId(one.node, current),
        kind: 'leaf',
        node: one.node,
        path: current,
        keyPath: current,
        certs: [fakeLeaf(`serving@${one.node}`, OLD)],
        changedAt: T0 - 400 * MINUTE * 1000,
      });
    }
    const made = plan(inventory, rotation, 'retire', T0);
    expect(made.refusal?.message).toBeUndefined();
    const signer = at(made, (step) => step.id === 'issue.kubernetes.signer');
    const shown = made.steps
      .slice(0, signer + 1)
      .flatMap((step) => [...step.proof, ...(step.action.do === 'write' ? step.gate : [])]);
    expect(shown.flatMap((proof) => (proof.kind === 'loaded' ? proof.of : []))).toContain(
      'cp1/kube-apiserver:kubelet-ca',
    );
    expect(() => follow(inventory, rotation, made, T0)).not.toThrow();
    // Before 1.36 it is read at the start only: the one case in which API servers restart.
    for (const one of inventory.instances) if (one.component === 'kube-apiserver') one.version = '1.34.2';
    const older = plan(inventory, rotation, 'retire', T0);
    expect(older.refusal?.message).toBeUndefined();
    expect(older.restarts['kube-apiserver']).toBeGreaterThan(0);
    const waves = restartsOf(older, 'kube-apiserver').flatMap((step) =>
      step.action.do === 'restart' ? step.action.waves : [],
    );
    expect(waves.every((wave) => wave.length === 1)).toBe(true);
  });

  it('trap 25: old trust goes from kubelets only after each API server was shown to present new to them', () => {
    // Kubelets restarted before the swap: the connections to them are kept, and old until the timer comes.
    const issued = end(syntheticInventory(), rotation, 'issue');
    for (const store of issued.stores)
      if (store.path?.endsWith('apiserver-kubelet-client.crt')) store.changedAt = LATER - MINUTE;
    const made = plan(issued, rotation, 'retire', LATER);
    const drop = at(made, writesTo(`w1:${PKI}/ca.crt`, 'new'));
    const shown = made.steps.slice(0, drop + 1).flatMap((step) => [...step.gate, ...step.proof]);
    const presents = shown
      .filter((proof) => proof.kind === 'presents' && !proof.keep.includes('old'))
      .flatMap((proof) => proof.of);
    for (const node of ['cp1', 'cp2', 'cp3']) expect(presents).toContain(`${node}/kube-apiserver:kubelet-client`);
  });

  it('trap 25: the certificate is swapped before the planned restart of the kubelets', () => {
    const swap = at(whole, writesTo('apiserver-kubelet-client.crt', 'new+bridge'));
    expect(swap).toBeLessThan(at(whole, (step) => step.id === 'issue.kubernetes.restart-kubelets'));
  });

  it('trap 26: the first connections with it are ours, once for a swap and not once for a file', () => {
    for (const move of ['issue', 'retire']) {
      const nudges = whole.steps.filter((step) => step.move === move && step.action.do === 'nudge');
      expect(nudges).toHaveLength(1);
      expect(nudges[0]?.action).toMatchObject({
        parties: ['cp1', 'cp2', 'cp3'].map((node) => `${node}/kube-apiserver`),
      });
    }
  });

  it('kubelets restart in waves, control planes one at a time', () => {
    const inventory = syntheticInventory({ workers: 20 });
    const made = plan(inventory, syntheticRotation('bridge', { maxUnavailable: '20%' }), 'issue', T0);
    const [step] = restartsOf(made, '/kubelet');
    const waves = step?.action.do === 'restart' ? step.action.waves : [];
    expect(waves.map((wave) => wave.length)).toEqual([1, 1, 1, 4, 4, 4, 4, 4]);
    expect(waves.slice(0, 3).flat()).toEqual(['cp1/kubelet', 'cp2/kubelet', 'cp3/kubelet']);
  });
});

describe('kubeadm', () => {
  it('trap 24: its keys are out of its sight before any CA file holds two, and back at the end', () => {
    const frozen = at(whole, (step) => step.action.do === 'freeze');
    expect(whole.steps.filter((step) => step.action.do === 'freeze')).toHaveLength(2);
    expect(frozen).toBeLessThan(at(whole, writesTo(`${PKI}/ca.crt`, 'both')));
    const back = at(whole, (step) => step.action.do === 'unfreeze');
    expect(back).toBeGreaterThan(at(whole, writesTo(`w1:${PKI}/ca.crt`, 'new')));
  });

  it('trap 24: with a key left where kubeadm looks, a client that trusts new alone is not safe', () => {
    const issued = end(syntheticInventory({ controlPlanes: 1 }), rotation, 'issue');
    // Everything started after its files changed, so that nothing of the past is left to doubt.
    for (const one of issued.instances) one.startedAt = LATER - MINUTE;
    const hasKey: Inventory = {
      ...issued,
      authorities: issued.authorities.map((fact) => ({
        ...fact,
        keys: [{ fingerprint: rotation.authorities[0]!.old.fingerprint, node: 'cp1', path: `${PKI}/ca.key` }],
      })),
    };
    const write = {
      kind: 'write',
      stores: [fileId('cp1', '/etc/kubernetes/kubelet.conf', 'ca')],
      value: 'new',
    } as const;
    const broken = (world: Inventory) => {
      const t = topologyOf(world, rotation, LATER);
      return check(t, initialState(t), write).flatMap((one) => (one.rule === 'channel' ? [one.presenter.use] : []));
    };
    expect(broken(issued)).toEqual([]);
    expect(broken(hasKey)).toContain('cp1/kube-apiserver:serving');
    // So the plan takes it away again before anything else.
    expect(plan(hasKey, rotation, 'retire', LATER).steps.find((step) => step.action.do !== 'prove')?.action.do).toBe(
      'freeze',
    );
  });
});

describe('extension-apiserver-authentication', () => {
  it('shrinks last, all its keys in one edit, once every API server was shown to refuse old', () => {
    const shrinks = whole.steps.filter((step) => step.action.do === 'shrink-union');
    expect(shrinks).toHaveLength(1);
    const [step] = shrinks;
    expect(step?.action).toEqual({
      do: 'shrink-union',
      store: `${UNION}#client-ca-file`,
      more: [`${UNION}#requestheader-client-ca-file`],
    });
    expect(step?.gate.every((proof) => proof.kind === 'accepts' && proof.keep.join() === 'new')).toBe(true);
    expect(step?.proof.map((proof) => proof.kind)).toEqual(['settled', 'settled']);
    for (const name of ['ca.crt', 'front-proxy-ca.crt']) {
      expect(at(whole, writesTo(`cp3:${PKI}/${name}`, 'new'))).toBeLessThan(whole.steps.indexOf(step as Step));
    }
  });

  it('an aggregated API server must hold new before the front-proxy bridge goes', () => {
    const plain = at(whole, writesTo('front-proxy-client.crt', 'new'));
    const gate = whole.steps[plain]?.gate.flatMap((proof) => (proof.kind === 'accepts' ? proof.of : []));
    expect(gate).toContain('apiservice/v1.example:requestheader-ca');
  });

  it('with bundles it must hold new before the certificate turns', () => {
    const made = plan(syntheticInventory(), syntheticRotation('bundle'), 'issue', T0);
    const turn = at(made, writesTo('front-proxy-client.crt', 'new'));
    const shown = made.steps
      .slice(0, turn + 1)
      .flatMap((step) => [...step.gate, ...(step.action.do === 'prove' ? step.proof : [])]);
    expect(shown.flatMap((proof) => (proof.kind === 'accepts' ? proof.of : []))).toContain(
      'apiservice/v1.example:requestheader-ca',
    );
  });
});

describe('bridges', () => {
  it('trap 3 and 4: none is left in any file at the end', () => {
    const retired = end(syntheticInventory(), rotation, 'retire');
    expect(
      retired.stores
        .filter((store) => store.certs.length > 1 && store.kind !== 'object-bundle')
        .map((store) => store.id),
    ).toEqual([]);
  });

  it('trap 7: the plan says by when it must be over', () => {
    expect(whole.deadline).toMatchObject({ at: OLD.notAfter, because: expect.stringMatching(/bridge/) });
  });
});

describe('without the old key', () => {
  // An external CA: no key on any node, so nothing signs CSRs and no bridge can be made.
  const inventory = syntheticInventory();
  for (const fact of inventory.authorities) fact.keys = [];
  const external: Rotation = { ...syntheticRotation('bundle') };
  external.authorities = external.authorities.map((a) => ({ ...a, external: true }));

  it("the signer's own file begins with new, once new is trusted", () => {
    const made = plan(inventory, external, 'retire', T0);
    expect(made.refusal?.message).toBeUndefined();
    const file = at(made, writesTo('signer.pem', 'new'));
    expect(file).toBeGreaterThan(at(made, writesTo(`cp3:${PKI}/ca.crt`, 'both')));
    expect(made.steps.filter(writesTo('signer.pem', 'old'))).toEqual([]);
    expect(() => follow(inventory, external, made, T0)).not.toThrow();
  });

  it('no key is put where kubeadm would find one, and a second look finds nothing to do', () => {
    const made = plan(inventory, external, 'retire', T0);
    expect(made.steps.filter((step) => step.action.do === 'unfreeze' || step.action.do === 'freeze')).toEqual([]);
    const done = follow(inventory, external, made, T0).end;
    expect(plan(done, external, 'retire', LATER).steps.every((step) => step.action.do === 'prove')).toBe(true);
  });
});

describe('a kubelet certificate on its way', () => {
  it('is asked for before a kubelet restarts and before old is dropped', () => {
    const signer = whole.steps.find((step) => step.id === 'issue.kubernetes.signer');
    expect(signer?.proof.map((proof) => proof.of[0])).toContain('object/CertificateSigningRequest//in-flight');
  });

  it('does not matter where no kubelet rotates by itself', () => {
    const inventory = syntheticInventory();
    for (const one of inventory.instances) if (one.component === 'kubelet') one.settings.rotateCertificates = 'false';
    for (const store of inventory.stores.filter((one) => one.path === KUBELET_PEM)) {
      store.id = fileId(store.node ?? '', '/etc/kubernetes/kubelet.conf', 'client');
      store.path = '/etc/kubernetes/kubelet.conf';
      store.kind = 'kubeconfig-client';
    }
    const made = plan(inventory, rotation, 'retire', T0);
    expect(made.refusal?.message).toBeUndefined();
    expect(JSON.stringify(made.steps)).not.toContain('in-flight');
  });
});

it('the way back from trust alone needs no reverse bridge', () => {
  const trusted = end(syntheticInventory(), rotation, 'trust');
  const values = planRollback(trusted, rotation, LATER).steps.flatMap((step) =>
    step.action.do === 'write' ? [step.action.value] : [],
  );
  expect(values).not.toContain('old+reverse');
});
