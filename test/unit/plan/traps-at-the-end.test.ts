// The traps of the kubernetes and front-proxy authorities that a plan can walk into. Each test fails without its mend.

import { describe, expect, it } from 'vitest';
import { KUBELET_PEM, OLD, PKI, syntheticInventory, syntheticRotation, T0, UNION } from '../../../bench/inventory.ts';
import { topologyOf } from '../../../src/core/catalog/topology.ts';
import { fileId } from '../../../src/core/model/ids.ts';
import { check } from '../../../src/core/model/invariant.ts';
import type { Inventory } from '../../../src/core/model/inventory.ts';
import type { Rotation } from '../../../src/core/model/rotation.ts';
import { initialState } from '../../../src/core/model/state.ts';
import type { Step } from '../../../src/core/model/step.ts';
import { plan } from '../../../src/core/plan/plan.ts';
import { planRollback } from '../../../src/core/plan/rollback.ts';
import { follow, MINUTE } from './follow.ts';
import { at, end, LATER, rotation, whole, writesTo } from './whole-plan.ts';

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
