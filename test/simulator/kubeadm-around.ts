// What is around the nodes of a kubeadm cluster: objects, pods, what API servers call, users, nodes that come, kubeadm itself.

import { type Collector, from } from './collector.ts';
import type { Names } from './names.ts';

export function objects(c: Collector, n: Names) {
  c.store(n.flight, 'kubernetes', 'credential');
  c.flow('answers of the signer', 'signs', [`${n.leader}:signer`], n.flight);
  c.store(n.rootCm, 'kubernetes', 'trust');
  c.flow('root CA publisher', 'copy', [`${n.leader}:root-ca`], n.rootCm);
  c.store(n.clusterInfo, 'kubernetes', 'trust');
  c.store(n.extClient, 'kubernetes', 'trust');
  c.store(n.extProxy, 'front-proxy', 'trust');
  c.flow(
    'union of client CAs',
    'union',
    n.cps.map((cp) => `${n.api(cp)}:client-ca`),
    n.extClient,
  );
  c.flow(
    'union of front-proxy CAs',
    'union',
    n.cps.map((cp) => `${n.api(cp)}:front-proxy-ca`),
    n.extProxy,
  );
  c.store(n.caBundle, 'kubernetes', 'trust');
  c.store(n.webhookSecret, 'kubernetes', 'credential');
}

export function pods(c: Collector, n: Names) {
  for (const [kind, members] of [
    ['frozen', n.frozen],
    ['reloading', n.reloading],
  ] as const) {
    const projected = members.map((pod) => `${pod} ca.crt`);
    const tokens = members.map((pod) => `${pod} token`);
    c.store(`${kind} ca.crt`, 'kubernetes', 'trust', 'old', projected);
    c.store(`${kind} token`, 'service-account', 'credential', 'old', tokens);
    c.flow(`projected ca.crt of ${kind} pods`, 'copy', [n.rootCm], `${kind} ca.crt`);
    c.flow(
      `tokens of ${kind} pods`,
      'signs',
      n.cps.map((cp) => `${n.api(cp)}:sa-sign`),
      `${kind} token`,
    );
    const hot = kind === 'reloading';
    c.use(
      `pod/app/${kind}:root-ca`,
      'verifies-servers',
      'kubernetes',
      hot ? 'at-once' : 'restart',
      hot ? 'loaded' : 'restarted',
      from(`${kind} ca.crt`),
      members,
    );
    c.use(
      `pod/app/${kind}:token`,
      'presents-as-client',
      'service-account',
      'at-once',
      'loaded',
      from(`${kind} token`),
      members,
    );
    for (const cp of n.cps) {
      c.edge('pod verifies the API server', `pod/app/${kind}:root-ca`, `${n.api(cp)}:serving`);
      c.edge('token at the API server', `${n.api(cp)}:sa-verify`, `pod/app/${kind}:token`);
    }
  }
}

export function webhook(c: Collector, n: Names) {
  c.use(`${n.webhook}:serving`, 'presents-as-server', 'kubernetes', 'never-known', 'serves', from(n.webhookSecret));
  c.flow('certificate of the webhook', 'copy', [n.flight], n.webhookSecret);
  for (const cp of n.cps) c.edge('API server verifies the webhook', `${n.api(cp)}:webhook-ca`, `${n.webhook}:serving`);
}

export function extensionServer(c: Collector, n: Names) {
  c.use(`${n.ext}:front-proxy-ca`, 'verifies-clients', 'front-proxy', 'at-once', 'accepts', from(n.extProxy));
  c.use(`${n.ext}:client-ca`, 'verifies-clients', 'kubernetes', 'at-once', 'accepts', from(n.extClient));
  for (const cp of n.cps)
    c.edge('API server at the extension server', `${n.ext}:front-proxy-ca`, `${n.api(cp)}:front-proxy-client`);
  c.edge('user at the extension server', `${n.ext}:client-ca`, `${n.user}:client`);
}

export function user(c: Collector, n: Names) {
  c.store(n.userConf('ca'), 'kubernetes', 'trust');
  c.store(n.userConf('client'), 'kubernetes', 'credential');
  c.use(`${n.user}:ca`, 'verifies-servers', 'kubernetes', 'restart', 'restarted', from(n.userConf('ca')));
  c.use(`${n.user}:client`, 'presents-as-client', 'kubernetes', 'restart', 'restarted', from(n.userConf('client')));
  for (const cp of n.cps) {
    c.edge('user verifies the API server', `${n.user}:ca`, `${n.api(cp)}:serving`);
    c.edge('user at the API server', `${n.api(cp)}:client-ca`, `${n.user}:client`);
  }
}

/** A node that comes while the rotation runs: trust from cluster-info, certificate from the signer, no history. */
export function joiner(c: Collector, n: Names) {
  c.use(`${n.joiner}:ca`, 'verifies-servers', 'kubernetes', 'never-known', 'loaded', []);
  c.use(`${n.joiner}:client-ca`, 'verifies-clients', 'kubernetes', 'never-known', 'loaded', []);
  c.use(`${n.joiner}:client`, 'presents-as-client', 'kubernetes', 'never-known', 'loaded', []);
  c.flow('a join takes cluster-info', 'copy', [n.clusterInfo], `${n.joiner}:ca`, 'join');
  c.flow('a join writes ca.crt', 'copy', [n.clusterInfo], `${n.joiner}:client-ca`, 'join');
  c.flow('a join takes a certificate', 'copy', [n.flight], `${n.joiner}:client`, 'join');
  for (const cp of n.cps) {
    c.edge('joining node verifies the API server', `${n.joiner}:ca`, `${n.api(cp)}:serving`);
    c.edge('joining node at the API server', `${n.api(cp)}:client-ca`, `${n.joiner}:client`);
    c.edge('API server at the joining node', `${n.joiner}:client-ca`, `${n.api(cp)}:kubelet-connections`);
  }
}

/** `kubeadm certs renew` and upgrades, off unless a test turns them on: leafs without a bridge, and one anchor into kubeconfigs. */
export function kubeadmItself(c: Collector, n: Names) {
  for (const cp of n.cps) {
    c.store(n.kubeadmCa(cp), 'kubernetes', 'signer');
    for (const to of [n.serving(cp), n.kubeletClient(cp), n.kcmConf(cp, 'client'), n.schedulerConf(cp, 'client')]) {
      c.flow(`kubeadm renew on ${cp}`, 'signs', [n.kubeadmCa(cp)], to, 'kubeadm');
    }
    for (const to of [n.kcmConf(cp, 'ca'), n.schedulerConf(cp, 'ca')]) {
      c.flow(`kubeadm renew on ${cp}`, 'copy', [n.kubeadmCa(cp)], to, 'kubeadm');
    }
  }
}
