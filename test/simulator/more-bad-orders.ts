// Orders beyond those of the reference that must be refused: each needs one channel or flow that no other order needs.

import type { BadOrder } from './bad-orders.ts';
import type { Names } from './names.ts';
import { bridgeIssue, bridgeRetire, bundleRetire, serve, split, trust } from './orders.ts';
import { actor, type Order, upTo, without, write } from './script.ts';

const noJoins = actor('join', false);

export function moreBadOrders(n: Names): BadOrder[] {
  const issue = bridgeIssue(n);
  const retire = bridgeRetire(n);
  const proofsAway = (order: Order, what: string) =>
    order.filter((a) => a.name !== `read ${what}` && a.name !== `probe ${what}`);
  return [
    {
      name: 'root = new before the bridge is served',
      order: split(n, 'new'),
      refusedAt: 'write kcm manifest',
      says: [/pod\/app\/\S+ -> cp1\/kube-apiserver, server certificate/, /<- root CA publisher <-/],
    },
    {
      name: 'a manifest that names a root bundle not read back',
      order: without(issue, 'read root-bundle'),
      refusedAt: 'write kcm manifest',
      says: [
        /could not start: .*root-bundle\.crt may hold no CA/,
        /missing +.*root-bundle\.crt on .* read back as old or new or both$/m,
      ],
    },
    {
      name: 'cluster-info = new before the bridge is served',
      order: [
        ...serve(n, 'new+bridge').filter((a) => a.name.includes('kubelet-')),
        write('cluster-info new', [n.clusterInfo], 'new'),
      ],
      refusedAt: 'write cluster-info new',
      says: [/node\/joining -> cp1\/kube-apiserver, server certificate/, /<- a join takes cluster-info <-/],
    },
    {
      name: 'cluster-info = new, apiserver-kubelet-client not switched',
      order: [
        ...upTo(serve(n, 'new+bridge'), 'write kubelet-client.crt'),
        write('cluster-info new', [n.clusterInfo], 'new'),
      ],
      refusedAt: 'write cluster-info new',
      says: [/cp1\/kube-apiserver -> node\/joining, client certificate/, /<- a join writes ca\.crt <-/],
    },
    {
      name: 'sign with new, no joins, before API servers trust it',
      order: [
        noJoins,
        ...split(n),
        ...trust(n).filter((a) => /caBundle|webhook-ca/.test(a.name)),
        write('signer.pem new', n.cps.map(n.signer), 'new'),
      ],
      refusedAt: 'write signer.pem new',
      says: [/cp1\/kubelet -> cp1\/kube-apiserver, client certificate/, /own rotation/],
    },
    {
      name: 'sign with new before API servers trust it for webhooks',
      order: [noJoins, ...issue.filter((a) => !/caBundle|webhook-ca/.test(a.name))],
      refusedAt: 'write signer.pem new',
      says: [/cp1\/kube-apiserver -> webhook\/policy, server certificate/, /<- certificate of the webhook <-/],
    },
    {
      name: 'sign with new, kubelets do not rotate, before API servers trust it',
      order: [
        actor('own-rotation', false),
        ...split(n),
        ...trust(n).filter((a) => /caBundle|webhook-ca/.test(a.name)),
        write('signer.pem new', n.cps.map(n.signer), 'new'),
      ],
      refusedAt: 'write signer.pem new',
      says: [/node\/joining -> cp1\/kube-apiserver, client certificate/, /<- a join takes a certificate <-/],
    },
    {
      name: 'an etcd client certificate without a bridge',
      order: [write('etcd client', n.cps.map(n.etcdClient), 'new')],
      refusedAt: 'write etcd client',
      says: [/cp1\/kube-apiserver -> cp1\/etcd, client certificate \(etcd\)/],
    },
    {
      name: 'an etcd peer certificate without a bridge',
      order: [write('etcd peer', [n.etcdPeer('cp1')], 'new')],
      refusedAt: 'write etcd peer',
      says: [/cp1\/etcd -> cp\d\/etcd, client certificate \(etcd\)/],
    },
    {
      name: 'old dropped while a user presents old',
      order: without(retire, 'restart user', 'restarted user'),
      refusedAt: 'write ca.crt new',
      says: [/user\/ann -> cp1\/kube-apiserver, client certificate/, /--waive user\/ann=REASON/],
    },
    {
      name: 'a user certificate from new before the extension server trusts it',
      order: proofsAway(issue, 'ext client-ca'),
      refusedAt: 'write user.conf client',
      says: [/user\/ann -> apiservice\/v1\.example, client certificate/],
    },
    {
      name: 'the bridge away while a user trusts old only',
      order: [
        ...without(upTo(retire, 'write ca.crt new'), 'restart user', 'restarted user'),
        write('apiserver.crt new', n.cps.map(n.serving), 'new'),
      ],
      refusedAt: 'write apiserver.crt new',
      says: [/user\/ann -> cp1\/kube-apiserver, server certificate/],
    },
    {
      name: 'bundle route, schedulers not restarted onto both',
      order: without(bundleRetire(n), 'restart schedulers first', 'restarted schedulers first'),
      refusedAt: 'write apiserver.crt',
      says: [/cp1\/kube-scheduler -> cp1\/kube-apiserver, server certificate/],
    },
    {
      name: 'bundle route, the controller managers’ kubeconfig without new',
      order: bundleRetire(n).filter((a) => !a.name.endsWith('controller-manager.conf ca')),
      refusedAt: 'write apiserver.crt',
      says: [/cp1\/kube-controller-manager -> cp1\/kube-apiserver, server certificate/],
    },
    {
      name: 'old dropped while schedulers present old',
      order: without(retire, 'restart schedulers', 'restarted schedulers'),
      refusedAt: 'write ca.crt new',
      says: [/cp1\/kube-scheduler -> cp1\/kube-apiserver, client certificate/],
    },
    {
      name: 'old dropped while controller managers present old',
      order: retire.filter((a) => !a.name.endsWith('controller-manager.conf client')),
      refusedAt: 'write ca.crt new',
      says: [/cp1\/kube-controller-manager -> cp1\/kube-apiserver, client certificate/],
    },
  ];
}
