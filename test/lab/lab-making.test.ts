// Making a lab: killed, interrupted, refused.

import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { isAlive, processesOfLab } from '../../lab/proc.ts';
import { networkFor } from '../../lab/processes/network.ts';
import { labDir, readLab } from '../../lab/state.ts';
import { command, reroot } from './harness.ts';
import { down, expectNothingLeft, small, statusOf } from './lab-commands.ts';
import { describeLab } from './require-lab.ts';

describeLab('making a lab', () => {
  const name = 'test-making';
  afterAll(async () => {
    await down(name);
  });

  it('killed in the middle is made anew', async () => {
    await down(name);
    const child = spawn(process.execPath, [command, ...small(name)], { stdio: 'ignore' });
    // Until the API server runs: then there are files, a supervisor and components to be found again.
    await expect
      .poll(() => existsSync(join(labDir(name), 'nodes/cp1/run/kube-apiserver.pid')), {
        timeout: 300_000,
        interval: 20,
      })
      .toBe(true);
    child.kill('SIGKILL');
    expect(readLab(labDir(name))?.phase).toBe('making');
    const left = processesOfLab(labDir(name));
    expect(left.length).toBeGreaterThan(1);
    const made = await reroot(small(name));
    expect(made.code, made.stderr).toBe(0);
    expect((await statusOf(name)).code).toBe(0);
    expect(left.filter(isAlive)).toEqual([]);
    expect((await down(name)).code).toBe(0);
    expectNothingLeft(name);
  });

  it('interrupted leaves nothing', async () => {
    const done = await reroot(small(name), {
      onStart: (child) => {
        const timer = setInterval(() => {
          if (existsSync(join(labDir(name), 'nodes/cp1/run/etcd.pid'))) child.kill('SIGINT');
        }, 20);
        child.once('exit', () => clearInterval(timer));
      },
    });
    expect(done.code, done.stderr).toBe(130);
    expectNothingLeft(name);
  });

  it.each([
    [['--kubernetes', '1.35.0'], '1.36.3, 1.34.12'],
    [['--control-planes', '2'], '1 or 3'],
    [['--kind', 'clouds'], '--kind processes'],
    [['--name', '../x'], 'no name for a lab'],
    [['--network', '10.0.0'], 'no network for a lab'],
  ])('with %j is wrong use, and nothing is made', async (args, said) => {
    const done = await reroot(['lab', 'up', '--name', name, ...args]);
    expect(done.code).toBe(2);
    expect(done.stderr).toContain(said);
    expectNothingLeft(name);
  });

  it('where a port is taken names it, and nothing is made', async () => {
    const network = networkFor(`${name}-taken`);
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(9443, `${network}.20`, resolve));
    try {
      const done = await reroot([...small(name), '--network', network]);
      expect(done.code).toBe(1);
      expect(done.stderr).toContain(`${network}.20:9443`);
      expectNothingLeft(name);
    } finally {
      await new Promise((resolve) => server.close(resolve));
    }
  });

  it('without Go says how to get it', async () => {
    const done = await reroot(small(name), { env: { PATH: '/usr/bin:/bin' } });
    if (existsSync('/usr/bin/go')) return;
    expect(done.code).toBe(1);
    expect(done.stderr).toContain('https://go.dev/dl/');
    expectNothingLeft(name);
  });
});
