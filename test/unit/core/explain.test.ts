// The words of a refusal, whole: a user has nothing else to go by.

import { describe, expect, it } from 'vitest';
import { explain } from '../../../src/core/model/explain.ts';
import { violations } from '../../../src/core/model/invariant.ts';
import { initialState } from '../../../src/core/model/state.ts';
import type { Proof } from '../../../src/core/model/step.ts';
import { proofWords, storeWords } from '../../../src/core/model/words.ts';
import { badOrders } from '../../simulator/bad-orders.ts';
import { kubeadm } from '../../simulator/kubeadm.ts';
import { names } from '../../simulator/names.ts';
import { judge } from '../../simulator/script.ts';
import { tiny } from '../../simulator/tiny.ts';

const n = names();
const t = kubeadm();

function textOf(name: string): string {
  const { before, violations: found } = judge(t, badOrders(n).find((bad) => bad.name === name)!.order).refused!;
  return explain(t, before, found);
}

describe('a refusal in words', () => {
  it('of a signer switched too early', () => {
    expect(textOf('sign with new before API servers trust it')).toBe(
      `
channel     cp1/kubelet -> cp1/kube-apiserver, client certificate (and 20 more, 3 kinds)
would fail  cp1/kubelet presents a leaf from new; cp1/kube-apiserver trusts old only
possible    cp1/kubelet has read cp1:/var/lib/kubelet/pki/kubelet-client-current.pem = new <- own rotation of cp1/kubelet <- certificates in flight = new <- answers of the signer <- kube-controller-manager has read cp1:/etc/kubernetes/pki/signer.pem = new (this step)
            cp1/kube-apiserver has read cp1:/etc/kubernetes/pki/ca.crt = old since the start; nothing has shown that this is over
missing     /etc/kubernetes/pki/ca.crt on cp1, cp2, cp3; ValidatingWebhookConfiguration policy#caBundle read back as new or both
            cp1/kube-apiserver, cp2/kube-apiserver, cp3/kube-apiserver (client-ca) shown to trust new or both (probe with a client of each generation)
            cp1/kube-apiserver, cp2/kube-apiserver, cp3/kube-apiserver (webhook-ca) shown to have loaded new or both, or restarted after that was there`.slice(
        1,
      ),
    );
  });

  it('of a bridge taken away from a frozen pod', () => {
    expect(textOf('the bridge away while a frozen pod is not proved')).toBe(
      `
channel     pod/app/frozen-1 -> cp1/kube-apiserver, server certificate (and 5 more)
would fail  cp1/kube-apiserver presents a leaf from new without the bridge; pod/app/frozen-1 trusts old only
possible    cp1/kube-apiserver has read cp1:/etc/kubernetes/pki/apiserver.crt = new (this step)
            pod/app/frozen has read frozen ca.crt = old since the start; nothing has shown that this is over
missing     pod/app/frozen-1, pod/app/frozen-2 restarted, and shown to be, after that was so
            or waivers: --waive pod/app/frozen-1=REASON --waive pod/app/frozen-2=REASON`.slice(1),
    );
  });

  it('of a bundle where the controller manager signs', () => {
    expect(textOf('the bundle before the controller managers are proved restarted')).toBe(
      `
party       cp1/kube-controller-manager (and 2 more)
would fail  cp1/kube-controller-manager could not sign: cp1:/etc/kubernetes/pki/ca.crt may hold more than one certificate, and the signer wants exactly one
possible    cp1:/etc/kubernetes/pki/ca.crt = both (this step)
            the flags that name it: cp1/kube-controller-manager has read cp1:/etc/kubernetes/manifests/kube-controller-manager.yaml = found since the start; nothing has shown that this is over
missing     cp1/kube-controller-manager, cp2/kube-controller-manager, cp3/kube-controller-manager restarted, and shown to be, after that was so`.slice(
        1,
      ),
    );
  });

  it('of something wrong from the start, and of nothing', () => {
    const u = tiny({
      stores: { ca: { first: ['new'] }, leaf: { holds: 'credential' } },
      uses: {
        'c:ca': { reads: ['ca'] },
        's:serving': { kind: 'presents-as-server', reads: ['leaf'], proof: 'serves' },
      },
      edges: ['c:ca s:serving'],
    });
    const s = initialState(u);
    expect(explain(u, s, violations(u, s)[0]!)).toContain('c has read ca = new since the start');
    expect(explain(u, s, [])).toBe('');
  });

  it('never names a value that a proof cannot be of', () => {
    for (const { name } of badOrders(n))
      expect(textOf(name)).not.toMatch(/(as|trust|serve|present|with|loaded) (\(|$)/m);
  });
});

describe('words', () => {
  it.each([
    ['file/cp1:/etc/kubernetes/pki/ca.crt', 'cp1:/etc/kubernetes/pki/ca.crt'],
    ['file/cp1:/etc/kubernetes/kubelet.conf#ca', 'cp1:/etc/kubernetes/kubelet.conf (ca)'],
    ['object/ConfigMap/kube-public/cluster-info#kubeconfig', 'ConfigMap kube-public/cluster-info#kubeconfig'],
    ['object/APIService//v1.example', 'APIService v1.example'],
    ['in flight', 'in flight'],
  ])('%s', (id, words) => {
    expect(storeWords(id)).toBe(words);
  });

  it('name at most five of a kind, and count the rest', () => {
    const of = Array.from({ length: 9 }, (_, i) => `file/w${i}:/etc/kubernetes/pki/ca.crt`);
    const proof: Proof = { kind: 'holds', authority: 'kubernetes', of, keep: ['both', 'new', 'none'] };
    expect(proofWords(proof)).toBe('/etc/kubernetes/pki/ca.crt on w0, w1, w2, w3 and 5 more read back as both or new');
  });
});
