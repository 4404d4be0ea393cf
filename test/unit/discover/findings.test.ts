import { describe, expect, test } from 'vitest';
import type { CertFact, Finding, Front, Instance, Inventory, Store } from '../../../src/core/model/inventory.ts';
import { findingsOf } from '../../../src/discover/findings.ts';
import { isLeftAlone, scanFolders } from '../../../src/discover/scan.ts';
import type { Seen } from '../../../src/discover/seen.ts';

const NOW = Date.UTC(2026, 5, 1);
const DAY = 86_400_000;

const cert = (name: string, change: Partial<CertFact> = {}): CertFact => ({
  fingerprint: `${name}-fingerprint`,
  subject: `CN=${name}`,
  issuer: 'CN=ca',
  subjectDer: name,
  issuerDer: 'ca',
  serial: '1',
  notBefore: NOW - DAY,
  notAfter: NOW + 300 * DAY,
  isCA: false,
  spki: `${name}-key`,
  keyType: 'EC-P-256',
  extKeyUsages: [],
  dnsNames: [],
  ipAddresses: [],
  nameConstraints: false,
  selfSigned: false,
  signedBy: ['ca-fingerprint'],
  ...change,
});
const ca = cert('ca', { isCA: true, selfSigned: true, keyId: 'ca' });
const store = (id: string, change: Partial<Store> = {}): Store => ({
  id,
  kind: 'leaf',
  certs: [cert('leaf')],
  links: 1,
  ...change,
});
const server = (node: string, change: Partial<Instance> = {}): Instance => ({
  id: `${node}/kube-apiserver`,
  node,
  component: 'kube-apiserver',
  flags: { 'client-ca-file': ['/ca.crt'] },
  settings: {},
  management: { by: 'unit', unit: 'x.service' },
  ...change,
});

function found(change: Partial<Inventory>, seen: Partial<Omit<Seen, 'inventory'>> = {}): Finding[] {
  const inventory: Omit<Inventory, 'findings'> = {
    takenAt: NOW,
    cluster: { server: 'https://x', version: '1.36.3' },
    nodes: [],
    authorities: [
      { authority: 'kubernetes', anchors: [ca], keys: [{ fingerprint: ca.fingerprint, node: 'a', path: '/ca.key' }] },
    ],
    instances: [],
    stores: [],
    pods: [],
    namespaces: [],
    callees: [],
    ...change,
  };
  return findingsOf({ inventory, keyFiles: [], torn: [], used: new Set(), ...seen });
}
const reasons = (findings: Finding[]): string[] => findings.map(({ severity, reason }) => `${severity} ${reason}`);

test('a healthy cluster has none', () => {
  expect(
    found({
      stores: [store('a')],
      instances: [server('a')],
      nodes: [{ name: 'a', roles: [], reached: true, clockOffset: 200 }],
    }),
  ).toEqual([]);
});

describe('the servers of kubeconfigs', () => {
  const lb = 'https://lb:6443';
  const own = store('file/a:/apiserver.crt', { certs: [cert('apiserver')] });
  const kubelet = (node: string): Instance =>
    server(node, { id: `${node}/kubelet`, component: 'kubelet', flags: { kubeconfig: ['/kubelet.conf'] } });
  const conf = (node: string, anchor = ca): Store =>
    store(`file/${node}:/kubelet.conf#ca`, { kind: 'kubeconfig-ca', certs: [anchor], server: lb });
  const world = (met: Pick<Front, 'served' | 'why'>, anchor = ca): Finding[] =>
    found({
      instances: [server('a', { flags: { 'tls-cert-file': ['/apiserver.crt'] } }), kubelet('w1'), kubelet('w2')],
      stores: [own, conf('w1', anchor), conf('w2', anchor)],
      fronts: ['w1', 'w2'].map((node) => ({ node, server: lb, ...met })),
    }).filter(({ reason }) => reason.startsWith('server-'));

  test('are API servers, or a finding that names the nodes once', () => {
    expect(world({ served: [cert('apiserver')] })).toEqual([]);
    expect(world({ served: [cert('haproxy')] })).toMatchObject([
      {
        severity: 'warning',
        reason: 'server-ends-tls',
        subject: lb,
        message: expect.stringMatching(/w1, w2 .*haproxy/),
      },
    ]);
    expect(world({ why: 'nobody answers' })).toMatchObject([
      { severity: 'warning', reason: 'server-not-met', message: expect.stringMatching(/w1, w2 .*nobody answers/) },
    ]);
  });

  test('are no matter of ours where the kubeconfig trusts another CA', () => {
    expect(world({ why: 'nobody answers' }, cert('corporate', { isCA: true }))).toEqual([]);
  });
});

