// Instances from a process table that is given and files that are really there.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { parseConfig } from '../../../src/config/config.ts';
import { wantedFiles } from '../../../src/core/catalog/stores-of.ts';
import type { Instance } from '../../../src/core/model/inventory.ts';
import { findInstances } from '../../../src/discover/instances.ts';
import { localAccess } from '../../../src/nodes/local.ts';
import type { ProcessSeen } from '../../../src/nodes/processes.ts';

const folder = mkdtempSync(join(tmpdir(), 'reroot-instances-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function put(path: string, text: string): string {
  const full = join(folder, path);
  mkdirSync(dirname(full), { recursive: true });
  writeFileSync(full, text);
  return full;
}

const process = (pid: number, cgroup: string, ...argv: string[]): ProcessSeen => ({
  pid,
  ppid: 1,
  uid: 0,
  argv,
  startedAt: 1000 + pid,
  startTicks: pid,
  cgroup,
});
const find = (table: ProcessSeen[], yaml = '{}', address: string | undefined = '10.0.0.5') =>
  findInstances(table, { access: localAccess('n1'), config: parseConfig(yaml, 'reroot.yaml'), address });

const STATIC = '/kubepods.slice/kubepods-burstable-pod8f1b9a526c2e4f2b9d3c2b1a7c5d9e10.slice/cri-containerd-1.scope';

test("a kubelet's file, its drop-ins in order, and static pods below its folder", async () => {
  const manifests = join(folder, 'static');
  put(
    'kubelet.yaml',
    `kind: KubeletConfiguration
authentication: {x509: {clientCAFile: /pki/ca.crt}}
rotateCertificates: true
serverTLSBootstrap: false
staticPodPath: ${manifests}
clusterDNS: [10.96.0.10]
`,
  );
  put('kubelet.d/10-a.conf', 'serverTLSBootstrap: true\nport: 10251\n');
  put('kubelet.d/20-b.conf', 'port: 10252\n');
  put(
    'static/etcd.yaml',
    'spec: {containers: [{image: "reg/etcd:3.6.8-0", command: [etcd, "--cert-file=/pki/etcd.crt"]}]}',
  );
  put('static/.hidden.yaml', 'spec: {containers: [{command: [kube-scheduler, "--kubeconfig=/x"]}]}');
  put('static/vip.yaml', 'spec: {containers: [{command: [kube-vip]}]}');
  put('static/broken.yaml', 'spec: [');
  put(
    'static/kube-scheduler.yaml',
    'spec: {containers: [{command: [kube-scheduler], args: ["--kubeconfig=/etc/s.conf"]}]}',
  );
  const instances = await find([
    process(
      10,
      '/system.slice/kubelet.service',
      '/usr/bin/kubelet',
      `--config=${join(folder, 'kubelet.yaml')}`,
      '--config-dir',
      join(folder, 'kubelet.d'),
    ),
    process(
      20,
      STATIC,
      'etcd',
      '--cert-file=/pki/etcd.crt',
      '--listen-client-urls=https://127.0.0.1:2379,https://10.0.0.5:2379',
    ),
  ]);
  const by = new Map(instances.map((instance) => [instance.component, instance]));

  expect([...by.keys()].sort()).toEqual(['etcd', 'kube-scheduler', 'kubelet']);
  expect(by.get('kubelet')).toMatchObject({
    management: { by: 'unit', unit: 'kubelet.service' },
    endpoint: '10.0.0.5:10252',
    settings: { 'authentication.x509.clientCAFile': '/pki/ca.crt', serverTLSBootstrap: 'true', port: '10252' },
  });
  expect(by.get('etcd')).toMatchObject({
    management: { by: 'static-pod', manifest: join(folder, 'static/etcd.yaml') },
    nextFlags: { 'cert-file': ['/pki/etcd.crt'] },
    endpoint: '10.0.0.5:2379',
    version: '3.6.8',
    startedAt: 1020,
  });
  // It has a manifest and no process: what its next start will read is all there is.
  expect(by.get('kube-scheduler')).toMatchObject({
    flags: { kubeconfig: ['/etc/s.conf'] },
    management: { by: 'static-pod' },
  });
  expect(by.get('kube-scheduler')).not.toHaveProperty('pid');
});

test('a kubelet’s configuration is read as the kubelet does: of a key given twice the last, of two documents the first', async () => {
  const config = put('twice.yaml', 'rotateCertificates: false\nport: 10251\nrotateCertificates: true\n---\nport: [\n');
  const [kubelet] = await find([process(10, '/x.service', 'kubelet', `--config=${config}`)]);
  expect(kubelet?.settings).toEqual({ rotateCertificates: 'true', port: '10251' });
  expect(kubelet).not.toHaveProperty('faults');
});

test.each([
  ['is torn', 'authentication: {x509: {clientCAFile: /pki/ca.crt', /^it is not YAML: [^\n]+ at line 1/],
  ['is empty', '', /no.* YAML mapping/],
  ['is a list', '- a', /no.* YAML mapping/],
])(
  'a kubelet’s configuration that %s is a fault of the kubelet, and the drop-ins are read all the same',
  async (_what, text, fault) => {
    const config = put('faulty.yaml', text);
    put('faulty.d/10.conf', 'port: 10251\n');
    const argv = ['kubelet', `--config=${config}`, `--config-dir=${join(folder, 'faulty.d')}`];
    const [kubelet] = await find([process(10, '/x.service', ...argv)]);
    expect(kubelet?.faults).toEqual([{ path: config, fault: expect.stringMatching(fault) }]);
    expect(kubelet?.settings).toEqual({ port: '10251' });
  },
);

test('so is one that cannot be read, or that is named below a folder nobody knows', async () => {
  const faultsOf = async (config: string) =>
    (await find([process(10, '/x.service', 'kubelet', `--config=${config}`)]))[0]?.faults;
  const absent = join(folder, 'absent.yaml');
  expect(await faultsOf(absent)).toEqual([{ path: absent, fault: 'no such file' }]);
  expect(await faultsOf('kubelet.yaml')).toEqual([
    { path: 'kubelet.yaml', fault: expect.stringContaining('not an absolute path') },
  ]);
});

test('files that a kubeconfig names are told to the catalogue, relative to the kubeconfig', async () => {
  const kubeconfig = put(
    'conf/kubelet.conf',
    `current-context: c
clusters: [{name: k, cluster: {server: "https://10.0.0.1:6443", certificate-authority: ../pki/ca.crt}}]
users: [{name: u, user: {client-certificate: /var/lib/kubelet/pki/current.pem, client-key: /var/lib/kubelet/pki/current.pem}}]
contexts: [{name: c, context: {cluster: k, user: u}}]
`,
  );
  const [kubelet] = await find([process(10, '/x.service', 'kubelet', `--kubeconfig=${kubeconfig}`)]);
  expect(kubelet?.settings).toEqual({
    'kubeconfig.certificate-authority': join(folder, 'pki/ca.crt'),
    'kubeconfig.client-certificate': '/var/lib/kubelet/pki/current.pem',
    'kubeconfig.client-key': '/var/lib/kubelet/pki/current.pem',
    'kubeconfig.server': 'https://10.0.0.1:6443',
  });
  const files = kubelet && wantedFiles(kubelet).map(({ path, use }) => [use, path]);
  expect(files).toContainEqual(['kubeconfig-ca', join(folder, 'pki/ca.crt')]);
  expect(files).toContainEqual(['kubeconfig-client', '/var/lib/kubelet/pki/current.pem']);
});

test('a scheduler and a kube-proxy with a configuration file have their kubeconfig from it, and the flag says nothing', async () => {
  const conf = (component: string, kubeconfig: string) =>
    put(`conf/${component}.yaml`, `clientConnection: {kubeconfig: ${kubeconfig}, qps: 100}\nprofiles: [{}]\n`);
  const kubeconfigsOf = (instance: Instance | undefined) =>
    instance &&
    wantedFiles(instance)
      .filter(({ kind }) => kind === 'kubeconfig-ca')
      .map(({ path, use }) => [use, path]);
  const instances = await find([
    process(
      10,
      '/system.slice/kube-scheduler.service',
      'kube-scheduler',
      `--config=${conf('scheduler', '/etc/scheduler.conf')}`,
      '--kubeconfig=/etc/ignored.conf',
      '--authentication-kubeconfig=/etc/authentication.conf',
    ),
    process(20, '/system.slice/kube-proxy.service', 'kube-proxy', '--config', conf('proxy', '/etc/proxy.conf')),
    process(30, '/system.slice/etcd.service', 'etcd', '--config=/no/such/file'),
  ]);
  const by = new Map(instances.map((instance) => [instance.component, instance]));
  expect(kubeconfigsOf(by.get('kube-scheduler'))).toEqual([
    ['kubeconfig-ca', '/etc/scheduler.conf'],
    ['authentication-kubeconfig-ca', '/etc/authentication.conf'],
  ]);
  expect(kubeconfigsOf(by.get('kube-proxy'))).toEqual([['kubeconfig-ca', '/etc/proxy.conf']]);
  expect(by.get('kube-proxy')).toMatchObject({ management: { by: 'unit', unit: 'kube-proxy.service' } });
  expect(instances.flatMap(({ faults = [] }) => faults)).toEqual([]);
});

test('so has one that has a manifest and no process, and what its kubeconfig names is told as well', async () => {
  const kubeconfig = put(
    'conf/named.conf',
    'clusters: [{name: k, cluster: {server: "https://10.0.0.1:6443", certificate-authority: ca.crt}}]\ncontexts: [{name: c, context: {cluster: k}}]\n',
  );
  const config = put('conf/stopped.yaml', `clientConnection: {kubeconfig: ${kubeconfig}}`);
  put('stopped/s.yaml', `spec: {containers: [{command: [kube-scheduler, "--config=${config}"]}]}`);
  const kubelet = put('stopped.yaml', `staticPodPath: ${join(folder, 'stopped')}`);
  const instances = await find([process(10, '/x.service', 'kubelet', `--config=${kubelet}`)]);
  expect(instances.find(({ component }) => component === 'kube-scheduler')?.settings).toEqual({
    'clientConnection.kubeconfig': kubeconfig,
    'kubeconfig.certificate-authority': join(folder, 'conf/ca.crt'),
    'kubeconfig.server': 'https://10.0.0.1:6443',
  });
});

test('kube-proxy in a pod of a DaemonSet, as kubeadm runs it, is no instance', async () => {
  const cgroup = '/kubepods/besteffort/pod0f1b9a52-6c2e-4f2b-9d3c-2b1a7c5d9e10/1a2b';
  const argv = ['/usr/local/bin/kube-proxy', '--config=/var/lib/kube-proxy/config.conf', '--hostname-override=n1'];
  expect(await find([process(10, cgroup, ...argv)])).toEqual([]);
});

test('what listens on 127.0.0.1 has its own node’s address, to be reached through it', async () => {
  const table = [process(10, STATIC, 'kube-scheduler', '--bind-address=127.0.0.1')];
  expect((await find(table))[0]?.endpoint).toBe('127.0.0.1:10259');
  expect((await find([process(10, STATIC, 'kube-scheduler', '--bind-address=127.41.7.3')]))[0]?.endpoint).toBe(
    '127.41.7.3:10259',
  );
  expect(
    (await find([process(10, STATIC, 'kube-apiserver', '--bind-address=::', '--advertise-address=fd00::1')]))[0]
      ?.endpoint,
  ).toBe('[fd00::1]:6443');
  const etcd = ['etcd', '--listen-client-urls=https://127.0.0.1:2379,https://10.0.0.1:2379'];
  expect((await find([process(10, STATIC, ...etcd)]))[0]?.endpoint).toBe('10.0.0.1:2379');
});

test('without a unit, a manifest or a command nobody knows how to restart it', async () => {
  const table = [process(10, '/user.slice/session-1.scope', 'kube-apiserver')];
  expect((await find(table))[0]?.management).toEqual({ by: 'unknown' });
  const [told] = await find(table, 'nodes: {n1: {components: {kube-apiserver: {restart: do-it}}}}');
  expect(told?.management).toEqual({ by: 'command', command: 'do-it' });
});
