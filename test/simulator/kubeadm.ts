// A kubeadm cluster as a topology, written by hand from the components' documentation and sources, not by the catalogue: 3 control
// planes, 2 workers, two kinds of pods, a webhook with a certificate from the CSR API, an aggregated API server, a user, a node that joins.

import type { Authority } from '../../src/core/model/ids.ts';
import type { Actor, ProofKind } from '../../src/core/model/step.ts';
import type { Edge, Flow, Reread, Source, StoreClass, Topology, Use, UseKind } from '../../src/core/model/topology.ts';
import type { Holds, Value } from '../../src/core/model/value.ts';

const upTo = (n: number, prefix: string) => Array.from({ length: n }, (_, i) => `${prefix}${i + 1}`);

export interface Shape {
  controlPlanes?: number;
  workers?: number;
  podsPerClass?: number;
}

/** Ids of everything in the cluster, for plans and assertions. */
export function names(shape: Shape = {}) {
  const cps = upTo(shape.controlPlanes ?? 3, 'cp');
  const workers = upTo(shape.workers ?? 2, 'w');
  const pods = shape.podsPerClass ?? 2;
  const pki = (node: string, file: string) => `file/${node}:/etc/kubernetes/pki/${file}`;
  const conf = (node: string, file: string, part: 'ca' | 'client') => `file/${node}:/etc/kubernetes/${file}#${part}`;
  return {
    cps,
    workers,
    nodes: [...cps, ...workers],
    ca: (n: string) => pki(n, 'ca.crt'),
    serving: (n: string) => pki(n, 'apiserver.crt'),
    kubeletClient: (n: string) => pki(n, 'apiserver-kubelet-client.crt'),
    fpCa: (n: string) => pki(n, 'front-proxy-ca.crt'),
    fpClient: (n: string) => pki(n, 'front-proxy-client.crt'),
    etcdCa: (n: string) => pki(n, 'etcd/ca.crt'),
    etcdServer: (n: string) => pki(n, 'etcd/server.crt'),
    etcdPeer: (n: string) => pki(n, 'etcd/peer.crt'),
    etcdClient: (n: string) => pki(n, 'apiserver-etcd-client.crt'),
    saPub: (n: string) => pki(n, 'sa.pub'),
    saKey: (n: string) => pki(n, 'sa.key'),
    signer: (n: string) => pki(n, 'signer.pem'),
    rootBundle: (n: string) => pki(n, 'root-bundle.crt'),
    /** What kubeadm signs with: the first certificate of ca.crt, and ca.key. */
    kubeadmCa: (n: string) => pki(n, 'ca.key'),
    manifest: (n: string) => `file/${n}:/etc/kubernetes/manifests/kube-controller-manager.yaml`,
    kcmConf: (n: string, part: 'ca' | 'client') => conf(n, 'controller-manager.conf', part),
    schedulerConf: (n: string, part: 'ca' | 'client') => conf(n, 'scheduler.conf', part),
    kubeletConf: (n: string) => conf(n, 'kubelet.conf', 'ca'),
    kubeletPem: (n: string) => `file/${n}:/var/lib/kubelet/pki/kubelet-client-current.pem`,
    userConf: (part: 'ca' | 'client') => `file/laptop:/home/ann/.kube/config#${part}` as const,
    rootCm: 'object/ConfigMap/*/kube-root-ca.crt#ca.crt',
    clusterInfo: 'object/ConfigMap/kube-public/cluster-info#kubeconfig',
    extClient: 'object/ConfigMap/kube-system/extension-apiserver-authentication#client-ca-file',
    extProxy: 'object/ConfigMap/kube-system/extension-apiserver-authentication#requestheader-client-ca-file',
    caBundle: 'object/ValidatingWebhookConfiguration//policy#caBundle',
    webhookSecret: 'object/Secret/policy/serving#tls.crt',
    flight: 'certificates in flight',
    api: (n: string) => `${n}/kube-apiserver`,
    etcd: (n: string) => `${n}/etcd`,
    kcm: (n: string) => `${n}/kube-controller-manager`,
    scheduler: (n: string) => `${n}/kube-scheduler`,
    kubelet: (n: string) => `${n}/kubelet`,
    leader: 'kube-controller-manager',
    frozen: upTo(pods, 'pod/app/frozen-'),
    reloading: upTo(pods, 'pod/app/reloading-'),
    webhook: 'webhook/policy',
    ext: 'apiservice/v1.example',
    user: 'user/ann',
    joiner: 'node/joining',
  };
}

export type Names = ReturnType<typeof names>;

