import { describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { bootOf } from '../../../../lab/full/boot-script.ts';
import { hierarchies, isUnified } from '../../../../lab/full/cgroups.ts';
import { newSecrets } from '../../../../lab/full/cluster.ts';
import { withoutSigning } from '../../../../lab/full/external-ca.ts';
import { initConfig, joinConfig } from '../../../../lab/full/kubeadm.ts';
import { mountsBelow } from '../../../../lab/full/mounts.ts';
import { nodeFiles } from '../../../../lab/full/node-files.ts';
import { fullNodesOf, fullPlaceOf, podNetworkOf, scopeOf } from '../../../../lab/full/place.ts';
import { sshConfigOf } from '../../../../lab/full/ssh.ts';
import type { LabFile } from '../../../../lab/state.ts';

const dir = '/labs/one';
const lab: LabFile = {
  name: 'one',
  kind: 'full',
  kubernetes: '1.36.3',
  network: '127.83.201',
  ...fullNodesOf('127.83.201', 3, 2),
  hostNames: true,
  phase: 'up',
  program: { node: '/usr/bin/node', script: '/labs/one/bin/reroot.mjs' },
};
const place = fullPlaceOf(dir, lab);
const [cp1] = place.planes;
const [w1] = place.workers;
if (!cp1 || !w1) throw new Error('no nodes');

describe('addresses of a full lab', () => {
  it('are cpN .1N, wN .2N, the load balancer .1 inside, and .10 on loopback outside', () => {
    expect(lab.nodes.map(({ name, address }) => `${name} ${address}`)).toEqual([
      'cp1 10.83.201.11',
      'cp2 10.83.201.12',
      'cp3 10.83.201.13',
      'w1 10.83.201.21',
      'w2 10.83.201.22',
    ]);
    expect(lab.loadBalancer).toBe('10.83.201.1');
    expect(place.server).toBe('https://127.83.201.10:6443');
    expect(podNetworkOf(w1)).toBe('10.244.21.0/24');
  });

  it('are in every node’s hosts file, with the name of the load balancer', () => {
    const hosts =
      nodeFiles(place, w1)
        .find(({ path }) => path === 'etc/hosts')
        ?.text.split('\n') ?? [];
    expect(hosts).toContain('10.83.201.1 lb.lab');
    for (const { name, address } of lab.nodes) expect(hosts).toContain(`${address} ${name}`);
  });
});

it('what carries a name outside the folder of a lab is told apart by that folder', () => {
  expect(scopeOf('/labs/one', 'one')).toMatch(/^reroot-one-[0-9a-f]{6}$/);
  expect(scopeOf('/labs/one', 'one')).not.toBe(scopeOf('/others/one', 'one'));
});

describe('mounts below a folder', () => {
  const mountinfo = [
    '22 27 0:21 / /proc rw,relatime - proc proc rw',
    '50 27 0:50 / /labs/one/nodes/cp1/layer rw - tmpfs lab rw',
    '51 27 0:51 / /labs/one-more/nodes/cp1/layer rw - tmpfs lab rw',
    '52 27 0:4 net:[4026532178] /labs/one/run/net/a\\040b rw shared:2 - nsfs nsfs rw',
    '',
  ].join('\n');

  it('are given last one first, decoded, and without those of a folder whose name only begins alike', () => {
    expect(mountsBelow('/labs/one', mountinfo)).toEqual(['/labs/one/run/net/a b', '/labs/one/nodes/cp1/layer']);
  });
});

describe('cgroup hierarchies', () => {
  const v1 = [
    '30 23 0:26 / /sys/fs/cgroup rw - tmpfs tmpfs ro,mode=755',
    '31 30 0:27 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,name=systemd',
    '32 30 0:28 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct',
    '33 30 0:29 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw,nsdelegate',
    '34 30 0:29 / /mnt/elsewhere rw - cgroup2 cgroup2 rw',
  ].join('\n');
  const v2 = '30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw,nsdelegate';

  it('of version 1 are each mounted in a node by the controllers they have', () => {
    const all = hierarchies(v1);
    expect(all).toEqual([
      { at: '/sys/fs/cgroup/systemd', name: 'systemd', type: 'cgroup', options: 'none,name=systemd' },
      { at: '/sys/fs/cgroup/cpu,cpuacct', name: 'cpu,cpuacct', type: 'cgroup', options: 'cpu,cpuacct' },
      { at: '/sys/fs/cgroup/unified', name: 'unified', type: 'cgroup2', options: '' },
    ]);
    expect(isUnified(all)).toBe(false);
    const { outer, inner } = bootOf(place, 'cp1', '/cache/root', all);
    expect(outer).toContain(`echo $$ > /sys/fs/cgroup/cpu,cpuacct/${place.scope}/cp1/cgroup.procs`);
    expect(inner).toContain('mount -t cgroup -o none,name=systemd cgroup $R/sys/fs/cgroup/systemd');
  });

  it('of version 2 are one, at the place itself', () => {
    const all = hierarchies(v2);
    expect(isUnified(all)).toBe(true);
    const { outer, inner } = bootOf(place, 'cp1', '/cache/root', all);
    expect(outer).toContain(`echo $$ > /sys/fs/cgroup/${place.scope}/cp1/cgroup.procs`);
    expect(inner).toContain('mount -t cgroup2 -o nosuid,nodev,noexec cgroup2 $R/sys/fs/cgroup\n');
  });
});

describe('what kubeadm is told', () => {
  const secrets = newSecrets();

  it('has secrets of the shapes that kubeadm takes, others each time', () => {
    expect(secrets.token).toMatch(/^[a-z0-9]{6}\.[a-z0-9]{16}$/);
    expect(secrets.certificateKey).toMatch(/^[0-9a-f]{64}$/);
    expect(newSecrets()).not.toEqual(secrets);
  });

  it('puts the address of the host’s loopback into the API servers’ certificates, and takes settings of kubelets', () => {
    const documents = parseAllDocuments(initConfig(place, cp1, secrets, { serverTLSBootstrap: true })).map((one) =>
      one.toJS(),
    );
    const of = (kind: string) => documents.find((one) => one.kind === kind);
    expect(of('ClusterConfiguration').apiServer.certSANs).toContain('127.83.201.10');
    expect(of('ClusterConfiguration').controlPlaneEndpoint).toBe('lb.lab:6443');
    expect(of('KubeletConfiguration')).toMatchObject({ serverTLSBootstrap: true, failCgroupV1: false });
  });

  it('gives the key of the uploaded certificates to control planes only', () => {
    expect(joinConfig(cp1, secrets, 'sha256:x')).toContain(secrets.certificateKey);
    expect(joinConfig(w1, secrets, 'sha256:x')).not.toContain(secrets.certificateKey);
  });
});

it('a controller manager without the CA key signs nothing and keeps all else', () => {
  const before = [
    '    - --cluster-signing-cert-file=/etc/kubernetes/pki/ca.crt',
    '    - --cluster-signing-key-file=/etc/kubernetes/pki/ca.key',
    '    - --root-ca-file=/etc/kubernetes/pki/ca.crt',
  ];
  expect(withoutSigning(before.join('\n')).split('\n')).toEqual([
    '    - --cluster-signing-cert-file=',
    '    - --cluster-signing-key-file=',
    before[2],
  ]);
});

it('ssh finds each node by name and by address, with the lab’s own keys, through the hub', () => {
  const text = sshConfigOf(place, '/cache/root');
  expect(text).toContain('Host cp1 10.83.201.11\n  HostName 10.83.201.11');
  expect(text).toContain('  ProxyCommand nsenter --net=/labs/one/run/net/hub chroot /cache/root socat - TCP:%h:%p');
  expect(text).toContain('  StrictHostKeyChecking yes');
});
