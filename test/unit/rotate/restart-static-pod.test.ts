// A node with a static pod, of which only the process table and the mirror in the API are seen.

import { expect, test } from 'vitest';
import type { Cluster } from '../../../src/cluster/client.ts';
import type { Pod } from '../../../src/core/model/inventory.ts';
import type { NodeAccess } from '../../../src/nodes/access.ts';
import type { Context } from '../../../src/rotate/context.ts';
import { restartStaticPod } from '../../../src/rotate/restart-static-pod.ts';

const HASH = '82ba1849cee9b0775740c738aa1704b5';
const pod: Pod = {
  id: 'pod/kube-system/vip-cp1',
  namespace: 'kube-system',
  name: 'vip-cp1',
  node: 'cp1',
  startedAt: 0,
  rootCA: 'none',
  staticHash: HASH,
  hostPaths: ['/etc/kubernetes/admin.conf'],
};

interface Fake {
  pid: number;
  ppid: number;
  name: string;
  cgroup: string;
}
const OWN = `/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod${HASH}.slice/cri-containerd-1.scope`;

/** Whatever is ended is there again under another pid at the next look but one. `deaf`: processes that SIGTERM does not reach. */
function node(processes: Fake[], deaf: readonly number[] = []) {
  const ended: string[] = [];
  let table = processes;
  let coming: Fake[] = [];
  const run: NodeAccess['run'] = async (argv) => {
    const [, , script = '', , pid, , signal] = argv;
    const answer = (text: string) => ({
      code: 0,
      stdout: Buffer.from(`reroot-script\n${text}\nreroot-ended\n`),
      stderr: '',
    });
    if (script.includes('kill')) {
      ended.push(`${signal} ${pid}`);
      if (signal === 'TERM' && deaf.includes(Number(pid))) return answer('');
      coming = table.filter((one) => one.pid === Number(pid)).map((one) => ({ ...one, pid: one.pid + 1000 }));
      table = table.filter((one) => one.pid !== Number(pid));
      return answer('');
    }
    const now = table;
    table = [...table, ...coming];
    coming = [];
    return answer(listing(now));
  };
  return { access: { node: 'cp1', run } as NodeAccess, ended };
}

const listing = (table: readonly Fake[]): string =>
  [
    `now ${Date.now()}000000 5000.00 1.00`,
    ...table.flatMap(({ pid, ppid, name, cgroup }) => [
      `/proc/${pid}/stat:${pid} (x) S ${ppid} ${'0 '.repeat(17)}${pid * 10} 0`,
      `/proc/${pid}/status:Uid:\t0\t0\t0\t0`,
      `/proc/${pid}/cgroup:0::${cgroup}\n`,
      `/proc/${pid}/cmdline:${name}`,
    ]),
    '',
  ].join('\0');

function context(access: NodeAccess, statuses: (string | undefined)[]): Context {
  const get = async () => {
    const startedAt = statuses.length > 1 ? statuses.shift() : statuses[0];
    const running = startedAt === undefined ? {} : { running: { startedAt } };
    return { metadata: {}, status: { containerStatuses: [{ ready: startedAt !== undefined, state: running }] } };
  };
  let clock = Date.now();
  const now = () => {
    clock += 2_000;
    return clock;
  };
  return { accessOf: () => access, cluster: { get } as unknown as Cluster, now } as unknown as Context;
}

const later = (): string => new Date(Date.now() + 3_600_000).toISOString();

test('ends the first process of each container, not the sandbox nor other pods, and waits for the mirror', async () => {
  const { access, ended } = node([
    { pid: 10, ppid: 9, name: '/pause', cgroup: OWN },
    { pid: 20, ppid: 9, name: 'kube-vip', cgroup: OWN },
    { pid: 21, ppid: 20, name: 'helper', cgroup: OWN },
    { pid: 30, ppid: 9, name: 'kube-vip', cgroup: OWN.replace(HASH, 'f'.repeat(32)) },
  ]);
  const before = new Date(0).toISOString();

  const seconds = await restartStaticPod(context(access, [before, undefined, later()]), pod);

  expect(ended).toEqual(['TERM 20']);
  expect(seconds).toBeGreaterThan(0);
});

test('kills what does not end after the grace that its kubelet would give', async () => {
  const { access, ended } = node([{ pid: 20, ppid: 9, name: 'sh', cgroup: OWN }], [20]);

  await restartStaticPod(context(access, [later()]), pod);

  expect(ended).toEqual(['TERM 20', 'KILL 20']);
});

test('says so at once when it does not run', async () => {
  const { access } = node([]);

  await expect(restartStaticPod(context(access, [undefined]), pod)).rejects.toMatchObject({
    exitCode: 4,
    message: expect.stringMatching(/does not run on cp1/),
  });
});
