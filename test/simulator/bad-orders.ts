// The orders that must be refused, each with the act it is refused at and what the counterexample must name.

import type { Names } from './names.ts';
import { bridgeIssue, bridgeRetire, bundleRetire, split, trust } from './orders.ts';
import { etcd, frontProxy, serviceAccount } from './other-orders.ts';
import { actor, type Order, probe, read, swap, upTo, without, write } from './script.ts';

export interface BadOrder {
  name: string;
  order: Order;
  refusedAt: string;
  /** What the explanation must say: channel or party, and the combination. */
  says: readonly RegExp[];
}

/** All control planes but the one that is forgotten. */
const others = (n: Names) => n.cps.filter((cp) => cp !== 'cp3');

const kubeletAtApi = /^channel +\S+ -> cp\d\/kube-apiserver, client certificate/m;
const apiServing = (client: string) =>
  new RegExp(`^channel +${client} -> cp\\d/kube-apiserver, server certificate`, 'm');

export function badOrders(n: Names): BadOrder[] {
  return [...signerOrders(n), ...issueOrders(n), ...retireOrders(n), ...kubeadmOrders(n), ...otherAuthorities(n)];
}

/** Up to the act that is refused, and with it. */
export function untilRefused({ order, refusedAt }: BadOrder): Order {
  return order.slice(0, order.findIndex((a) => a.name === refusedAt) + 1);
}

function signerOrders(n: Names): BadOrder[] {
  const issue = bridgeIssue(n);
  return [
    {
      name: 'sign with new before API servers trust it',
      order: [...split(n), write('signer.pem new', n.cps.map(n.signer), 'new')],
      refusedAt: 'write signer.pem new',
      says: [kubeletAtApi, /presents a leaf from new; cp\d\/kube-apiserver trusts old only/, /answers of the signer/],
    },
    {
      name: 'the signer copy is the new CA (the page, step 2)',
      order: swap(
        swap(issue, 'write signer.pem', [write('signer.pem', n.cps.map(n.signer), 'new')]),
        'read signer.pem',
        [read('signer.pem', n.cps.map(n.signer), 'new')],
      ),
      refusedAt: 'write kcm manifest',
      says: [kubeletAtApi, /presents a leaf from new/, /kube-controller-manager\.yaml = split \(this step\)/],
    },
    {
      name: 'a bundle in the file that the controller manager signs with',
      order: trust(n),
      refusedAt: 'write ca.crt',
      says: [/^party +cp1\/kube-controller-manager/m, /could not sign: .*ca\.crt may hold more than one certificate/],
    },
    {
      name: 'the bundle before the controller managers are proved restarted',
      order: without(issue, 'restarted kcm'),
      refusedAt: 'write ca.crt',
      says: [/could not sign/, /missing +.*kube-controller-manager restarted/s],
    },
    {
      name: 'a manifest that names a file not read back',
      order: without(issue, 'read signer.pem'),
      refusedAt: 'write kcm manifest',
      says: [
        /could not start: .*signer\.pem may hold no certificate/,
        /missing +.*signer\.pem.* read back as old or new/,
      ],
    },
    {
      name: 'the signer as two files',
      order: swap(issue, 'write signer.pem new', [
        write('signer certificate', n.cps.map(n.signer), 'mismatched'),
        write('signer key', n.cps.map(n.signer), 'new'),
      ]),
      refusedAt: 'write signer certificate',
      says: [/could not sign: .*signer\.pem may hold a certificate that its key does not fit/],
    },
  ];
}

function issueOrders(n: Names): BadOrder[] {
  const issue = bridgeIssue(n);
  const fp = frontProxy(n);
  const early = [write('kubelet.conf early', n.nodes.map(n.kubeletConf), 'new')];
  return [
    {
      name: 'front-proxy-client before the ConfigMap holds both',
      order: without(fp, 'read ext-auth proxy', 'probe ext front-proxy-ca'),
      refusedAt: 'write front-proxy-client',
      says: [/channel +cp\d\/kube-apiserver -> apiservice\/v1\.example, client certificate \(front-proxy\)/],
    },
    {
      name: 'front-proxy-client with the ConfigMap proved but the extension server not',
      order: without(fp, 'probe ext front-proxy-ca'),
      refusedAt: 'write front-proxy-client',
      says: [
        /apiservice\/v1\.example trusts old only/,
        /missing +apiservice\/v1\.example \(front-proxy-ca\) shown to trust new or both/,
      ],
    },
    {
      name: 'kubelet trusts new only, one API server not proved to serve the bridge',
      order: swap(issue, 'probe api serving', [
        probe(
          'api serving',
          others(n).map((cp) => `${n.api(cp)}:serving`),
          'new+bridge',
        ),
      ]),
      refusedAt: 'write kubelet.conf',
      says: [/cp3\/kube-apiserver presents a leaf from old/, /missing +cp3\/kube-apiserver \(serving\) shown to serve/],
    },
    {
      name: 'kubelet.conf written new-only early, not restarted by us',
      order: [...split(n), ...trust(n), ...early],
      refusedAt: 'write kubelet.conf early',
      says: [apiServing('cp1/kubelet'), /cp1\/kubelet trusts new only/, /nothing that could be shown|shown to serve/],
    },
    {
      name: 'bundle route, one controller manager keeps the old root file',
      order: bundleRetire(n).flatMap((a) => {
        if (a.name === 'write root-bundle') {
          return [
            write('root-bundle', others(n).map(n.rootBundle), 'both'),
            write('root-bundle cp3', [n.rootBundle('cp3')], 'old'),
          ];
        }
        if (a.name === 'read root-bundle') {
          return [
            read('root-bundle', others(n).map(n.rootBundle), 'both'),
            read('root-bundle cp3', [n.rootBundle('cp3')], 'old'),
          ];
        }
        return [a];
      }),
      refusedAt: 'write apiserver.crt',
      says: [apiServing('pod/app/\\S+'), /cp3:.*root-bundle\.crt = old/],
    },
  ];
}