describe('certificates', () => {
  test('an expired leaf in use is an error, one that nobody uses a warning', () => {
    const old = store('a', { certs: [cert('leaf', { notAfter: NOW - 1 })] });
    expect(reasons(found({ stores: [old] }, { used: new Set(['a']) }))).toEqual(['error expired']);
    expect(reasons(found({ stores: [old] }))).toEqual(['warning expired']);
  });
  test('90 days count as soon, 91 do not', () => {
    const ends = (days: number) =>
      found({ stores: [store('a', { certs: [cert('leaf', { notAfter: NOW + days * DAY })] })] });
    expect(reasons(ends(90))).toEqual(['warning expires-soon']);
    expect(ends(91)).toEqual([]);
    expect(ends(90)[0]?.fix).toMatch(/reroot plan --authority kubernetes/);
  });
  test('a CA that ends, that has no key here, or no key id', () => {
    const anchor = { ...ca, notAfter: NOW + 10 * DAY };
    delete anchor.keyId;
    const findings = found({ authorities: [{ authority: 'kubernetes', anchors: [anchor], keys: [] }] });
    expect(reasons(findings)).toEqual(['warning ca-expires-soon', 'note ca-key-not-found', 'note ca-without-key-id']);
  });
  test('torn copies of a CA in objects are one warning, however many', () => {
    const torn = Array.from({ length: 9 }, (_, i) => `object/ConfigMap/app/c${i}#ca.crt`);
    expect(found({}, { torn })).toMatchObject([
      {
        severity: 'warning',
        reason: 'malformed-store',
        subject: torn[0],
        message: expect.stringMatching(/c0#ca\.crt, .* and 4 more$/),
      },
    ]);
  });
  test('a key that does not fit, and one that fits another certificate of the bundle', () => {
    const [torn] = found({ stores: [store('a', { keySpki: 'x', keyPath: '/k' })] });
    expect(torn).toMatchObject({ severity: 'error', reason: 'pair-mismatch' });
    const [second] = found({
      stores: [store('a', { certs: [cert('a'), cert('b')], keySpki: 'b-key', keyPath: '/k' })],
    });
    expect(second?.message).toMatch(/fits CN=b, which is not the first/);
  });
  test('who may read a key: group is fine, everybody is not', () => {
    const key = (mode: number) => reasons(found({}, { keyFiles: [{ node: 'a', path: '/k', mode }] }));
    expect(key(0o640)).toEqual([]);
    expect(key(0o604)).toEqual(['error key-world-readable']);
  });
});

describe('the fleet', () => {
  test('a component whose way to the API server is not known', () => {
    const flags = { config: ['/proxy.yaml'] };
    expect(found({ instances: [server('a', { id: 'a/kube-proxy', component: 'kube-proxy', flags })] })).toMatchObject([
      {
        severity: 'warning',
        reason: 'kubeconfig-not-found',
        subject: 'a/kube-proxy',
        message: expect.stringMatching(/clientConnection\.kubeconfig in \/proxy\.yaml/),
      },
    ]);
  });
  test('a configuration file that could not be understood, with whose it is', () => {
    const faults = [{ path: '/var/lib/kubelet/config.yaml', fault: 'it is not YAML' }];
    expect(found({ instances: [server('a', { id: 'a/kubelet', faults })] })).toMatchObject([
      {
        severity: 'error',
        reason: 'malformed-store',
        subject: 'file/a:/var/lib/kubelet/config.yaml',
        message: expect.stringMatching(/not YAML.*a\/kubelet/),
      },
    ]);
  });
  test('control planes that differ, with what each holds', () => {
    const other = cert('other', { isCA: true, selfSigned: true });
    const stores = [
      store('file/a:/ca.crt', { kind: 'bundle', certs: [ca] }),
      store('file/b:/ca.crt', { kind: 'bundle', certs: [other] }),
    ];
    const [finding] = found({ stores, instances: [server('a'), server('b')] });
    expect(finding).toMatchObject({
      severity: 'error',
      reason: 'control-planes-differ',
      subject: 'kube-apiserver --client-ca-file',
    });
    expect(finding?.message).toMatch(/a: ca-fingerpri.*b: other-finger/);
  });
  test('the same two CAs in another order are the same', () => {
    const other = cert('other', { isCA: true, selfSigned: true });
    const stores = [
      store('file/a:/ca.crt', { kind: 'bundle', certs: [ca, other] }),
      store('file/b:/ca.crt', { kind: 'bundle', certs: [other, ca] }),
    ];
    expect(found({ stores, instances: [server('a'), server('b')] })).toEqual([]);
  });
  test('clocks: half a minute is a warning, five minutes an error, in both directions', () => {
    const clock = (clockOffset: number) =>
      reasons(found({ nodes: [{ name: 'a', roles: ['control-plane'], reached: true, clockOffset }] }));
    expect(clock(-29_000)).toEqual([]);
    expect(clock(-31_000)).toEqual(['warning clock-offset']);
    expect(clock(3_600_000)).toEqual(['error clock-offset']);
  });
  test('two generations, flags not in effect, an unknown restart, an old version', () => {
    const findings = found({
      cluster: { server: 'https://x', version: '1.29.4' },
      authorities: [
        {
          authority: 'kubernetes',
          anchors: [ca, { ...ca, fingerprint: 'two' }],
          keys: [
            { fingerprint: ca.fingerprint, node: 'a', path: '/k' },
            { fingerprint: 'two', node: 'a', path: '/k' },
          ],
        },
      ],
      instances: [server('a', { nextFlags: { 'client-ca-file': ['/other'] }, management: { by: 'unknown' } })],
    });
    expect(reasons(findings).sort()).toEqual([
      'error version-not-supported',
      'warning manifest-not-in-effect',
      'warning restart-unknown',
      'warning two-generations',
    ]);
  });
  test('a static pod with files of /etc/kubernetes, but not the control plane itself', () => {
    const pod = (name: string, hostPaths: string[], kind = 'Node') => ({
      id: `pod/kube-system/${name}`,
      namespace: 'kube-system',
      name,
      node: 'a',
      startedAt: 0,
      rootCA: 'none' as const,
      owner: { kind, name: 'a' },
      hostPaths,
    });
    const pods = [
      pod('kube-apiserver-a', ['/etc/kubernetes/pki']),
      pod('kube-vip-a', ['/etc/kubernetes/admin.conf']),
      pod('other-a', ['/etc/kubernetes-not']),
      pod('agent-x', ['/etc/kubernetes'], 'DaemonSet'),
    ];
    const findings = found({ pods, instances: [server('a')] });
    expect(findings.map(({ subject }) => subject)).toEqual(['pod/kube-system/kube-vip-a']);
  });
});

describe('where to look for copies', () => {
  test('folders of known files, but not those that hold a whole system', () => {
    expect(
      scanFolders(
        ['/etc/kubernetes/pki/ca.crt', '/etc/kubernetes/admin.conf', '/etc/ca.crt', '/root/x.conf'],
        ['/home/anna/'],
      ),
    ).toEqual(['/etc/kubernetes', '/etc/kubernetes/pki', '/home/anna']);
  });
  test.each([
    ['/etc/kubernetes/pki/reroot/staging/kubernetes-new.key', true],
    ['/etc/kubernetes/pki/reroot/backup-20260101/ca.crt', true],
    ['/etc/kubernetes/pki/reroot/signer.pem', false],
    ['/var/lib/reroot/labs/dev/nodes/w1/home/anna/.kube/config', false],
    ['/var/lib/kubelet/pki/kubelet-client-2026-01-02-03-04-05.pem', true],
    ['/var/lib/kubelet/pki/kubelet-client-current.pem', false],
    ['/etc/kubernetes/tmp/kubeadm-backup-etcd-2026/ca.crt', true],
  ])('%s', (path, alone) => expect(isLeftAlone(path)).toBe(alone));
});
