// Orders for the other authorities, and the way back.

import type { Names } from './names.ts';
import { cycled, type Order, probe, read, write, written } from './script.ts';

const uses = (parties: readonly string[], name: string) => parties.map((party) => `${party}:${name}`);

export function frontProxy(n: Names): Order {
  const apis = n.cps.map(n.api);
  return [
    ...written('front-proxy-ca.crt', n.cps.map(n.fpCa), 'both'),
    probe('api front-proxy-ca', uses(apis, 'front-proxy-ca'), 'both'),
    read('ext-auth proxy', [n.extProxy], 'both'),
    probe('ext front-proxy-ca', [`${n.ext}:front-proxy-ca`], 'both'),
    ...written('front-proxy-client', n.cps.map(n.fpClient), 'new'),
    probe('api front-proxy-client', uses(apis, 'front-proxy-client'), 'new'),
    ...written('front-proxy-ca.crt new', n.cps.map(n.fpCa), 'new'),
    probe('api front-proxy-ca new', uses(apis, 'front-proxy-ca'), 'new'),
    ...written('ext-auth proxy new', [n.extProxy], 'new'),
    probe('ext front-proxy-ca new', [`${n.ext}:front-proxy-ca`], 'new'),
  ];
}

export function etcd(n: Names): Order {
  const leafs = [...n.cps.map(n.etcdServer), ...n.cps.map(n.etcdPeer), ...n.cps.map(n.etcdClient)];
  const presenters = [
    ...uses(n.cps.map(n.etcd), 'server'),
    ...uses(n.cps.map(n.etcd), 'peer'),
    ...uses(n.cps.map(n.api), 'etcd-client'),
  ];
  return [
    ...written('etcd leafs', leafs, 'new+bridge'),
    probe('etcd leafs', presenters, 'new+bridge'),
    ...written('etcd ca', n.cps.map(n.etcdCa), 'new'),
    ...n.cps.flatMap((cp) => cycled(`etcd ${cp}`, [n.etcd(cp)])),
    ...n.cps.flatMap((cp) => cycled(`api ${cp}`, [n.api(cp)])),
    ...written('etcd leafs new', leafs, 'new'),
    probe('etcd leafs new', presenters, 'new'),
  ];
}

export function serviceAccount(n: Names): Order {
  const apis = n.cps.map(n.api);
  const rolling = (round: string) => apis.flatMap((api) => cycled(`${api} ${round}`, [api]));
  return [
    ...written('sa.pub', n.cps.map(n.saPub), 'both'),
    ...rolling('accepts'),
    ...written('sa.key', n.cps.map(n.saKey), 'new'),
    ...rolling('signs'),
    read('tokens', ['frozen token', 'reloading token'], 'new'),
    probe('tokens', ['pod/app/frozen:token', 'pod/app/reloading:token'], 'new'),
    ...written('sa.pub new', n.cps.map(n.saPub), 'new'),
    ...rolling('drops'),
  ];
}

/** Back from anywhere before `ca.crt` is new only: servers first, with the reverse bridge, then signer, clients, trust. */
export function rollback(n: Names): Order {
  const apis = n.cps.map(n.api);
  const parts = ['ca', 'client'] as const;
  const confs = [
    ...parts.flatMap((part) => n.cps.flatMap((cp) => [n.kcmConf(cp, part), n.schedulerConf(cp, part)])),
    ...parts.map(n.userConf),
  ];
  return [
    // Nodes that join from here on must accept what API servers will show their kubelets again.
    write('back cluster-info first', [n.clusterInfo], 'both'),
    read('back cluster-info first', [n.clusterInfo], 'both', 'old'),
    probe('back joiner first', [`${n.joiner}:client-ca`], 'both', 'old'),
    ...written('back apiserver.crt', n.cps.map(n.serving), 'old+reverse'),
    probe('back serving', uses(apis, 'serving'), 'old+reverse'),
    ...written('back kubelet-client.crt', n.cps.map(n.kubeletClient), 'old'),
    probe('back kubelet-client', uses(apis, 'kubelet-client'), 'old'),
    probe('back kubelet-connections', uses(apis, 'kubelet-connections'), 'old'),
    ...written('back signer.pem', n.cps.map(n.signer), 'old'),
    probe('back signer', [`${n.leader}:signer`], 'old'),
    read('back flight', [n.flight], 'old'),
    ...written('back kubelet.pem', n.nodes.map(n.kubeletPem), 'old'),
    ...written(
      'back kubeconfigs',
      confs.filter((id) => id.endsWith('#client')),
      'old',
    ),
    ...written('back kubelet.conf', n.nodes.map(n.kubeletConf), 'old'),
    ...written(
      'back kubeconfigs ca',
      confs.filter((id) => id.endsWith('#ca')),
      'old',
    ),
    ...written('back root-bundle', n.cps.map(n.rootBundle), 'old'),
    ...cycled('back clients', [...n.nodes.map(n.kubelet), ...n.cps.map(n.kcm), ...n.cps.map(n.scheduler), n.user]),
    ...written('back webhook secret', [n.webhookSecret], 'old'),
    probe('back webhook', [`${n.webhook}:serving`], 'old'),
    read('back kube-root-ca.crt', [n.rootCm], 'old'),
    read('back projected', ['frozen ca.crt', 'reloading ca.crt'], 'old'),
    ...cycled('back frozen pods', n.frozen),
    probe('back reloading pods', ['pod/app/reloading:root-ca'], 'old'),
    ...written('back cluster-info', [n.clusterInfo], 'old'),
    probe('back joiner', [`${n.joiner}:ca`, `${n.joiner}:client-ca`, `${n.joiner}:client`], 'old'),
    ...written('back ca.crt', n.nodes.map(n.ca), 'old'),
    probe('back api client-ca', uses(apis, 'client-ca'), 'old'),
    probe('back kubelet client-ca', uses(n.nodes.map(n.kubelet), 'client-ca'), 'old'),
    ...written('back ext-auth', [n.extClient], 'old'),
    probe('back ext client-ca', [`${n.ext}:client-ca`], 'old'),
    ...written('back caBundle', [n.caBundle], 'old'),
    probe('back webhook-ca', uses(apis, 'webhook-ca'), 'old'),
    ...written('bridge away', n.cps.map(n.serving), 'old'),
    probe('bridge away', uses(apis, 'serving'), 'old'),
  ];
}
