import { describe, expect, it } from 'vitest';
import {
  authorityRotation,
  fakeCA,
  fakeLeaf,
  NEW,
  OLD,
  OLD_PROXY,
  PKI,
  syntheticInventory,
  syntheticRotation,
  T0,
} from '../../../bench/inventory.ts';
import { NEWEST_MINOR, OLDEST_MINOR, unsupportedNode } from '../../../src/core/catalog/support.ts';
import { fileId, objectId } from '../../../src/core/model/ids.ts';
import type { Instance, Inventory, Store } from '../../../src/core/model/inventory.ts';
import type { Rotation } from '../../../src/core/model/rotation.ts';
import { plan } from '../../../src/core/plan/plan.ts';
import { preconditions } from '../../../src/core/plan/preconditions.ts';
import { CLOCK_LIMIT, LEAST_FREE_BYTES } from '../../../src/core/plan/preconditions-cluster.ts';

const rotation = syntheticRotation();
const OTHER = fakeCA('other');
const INTERMEDIATE = {
  ...fakeCA('intermediate'),
  selfSigned: false,
  issuerDer: OLD.subjectDer,
  signedBy: [OLD.fingerprint],
};

function reasons(change: (inventory: Inventory) => void, asked: Rotation = rotation): string[] {
  const inventory = syntheticInventory();
  change(inventory);
  return preconditions(inventory, asked, T0).map((refusal) => refusal.reason);
}

const node = (inventory: Inventory, name: string) => inventory.nodes.find((one) => one.name === name)!;
const instance = (inventory: Inventory, id: string): Instance => inventory.instances.find((one) => one.id === id)!;
const store = (inventory: Inventory, node: string, path: string): Store =>
  inventory.stores.find((one) => one.id === fileId(node, path))!;

it('lets a healthy cluster begin', () => {
  expect(reasons(() => undefined)).toEqual([]);
});

it('says why no control plane was reached', () => {
  const inventory = syntheticInventory();
  inventory.instances = inventory.instances.filter((one) => one.component !== 'kube-apiserver');
  Object.assign(node(inventory, 'cp1'), { reached: false, why: 'ssh to cp1 was refused' });
  const [refusal] = preconditions(inventory, rotation, T0);
  expect(refusal?.message).toMatch(/no kube-apiserver process .*; cp1 was not reached \(ssh to cp1 was refused\)$/);
});

