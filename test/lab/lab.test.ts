// The process lab itself: that it stands, what is in it, and that nothing of it is left.

import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, readlinkSync, realpathSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { environOf, isAlive, processesOfLab } from '../../lab/proc.ts';
import { labDir, readLab } from '../../lab/state.ts';
import { kubectl, labAt, reroot, type TestLab } from './harness.ts';
import { down, expectNothingLeft, small, statusOf } from './lab-commands.ts';
import { describeLab } from './require-lab.ts';

describeLab('a process lab', () => {
  const name = 'test-lab';
  let lab: TestLab;
  const inLab = (node: string, ...argv: string[]) => reroot(['lab', 'exec', '--name', name, node, '--', ...argv]);
  const pidOf = (node: string, component: string): number =>
    Number(readFileSync(lab.file(node, `run/${component}.pid`), 'utf8'));

  beforeAll(async () => {
    await down(name);
    const made = await reroot(small(name));
    expect(made.code, made.stderr).toBe(0);
    lab = labAt(name);
  });
  afterAll(async () => {
    await down(name);
  });

  it('says that it is up when asked for again, and does not disturb it', async () => {
    const before = readFileSync(join(lab.dir, 'events.jsonl'), 'utf8');
    const again = await reroot(small(name));
    expect(again.code, again.stderr).toBe(0);
    expect(again.stdout).toContain('is up already');
    expect(readFileSync(join(lab.dir, 'events.jsonl'), 'utf8')).toBe(before);
    const other = await reroot(['lab', 'up', '--name', name, '--control-planes', '3']);
    expect(other.code).toBe(2);
    expect(other.stderr).toContain(`reroot lab down --name ${name}`);
  });

  it('says where everything is', async () => {
    const { code, status } = await statusOf(name);
    expect(code).toBe(0);
    expect(status).toMatchObject({ name, kind: 'processes', kubernetes: '1.36.3', up: true, folder: lab.dir });
    expect(status.components.every(({ up }) => up)).toBe(true);
    expect(status.components.map(({ id }) => id)).toContain('cp1/kube-controller-manager');
    for (const path of [status.kubeconfig, status.config, ...status.nodes.map(({ folder }) => folder)]) {
      expect(existsSync(path), path).toBe(true);
    }
  });

  it('runs its components as an ordinary user without any capability', async () => {
    const { status } = await statusOf(name);
    for (const { id, pid } of status.components) {
      const facts = readFileSync(`/proc/${pid}/status`, 'utf8');
      expect(facts, id).toMatch(/^CapEff:\s+0+$/m);
      expect(facts, id).toMatch(/^NoNewPrivs:\s+1$/m);
      expect(facts, id).not.toMatch(/^Uid:\s+0\s/m);
    }
  });

  it('names its components in the process table, and keeps keys out of it', async () => {
    const { status } = await statusOf(name);
    for (const { component, pid } of status.components.filter((one) => one.component !== 'lb')) {
      const argv = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
      expect(argv[0]).toBe(component);
      expect(argv.join(' ')).not.toContain('PRIVATE KEY');
    }
  });

  it('has files where kubeadm puts them, keys readable by their owner only', () => {
    const files = walk(join(lab.dir, 'nodes'));
    for (const path of [
      ...['ca', 'apiserver', 'apiserver-kubelet-client', 'front-proxy-ca', 'front-proxy-client', 'etcd/ca', 'etcd/peer']
        .flatMap((pair) => [`${pair}.crt`, `${pair}.key`])
        .map((file) => `etc/kubernetes/pki/${file}`),
      ...['admin', 'super-admin', 'controller-manager', 'scheduler', 'kubelet'].map(
        (conf) => `etc/kubernetes/${conf}.conf`,
      ),
      'etc/kubernetes/manifests/kube-apiserver.yaml',
      'var/lib/kubelet/config.yaml',
    ]) {
      expect(files).toContain(lab.file('cp1', path));
    }
    const current = lab.file('cp1', 'var/lib/kubelet/pki/kubelet-client-current.pem');
    expect(readlinkSync(current)).toMatch(/kubelet-client-\d{4}(-\d\d){5}\.pem$/);
    const secret = files.filter((path) => /PRIVATE KEY|client-key-data|^token:/m.test(readFileSync(path, 'latin1')));
    expect(secret.length).toBeGreaterThan(15);
    for (const path of secret) expect(statSync(path).mode & 0o077, path).toBe(0);
  });

  it('runs commands on a node, with their output and exit code', async () => {
    const where = await inLab('cp1', 'sh', '-c', 'pwd; id -u; echo "$REROOT_NODE"; exit 7');
    expect(where.code).toBe(7);
    const [folder, uid, node] = where.stdout.split('\n');
    expect(realpathSync(folder ?? '')).toBe(realpathSync(lab.file('cp1', '.')));
    expect(uid).not.toBe('0');
    expect(node).toBe('cp1');
    expect((await inLab('cp9', 'true')).code).toBe(2);
    expect(spawnSync(join(lab.dir, 'bin/node-exec'), ['cp9', 'true']).status).toBe(255);
  });

  it('can have a node whose clock is off', async () => {
    const clock = (seconds: string) => reroot(['lab', 'clock', '--name', name, 'w1', seconds]);
    const offset = async (): Promise<number> => Number((await inLab('w1', 'date', '+%s')).stdout) - Date.now() / 1000;
    expect((await clock('3600')).code).toBe(0);
    expect(Math.abs((await offset()) - 3600)).toBeLessThan(30);
    expect((await clock('0')).code).toBe(0);
    expect(Math.abs(await offset())).toBeLessThan(30);
  });

  it('restarts a component, and comes back when the old process is gone', async () => {
    const old = pidOf('cp1', 'kube-scheduler');
    const config = readFileSync(join(lab.dir, 'reroot.yaml'), 'utf8');
    const restart = /restart: (.*\/restart cp1 kube-scheduler)$/m.exec(config)?.[1] ?? '';
    expect(spawnSync('sh', ['-c', restart]).status).toBe(0);
    expect(isAlive(old) && environOf(old).includes(`REROOT_LAB=${lab.dir}`)).toBe(false);
    await expect.poll(async () => (await statusOf(name)).status.up, { timeout: 60_000, interval: 500 }).toBe(true);
    expect(pidOf('cp1', 'kube-scheduler')).not.toBe(old);
    expect(spawnSync(join(lab.dir, 'bin/restart'), ['cp1', 'nothing']).status).toBe(2);
  });

  it('has a webhook, a converted kind and an aggregated API that answer', () => {
    expect(kubectl(lab, ['-n', 'hooked', 'create', 'configmap', 'asked', '--from-literal=a=b'])).toContain('created');
    expect(
      kubectl(lab, ['-n', 'app1', 'get', 'widgets.v1beta1.lab.reroot.dev', 'first', '-o', 'jsonpath={.apiVersion}']),
    ).toBe('lab.reroot.dev/v1beta1');
    expect(kubectl(lab, ['get', 'flunders.wardle.example.com', '-A', '-o', 'name'])).toBe('');
    expect(kubectl(lab, ['-n', 'app1', 'get', 'secret', 'legacy-token', '-o', 'jsonpath={.data.ca\\.crt}'])).not.toBe(
      '',
    );
    const counts = spawnSync('curl', ['-sk', `https://${readLab(lab.dir)?.network}.20:9443/counts`], {
      encoding: 'utf8',
    });
    if (!counts.error) {
      const { validated, converted } = JSON.parse(counts.stdout) as { validated: number; converted: number };
      expect(validated).toBeGreaterThan(0);
      expect(converted).toBeGreaterThan(0);
    }
  });

  it('is turned back to a snapshot', async () => {
    kubectl(lab, ['create', 'namespace', 'kept']);
    const kept = await reroot(['lab', 'snapshot', '--name', name, 'one']);
    expect(kept.code, kept.stderr).toBe(0);
    kubectl(lab, ['create', 'namespace', 'lost']);
    writeFileSync(lab.file('cp1', 'etc/kubernetes/pki/stray'), 'x');
    const back = await reroot(['lab', 'restore', '--name', name, 'one']);
    expect(back.code, back.stderr).toBe(0);
    expect((await statusOf(name)).status.up).toBe(true);
    const namespaces = kubectl(lab, ['get', 'namespaces', '-o', 'name']);
    expect(namespaces).toContain('namespace/kept');
    expect(namespaces).not.toContain('namespace/lost');
    expect(existsSync(lab.file('cp1', 'etc/kubernetes/pki/stray'))).toBe(false);
    const none = await reroot(['lab', 'restore', '--name', name, 'two']);
    expect(none.code).toBe(2);
    expect(none.stderr).toContain('it has: one');
  });

  it('stands beside another one, and goes without touching it', async () => {
    const other = 'test-lab-2';
    const made = await reroot(small(other));
    expect(made.code, made.stderr).toBe(0);
    expect(readLab(labDir(other))?.network).not.toBe(readLab(lab.dir)?.network);
    expect((await down(other)).code).toBe(0);
    expectNothingLeft(other);
    expect((await statusOf(name)).code).toBe(0);
  });

  it('leaves nothing when its supervisor was killed, and can be taken down twice', async () => {
    const { status } = await statusOf(name);
    process.kill(status.supervisor ?? 0, 'SIGKILL');
    await expect.poll(async () => (await statusOf(name)).code, { timeout: 10_000 }).toBe(1);
    expect(processesOfLab(lab.dir).length).toBeGreaterThan(5);
    expect((await down(name)).code).toBe(0);
    expectNothingLeft(name);
    const again = await down(name);
    expect(again).toMatchObject({ code: 0, stdout: `there is no lab "${name}"` });
    expect((await reroot(['lab', 'status', '--name', name])).code).toBe(2);
  });
});

const walk = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
