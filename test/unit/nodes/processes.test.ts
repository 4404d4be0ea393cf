import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { NodeUnreachable } from '../../../src/nodes/access.ts';
import { execAccess } from '../../../src/nodes/exec.ts';
import { localAccess } from '../../../src/nodes/local.ts';
import { clockOffset, listProcesses } from '../../../src/nodes/processes.ts';
import { restartComponent, terminate } from '../../../src/nodes/restart.ts';
import { recording } from './access.ts';

const local = localAccess('n1');
let dir: string;
const children: ChildProcess[] = [];
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'reroot-processes-'));
});
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  rmSync(dir, { recursive: true });
});

async function start(...argv: string[]): Promise<ChildProcess & { pid: number; startedAt: number }> {
  const [program = '', ...args] = argv;
  const startedAt = Date.now();
  const child = spawn(program, args, { stdio: 'ignore' });
  children.push(child);
  await new Promise((resolve) => child.once('spawn', resolve));
  return Object.assign(child, { pid: child.pid ?? 0, startedAt });
}
const find = async (pid: number) => (await listProcesses(local)).find((each) => each.pid === pid);
const gone = (child: ChildProcess) => expect.poll(() => child.exitCode ?? child.signalCode, { timeout: 5_000 });

describe('listProcesses', () => {
  it('gives exact arguments, start and parent in one command', async () => {
    const odd = ['-c', 'sleep 60; : "$@"', '', 'a b', 'line\nbreak', '--flag=/etc/kubernetes/pki/ca.crt', ''];
    const child = await start('sh', ...odd);
    const access = recording(local);

    const table = await listProcesses(access);

    expect(access.argvs).toHaveLength(1);
    const seen = table.find(({ pid }) => pid === child.pid);
    expect(seen?.argv).toEqual(['sh', ...odd]);
    expect(seen).toMatchObject({ ppid: process.pid, uid: process.getuid?.() });
    expect(Math.abs((seen?.startedAt ?? 0) - child.startedAt)).toBeLessThan(150);
    expect(seen?.cgroup).toMatch(/^\//);
    expect(table.some(({ argv }) => argv.length === 0)).toBe(false);
  });

  it('is not fooled by arguments that look like another process', async () => {
    const victim = await start('sleep', '61');
    const liar = await start(
      'sh',
      '-c',
      'sleep 60',
      `x\n/proc/${victim.pid}/cmdline:evil`,
      `/proc/${victim.pid}/cmdline:evil`,
    );

    const table = await listProcesses(local);

    expect(table.find(({ pid }) => pid === victim.pid)?.argv).toEqual(['sleep', '61']);
    expect(table.find(({ pid }) => pid === liar.pid)?.argv).toContain(`/proc/${victim.pid}/cmdline:evil`);
  });

  it('names a process by pid and ticks, the same at each look', async () => {
    const child = await start('sleep', '62');

    const [first, second] = [await find(child.pid), await find(child.pid)];

    expect(first?.startTicks).toBe(second?.startTicks);
    expect(Math.abs((first?.startedAt ?? 0) - (second?.startedAt ?? 0))).toBeLessThan(60);
  });
});

describe('clockOffset', () => {
  it('is small here, and an hour where date says so', async () => {
    const bin = join(dir, 'bin');
    mkdirSync(bin);
    writeFileSync(join(bin, 'date'), '#!/bin/sh\nPATH=/usr/bin:/bin\ns=$(date +%s)\necho $((s + 3600))000000000\n', {
      mode: 0o755,
    });
    const ahead = execAccess(`env PATH=${bin}:${process.env.PATH}`, 'n1', 'n1');

    const here = await clockOffset(local);
    const there = await clockOffset(ahead);

    expect(Math.abs(here.offset)).toBeLessThanOrEqual(here.error + 5);
    expect(Math.abs(there.offset - 3_600_000)).toBeLessThan(1_100 + there.error);
  });
});

describe('terminate', () => {
  it('ends the process that was meant', async () => {
    const child = await start('sleep', '63');
    const seen = await find(child.pid);
    if (!seen) throw new Error('not seen');

    await terminate(local, seen);

    await gone(child).toBe('SIGTERM');
    await expect(terminate(local, seen)).resolves.toBeUndefined();
  });

  it('leaves another one alone that has got its pid', async () => {
    const child = await start('sleep', '64');
    const seen = await find(child.pid);
    if (!seen) throw new Error('not seen');

    await terminate(local, { ...seen, startTicks: seen.startTicks - 1 });
    await new Promise((resolve) => setTimeout(resolve, 100));

    expect(child.exitCode ?? child.signalCode).toBeNull();
  });
});

describe('restartComponent', () => {
  it('ends a static pod’s process and no other', async () => {
    const child = await start('sleep', '65');
    const management = { by: 'static-pod' as const, manifest: '/etc/kubernetes/manifests/x.yaml' };
    const instance = { id: 'n1/x', management };

    await restartComponent(local, instance, { pid: child.pid, startedAt: child.startedAt - 60_000 });
    expect(child.exitCode ?? child.signalCode).toBeNull();
    await restartComponent(local, instance, { pid: child.pid, startedAt: child.startedAt });

    await gone(child).toBe('SIGTERM');
    await expect(restartComponent(local, instance)).rejects.toThrow(/does not run/);
  });

  it('runs the configured command on this machine', async () => {
    const away = execAccess('no-such-program', 'n1', 'n1');
    const by = (command: string) => restartComponent(away, { id: 'n1/etcd', management: { by: 'command', command } });

    await by(`echo "restarted $((1 + 1))" >${dir}/done`);

    expect(readFileSync(join(dir, 'done'), 'utf8')).toBe('restarted 2\n');
    await expect(by('echo "no etcd here" >&2; exit 3')).rejects.toMatchObject({
      exitCode: 4,
      message: 'the restart command for n1 failed: no etcd here',
    });
  });

  /** With a systemctl that is this script. */
  function restartUnit(script: string, way = ''): Promise<void> {
    writeFileSync(join(dir, 'systemctl'), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    const access = execAccess(`${way} env PATH=${dir}:${process.env.PATH}`, 'n1', 'n1');
    return restartComponent(access, { id: 'n1/etcd', management: { by: 'unit', unit: 'etcd.service' } });
  }

  it('takes the order for given when it cuts the way by which it came, as through a pod of that kubelet', async () => {
    await restartUnit(`echo "$*" >${dir}/asked; exit 3`, `sh -c '"$@" | head -n 1' sh`);
    expect(readFileSync(join(dir, 'asked'), 'utf8')).toBe('restart -- etcd.service\n');
    // Cut before a byte of the answer came: kubectl's words for it.
    const words =
      'error: error reading from error stream: next reader: websocket: close 1006 (abnormal closure): unexpected EOF';
    rmSync(join(dir, 'asked'));
    await restartUnit(`echo "$*" >${dir}/asked`, `sh -c '"$@" >/dev/null; echo "${words}" >&2; exit 1' sh`);
    expect(readFileSync(join(dir, 'asked'), 'utf8')).toBe('restart -- etcd.service\n');
    await restartUnit('exit 0');
    const away = execAccess('false', 'n1', 'n1');
    await expect(
      restartComponent(away, { id: 'n1/etcd', management: { by: 'unit', unit: 'etcd.service' } }),
    ).rejects.toBeInstanceOf(NodeUnreachable);
  });

  it('says when a unit cannot be restarted, and when nothing is known', async () => {
    await expect(restartUnit('echo "Unit $3 not found." >&2; exit 5')).rejects.toThrow(
      'cannot restart the unit etcd.service on n1: Unit etcd.service not found.',
    );
    await expect(restartComponent(local, { id: 'n1/etcd', management: { by: 'unknown' } })).rejects.toMatchObject({
      hints: ['say it in reroot.yaml: nodes.n1.components.etcd.restart'],
    });
  });
});
