// A synthetic kubeadm cluster as an inventory: for the planner's benchmark and its tests. Certificates are facts without keys or DER.

import { fileId, objectId } from '../src/core/model/ids.ts';
import type {
  AuthorityFact,
  Callee,
  CertFact,
  Instance,
  Inventory,
  Node,
  Pod,
  Store,
  StoreKind,
} from '../src/core/model/inventory.ts';
import type { AuthorityRotation, Rotation, Route } from '../src/core/model/rotation.ts';

export const DAY = 86_400_000;
/** The moment the inventory is taken. */
export const T0 = Date.UTC(2026, 10, 24);
const LONG_AGO = T0 - 300 * DAY;
const STARTED = T0 - 30 * DAY;
export const PKI = '/etc/kubernetes/pki';

export interface ClusterShape {
  controlPlanes: number;
  workers: number;
  pods: number;
  namespaces: number;
  version: string;
  webhook: boolean;
  aggregated: boolean;
  /** `kubeconfig` of a person on the first worker. */
  person: boolean;
}

export const SMALL: ClusterShape = {
  controlPlanes: 3,
  workers: 2,
  pods: 0,
  namespaces: 4,
  version: '1.36.3',
  webhook: true,
  aggregated: true,
  person: false,
};

// ---- certificates ----

let serial = 0;
const hex = (text: string): string => Buffer.from(text).toString('hex').padEnd(64, '0').slice(0, 64);

export function fakeCA(name: string, more: Partial<CertFact> = {}): CertFact {
  const fingerprint = hex(`ca:${name}`);
  return {
    ...leafFacts(name, name),
    fingerprint,
    isCA: true,
    keyId: hex(`kid:${name}`).slice(0, 40),
    authorityKeyId: hex(`kid:${name}`).slice(0, 40),
    spki: hex(`key:${name}`),
    notAfter: T0 + 3650 * DAY,
    extKeyUsages: [],
    keyUsages: ['digitalSignature', 'keyEncipherment', 'keyCertSign'],
    selfSigned: true,
    signedBy: [fingerprint],
    ...more,
  };
}

export const fakeLeaf = (name: string, ca: CertFact): CertFact => ({
  ...leafFacts(name, ca.subject.slice(3)),
  spki: hex(`key:${name}`),
  ...(ca.keyId === undefined ? {} : { authorityKeyId: ca.keyId }),
  signedBy: [ca.fingerprint],
});

/** `of` certified by `by`. */
export const fakeBridge = (of: CertFact, by: CertFact): CertFact => ({
  ...of,
  fingerprint: hex(`${of.subject}<${by.subject}`),
  issuer: by.subject,
  issuerDer: by.subjectDer,
  selfSigned: false,
  signedBy: [by.fingerprint],
});

function leafFacts(name: string, issuer: string): CertFact {
  serial += 1;
  return {
    fingerprint: hex(`${serial}:${name}`),
    subject: `CN=${name}`,
    issuer: `CN=${issuer}`,
    subjectDer: Buffer.from(name).toString('base64'),
    issuerDer: Buffer.from(issuer).toString('base64'),
    serial: String(serial),
    notBefore: LONG_AGO,
    notAfter: T0 + 200 * DAY,
    isCA: false,
    spki: '',
    keyType: 'EC-P-256',
    extKeyUsages: ['serverAuth', 'clientAuth'],
    dnsNames: [],
    ipAddresses: [],
    nameConstraints: false,
    selfSigned: false,
    signedBy: [],
  };
}

export const OLD = fakeCA('kubernetes');
export const NEW = fakeCA('kubernetes-2026');
export const OLD_PROXY = fakeCA('front-proxy-ca');
export const NEW_PROXY = fakeCA('front-proxy-ca-2026');

export const authorityRotation = (
  authority: AuthorityRotation['authority'],
  old: CertFact,
  fresh: CertFact,
  route: Route = 'bridge',
): AuthorityRotation => ({
  authority,
  old,
  new: fresh,
  route,
  because: 'given by the test',
  bridges: route === 'bridge' ? { serving: fakeBridge(fresh, old).fingerprint } : {},
});

export const syntheticRotation = (route: Route = 'bridge', more: Partial<Rotation> = {}): Rotation => ({
  id: 'test',
  authorities: [
    authorityRotation('kubernetes', OLD, NEW, route),
    authorityRotation('front-proxy', OLD_PROXY, NEW_PROXY, route),
  ],
  restart: 'none',
  waivers: [],
  newKeys: false,
  compromised: false,
  maxUnavailable: '1',
  ...more,
});

// ---- the cluster ----

