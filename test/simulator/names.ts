// Ids of everything in the kubeadm cluster of kubeadm.ts, for plans and assertions.

const upTo = (n: number, prefix: string) => Array.from({ length: n }, (_, i) => `${prefix}${i + 1}`);

export interface Shape {
  controlPlanes?: number;
  workers?: number;
  podsPerClass?: number;
}

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
