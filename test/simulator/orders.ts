// The orders that must be accepted: rotations of the kubeadm cluster, whole or in parts, and the way back.

import type { Names } from './names.ts';
import { type Act, cycled, type Order, probe, read, upTo, without, written } from './script.ts';

const uses = (parties: readonly string[], name: string) => parties.map((party) => `${party}:${name}`);

/** The signer and the root bundle get files of their own; the controller managers are restarted onto them. */
export function split(n: Names, root: 'both' | 'new' = 'both', kubeconfig = true): Act[] {
  const kcms = n.cps.map(n.kcm);
  const conf = n.cps.map((cp) => n.kcmConf(cp, 'ca'));
  return [
    ...written('signer.pem', n.cps.map(n.signer), 'old'),
    ...written('root-bundle', n.cps.map(n.rootBundle), root),
    ...(kubeconfig ? written('controller-manager.conf ca', conf, 'both') : []),
    ...written('kcm manifest', n.cps.map(n.manifest), 'split'),
    ...cycled('kcm', kcms),
  ];
}

export function trust(n: Names): Act[] {
  return [
    ...written('ca.crt', n.nodes.map(n.ca), 'both'),
    probe('api client-ca', uses(n.cps.map(n.api), 'client-ca'), 'both'),
    probe('kubelet client-ca', uses(n.nodes.map(n.kubelet), 'client-ca'), 'both'),
    read('ext-auth', [n.extClient], 'both'),
    probe('ext client-ca', [`${n.ext}:client-ca`], 'both'),
    ...written('cluster-info', [n.clusterInfo], 'both'),
    ...written('caBundle', [n.caBundle], 'both'),
    probe('api webhook-ca', uses(n.cps.map(n.api), 'webhook-ca'), 'both'),
  ];
}

export function serve(n: Names, value: 'new+bridge' | 'new'): Act[] {
  const apis = n.cps.map(n.api);
  return [
    ...written('apiserver.crt', n.cps.map(n.serving), value),
    probe('api serving', uses(apis, 'serving'), value),
    ...written('kubelet-client.crt', n.cps.map(n.kubeletClient), value),
    probe('api kubelet-client', uses(apis, 'kubelet-client'), value),
    probe('api kubelet-connections', uses(apis, 'kubelet-connections'), value),
  ];
}

export function sign(n: Names): Act[] {
  return [
    ...written('signer.pem new', n.cps.map(n.signer), 'new'),
    probe('leader signer', [`${n.leader}:signer`], 'new'),
    read('flight', [n.flight], 'new'),
    ...written('webhook secret', [n.webhookSecret], 'new'),
    probe('webhook serving', [`${n.webhook}:serving`], 'new'),
    probe('joiner client', [`${n.joiner}:client`], 'new'),
  ];
}

export function clients(n: Names): Act[] {
  const conf = (of: (cp: string, part: 'ca' | 'client') => string, part: 'ca' | 'client') =>
    n.cps.map((cp) => of(cp, part));
  return [
    ...written('kubelet.pem', n.nodes.map(n.kubeletPem), 'new'),
    ...written('kubelet.conf', n.nodes.map(n.kubeletConf), 'new'),
    ...cycled('kubelets', n.nodes.map(n.kubelet)),
    ...written('scheduler.conf client', conf(n.schedulerConf, 'client'), 'new'),
    ...written('scheduler.conf ca new', conf(n.schedulerConf, 'ca'), 'new'),
    ...cycled('schedulers', n.cps.map(n.scheduler)),
    ...written('user.conf client', [n.userConf('client')], 'new'),
    ...written('user.conf ca new', [n.userConf('ca')], 'new'),
    ...cycled('user', [n.user]),
  ];
}

/** The controller managers' second restart; root new as well, which is safe once every API server serves the bridge. */
export function secondKcm(n: Names, root = true): Act[] {
  return [
    ...written(
      'controller-manager.conf client',
      n.cps.map((cp) => n.kcmConf(cp, 'client')),
      'new',
    ),
    ...written(
      'controller-manager.conf ca new',
      n.cps.map((cp) => n.kcmConf(cp, 'ca')),
      'new',
    ),
    ...(root ? written('root-bundle new', n.cps.map(n.rootBundle), 'new') : []),
    ...cycled('kcm again', n.cps.map(n.kcm)),
  ];
}

/** The gate of retire: what publishes and what pods and joining nodes have taken. */
export function podsTrustNew(n: Names): Act[] {
  return [
    read('kube-root-ca.crt', [n.rootCm], 'new'),
    read('projected', ['frozen ca.crt', 'reloading ca.crt'], 'new'),
    ...cycled('frozen pods', n.frozen),
    probe('reloading pods', ['pod/app/reloading:root-ca'], 'new'),
    ...written('cluster-info new', [n.clusterInfo], 'new'),
    probe('joiner ca', [`${n.joiner}:ca`, `${n.joiner}:client-ca`], 'new'),
  ];
}

export function dropOld(n: Names): Act[] {
  return [
    ...written('ca.crt new', n.nodes.map(n.ca), 'new'),
    probe('api client-ca new', uses(n.cps.map(n.api), 'client-ca'), 'new'),
    probe('kubelet client-ca new', uses(n.nodes.map(n.kubelet), 'client-ca'), 'new'),
  ];
}

