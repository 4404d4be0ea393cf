import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { withLock } from '../../../lab/lock.ts';
import { isAlive, markOf, processesOfLab, sameProcess, startedAt } from '../../../lab/proc.ts';
import { cacheFolder, labDir, labsFolder, readLab, writeLab } from '../../../lab/state.ts';

const folder = mkdtempSync(join(tmpdir(), 'lab-state-'));
afterAll(() => rmSync(folder, { recursive: true }));

describe('where labs live', () => {
  it('is what the environment says, and a place others can reach when root runs them', () => {
    expect(labsFolder({ REROOT_LABS: '/a', XDG_STATE_HOME: '/b' }, 1000)).toBe('/a');
    expect(labsFolder({ XDG_STATE_HOME: '/b' }, 0)).toBe('/b/reroot/labs');
    expect(labsFolder({}, 0)).toBe('/var/lib/reroot/labs');
    expect(labsFolder({}, 1000)).toMatch(/\/\.local\/state\/reroot\/labs$/);
    expect(cacheFolder({ REROOT_CACHE: '/c' })).toBe('/c');
    expect(cacheFolder({ XDG_CACHE_HOME: '/d' })).toBe('/d/reroot');
  });

  it.each(['..', 'a/b', 'A', '-a', 'a-', '', 'a b', 'x'.repeat(33)])('cannot be named %j', (name) => {
    expect(() => labDir(name)).toThrow('no name for a lab');
  });

  it('holds a file that comes back, and says when it is none', () => {
    const lab = {
      name: 'x',
      kind: 'processes' as const,
      kubernetes: '1.36.3',
      network: '127.20.30',
      nodes: [{ name: 'cp1', address: '127.20.30.1', controlPlane: true }],
      loadBalancer: '127.20.30.10',
      hostNames: true,
      phase: 'up' as const,
      program: { node: '/n', script: '/s' },
    };
    expect(readLab(folder)).toBeUndefined();
    writeLab(folder, lab);
    expect(readLab(folder)).toEqual(lab);
    writeFileSync(join(folder, 'lab.json'), '{"name":');
    expect(() => readLab(folder)).toThrow('not a lab');
  });
});

describe('processes', () => {
  it('are told apart by their start, and found by the lab they carry', async () => {
    const child = spawn('sleep', ['60'], { env: { ...process.env, REROOT_LAB: folder } });
    const pid = child.pid ?? 0;
    try {
      const mark = markOf(pid);
      expect(mark && sameProcess(mark)).toBe(true);
      expect(sameProcess({ pid, start: '1' })).toBe(false);
      expect(Math.abs((startedAt(pid) ?? 0) - Date.now())).toBeLessThan(5_000);
      await expect.poll(() => processesOfLab(folder)).toEqual([pid]);
      expect(processesOfLab(`${folder}x`)).toEqual([]);
    } finally {
      child.kill('SIGKILL');
    }
    await expect.poll(() => isAlive(pid)).toBe(false);
  });
});

describe('a lock', () => {
  const path = join(folder, 'lock');

  it('lets one in at a time, and others wait', async () => {
    let inside = 0;
    let most = 0;
    let waited = 0;
    const one = () =>
      withLock(path, { waiting: () => waited++ }, async () => {
        most = Math.max(most, ++inside);
        await new Promise((resolve) => setTimeout(resolve, 50));
        inside--;
      });
    await Promise.all([one(), one()]);
    expect({ most, waited }).toEqual({ most: 1, waited: 1 });
    expect(existsSync(path)).toBe(false);
  });

  it('refuses while its holder lives', async () => {
    await withLock(path, { taken: () => new Error('taken') }, async () => {
      await expect(withLock(path, { taken: (pid) => new Error(`by ${pid}`) }, async () => 1)).rejects.toThrow(
        `by ${process.pid}`,
      );
    });
  });

  it('does not outlive a holder that was killed', async () => {
    writeFileSync(path, JSON.stringify({ pid: process.pid, start: '1' }));
    expect(await withLock(path, { taken: () => new Error('taken') }, async () => 'in')).toBe('in');
  });
});