function retireOrders(n: Names): BadOrder[] {
  const retire = bridgeRetire(n);
  return [
    {
      name: 'the bridge away while a frozen pod is not proved',
      order: without(retire, 'restart frozen pods', 'restarted frozen pods'),
      refusedAt: 'write apiserver.crt new',
      says: [apiServing('pod/app/frozen-1'), /pod\/app\/frozen-1 trusts old only/, /--waive pod\/app\/frozen-1=REASON/],
    },
    {
      name: 'kubelets drop old, apiserver-kubelet-client not switched',
      order: without(
        [actor('join', false), ...retire],
        'write kubelet-client.crt',
        'read kubelet-client.crt',
        'probe api kubelet-client',
        'probe api kubelet-connections',
      ),
      refusedAt: 'write ca.crt new',
      says: [
        /channel +cp1\/kube-apiserver -> cp1\/kubelet, client certificate/,
        /presents a leaf from old; cp1\/kubelet trusts new only/,
      ],
    },
    {
      name: 'kubelets drop old, kept connections not proved',
      order: without([actor('join', false), ...retire], 'probe api kubelet-connections'),
      refusedAt: 'write ca.crt new',
      says: [
        /channel +cp1\/kube-apiserver -> cp1\/kubelet, client certificate/,
        /missing +cp1\/kube-apiserver, .*shown to present/,
      ],
    },
    {
      name: 'retire with a certificate from old in flight',
      order: without(retire, 'read flight'),
      refusedAt: 'write ca.crt new',
      says: [kubeletAtApi, /presents a leaf from old/, /missing +.*certificates in flight/s],
    },
    {
      name: "retire while a standby's signer was not written",
      order: retire.map((a) => {
        if (a.name === 'write signer.pem new') return write('signer.pem new', others(n).map(n.signer), 'new');
        if (a.name === 'read signer.pem new') return read('signer.pem new', others(n).map(n.signer), 'new');
        return a;
      }),
      refusedAt: 'write ca.crt new',
      says: [kubeletAtApi, /cp3:.*signer\.pem/],
    },
  ];
}

function kubeadmOrders(n: Names): BadOrder[] {
  return [
    {
      name: 'kubeadm may renew at any time, bridge',
      order: [actor('kubeadm', true), ...bridgeIssue(n)],
      refusedAt: 'write kubelet.conf',
      says: [apiServing('cp1/kubelet'), /kubeadm renew on cp1/],
    },
    {
      name: 'kubeadm may renew at any time, bundle',
      order: [actor('kubeadm', true), ...bundleRetire(n)],
      refusedAt: 'write apiserver.crt',
      says: [apiServing('cp1/kube-(controller-manager|scheduler)'), /kubeadm renew on cp1/],
    },
  ];
}

function otherAuthorities(n: Names): BadOrder[] {
  const sa = serviceAccount(n);
  return [
    {
      name: 'etcd trusts new only, without bridges',
      order: [write('etcd ca', n.cps.map(n.etcdCa), 'new')],
      refusedAt: 'write etcd ca',
      says: [/cp1\/etcd, server certificate \(etcd\)/, /trusts new only/],
    },
    {
      name: 'an etcd leaf without a bridge',
      order: swap(etcd(n), 'write etcd leafs', [write('etcd leafs', n.cps.map(n.etcdServer), 'new')]),
      refusedAt: 'write etcd leafs',
      says: [/cp1\/etcd, server certificate \(etcd\)/, /a leaf from new without the bridge/],
    },
    {
      name: 'sa.key before every API server was restarted',
      order: without(
        upTo(sa, 'read tokens'),
        'restart cp3/kube-apiserver accepts',
        'restarted cp3/kube-apiserver accepts',
      ),
      refusedAt: 'write sa.key',
      says: [/-> cp3\/kube-apiserver, token/, /missing +cp3\/kube-apiserver restarted/],
    },
  ];
}