describe.each<[reason: string, what: string, change: (inventory: Inventory) => void]>([
  [
    'no-control-plane',
    'no API server was found',
    (i) => (i.instances = i.instances.filter((one) => one.component !== 'kube-apiserver')),
  ],
  [
    'version-not-supported',
    'a cluster below the oldest version',
    (i) => (i.cluster.version = `1.${OLDEST_MINOR - 1}.9`),
  ],
  [
    'version-not-supported',
    'one kubelet below the oldest version',
    (i) => (instance(i, 'w1/kubelet').version = '1.29.0'),
  ],
  ['version-not-tested', 'a cluster above the newest version', (i) => (i.cluster.version = `1.${NEWEST_MINOR + 1}.0`)],
  [
    'distribution-not-supported',
    "a provider's nodes without a control plane among them",
    (i) => (i.cluster.distribution = { name: 'AKS, a managed control plane', instead: 'az aks rotate-certs' }),
  ],
  [
    'node-not-supported',
    'a control-plane node that keeps its files from everybody',
    (i) =>
      Object.assign(node(i, 'cp2'), {
        reached: false,
        unsupported: unsupportedNode({ operatingSystem: 'linux', osImage: 'Talos (v1.10.3)' }),
      }),
  ],
  ['distribution-not-supported', 'k3s', (i) => (i.cluster.version = '1.34.1+k3s1')],
  ['distribution-not-supported', 'RKE2', (i) => (i.cluster.version = '1.34.1+rke2r1')],
  ['distribution-not-supported', 'a managed control plane', (i) => (i.cluster.version = '1.33.2-eks-1234567')],
  [
    'control-plane-not-reached',
    'a control-plane node that is away',
    (i) => Object.assign(node(i, 'cp2'), { reached: false, why: 'no route' }),
  ],
  ['clock-off', 'trap 9: a clock that lags', (i) => (node(i, 'w1').clockOffset = -CLOCK_LIMIT - 1000)],
  ['clock-off', 'a clock an hour ahead', (i) => (node(i, 'cp1').clockOffset = 3_600_000)],
  ['disk-full', 'a full disk', (i) => (node(i, 'cp3').freeBytes = LEAST_FREE_BYTES - 1)],
  [
    'flags-not-settled',
    'a manifest that names another CA file',
    (i) => {
      const server = instance(i, 'cp1/kube-apiserver');
      server.nextFlags = { ...server.flags, 'client-ca-file': ['/somewhere/else.crt'] };
    },
  ],
  [
    'flags-not-settled',
    'a manifest that names another configuration file',
    (i) => {
      const scheduler = instance(i, 'cp1/kube-scheduler');
      scheduler.nextFlags = { ...scheduler.flags, config: ['/etc/kubernetes/scheduler.yaml'] };
    },
  ],
  [
    'per-signer-flags',
    'a signer per kind of certificate',
    (i) => {
      instance(i, 'cp1/kube-controller-manager').flags['cluster-signing-kubelet-serving-cert-file'] = ['/x.crt'];
    },
  ],
  [
    'manager-flags-not-editable',
    'a controller manager without a manifest',
    (i) => (instance(i, 'cp1/kube-controller-manager').management = { by: 'unit', unit: 'kcm' }),
  ],
  [
    'component-not-restartable',
    'a kubelet nobody knows how to restart',
    (i) => (instance(i, 'w2/kubelet').management = { by: 'unknown' }),
  ],
  ['old-ca-not-found', 'an old CA that is not in use', (i) => (i.authorities[0]!.anchors = [OTHER])],
  [
    'malformed-store',
    'a CA file that is none',
    (i) => Object.assign(store(i, 'cp1', `${PKI}/ca.crt`), { certs: [], fault: 'no certificate in it' }),
  ],
  [
    'malformed-store',
    'a kubelet whose configuration could not be understood',
    (i) => (instance(i, 'w1/kubelet').faults = [{ path: '/var/lib/kubelet/config.yaml', fault: 'it is not YAML' }]),
  ],
  [
    'pair-mismatch',
    'a key that fits another certificate',
    (i) => (store(i, 'cp1', `${PKI}/apiserver.crt`).keySpki = 'ff'),
  ],
  [
    'control-planes-disagree',
    'a control plane with another CA',
    (i) => (store(i, 'cp2', `${PKI}/ca.crt`).certs = [OTHER]),
  ],
  [
    'control-planes-disagree',
    'a control plane with one CA more',
    (i) => (store(i, 'cp2', `${PKI}/front-proxy-ca.crt`).certs = [OLD_PROXY, OTHER]),
  ],
  [
    'unknown-generation',
    'leafs from a second CA that is trusted',
    (i) => {
      i.authorities[0]!.anchors = [OLD, OTHER];
      store(i, 'cp1', `${PKI}/apiserver.crt`).certs = [fakeLeaf('kube-apiserver', OTHER)];
    },
  ],
  [
    'signer-is-another-ca',
    'a CA of its own for CSRs',
    (i) => {
      instance(i, 'cp1/kube-controller-manager').flags['cluster-signing-cert-file'] = [`${PKI}/signing.crt`];
      i.stores.push({
        id: fileId('cp1', `${PKI}/signing.crt`),
        kind: 'bundle',
        node: 'cp1',
        path: `${PKI}/signing.crt`,
        certs: [OTHER],
      });
    },
  ],
  [
    'intermediate-ca',
    'an intermediate beside its root',
    (i) => {
      for (const name of ['cp1', 'cp2', 'cp3']) store(i, name, `${PKI}/ca.crt`).certs = [INTERMEDIATE, OLD];
    },
  ],
  [
    'intermediate-ca',
    'an intermediate that one kubelet presents',
    (i) => store(i, 'w1', '/var/lib/kubelet/pki/kubelet-client-current.pem').certs.push(INTERMEDIATE),
  ],
  [
    'other-pem-blocks',
    'a revocation list beside the CA',
    (i) => (store(i, 'cp1', `${PKI}/ca.crt`).otherBlocks = ['X509 CRL']),
  ],
  [
    'other-pem-blocks',
    'a key beside the certificate in a Secret that a webhook serves from',
    (i) => {
      const id = objectId('Secret', 'hooks', 'combined', 'server.pem');
      i.stores.push({ id, kind: 'object-leaf', certs: [fakeLeaf('hook', OLD)], otherBlocks: ['EC PRIVATE KEY'] });
      i.callees[0]!.servingStore = id;
    },
  ],
  [
    'other-pem-blocks',
    'a revocation list in a caBundle',
    (i) => (i.stores.find(({ id }) => id === i.callees[0]!.caBundle)!.otherBlocks = ['X509 CRL']),
  ],
  [
    'other-pem-blocks',
    'a revocation list in cluster-info',
    (i) => (i.stores.find(({ id }) => id.includes('cluster-info'))!.otherBlocks = ['X509 CRL']),
  ],
  [
    'leaf-in-both-roles',
    'one certificate to serve and to call kubelets with',
    (i) => {
      const { flags } = instance(i, 'cp1/kube-apiserver');
      Object.assign(flags, { 'kubelet-client-certificate': flags['tls-cert-file'] });
    },
  ],
  ['leaf-expired', 'a leaf that ended', (i) => (store(i, 'cp1', `${PKI}/apiserver.crt`).certs[0]!.notAfter = T0 - 1)],
  ['hard-link', 'trap 10: a hard link on a watched file', (i) => (store(i, 'cp1', `${PKI}/ca.crt`).links = 2)],
])('%s', (reason, what, change) => {
  it(`refuses ${what}`, () => {
    expect(reasons(change)).toContain(reason);
  });
});