/** A kubeadm cluster before any rotation. Linear in its size. */
export function syntheticInventory(shape: Partial<ClusterShape> = {}): Inventory {
  const size = { ...SMALL, ...shape };
  const planes = names('cp', size.controlPlanes);
  const workers = names('w', size.workers);
  const namespaces = ['kube-system', 'kube-public', ...names('team-', Math.max(0, size.namespaces - 2))];
  const instances = [
    ...planes.flatMap((node, i) => controlPlane(node, i === 0, size.version)),
    ...[...planes, ...workers].map((node) => kubelet(node, size.version)),
    ...(size.webhook && workers[0] ? [webhookProcess(workers[0])] : []),
  ];
  return {
    takenAt: T0,
    cluster: { server: 'https://10.0.0.100:6443', version: size.version },
    nodes: [...planes.map((name) => node(name, 'control-plane')), ...workers.map((name) => node(name, 'worker'))],
    authorities: [keyed('kubernetes', OLD, planes, 'ca'), keyed('front-proxy', OLD_PROXY, planes, 'front-proxy-ca')],
    instances,
    stores: [
      ...planes.flatMap(planeStores),
      ...[...planes, ...workers].flatMap(kubeletStores),
      ...workers.map((name) => file(name, `${PKI}/ca.crt`, 'bundle', [OLD])),
      ...objects(namespaces),
      ...calleeStores(size, workers[0]),
      ...(size.person && workers[0] ? kubeconfig(workers[0], '/home/ann/.kube/config', 'ann') : []),
    ],
    pods: pods(size.pods, [...workers, ...planes], namespaces),
    namespaces,
    callees: callees(size, workers[0]),
    findings: [],
  };
}

const names = (prefix: string, count: number): string[] => Array.from({ length: count }, (_, i) => `${prefix}${i + 1}`);

const node = (name: string, role: 'control-plane' | 'worker'): Node => ({
  name,
  roles: [role],
  reached: true,
  clockOffset: 0,
  freeBytes: 10 ** 10,
});

const keyed = (authority: AuthorityFact['authority'], ca: CertFact, planes: string[], file: string): AuthorityFact => ({
  authority,
  anchors: [ca],
  keys: planes.map((name) => ({ fingerprint: ca.fingerprint, node: name, path: `${PKI}/${file}.key` })),
});

const flagsOf = (flags: Record<string, string>): Record<string, string[]> =>
  Object.fromEntries(Object.entries(flags).map(([name, value]) => [name, [value]]));

function instance(name: string, component: string, version: string, flags: Record<string, string>): Instance {
  return {
    id: `${name}/${component}`,
    node: name,
    component,
    version,
    pid: 1000,
    startedAt: STARTED,
    flags: flagsOf(flags),
    settings: {},
    management: { by: 'static-pod', manifest: `/etc/kubernetes/manifests/${component}.yaml` },
  };
}

function controlPlane(name: string, leads: boolean, version: string): Instance[] {
  const conf = (component: string): Record<string, string> => ({
    kubeconfig: `/etc/kubernetes/${component}.conf`,
    'authentication-kubeconfig': `/etc/kubernetes/${component}.conf`,
    'authorization-kubeconfig': `/etc/kubernetes/${component}.conf`,
  });
  const trust = {
    'client-ca-file': `${PKI}/ca.crt`,
    'requestheader-client-ca-file': `${PKI}/front-proxy-ca.crt`,
  };
  return [
    {
      ...instance(name, 'kube-apiserver', version, {
        ...trust,
        'tls-cert-file': `${PKI}/apiserver.crt`,
        'tls-private-key-file': `${PKI}/apiserver.key`,
        'kubelet-client-certificate': `${PKI}/apiserver-kubelet-client.crt`,
        'kubelet-client-key': `${PKI}/apiserver-kubelet-client.key`,
        'proxy-client-cert-file': `${PKI}/front-proxy-client.crt`,
        'proxy-client-key-file': `${PKI}/front-proxy-client.key`,
      }),
      endpoint: `${name}:6443`,
    },
    {
      ...instance(name, 'kube-controller-manager', version, {
        ...trust,
        ...conf('controller-manager'),
        'root-ca-file': `${PKI}/ca.crt`,
        'cluster-signing-cert-file': `${PKI}/ca.crt`,
        'cluster-signing-key-file': `${PKI}/ca.key`,
      }),
      leader: leads,
    },
    { ...instance(name, 'kube-scheduler', version, conf('scheduler')), leader: leads },
    instance(name, 'etcd', '3.6.8', { 'cert-file': `${PKI}/etcd/server.crt`, 'trusted-ca-file': `${PKI}/etcd/ca.crt` }),
  ];
}

const kubelet = (name: string, version: string): Instance => ({
  ...instance(name, 'kubelet', version, { kubeconfig: '/etc/kubernetes/kubelet.conf' }),
  settings: { 'authentication.x509.clientCAFile': `${PKI}/ca.crt`, rotateCertificates: 'true' },
  management: { by: 'unit', unit: 'kubelet.service' },
});

const webhookProcess = (name: string): Instance => ({
  ...instance(name, 'webhook', '', {
    'tls-cert-file': '/srv/webhook/tls.crt',
    'tls-private-key-file': '/srv/webhook/tls.key',
  }),
  management: { by: 'command', command: 'restart webhook' },
});

function file(name: string, path: string, kind: StoreKind, certs: CertFact[], more: Partial<Store> = {}): Store {
  return { id: fileId(name, path), kind, node: name, path, certs, changedAt: LONG_AGO, links: 1, ...more };
}

