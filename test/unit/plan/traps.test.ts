// The traps of the kubernetes and front-proxy authorities that a plan can walk into. Each test fails without its mend.

import { describe, expect, it } from 'vitest';
import { fakeLeaf, OLD, PKI, syntheticInventory, syntheticRotation, T0 } from '../../../bench/inventory.ts';
import { splitFlags } from '../../../src/core/catalog/split.ts';
import { topologyOf } from '../../../src/core/catalog/topology.ts';
import { fileId } from '../../../src/core/model/ids.ts';
import { check } from '../../../src/core/model/invariant.ts';
import { initialState } from '../../../src/core/model/state.ts';
import type { Step } from '../../../src/core/model/step.ts';
import { plan } from '../../../src/core/plan/plan.ts';
import { follow, MINUTE } from './follow.ts';
import { at, end, LATER, restartsOf, rotation, whole, writesTo } from './whole-plan.ts';

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
    // It is in the kubelet's memory from its start: its file is written before the one restart that the kubelet has anyway.
    const served = at(made, (step) => step.id.startsWith('issue.kubernetes.kubelet-serving'));
    const restarted = at(made, (step) => step.id === 'issue.kubernetes.restart-kubelets');
    expect([served > -1, served < restarted, made.restarts.kubelet]).toEqual([true, true, 1]);
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