describe('kubeconfig-not-found', () => {
  const proxy = (i: Inventory, flags: Instance['flags'], settings: Instance['settings'] = {}): Instance => {
    const made: Instance = {
      ...instance(i, 'w1/kubelet'),
      id: 'w1/kube-proxy',
      component: 'kube-proxy',
      flags,
      settings,
      management: { by: 'unit', unit: 'kube-proxy.service' },
    };
    i.instances.push(made);
    return made;
  };
  it.each<[string, (i: Inventory) => void, RegExp]>([
    [
      'a scheduler with a configuration file that names none, whatever its flag says',
      (i) => (instance(i, 'cp1/kube-scheduler').flags.config = ['/etc/scheduler.yaml']),
      /^cp1\/kube-scheduler is told no kubeconfig by clientConnection.kubeconfig in \/etc\/scheduler.yaml/,
    ],
    [
      'a controller manager without one',
      (i) => delete instance(i, 'cp1/kube-controller-manager').flags.kubeconfig,
      /^cp1\/kube-controller-manager is told no kubeconfig by --kubeconfig/,
    ],
    [
      'a kubelet of a node of the cluster without one',
      (i) => (instance(i, 'w1/kubelet').flags = {}),
      /^w1\/kubelet is told no kubeconfig by --kubeconfig/,
    ],
    [
      'a kubelet with one below its working folder',
      (i) => (instance(i, 'w1/kubelet').flags = { kubeconfig: ['kubelet.conf'] }),
      /^w1\/kubelet is told the kubeconfig kubelet.conf by --kubeconfig/,
    ],
    ['a kube-proxy with the flags of nobody', (i) => proxy(i, {}), /^w1\/kube-proxy is told no kubeconfig/],
    [
      'a kube-proxy whose configuration names one below its working folder',
      (i) => proxy(i, { config: ['/p.yaml'] }, { 'clientConnection.kubeconfig': 'proxy.conf' }),
      /^w1\/kube-proxy is told the kubeconfig proxy.conf by clientConnection.kubeconfig in \/p.yaml/,
    ],
  ])('refuses %s, unless it is waived', (_what, change, message) => {
    const inventory = syntheticInventory();
    change(inventory);
    const refusals = preconditions(inventory, rotation, T0);
    expect(refusals).toMatchObject([{ reason: 'kubeconfig-not-found', message: expect.stringMatching(message) }]);
    const party = /--waive (\S+)=REASON/.exec(refusals[0]?.hint ?? '')?.[1] ?? '';
    expect(reasons(change, { ...rotation, waivers: [{ party, reason: 'by hand' }] })).toEqual([]);
  });

  it.each<[string, (i: Inventory) => void]>([
    [
      'a scheduler and a kube-proxy whose configuration names one',
      (i) => {
        instance(i, 'cp1/kube-scheduler').flags = { config: ['/s.yaml'] };
        instance(i, 'cp1/kube-scheduler').settings['clientConnection.kubeconfig'] = '/etc/kubernetes/scheduler.conf';
        proxy(i, { config: ['/p.yaml'] }, { 'clientConnection.kubeconfig': '/etc/kubernetes/kubelet.conf' });
      },
    ],
    [
      'the kubelet of a machine that is no node, which runs etcd alone',
      (i) => {
        i.nodes.push({ ...node(i, 'w1'), name: 'etcd1', roles: [] });
        i.instances.push({ ...instance(i, 'w1/kubelet'), id: 'etcd1/kubelet', node: 'etcd1', flags: {}, settings: {} });
      },
    ],
  ])('lets %s be', (_what, change) => {
    expect(reasons(change)).toEqual([]);
  });

  it('leaves to another reason what could not be read', () => {
    const broken = (i: Inventory) =>
      (proxy(i, { config: ['/p.yaml'] }).faults = [{ path: '/p.yaml', fault: 'no such file' }]);
    expect(reasons(broken)).toEqual(['malformed-store']);
  });
});