export function bridgeAway(n: Names): Act[] {
  const apis = n.cps.map(n.api);
  return [
    ...written('apiserver.crt new', n.cps.map(n.serving), 'new'),
    probe('api serving new', uses(apis, 'serving'), 'new'),
    ...written('kubelet-client.crt new', n.cps.map(n.kubeletClient), 'new'),
    probe('api kubelet-client new', uses(apis, 'kubelet-client'), 'new'),
    probe('api kubelet-connections new', uses(apis, 'kubelet-connections'), 'new'),
  ];
}

export function cleanUp(n: Names): Act[] {
  return [
    ...written('ext-auth new', [n.extClient], 'new'),
    probe('ext client-ca new', [`${n.ext}:client-ca`], 'new'),
    ...written('caBundle new', [n.caBundle], 'new'),
    probe('api webhook-ca new', uses(n.cps.map(n.api), 'webhook-ca'), 'new'),
    ...written('ca.key new', n.cps.map(n.kubeadmCa), 'new'),
  ];
}

export const bridgeIssue = (n: Names): Order => [
  ...split(n),
  ...trust(n),
  ...serve(n, 'new+bridge'),
  ...sign(n),
  ...clients(n),
  ...secondKcm(n),
];

export const bridgeRetire = (n: Names): Order => [
  ...bridgeIssue(n),
  ...podsTrustNew(n),
  ...dropOld(n),
  ...bridgeAway(n),
  ...cleanUp(n),
];

/** Both CAs everywhere and a first restart of every client, then new certificates and a second one. */
export function bundleRetire(n: Names): Order {
  return [
    ...split(n),
    ...trust(n),
    read('kube-root-ca.crt both', [n.rootCm], 'both'),
    read('projected both', ['frozen ca.crt', 'reloading ca.crt'], 'both'),
    ...cycled('frozen pods first', n.frozen),
    probe('reloading pods both', ['pod/app/reloading:root-ca'], 'both'),
    ...written('kubelet.conf both', n.nodes.map(n.kubeletConf), 'both'),
    ...cycled('kubelets first', n.nodes.map(n.kubelet)),
    ...written(
      'scheduler.conf ca',
      n.cps.map((cp) => n.schedulerConf(cp, 'ca')),
      'both',
    ),
    ...cycled('schedulers first', n.cps.map(n.scheduler)),
    ...written('user.conf ca', [n.userConf('ca')], 'both'),
    ...cycled('user first', [n.user]),
    probe('joiner both', [`${n.joiner}:ca`, `${n.joiner}:client-ca`], 'both'),
    ...serve(n, 'new'),
    ...sign(n),
    ...clients(n),
    ...secondKcm(n),
    ...podsTrustNew(n),
    ...dropOld(n),
    ...cleanUp(n),
  ];
}

export const bundleIssue = (n: Names): Order => upTo(bundleRetire(n), 'read kube-root-ca.crt');

/** Old-only clients accept the bridge, so it may come first of all; root = new then needs one restart of the controller managers less. */
export const bridgeFirst = (n: Names): Order => [
  ...serve(n, 'new+bridge'),
  ...split(n, 'new'),
  ...trust(n),
  ...sign(n),
  ...clients(n),
  ...secondKcm(n, false),
  ...podsTrustNew(n),
  ...dropOld(n),
  ...bridgeAway(n),
  ...cleanUp(n),
];

export const bridgeAwayFirst = (n: Names): Order => [
  ...bridgeIssue(n),
  ...podsTrustNew(n),
  ...bridgeAway(n),
  ...dropOld(n),
  ...cleanUp(n),
];

/** As the lab's script did it: the root bundle is written in retire and nobody restarts for it. Safe, but old stays published. */
export const labOrder = (n: Names): Order => [
  ...without(bridgeIssue(n), 'write root-bundle new', 'read root-bundle new'),
  ...written('root-bundle new', n.cps.map(n.rootBundle), 'new'),
  read('kube-root-ca.crt', [n.rootCm], 'new', 'both'),
  read('projected', ['frozen ca.crt', 'reloading ca.crt'], 'new', 'both'),
  ...cycled('frozen pods', n.frozen),
  probe('reloading pods', ['pod/app/reloading:root-ca'], 'new', 'both'),
  ...written('cluster-info new', [n.clusterInfo], 'new'),
  probe('joiner ca', [`${n.joiner}:ca`, `${n.joiner}:client-ca`], 'new'),
  ...dropOld(n),
  ...bridgeAway(n),
  ...cleanUp(n),
];

/** ext-auth edited while API servers still hold both: safe, but the old CA comes back. */
export function extAuthEarly(n: Names): Order {
  const ext = cleanUp(n).slice(0, 3);
  return [
    ...upTo(bridgeRetire(n), 'write ca.crt new'),
    ...ext,
    ...dropOld(n),
    ...bridgeAway(n),
    ...without(cleanUp(n), ...ext.map((a) => a.name)),
  ];
}
