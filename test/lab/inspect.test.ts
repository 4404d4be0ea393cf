// inspect and verify on a real cluster: what they find, that a broken channel is named, and that wrong use is told clearly.

import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Inventory } from '../../src/core/model/inventory.ts';
import { kubectl, labUp, reroot, type TestLab } from './harness.ts';

interface Verdict {
  ok: boolean;
  checks: { kind: string; channel: string; ok: boolean | null; message: string }[];
}

let lab: TestLab;
beforeAll(async () => {
  lab = await labUp('inspect');
});
afterAll(() => lab?.down());

const inspect = async (): Promise<Inventory> =>
  JSON.parse((await lab.must(['inspect', '-o', 'json'])).stdout) as Inventory;
const verify = async (code: number): Promise<Verdict> =>
  JSON.parse((await lab.must(['verify', '-o', 'json', '--since', '20s'], code)).stdout) as Verdict;
const failed = ({ checks }: Verdict): string[] => checks.filter(({ ok }) => ok === false).map(({ channel }) => channel);

/** A file is other than it should be for the time of a look, and then as before. */
async function with_<T>(path: string, change: (text: string) => string, look: () => Promise<T>): Promise<T> {
  copyFileSync(path, `${path}.kept`);
  try {
    writeFileSync(path, change(readFileSync(path, 'utf8')));
    return await look();
  } finally {
    writeFileSync(path, readFileSync(`${path}.kept`));
  }
}

