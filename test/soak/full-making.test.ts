// The full lab itself: killed while it is made, made anew, kept and turned back, taken away whole or broken. A small one.

import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { hasCgroups } from '../../lab/full/cgroups.ts';
import { keeperOf } from '../../lab/full/keeper.ts';
import { mountsBelow } from '../../lab/full/mounts.ts';
import { fullPlaceOf, scopeOf } from '../../lab/full/place.ts';
import { processesOfLab } from '../../lab/proc.ts';
import { labDir, readLab } from '../../lab/state.ts';
import { describeFull, fullLabAt } from '../full/harness.ts';
import { command, reroot } from '../lab/harness.ts';
import { oneStory } from '../lab/one-story.ts';

const name = 'test-full-making';
const dir = labDir(name);
const small = ['lab', 'up', '--kind', 'full', '--name', name, '--control-planes', '1', '--workers', '1'];

/** Milliseconds: what a lab is made of may have to be built first. */
const BUILD = 45 * 60_000;

/** Settings that a kubelet would change, and one that a node's network does: the host's own. */
const HOST = ['vm/overcommit_memory', 'kernel/panic', 'kernel/panic_on_oops', 'net/ipv4/ip_forward'];
const ofHost = (): string[] => [
  ...HOST.map((path) => readFileSync(join('/proc/sys', path), 'utf8')),
  readFileSync('/etc/hosts', 'utf8'),
  readFileSync('/proc/net/route', 'utf8'),
  readFileSync('/proc/net/dev', 'utf8').replaceAll(/:.*/g, ''),
];

const run = async (args: readonly string[], code = 0): Promise<string> => {
  const done = await reroot(args);
  expect(done.code, `reroot ${args.join(' ')}\n${done.stdout}\n${done.stderr}`).toBe(code);
  return done.stdout;
};
const lab = (what: string, code = 0): Promise<string> => run(['lab', what, '--name', name], code);

function expectNothingLeft(): void {
  expect(existsSync(dir)).toBe(false);
  expect(processesOfLab(dir)).toEqual([]);
  expect(mountsBelow(dir)).toEqual([]);
  expect(hasCgroups(scopeOf(dir, name))).toBe(false);
}

await describeFull('making a full lab', () => {
  oneStory();
  const before = ofHost();
  afterAll(() => reroot(['lab', 'down', '--name', name]));

  it('killed in the middle it is taken away without a trace', { timeout: BUILD }, async () => {
    await lab('down');
    const child = spawn(process.execPath, [command, ...small], { stdio: 'ignore' });
    // Until a node runs: then there are mounts, namespaces, cgroups and processes to be found again.
    await expect.poll(() => existsSync(join(dir, 'run/cp1.json')), { timeout: BUILD, interval: 20 }).toBe(true);
    child.kill('SIGKILL');
    expect(readLab(dir)?.phase).toBe('making');
    expect(mountsBelow(dir).length).toBeGreaterThan(4);
    await lab('down');
    expectNothingLeft();
    expect(await lab('down')).toContain('there is no lab');
  });

  it('interrupted it takes itself away', async () => {
    const done = await reroot(small, {
      onStart: (child) => {
        const timer = setInterval(() => {
          if (existsSync(join(dir, 'run/cp1.json'))) child.kill('SIGINT');
        }, 50);
        child.once('exit', () => clearInterval(timer));
      },
    });
    expect(done.code, done.stderr).toBe(130);
    expectNothingLeft();
  });

  it('is up, says so a second time, and refuses to be another one', async () => {
    await run(small);
    expect(await run(small)).toContain('is up already');
    await run([...small.slice(0, -1), '2'], 2);
    await run(['lab', 'up', '--name', name], 2);
    await lab('status');
  });

  it('has nodes with commands by exec and by ssh, a clock that can be off, and a disk of their own', async () => {
    const { on } = fullLabAt(name);
    expect((await run(['lab', 'exec', '--name', name, 'w1', '--', 'hostname'])).trim()).toBe('w1');
    await run(['lab', 'exec', '--name', name, 'cp1', '--', 'sh', '-c', 'exit 7'], 7);
    await run(['lab', 'clock', '--name', name, 'w1', '3600']);
    expect(Math.round((Number(await on('w1', 'date +%s')) - Date.now() / 1000) / 60)).toBe(60);
    await run(['lab', 'clock', '--name', name, 'w1', '0']);
    // Full for one, and for nobody else.
    await expect(Promise.resolve(on('w1', 'head -c 2G /dev/zero > /root/much'))).rejects.toThrow(/No space left/);
    expect(await on('cp1', 'echo some > /root/some; cat /root/some')).toContain('some');
    await on('w1', 'rm /root/much');
  });

  it('is kept, and turned back', async () => {
    const { kubectl, on } = fullLabAt(name);
    await on('cp1', 'echo before > /etc/kubernetes/mark');
    await lab('snapshot');
    await on('cp1', 'echo after > /etc/kubernetes/mark');
    kubectl(['create', 'namespace', 'later']);
    await lab('restore');
    expect((await on('cp1', 'cat /etc/kubernetes/mark')).trim()).toBe('before');
    expect(kubectl(['get', 'namespaces'])).not.toContain('later');
    await lab('status');
  });

  it('goes whole when its keeper was killed, and has changed nothing of the host', async () => {
    const file = readLab(dir);
    const keeper = file && keeperOf(fullPlaceOf(dir, file));
    expect(keeper).toBeDefined();
    process.kill(keeper?.pid ?? 0, 'SIGKILL');
    await lab('status', 1);
    await lab('down');
    expectNothingLeft();
    expect(ofHost()).toEqual(before);
  });
});