const leaf = (name: string, path: string, subject: string, ca: CertFact): Store =>
  file(name, `${path}.crt`, 'leaf', [fakeLeaf(`${subject}@${name}`, ca)], { keyPath: `${path}.key` });

function kubeconfig(name: string, path: string, user: string): Store[] {
  const common = { node: name, path, changedAt: LONG_AGO, links: 1, server: 'https://10.0.0.100:6443', user };
  return [
    { ...common, id: fileId(name, path, 'ca'), kind: 'kubeconfig-ca', certs: [OLD] },
    {
      ...common,
      id: fileId(name, path, 'client'),
      kind: 'kubeconfig-client',
      certs: [fakeLeaf(`${user}@${name}`, OLD)],
      keyPath: path,
    },
  ];
}

const planeStores = (name: string): Store[] => [
  file(name, `${PKI}/ca.crt`, 'bundle', [OLD], { keyPath: `${PKI}/ca.key`, keySpki: OLD.spki }),
  file(name, `${PKI}/front-proxy-ca.crt`, 'bundle', [OLD_PROXY]),
  leaf(name, `${PKI}/apiserver`, 'kube-apiserver', OLD),
  leaf(name, `${PKI}/apiserver-kubelet-client`, 'kube-apiserver-kubelet-client', OLD),
  leaf(name, `${PKI}/front-proxy-client`, 'front-proxy-client', OLD_PROXY),
  ...['controller-manager', 'scheduler', 'admin'].flatMap((user) =>
    kubeconfig(name, `/etc/kubernetes/${user}.conf`, user),
  ),
  ...['kube-apiserver', 'kube-controller-manager', 'kube-scheduler'].map((component) =>
    file(name, `/etc/kubernetes/manifests/${component}.yaml`, 'manifest', []),
  ),
];

export const KUBELET_PEM = '/var/lib/kubelet/pki/kubelet-client-current.pem';
const kubeletStores = (name: string): Store[] => [
  ...kubeconfig(name, '/etc/kubernetes/kubelet.conf', 'kubelet').slice(0, 1),
  file(name, KUBELET_PEM, 'leaf', [fakeLeaf(`system:node:${name}`, OLD)], { keyPath: KUBELET_PEM }),
];

const bundle = (id: string, certs: CertFact[], more: Partial<Store> = {}): Store => ({
  id,
  kind: 'object-bundle',
  certs,
  changedAt: LONG_AGO,
  ...more,
});

export const UNION = objectId('ConfigMap', 'kube-system', 'extension-apiserver-authentication');
const objects = (namespaces: string[]): Store[] => [
  ...namespaces.map((ns) =>
    bundle(objectId('ConfigMap', ns, 'kube-root-ca.crt', 'ca.crt'), [OLD], { publishedBy: 'root-ca-publisher' }),
  ),
  bundle(`${UNION}#client-ca-file`, [OLD], { publishedBy: 'cluster-authentication-trust' }),
  bundle(`${UNION}#requestheader-client-ca-file`, [OLD_PROXY], { publishedBy: 'cluster-authentication-trust' }),
  bundle(objectId('ConfigMap', 'kube-public', 'cluster-info', 'kubeconfig'), [OLD]),
];

const WEBHOOK = objectId('ValidatingWebhookConfiguration', '', 'policy', 'webhooks/0');
function calleeStores(size: ClusterShape, worker: string | undefined): Store[] {
  if (!size.webhook || !worker) return [];
  return [bundle(WEBHOOK, [OLD]), leaf(worker, '/srv/webhook/tls', 'webhook', OLD)];
}

function callees(size: ClusterShape, worker: string | undefined): Callee[] {
  if (!worker) return [];
  const webhook: Callee = {
    id: 'webhook/policy',
    caBundle: WEBHOOK,
    endpoint: '10.0.0.50:9443',
    servingStore: fileId(worker, '/srv/webhook/tls.crt'),
  };
  const aggregated: Callee = { id: 'apiservice/v1.example', endpoint: '10.0.0.51:443', insecureSkipTLSVerify: true };
  return [...(size.webhook ? [webhook] : []), ...(size.aggregated ? [aggregated] : [])];
}

/** Every tenth pod re-reads its CA file; every twentieth is on a host path that concerns nobody. */
function pods(count: number, nodes: string[], namespaces: string[]): Pod[] {
  return Array.from({ length: count }, (_, i): Pod => {
    const namespace = namespaces[i % namespaces.length] ?? 'default';
    return {
      id: `pod/${namespace}/app-${i}`,
      namespace,
      name: `app-${i}`,
      node: nodes[i % nodes.length] ?? 'w1',
      startedAt: STARTED,
      rootCA: 'projected',
      ...(i % 10 === 0 ? { rereads: true } : {}),
      holds: [OLD.fingerprint],
      owner: { kind: 'ReplicaSet', name: 'app' },
      hostPaths: i % 20 === 0 ? ['/run/xtables.lock'] : [],
    };
  });
}
