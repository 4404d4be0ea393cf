import { expect, it } from 'vitest';
import type { RawStore } from '../../../src/discover/material.ts';
import { strangersIn } from '../../../src/discover/strangers.ts';
import type { ProcessSeen } from '../../../src/nodes/processes.ts';

const HASH = '8f1b9a526c2e4f2b9d3c2b1a7c5d9e10';
const UUID = '0f1b9a52_6c2e_4f2b_9d3c_2b1a7c5d9e10';
const CA = '/etc/kubernetes/pki/ca.crt';
const stores: RawStore[] = [
  { id: `file/n1:${CA}`, kind: 'bundle', path: CA, certificates: [] },
  {
    id: 'file/n1:/etc/kubernetes/pki/t.crt',
    kind: 'leaf',
    path: '/etc/kubernetes/pki/t.crt',
    keyPath: '/etc/kubernetes/pki/t.key',
    certificates: [],
  },
  {
    id: 'file/n1:/etc/kubernetes/admin.conf#client',
    kind: 'kubeconfig-client',
    path: '/etc/kubernetes/admin.conf',
    certificates: [],
  },
];

function strangers(argv: string[], cgroup = '/system.slice/x.service', startedAt = 0): string[] {
  const base = { ppid: 1, uid: 0, startTicks: 1 };
  const table: ProcessSeen[] = [
    { ...base, pid: 1, argv: ['systemd'], startedAt: 100_000, cgroup: '/init.scope' },
    { ...base, pid: 7, argv, startedAt, cgroup },
  ];
  return strangersIn('n1', table, { instances: [], stores }).map(({ id, stores: named }) => `${id} ${named.join()}`);
}

it('are processes that name a file of an authority, or its key', () => {
  expect(strangers(['/usr/bin/tunnel', `--ca=${CA}`])).toEqual([`n1/tunnel file/n1:${CA}`]);
  expect(strangers(['tunnel', '--key', '/etc/kubernetes/pki/t.key'])).toHaveLength(1);
  expect(strangers(['tunnel', `--ca=${CA}.old`])).toEqual([]);
});

it("are not people's tools, nor commands under way, nor what runs in ordinary pods", () => {
  expect(strangers(['tail', '-f', CA])).toEqual([]);
  expect(strangers(['tunnel', CA], '/', 99_000)).toEqual([]);
  expect(strangers(['tunnel', CA], `/kubepods.slice/kubepods-pod${UUID}.slice/a`)).toEqual([]);
});

it('in a static pod they are by anything but the kubeconfigs that it mounts: as a Pod it is known by those', () => {
  const pod = `/kubepods.slice/kubepods-pod${HASH}.slice/a`;
  expect(strangers(['vip', '/etc/kubernetes/admin.conf'], pod)).toEqual([]);
  expect(strangers(['vip', '/etc/kubernetes/admin.conf'])).toHaveLength(1);
  expect(strangers(['konnectivity', '--cert=/etc/kubernetes/pki/t.crt'], pod)).toHaveLength(1);
});