describe('of the material', () => {
  it('refuses a new CA that is not valid yet', () => {
    const late: Rotation = {
      ...rotation,
      authorities: [authorityRotation('kubernetes', OLD, { ...NEW, notBefore: T0 + 1 })],
    };
    expect(reasons(() => undefined, late)).toEqual(['new-ca-not-valid']);
  });

  it('refuses one CA in two roles', () => {
    const shared: Rotation = {
      ...rotation,
      authorities: [authorityRotation('kubernetes', OLD, NEW), authorityRotation('front-proxy', OLD, NEW)],
    };
    expect(reasons((i) => (i.authorities[1]!.anchors = [OLD]), shared)).toContain('authorities-share-a-ca');
  });

  it('refuses authorities that come later, in plan as well', () => {
    const etcd: Rotation = { ...rotation, authorities: [authorityRotation('etcd', OLD, NEW)] };
    expect(reasons(() => undefined, etcd)).toContain('authority-not-supported-yet');
    expect(plan(syntheticInventory(), etcd, 'issue', T0).refusal?.reason).toBe('authority-not-supported-yet');
  });
});

describe('what is not refused', () => {
  it('one certificate in both roles where no bridge is put behind it', () => {
    const both = (i: Inventory) => {
      const { flags } = instance(i, 'cp1/kube-apiserver');
      Object.assign(flags, { 'kubelet-client-certificate': flags['tls-cert-file'] });
    };
    expect(reasons(both, syntheticRotation('bundle'))).toEqual([]);
  });

  it.each<[string, (inventory: Inventory) => void]>([
    ['a worker that is away: it blocks retire only', (i) => (node(i, 'w2').reached = false)],
    [
      'a CA that only stands in the bundle',
      (i) => {
        i.authorities[0]!.anchors = [OLD, OTHER];
        for (const name of ['cp1', 'cp2', 'cp3']) store(i, name, `${PKI}/ca.crt`).certs = [OLD, OTHER];
      },
    ],
    [
      'a bridge that an earlier rotation left behind a leaf',
      (i) => store(i, 'cp1', `${PKI}/apiserver.crt`).certs.push({ ...INTERMEDIATE, spki: OLD.spki }),
    ],
    [
      'other blocks beside certificates of others',
      (i) =>
        Object.assign(store(i, 'cp1', `${PKI}/apiserver.crt`), {
          certs: [fakeLeaf('x', OTHER)],
          otherBlocks: ['X509 CRL'],
        }),
    ],
    [
      'other blocks in an object that nobody is served from',
      (i) =>
        i.stores.push({
          id: objectId('Secret', 'team-1', 'combined', 'server.pem'),
          kind: 'object-leaf',
          certs: [fakeLeaf('web', OLD)],
          otherBlocks: ['EC PRIVATE KEY'],
        }),
    ],
    ['a clock within the limit', (i) => (node(i, 'w1').clockOffset = CLOCK_LIMIT)],
    [
      'an expired leaf of another CA',
      (i) => {
        store(i, 'cp1', `${PKI}/apiserver.crt`).certs = [{ ...fakeLeaf('public', OTHER), notAfter: T0 - 1 }];
      },
    ],
    [
      'the split of an interrupted rotation',
      (i) => {
        const manager = instance(i, 'cp1/kube-controller-manager');
        const signer = [`${PKI}/reroot/signer.pem`];
        manager.nextFlags = {
          ...manager.flags,
          'cluster-signing-cert-file': signer,
          'cluster-signing-key-file': signer,
          'root-ca-file': [`${PKI}/reroot/root-ca.crt`],
        };
      },
    ],
  ])('%s', (_what, change) => {
    expect(reasons(change)).toEqual([]);
  });
});

it('lets a component be given up whose configuration could not be understood', () => {
  const broken = (i: Inventory) => (instance(i, 'w1/kubelet').faults = [{ path: '/config.yaml', fault: 'torn' }]);
  const waived: Rotation = { ...rotation, waivers: [{ party: 'w1/kubelet', reason: 'is taken away' }] };
  expect(reasons(broken)).toEqual(['malformed-store']);
  expect(reasons(broken, waived)).toEqual([]);
});

it('gives each refusal a message with names and a next step', () => {
  const inventory = syntheticInventory();
  node(inventory, 'cp2').clockOffset = 3_600_000;
  store(inventory, 'cp1', `${PKI}/apiserver.crt`).keySpki = 'ff';
  for (const refusal of preconditions(inventory, rotation, T0)) {
    expect(refusal.message).toMatch(/cp[12]/);
    expect(refusal.hint).toBeTruthy();
  }
});

it('leaves a webhook out that was given up by name, with its caBundle as it is', () => {
  const change = (i: Inventory) =>
    (i.stores.find(({ id }) => id === i.callees[0]!.caBundle)!.otherBlocks = ['X509 CRL']);
  expect(reasons(change)).toEqual(['other-pem-blocks']);
  expect(reasons(change, { ...rotation, waivers: [{ party: 'webhook/policy', reason: 'a test' }] })).toEqual([]);
});