describe('a healthy cluster', () => {
  test('is seen whole', async () => {
    const inventory = await inspect();
    const count = (component: string) => inventory.instances.filter((one) => one.component === component).length;
    expect(['etcd', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler'].map(count)).toEqual([3, 3, 3, 3]);
    expect(count('kubelet')).toBe(4);
    expect(
      inventory.instances
        .filter(({ component }) => component === 'kube-controller-manager')
        .map(({ leader }) => leader)
        .sort(),
    ).toEqual([false, false, true]);
    expect(
      inventory.instances.every(
        ({ node, flags }) =>
          !JSON.stringify(flags).includes(`/nodes/${node === 'cp1' ? 'cp2' : 'cp1'}/`) || node === 'lb',
      ),
    ).toBe(true);
    expect(inventory.authorities.map(({ authority, keys }) => [authority, keys.length])).toEqual([
      ['kubernetes', 3],
      ['front-proxy', 3],
      ['etcd', 3],
    ]);
    const rootCA = inventory.stores.filter(({ id }) => /kube-root-ca\.crt#ca\.crt$/.test(id));
    expect(rootCA.map(({ id }) => id.split('/')[2]).sort()).toEqual(inventory.namespaces);
    const ids = inventory.callees.map(({ id }) => id).sort();
    expect(ids).toEqual([
      'apiservice/v1alpha1.wardle.example.com',
      'crd/widgets.lab.reroot.dev',
      'webhook/lab-webhook',
    ]);
    expect(inventory.callees.every(({ servingStore }) => servingStore?.startsWith('file/w1:'))).toBe(true);
    expect(inventory.stores.some(({ id }) => /^file\/w1:.*\/home\/[^/]+\/\.kube\/config#client$/.test(id))).toBe(true);
    expect(inventory.findings.filter(({ severity }) => severity === 'error')).toEqual([]);
    expect(JSON.stringify(inventory)).not.toMatch(/PRIVATE KEY/);
  });

  test('verifies, in every channel', async () => {
    const verdict = await verify(0);
    expect(failed(verdict)).toEqual([]);
    const kinds = new Set(verdict.checks.filter(({ ok }) => ok).map(({ kind }) => kind));
    expect([...kinds].sort()).toEqual(['alive', 'call', 'client', 'kubelet', 'log', 'pair', 'published', 'serving']);
    expect(
      verdict.checks.filter(({ channel }) => channel.endsWith('-> apiservice/v1alpha1.wardle.example.com')),
    ).toHaveLength(4);
  });

  test('is printed for people, authority by authority', async () => {
    const { stdout } = await lab.must(['inspect', '-o', 'plain']);
    for (const authority of ['kubernetes', 'front-proxy', 'etcd'])
      expect(stdout).toMatch(new RegExp(`^${authority}$`, 'm'));
    expect(stdout).toMatch(/ConfigMap kube-root-ca\.crt#ca\.crt in \d+ namespaces +<- in-cluster clients/);
    expect(stdout).toMatch(/cp1,cp2,cp3:.*\/pki\/apiserver\.crt +<- kube-apiserver serving/);
  });
});

describe('a cluster that is not right', () => {
  test('a callee whose certificate no longer fits its caBundle is the one channel that fails', async () => {
    const bundle = kubectl(lab, [
      'get',
      'validatingwebhookconfiguration',
      'lab-webhook',
      '-o',
      'jsonpath={.webhooks[0].clientConfig.caBundle}',
    ]);
    const other = readFileSync(lab.file('cp1', 'etc/kubernetes/pki/front-proxy-ca.crt')).toString('base64');
    const patch = (value: string) =>
      kubectl(lab, [
        'patch',
        'validatingwebhookconfiguration',
        'lab-webhook',
        '--type=json',
        '-p',
        JSON.stringify([{ op: 'replace', path: '/webhooks/0/clientConfig/caBundle', value }]),
      ]);
    patch(other);
    try {
      expect(failed(await verify(1))).toEqual(['kube-apiserver -> webhook/lab-webhook']);
    } finally {
      patch(bundle);
    }
  });

  test('control planes that differ, a pair that does not fit, a file that is torn', async () => {
    const frontProxy = readFileSync(lab.file('cp1', 'etc/kubernetes/pki/front-proxy-ca.crt'), 'utf8');
    const findings = await with_(
      lab.file('cp2', 'etc/kubernetes/pki/ca.crt'),
      (ca) => ca + frontProxy,
      async () =>
        with_(
          lab.file('cp3', 'etc/kubernetes/pki/apiserver-kubelet-client.key'),
          () => readFileSync(lab.file('cp3', 'etc/kubernetes/pki/front-proxy-client.key'), 'utf8'),
          async () =>
            with_(
              lab.file('w1', 'etc/webhook/tls.crt'),
              (pem) => pem.slice(0, 200),
              async () => (await inspect()).findings,
            ),
        ),
    );
    const errors = findings
      .filter(({ severity }) => severity === 'error')
      .map(({ reason, subject }) => `${reason} ${subject.replace(lab.dir, '')}`);
    expect(errors).toContain('control-planes-differ kube-apiserver --client-ca-file');
    expect(errors).toContain('pair-mismatch file/cp3:/nodes/cp3/etc/kubernetes/pki/apiserver-kubelet-client.crt');
    expect(errors).toContain('malformed-store file/w1:/nodes/w1/etc/webhook/tls.crt');
    for (const finding of findings) if (finding.severity === 'error') expect(finding.fix).toBeTruthy();
  });

  test('a clock that is an hour off', async () => {
    const set = async (seconds: string) => {
      const done = await reroot(['lab', 'clock', '--name', lab.name, 'cp2', '--', seconds]);
      expect(done.code, done.stderr).toBe(0);
    };
    await set('3600');
    try {
      const { findings } = await inspect();
      expect(findings.filter(({ reason }) => reason === 'clock-offset')).toMatchObject([
        { severity: 'error', subject: 'node/cp2' },
      ]);
    } finally {
      await set('0');
    }
  });

  test('a node that is away does not hide the others', async () => {
    const config = join(lab.dir, 'away.yaml');
    const text = readFileSync(join(lab.dir, 'reroot.yaml'), 'utf8');
    writeFileSync(
      config,
      text.replace(
        /^exec: .*$/m,
        `exec: sh -c 'test "$1" != w1 || exit 255; exec ${lab.dir}/bin/node-exec "$@"' x {node}`,
      ),
    );
    const done = await reroot([
      'inspect',
      '-o',
      'json',
      '--config',
      config,
      '--kubeconfig',
      join(lab.dir, 'kubeconfig'),
    ]);
    const { nodes, instances, findings } = JSON.parse(done.stdout) as Inventory;
    expect(nodes.filter(({ reached }) => !reached).map(({ name }) => name)).toEqual(['w1']);
    expect(instances.filter(({ node }) => node !== 'w1').length).toBe(15);
    expect(findings.map(({ reason, subject }) => `${reason} ${subject}`)).toContain('node-not-reached node/w1');
  });
});

describe('wrong use ends with code 2, a reason and a hint', () => {
  const config = () => join(lab.dir, 'reroot.yaml');
  const kubeconfig = () => join(lab.dir, 'kubeconfig');
  const put = (name: string, text: string): string => {
    const path = join(lab.dir, name);
    writeFileSync(path, text, { mode: 0o600 });
    return path;
  };
  async function wrong(args: string[], message: RegExp): Promise<void> {
    const done = await reroot(['inspect', ...args]);
    expect(done.code, done.stderr).toBe(2);
    expect(done.stderr).toMatch(message);
    expect(done.stderr).toMatch(/hint:/);
    expect(done.stderr).not.toMatch(/\bat .*\.m?js:\d+/);
    expect(done.stdout).toBe('');
  }

  test('no kubeconfig, a broken one, a context that is not there', async () => {
    await wrong(['--kubeconfig', join(lab.dir, 'nowhere'), '--config', config()], /cannot read the kubeconfig/);
    await wrong(['--kubeconfig', put('broken.conf', 'clusters: ['), '--config', config()], /is not YAML/);
    await wrong(['--kubeconfig', kubeconfig(), '--context', 'other', '--config', config()], /no context other/);
  });

  test('no cluster behind it', async () => {
    const text = readFileSync(kubeconfig(), 'utf8').replace(
      /server: https:\/\/[\d.]+:\d+/,
      'server: https://127.0.0.1:9',
    );
    await wrong(['--kubeconfig', put('closed.conf', text), '--config', config()], /cannot reach 127\.0\.0\.1:9/);
  });

  test('no permission', async () => {
    const text = readFileSync(lab.file('w1', 'home/kept/.kube/config'), 'utf8');
    // A kubelet may see little more than its own node (K:plugin/pkg/auth/authorizer/node).
    const pair = readFileSync(lab.file('w1', 'var/lib/kubelet/pki/kubelet-client-current.pem')).toString('base64');
    const weak = text.replace(/(client-(?:certificate|key)-data): .*/g, `$1: ${pair}`);
    const done = await reroot(['inspect', '--kubeconfig', put('weak.conf', weak), '--config', config()]);
    expect(done.code, done.stderr).toBe(2);
    expect(done.stderr).toMatch(/no permission to read \/api/);
  });

  test('a node and a key that reroot.yaml should not have', async () => {
    const text = readFileSync(config(), 'utf8');
    await wrong(
      ['--kubeconfig', kubeconfig(), '--config', put('typo.yaml', text.replace(/^nodes:$/m, 'nodes:\n  cp11: {}'))],
      /names the node cp11/,
    );
    await wrong(
      ['--kubeconfig', kubeconfig(), '--config', put('key.yaml', `${text}\nacces: ssh\n`)],
      /unknown key acces/,
    );
  });
});
