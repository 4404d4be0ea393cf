// The demo as a stranger runs it: a fresh clone, an ordinary user without a single capability, two words on the command line.

import { execFileSync, spawn } from 'node:child_process';
import { chownSync, cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import type { DemoResult } from '../../lab/demo/demo.ts';
import { cacheFolder } from '../../lab/state.ts';
import { root } from '../lab/harness.ts';
import { describeLab } from '../lab/require-lab.ts';

const NOBODY = 65534;
const isRoot = process.getuid?.() === 0;
const WITHOUT_PRIVILEGE = [
  '--reuid=65534',
  '--regid=65534',
  '--clear-groups',
  '--bounding-set=-all',
  '--inh-caps=-all',
  '--no-new-privs',
  '--',
];

describeLab('npm run demo -- --quick in a fresh clone, without privileges', () => {
  const home = mkdtempSync(join(tmpdir(), 'reroot-demo-'));
  const clone = join(home, 'clone');
  let output = '';
  let result: DemoResult;

  afterAll(() => rmSync(home, { recursive: true, force: true }));

  function prepare(): NodeJS.ProcessEnv {
    execFileSync('git', ['clone', '--quiet', root, clone]);
    // The components were built for the tests before this one: an ordinary user has a cache of their own, filled here by a copy.
    const cache = join(home, 'cache');
    mkdirSync(cache);
    // Only what the process lab takes: root file systems of the full lab have devices, which nobody can copy.
    const built = join(cacheFolder(), 'kube');
    if (existsSync(built))
      cpSync(built, join(cache, 'kube'), { recursive: true, filter: (path) => !path.endsWith('.lock') });
    if (isRoot) giveAway(home);
    return {
      ...process.env,
      HOME: home,
      REROOT_CACHE: cache,
      REROOT_LABS: join(home, 'labs'),
      npm_config_cache: join(home, 'npm'),
    };
  }

  function giveAway(path: string): void {
    execFileSync('chown', ['-R', `${NOBODY}:${NOBODY}`, path]);
    chownSync(path, NOBODY, NOBODY);
  }

  test('ends with 0 and one JSON object as its last line', async () => {
    const env = prepare();
    const words = ['npm', 'run', '--silent', 'demo', '--', '--quick'];
    const [program = '', ...args] = isRoot ? ['setpriv', ...WITHOUT_PRIVILEGE, ...words] : words;
    const code = await new Promise((resolve) => {
      const child = spawn(program, args, { cwd: clone, env, stdio: ['ignore', 'pipe', 'pipe'] });
      for (const stream of [child.stdout, child.stderr]) {
        stream.on('data', (chunk) => {
          output += String(chunk);
        });
      }
      child.on('close', resolve);
    });
    expect(code, output.slice(-6000)).toBe(0);
    result = JSON.parse(output.trim().split('\n').at(-1) ?? '') as DemoResult;
    expect(result.lab).toBe('processes');
    expect(result.authorities).toEqual(['kubernetes', 'front-proxy']);
  });

  test('nothing failed before retire, and afterwards only those that keep old', () => {
    expect(result.failedBeforeRetire, output.slice(-6000)).toBe(0);
    expect(Object.keys(result.failedAfterRetire).sort()).toEqual(['fresh', 'kept', 'pod-frozen']);
    expect(result.requests).toBeGreaterThan(5_000);
  });

  test('restarts are those of the design: none of API servers and etcd, one of schedulers and kubelets, two of controller managers', () => {
    expect(result.restarts).toEqual({
      'kube-apiserver': 0,
      etcd: 0,
      'kube-scheduler': 1,
      'kube-controller-manager': 2,
      kubelet: 1,
    });
  });

  test('the report is there, and the lab is gone', () => {
    expect(readFileSync(result.report, 'utf8')).toContain('<html');
    expect(readdirSync(join(home, 'labs')).filter((name) => name === 'demo')).toEqual([]);
  });
});
