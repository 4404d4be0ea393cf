// What goes wrong before or in the middle of a rotation: each time a clear error, a hint and the right exit code, nothing changed,
// and once the cause is mended the same command goes on.

import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Finished } from '../../lab/demo/child.ts';
import { kubectl, labUp, reroot, type TestLab } from './harness.ts';
import { caIn } from './make-cas.ts';
import { describeLab } from './require-lab.ts';
import { snapshotOf } from './snapshot-of.ts';

const ROTATE = ['rotate', '--until', 'trust', '-o', 'json'];

describeLab('bad input', () => {
  let lab: TestLab;
  let files: string;
  let untouched: Record<string, string>;

  beforeAll(async () => {
    files = mkdtempSync(join(tmpdir(), 'reroot-bad-'));
    lab = await labUp('test-bad');
    untouched = snapshotOf(lab);
  });
  afterAll(async () => {
    rmSync(files, { recursive: true, force: true });
    await lab?.down();
  });

  const put = (name: string, text: string): string => {
    const path = join(files, name);
    writeFileSync(path, text, { mode: 0o600 });
    return path;
  };
  const config = (): string => join(lab.dir, 'reroot.yaml');
  const kubeconfig = (): string => join(lab.dir, 'kubeconfig');
  /** The lab's reroot.yaml with another way to its nodes: a shell script that gets the node's name and the command. */
  const reachedBy = (name: string, script: string): string =>
    put(
      name,
      readFileSync(config(), 'utf8').replace(
        /^exec: .*$/m,
        `exec: sh -c '${script}; exec ${lab.dir}/bin/node-exec "$@"' x {node}`,
      ),
    );

  function isClear(done: Finished, code: number, message: RegExp): void {
    const said = `${done.stdout.slice(-3000)}\n${done.stderr}`;
    expect(done.code, said).toBe(code);
    expect(done.stderr).toMatch(message);
    expect(done.stderr).toMatch(/hint:/);
    expect(done.stderr, 'a stack trace').not.toMatch(/\bat .*\.m?js:\d+|unexpected failure/);
    expect(done.stdout + done.stderr).not.toMatch(/PRIVATE KEY/);
  }

  /** plan and rotate both say it, and nothing at all has changed. */
  async function refused(flags: readonly string[], code: number, message: RegExp): Promise<void> {
    isClear(await reroot([...ROTATE, ...flags]), code, message);
    expect(existsSync(lab.file('cp1', 'etc/kubernetes/pki/reroot')), 'a rotation was begun').toBe(false);
  }
  const usual = (): string[] => ['--config', config(), '--kubeconfig', kubeconfig()];

  describe('wrong use (2)', () => {
    test('no cluster', async () => {
      const text = readFileSync(kubeconfig(), 'utf8').replace(/server: .*/g, 'server: https://127.0.0.1:9');
      const flags = ['--config', config(), '--kubeconfig', put('closed.conf', text)];
      await refused(flags, 2, /cannot reach 127\.0\.0\.1:9/);
    });

    test('no permission', async () => {
      const token = kubectl(lab, ['create', 'token', 'default', '-n', 'app1']).trim();
      const text = readFileSync(kubeconfig(), 'utf8')
        .replace(/client-certificate-data: .*/, `token: ${token}`)
        .replace(/\n *client-key-data: .*/, '');
      const flags = ['--config', config(), '--kubeconfig', put('weak.conf', text)];
      await refused(flags, 2, /no permission|forbidden|may not/i);
    });

    test('a broken kubeconfig', async () => {
      await refused(['--config', config(), '--kubeconfig', put('broken.conf', 'clusters: [')], 2, /is not YAML/);
      await refused(['--config', config(), '--kubeconfig', put('other.conf', 'a: 1\n')], 2, /other\.conf/);
    });

    test('an unknown node and an unknown key in reroot.yaml', async () => {
      const text = readFileSync(config(), 'utf8');
      const node = put('node.yaml', text.replace(/^nodes:$/m, 'nodes:\n  cp11: {}'));
      await refused(['--config', node, '--kubeconfig', kubeconfig()], 2, /names the node cp11/);
      const key = put('key.yaml', `${text}\nacces: ssh\n`);
      await refused(['--config', key, '--kubeconfig', kubeconfig()], 2, /unknown key acces/);
    });

    test('a CA file that is not one, and a key that does not belong to it', async () => {
      const given = (value: string) => [...usual(), '--new-ca', `kubernetes=${value}`];
      const one = caIn(files, 'one', { commonName: 'one' });
      const other = caIn(files, 'other', { commonName: 'other' });
      const text = put('text.crt', 'this is no certificate\n');
      const leaf = lab.file('cp1', 'etc/kubernetes/pki/apiserver.crt');
      await refused(given(`${text},${one.key}`), 2, /text\.crt/);
      await refused(given(`${leaf},${one.key}`), 2, /is not a CA/);
      await refused(given(`${one.cert},${other.key}`), 2, /does not belong to/);
      await refused(given(`${one.cert},${one.cert}`), 2, /one\.crt/);
      await refused(given(one.cert), 2, /without its key/);
      await refused(given(`${join(files, 'nowhere')},${one.key}`), 2, /nowhere cannot be read/);
    });
  });

  describe('blocked (3)', () => {
    test('a control plane that is not reached', async () => {
      const away = reachedBy('away.yaml', 'test "$1" != cp2 || exit 255');
      await refused(['--config', away, '--kubeconfig', kubeconfig()], 3, /control-plane-not-reached: cp2/);
    });

    test('a key beside a certificate it does not belong to', async () => {
      const path = lab.file('cp3', 'etc/kubernetes/pki/apiserver-kubelet-client.key');
      const kept = readFileSync(path);
      writeFileSync(path, readFileSync(lab.file('cp3', 'etc/kubernetes/pki/front-proxy-client.key')));
      try {
        await refused(usual(), 3, /pair-mismatch: cp3:/);
      } finally {
        writeFileSync(path, kept);
      }
    });

    test('a clock that is an hour off', async () => {
      const set = (seconds: string) => reroot(['lab', 'clock', '--name', lab.name, 'cp2', '--', seconds]);
      await set('-3600');
      try {
        await refused(usual(), 3, /clock-off: the clock of cp2 is 3\d\d\d s behind/);
      } finally {
        await set('0');
      }
    });

    test('after all of that nothing has changed', () => {
      const now = snapshotOf(lab);
      // A file that the test itself put back is compared by what is in it, not by when that was.
      const isSame = (id: string): boolean =>
        id.startsWith('/') ? bare(now[id]) === bare(untouched[id]) : now[id] === untouched[id];
      const bare = (seen = ''): string => seen.split(' ').slice(0, 4).join(' ');
      const ids = new Set([...Object.keys(untouched), ...Object.keys(now)]);
      expect([...ids].filter((id) => !isSame(id))).toEqual([]);
    });

    // Last, since an API server publishes what it reads, and never takes that back by itself.
    test('control planes that trust different CAs', async () => {
      const path = lab.file('cp2', 'etc/kubernetes/pki/ca.crt');
      const kept = readFileSync(path);
      const other = readFileSync(lab.file('cp1', 'etc/kubernetes/pki/front-proxy-ca.crt'));
      writeFileSync(path, Buffer.concat([kept, other]));
      try {
        await refused(usual(), 3, /control-planes-disagree: .*cp2: /);
      } finally {
        writeFileSync(path, kept);
      }
    });
  });

  describe('failed and left safe (4), and the same command goes on', () => {
    test('a folder that cannot be written, before anything is begun', async () => {
      const folder = lab.file('cp2', 'etc/kubernetes/pki');
      chmodSync(folder, 0o555);
      try {
        isClear(await lab.run(ROTATE), 4, /cp2.*(read-only|permission|Permission|cannot)/s);
      } finally {
        chmodSync(folder, 0o755);
      }
      await lab.must(['verify', '-o', 'json']);
    });

    test('a file size limit, in the middle of the beginning', async () => {
      const limited = reachedBy('limited.yaml', 'test "$1" != cp2 || ulimit -f 4');
      const done = await reroot([...ROTATE, '--config', limited, '--kubeconfig', kubeconfig()]);
      isClear(done, 4, /cp2/);
      await lab.must(['verify', '-o', 'json']);
    });

    test('a folder that becomes read-only half-way', async () => {
      const folder = lab.file('cp3', 'etc/kubernetes');
      chmodSync(folder, 0o555);
      try {
        const done = await lab.run(ROTATE);
        isClear(done, 4, /cp3/);
        expect(done.events.some(({ type, data }) => type === 'step' && data?.state === 'done')).toBe(true);
        expect(done.events.some(({ type, data }) => type === 'step' && data?.state === 'failed')).toBe(true);
        await lab.must(['verify', '-o', 'json']);
      } finally {
        chmodSync(folder, 0o755);
      }
    });

    test('a second rotation while one runs, and the first one reaches its end', async () => {
      let second: Promise<Finished> | undefined;
      const first = await lab.must(ROTATE, 0, {
        onEvent: ({ type }) => {
          if (type === 'plan') second ??= lab.run(ROTATE);
        },
      });
      expect(second).toBeDefined();
      isClear((await second) as Finished, 3, /another reroot is at work/);
      expect(first.events.at(-1)).toMatchObject({ type: 'end', data: { exitCode: 0 } });
      expect(lab.record().reached).toBe('trust');
      await lab.must(['verify', '-o', 'json']);
    });

    test('other wishes than those of the open rotation', async () => {
      const { cert, key } = caIn(files, 'late', { commonName: 'late' });
      isClear(await lab.run([...ROTATE, '--new-ca', `kubernetes=${cert},${key}`]), 2, /is open and has its new CAs/);
    });
  });
});