/** Collects a topology; every store and use begins at old. */
function collector() {
  const stores: StoreClass[] = [];
  const uses: Use[] = [];
  const flows: Flow[] = [];
  const edges: Edge[] = [];
  const initial: { stores: Record<string, Value[]>; uses: Record<string, Value[]> } = { stores: {}, uses: {} };
  return {
    stores,
    uses,
    flows,
    edges,
    initial,
    store(id: string, authority: Authority, holds: Holds, first: Value | undefined = 'old', members = [id]) {
      stores.push({ id, authority, holds, members });
      if (first) initial.stores[id] = [first];
    },
    use(
      id: string,
      kind: UseKind,
      authority: Authority,
      reread: Reread,
      proof: ProofKind,
      sources: Source[],
      parties = [id.slice(0, id.lastIndexOf(':'))],
    ) {
      const holds = {
        signs: 'signer',
        flags: 'flags',
        publishes: 'trust',
        'verifies-servers': 'trust',
        'verifies-clients': 'trust',
        'presents-as-server': 'credential',
        'presents-as-client': 'credential',
      } as const;
      uses.push({ id, kind, authority, holds: holds[kind], reread, proof, sources, party: parties[0]!, parties });
    },
    flow(id: string, how: Flow['how'], from: string[], to: string, actor?: Actor) {
      flows.push({ id, how, from, to, ...(actor && { actor }) });
    },
    edge(channel: string, verifier: string, presenter: string) {
      edges.push({ channel, verifier, presenter });
    },
  };
}

type Collector = ReturnType<typeof collector>;
const from = (...stores: string[]): Source[] => stores.map((store) => ({ store }));

export function kubeadm(shape: Shape = {}): Topology {
  const c = collector();
  const n = names(shape);
  for (const cp of n.cps) {
    apiServer(c, n, cp);
    etcd(c, n, cp);
    controllerManager(c, n, cp);
    scheduler(c, n, cp);
  }
  for (const node of n.nodes) kubelet(c, n, node);
  leader(c, n);
  objects(c, n);
  pods(c, n);
  webhook(c, n);
  extensionServer(c, n);
  user(c, n);
  joiner(c, n);
  kubeadmItself(c, n);
  return {
    stores: c.stores,
    uses: c.uses,
    flows: c.flows,
    edges: c.edges,
    initial: c.initial,
    actors: ['join', 'own-rotation'],
  };
}

function apiServer(c: Collector, n: Names, cp: string) {
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

function etcd(c: Collector, n: Names, cp: string) {
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

function scheduler(c: Collector, n: Names, cp: string) {
  localClient(c, n, cp, n.scheduler(cp), (part) => n.schedulerConf(cp, part), 'scheduler');
}

function controllerManager(c: Collector, n: Names, cp: string) {
  localClient(c, n, cp, n.kcm(cp), (part) => n.kcmConf(cp, part), 'controller manager');
  c.store(n.manifest(cp), 'kubernetes', 'flags', 'found');
  c.store(n.signer(cp), 'kubernetes', 'signer', 'absent');
  c.store(n.rootBundle(cp), 'kubernetes', 'trust', 'none');
  c.use(`${n.kcm(cp)}:flags`, 'flags', 'kubernetes', 'restart', 'restarted', from(n.manifest(cp)));
}

/** The elected one: whichever instance it is, so its files are those of all. */
function leader(c: Collector, n: Names) {
  const sources = (found: (cp: string) => string, split: (cp: string) => string): Source[] =>
    n.cps.flatMap((cp) => [
      { when: { flags: `${n.kcm(cp)}:flags`, is: 'found' as const }, store: found(cp) },
      { when: { flags: `${n.kcm(cp)}:flags`, is: 'split' as const }, store: split(cp) },
    ]);
  const all = n.cps.map(n.kcm);
  c.use(`${n.leader}:signer`, 'signs', 'kubernetes', 'at-once', 'signs', sources(n.ca, n.signer), all);
  c.use(`${n.leader}:root-ca`, 'publishes', 'kubernetes', 'leadership', 'restarted', sources(n.ca, n.rootBundle), all);
}

function kubelet(c: Collector, n: Names, node: string) {
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

function objects(c: Collector, n: Names) {
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

function pods(c: Collector, n: Names) {
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

function webhook(c: Collector, n: Names) {
  c.use(`${n.webhook}:serving`, 'presents-as-server', 'kubernetes', 'never-known', 'serves', from(n.webhookSecret));
  c.flow('certificate of the webhook', 'copy', [n.flight], n.webhookSecret);
  for (const cp of n.cps) c.edge('API server verifies the webhook', `${n.api(cp)}:webhook-ca`, `${n.webhook}:serving`);
}

function extensionServer(c: Collector, n: Names) {
  c.use(`${n.ext}:front-proxy-ca`, 'verifies-clients', 'front-proxy', 'at-once', 'accepts', from(n.extProxy));
  c.use(`${n.ext}:client-ca`, 'verifies-clients', 'kubernetes', 'at-once', 'accepts', from(n.extClient));
  for (const cp of n.cps)
    c.edge('API server at the extension server', `${n.ext}:front-proxy-ca`, `${n.api(cp)}:front-proxy-client`);
  c.edge('user at the extension server', `${n.ext}:client-ca`, `${n.user}:client`);
}

function user(c: Collector, n: Names) {
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
function joiner(c: Collector, n: Names) {
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
function kubeadmItself(c: Collector, n: Names) {
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
