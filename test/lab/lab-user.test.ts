// A lab made by a user who is not root. Where the tests run as such a user, every other test of labs shows that already.

import { execFileSync, spawnSync } from 'node:child_process';
import { chownSync, cpSync, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { planBuild, runBuild } from '../../lab/build.ts';
import { processesOfLab } from '../../lab/proc.ts';
import { isRoot } from '../../lab/processes/identity.ts';
import type { LabStatus } from '../../lab/processes/status.ts';
import { cacheFolder } from '../../lab/state.ts';
import { DEFAULT_VERSION, kubeVersion } from '../../lab/versions.ts';
import { command, root } from './harness.ts';
import { describeLab } from './require-lab.ts';

const UID = 54321;

describeLab('a lab of an ordinary user', () => {
  const home = mkdtempSync(join(tmpdir(), 'reroot-user-'));
  const lab = join(home, '.local/state/reroot/labs/mine');
  // A copy: the checkout may lie where that user may not look.
  const program = join(home, 'dist/reroot.mjs');
  const asUser = (...args: string[]) =>
    spawnSync(
      'setpriv',
      [`--reuid=${UID}`, `--regid=${UID}`, '--clear-groups', 'env', process.execPath, program, 'lab', ...args],
      { encoding: 'utf8', env: { PATH: process.env.PATH, HOME: home, REROOT_CACHE: join(home, 'cache') }, cwd: home },
    );
  afterAll(() => {
    if (existsSync(lab)) asUser('down', '--name', 'mine');
    rmSync(home, { recursive: true, force: true });
  });

  it.skipIf(!isRoot())("stands in that user's home, and goes", async () => {
    // What root has built already: its own file, so a copy.
    cpSync(command, program);
    cpSync(join(root, 'lab/kube'), join(home, 'lab/kube'), { recursive: true });
    const kube = await runBuild(planBuild(kubeVersion(DEFAULT_VERSION)), () => undefined);
    const built = join(home, 'cache', kube.slice(cacheFolder().length), '..');
    mkdirSync(built, { recursive: true });
    execFileSync('cp', [kube, built]);
    execFileSync('chown', ['-R', `${UID}:${UID}`, home]);
    chownSync(home, UID, UID);

    const up = asUser('up', '--name', 'mine', '--control-planes', '1');
    expect(up.status, up.stderr).toBe(0);
    const status = JSON.parse(asUser('status', '--name', 'mine', '-o', 'json').stdout) as LabStatus;
    expect(status).toMatchObject({ up: true, folder: lab });
    const exec = asUser('exec', '--name', 'mine', 'cp1', '--', 'id', '-u');
    expect(exec.stdout.trim()).toBe(String(UID));
    const down = asUser('down', '--name', 'mine');
    expect(down.status, down.stderr).toBe(0);
    expect(existsSync(lab)).toBe(false);
    expect(processesOfLab(lab)).toEqual([]);
  });
});
