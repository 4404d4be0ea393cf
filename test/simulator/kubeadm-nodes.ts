// What runs on the nodes of a kubeadm cluster: the control plane's components and kubelets.

import type { Source } from '../../src/core/model/topology.ts';
import { type Collector, from } from './collector.ts';
import type { Names } from './names.ts';

export function apiServer(c: Collector, n: Names, cp: string) {
  const api = n.api(cp);
  c.store(n.ca(cp), 'kubernetes', 'trust');
  c.store(n.serving(cp), 'kubernetes', 'credential');
  c.store(n.kubeletClient(cp), 'kubernetes', 'credential');
  c.store(n.fpCa(cp), 'front-proxy', 'trust');
  c.store(n.fpClient(cp), 'front-proxy', 'credential');
  c.store(n.etcdClient(cp), 'etcd', 'credential');
  c.store(n.saPub(cp), 'service-account', 'trust');
  c.store(n.saKey(cp), 'service-account', 'signer');
  c.use(`${api}:client-ca`, 'verifies-clients', 'kubernetes', 'at-once', 'accepts', from(n.ca(cp)));
  c.use(`${api}:serving`, 'presents-as-server', 'kubernetes', 'at-once', 'serves', from(n.serving(cp)));
  c.use(`${api}:kubelet-client`, 'presents-as-client', 'kubernetes', 'at-once', 'presents', from(n.kubeletClient(cp)));
  // Kept connections are authenticated per request with the certificate of their handshake: a second memory.
  c.use(`${api}:kubelet-connections`, 'presents-as-client', 'kubernetes', 'five-minutes', 'presents', []);
  c.flow(`connections of ${api} to kubelets`, 'copy', [`${api}:kubelet-client`], `${api}:kubelet-connections`);
  c.use(`${api}:front-proxy-ca`, 'verifies-clients', 'front-proxy', 'at-once', 'accepts', from(n.fpCa(cp)));
  c.use(`${api}:front-proxy-client`, 'presents-as-client', 'front-proxy', 'at-once', 'presents', from(n.fpClient(cp)));
  c.use(`${api}:webhook-ca`, 'verifies-servers', 'kubernetes', 'at-once', 'loaded', from(n.caBundle));
  c.use(`${api}:etcd-ca`, 'verifies-servers', 'etcd', 'restart', 'restarted', from(n.etcdCa(cp)));
  c.use(`${api}:etcd-client`, 'presents-as-client', 'etcd', 'at-once', 'presents', from(n.etcdClient(cp)));
  c.use(`${api}:sa-verify`, 'verifies-clients', 'service-account', 'restart', 'restarted', from(n.saPub(cp)));
  c.use(`${api}:sa-sign`, 'signs', 'service-account', 'restart', 'restarted', from(n.saKey(cp)));
}

export function etcd(c: Collector, n: Names, cp: string) {
  c.store(n.etcdCa(cp), 'etcd', 'trust');
  c.store(n.etcdServer(cp), 'etcd', 'credential');
  c.store(n.etcdPeer(cp), 'etcd', 'credential');
  c.use(`${n.etcd(cp)}:ca`, 'verifies-clients', 'etcd', 'restart', 'restarted', from(n.etcdCa(cp)));
  c.use(`${n.etcd(cp)}:server`, 'presents-as-server', 'etcd', 'at-once', 'serves', from(n.etcdServer(cp)));
  c.use(`${n.etcd(cp)}:peer`, 'presents-as-client', 'etcd', 'at-once', 'presents', from(n.etcdPeer(cp)));
  c.edge('etcd server certificate', `${n.api(cp)}:etcd-ca`, `${n.etcd(cp)}:server`);
  c.edge('etcd client certificate', `${n.etcd(cp)}:ca`, `${n.api(cp)}:etcd-client`);
  for (const other of n.cps) if (other !== cp) c.edge('etcd peers', `${n.etcd(cp)}:ca`, `${n.etcd(other)}:peer`);
}

function localClient(
  c: Collector,
  n: Names,
  cp: string,
  party: string,
  conf: (part: 'ca' | 'client') => string,
  kind: string,
) {
  for (const part of ['ca', 'client'] as const)
    c.store(conf(part), 'kubernetes', part === 'ca' ? 'trust' : 'credential');
  c.use(`${party}:kubeconfig-ca`, 'verifies-servers', 'kubernetes', 'restart', 'restarted', from(conf('ca')));
  c.use(`${party}:kubeconfig-client`, 'presents-as-client', 'kubernetes', 'restart', 'restarted', from(conf('client')));
  c.edge(`${kind} verifies the API server`, `${party}:kubeconfig-ca`, `${n.api(cp)}:serving`);
  c.edge(`${kind} at the API server`, `${n.api(cp)}:client-ca`, `${party}:kubeconfig-client`);
}

export function scheduler(c: Collector, n: Names, cp: string) {
  localClient(c, n, cp, n.scheduler(cp), (part) => n.schedulerConf(cp, part), 'scheduler');
}

export function controllerManager(c: Collector, n: Names, cp: string) {
  localClient(c, n, cp, n.kcm(cp), (part) => n.kcmConf(cp, part), 'controller manager');
  c.store(n.manifest(cp), 'kubernetes', 'flags', 'found');
  c.store(n.signer(cp), 'kubernetes', 'signer', 'absent');
  c.store(n.rootBundle(cp), 'kubernetes', 'trust', 'none');
  c.use(`${n.kcm(cp)}:flags`, 'flags', 'kubernetes', 'restart', 'restarted', from(n.manifest(cp)));
}

/** The elected one: whichever instance it is, so its files are those of all. */
export function leader(c: Collector, n: Names) {
  const sources = (found: (cp: string) => string, split: (cp: string) => string): Source[] =>
    n.cps.flatMap((cp) => [
      { when: { flags: `${n.kcm(cp)}:flags`, is: 'found' as const }, store: found(cp) },
      { when: { flags: `${n.kcm(cp)}:flags`, is: 'split' as const }, store: split(cp) },
    ]);
  const all = n.cps.map(n.kcm);
  c.use(`${n.leader}:signer`, 'signs', 'kubernetes', 'at-once', 'signs', sources(n.ca, n.signer), all);
  c.use(`${n.leader}:root-ca`, 'publishes', 'kubernetes', 'leadership', 'restarted', sources(n.ca, n.rootBundle), all);
}

export function kubelet(c: Collector, n: Names, node: string) {
  const party = n.kubelet(node);
  if (!n.cps.includes(node)) c.store(n.ca(node), 'kubernetes', 'trust');
  c.store(n.kubeletConf(node), 'kubernetes', 'trust');
  c.store(n.kubeletPem(node), 'kubernetes', 'credential');
  c.use(`${party}:client-ca`, 'verifies-clients', 'kubernetes', 'at-once', 'accepts', from(n.ca(node)));
  c.use(`${party}:kubeconfig-ca`, 'verifies-servers', 'kubernetes', 'restart', 'restarted', from(n.kubeletConf(node)));
  c.use(`${party}:client`, 'presents-as-client', 'kubernetes', 'own-rotation', 'restarted', from(n.kubeletPem(node)));
  c.flow(`own rotation of ${party}`, 'copy', [n.flight], n.kubeletPem(node), 'own-rotation');
  for (const cp of n.cps) {
    c.edge('kubelet verifies the API server', `${party}:kubeconfig-ca`, `${n.api(cp)}:serving`);
    c.edge('kubelet at the API server', `${n.api(cp)}:client-ca`, `${party}:client`);
    c.edge('API server at the kubelet', `${party}:client-ca`, `${n.api(cp)}:kubelet-connections`);
  }
}
