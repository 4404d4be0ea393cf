// One control plane and one worker by kubeadm, with the flags of the page that kubeadm does not set: kubelets verified by --kubelet-certificate-authority, the
// scheduler with a --client-ca-file. First what can be wrong on the way to a node, then both authorities to the end of retire.

import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { blockedParties, type Finished, type RunOptions, runReroot, waiving } from '../../lab/demo/child.ts';
import { writeOnNode } from '../../lab/full/workloads/on-node.ts';
import { waitFor } from '../../lab/load/wait.ts';
import { describeFull, type FullLab, fullLabUp, workloads } from '../full/harness.ts';
import { command, root } from '../lab/harness.ts';
import { nodeAgent, nodeShell } from './node-pods.ts';

const json = ['-o', 'json'];
const PKI = '/etc/kubernetes/pki';
/** A copy on each node, from before the rotation. */
const OLD_CA = '/root/old-ca.crt';

interface Manifest {
  spec: {
    containers: { command: string[]; volumeMounts: object[] }[];
    volumes: object[];
  };
}

await describeFull('one control plane, and the flags that kubeadm does not set', () => {
  let lab: FullLab;
  let files: string;

  beforeAll(async () => {
    files = mkdtempSync(join(tmpdir(), 'reroot-one-'));
    lab = await fullLabUp('soak-one', ['--control-planes', '1', '--workers', '1']);
    await workloads(lab.name);
    for (const node of lab.nodes) await lab.on(node, `cp ${PKI}/ca.crt ${OLD_CA}`);
    await serveFromCluster('cp1');
    await changeManifest('kube-apiserver', (flags) => flags.push(`--kubelet-certificate-authority=${PKI}/ca.crt`));
    await changeManifest('kube-scheduler', (flags, { spec }) => {
      flags.push(`--client-ca-file=${PKI}/ca.crt`);
      spec.containers[0]?.volumeMounts.push({ name: 'pki', mountPath: PKI, readOnly: true });
      spec.volumes.push({ name: 'pki', hostPath: { path: PKI, type: 'Directory' } });
    });
  });
  afterAll(async () => {
    rmSync(files, { recursive: true, force: true });
    await lab?.down();
  });

  async function serveFromCluster(node: string): Promise<void> {
    await lab.on(
      node,
      "sed -i 's/^serverTLSBootstrap:.*/serverTLSBootstrap: true/' /var/lib/kubelet/config.yaml; systemctl restart kubelet",
    );
    await waitFor(`a serving certificate for ${node}`, 120_000, async () => {
      const asked: {
        items: { metadata: { name: string }; spec: { signerName: string }; status?: { conditions?: object[] } }[];
      } = JSON.parse(lab.kubectl(['get', 'csr', '-o', 'json']));
      for (const { metadata, spec, status } of asked.items)
        if (spec.signerName === 'kubernetes.io/kubelet-serving' && !status?.conditions?.length)
          lab.kubectl(['certificate', 'approve', metadata.name]);
      const there = await lab.on(node, 'test -e /var/lib/kubelet/pki/kubelet-server-current.pem && echo there || true');
      return there.includes('there') || undefined;
    });
  }

  /** Writes the manifest and waits until the component runs with it. */
  async function changeManifest(name: string, change: (flags: string[], manifest: Manifest) => void): Promise<void> {
    const path = `/etc/kubernetes/manifests/${name}.yaml`;
    const manifest: Manifest = parse(await lab.on('cp1', `cat ${path}`));
    const flags = manifest.spec.containers[0]!.command;
    change(flags, manifest);
    await writeOnNode(lab.on, 'cp1', path, stringify(manifest, { lineWidth: 0 }));
    const flag = flags.at(-1) ?? '';
    await waitFor(`${name} with ${flag}`, 180_000, async () => {
      const running = await lab.on('cp1', `pgrep -af '^${name} ' | grep -c -- '${flag}' || true`);
      if (running.trim() === '0') return undefined;
      return lab.kubectl(['get', '--raw', '/readyz']) === 'ok' || undefined;
    });
  }

  const agents = (): string =>
    lab.kubectl([
      'get',
      'pods',
      '-n',
      'kube-system',
      '-l',
      'app=node-agent',
      '-o',
      'jsonpath={.items[*].metadata.uid}',
    ]);

  describe('what can be wrong on the way to a node', () => {
    const config = (): string => readFileSync(join(lab.dir, 'reroot.yaml'), 'utf8');
    const ssh = (): string => readFileSync(join(lab.dir, 'ssh_config'), 'utf8');
    const put = (name: string, text: string): string => {
      const path = join(files, name);
      writeFileSync(path, text, { mode: 0o600 });
      return path;
    };
    const withSsh = (sshText: string, change: (text: string) => string = (text) => text): string[] => {
      const own = sshText.replace(/^ {2}ControlPath .*$/m, `  ControlPath ${files}/c-${Math.random()}-%n`);
      const named = config().replace(/^sshConfig: .*$/m, `sshConfig: ${put('ssh_config', own)}`);
      return ['--config', put('reroot.yaml', change(named)), '--kubeconfig', join(lab.dir, 'kubeconfig')];
    };
    /** Without its control plane nothing can be seen or begun: both say why. */
    async function refused(flags: readonly string[], message: RegExp): Promise<void> {
      const planned = await runReroot(['plan', ...flags], { command });
      expect(planned.stdout + planned.stderr).toMatch(message);
      expect([3, 4]).toContain(planned.code);
      isClear(await runReroot(['rotate', '--until', 'trust', ...json, ...flags], { command }), message);
    }
    /** Without a worker a rotation may begin, and retire waits for it: the plan says for whom and why. */
    async function named(flags: readonly string[], message: RegExp): Promise<void> {
      const { code, stdout, stderr } = await runReroot(['plan', ...flags], { command });
      expect([code, stderr]).toEqual([0, '']);
      expect(stdout).toMatch(/node\/w1 \(node-not-reached\)/);
      expect(stdout).toMatch(message);
      expect(stdout).toMatch(/--waive node\/w1=REASON/);
    }
    function isClear({ code, stdout, stderr }: Finished, message: RegExp): void {
      expect([3, 4], `${stdout.slice(-2000)}\n${stderr}`).toContain(code);
      expect(stderr).toMatch(message);
      expect(stderr).toMatch(/hint:/);
      expect(stderr, 'a stack trace').not.toMatch(/\bat .*\.m?js:\d+|unexpected failure/);
      expect(stdout + stderr).not.toMatch(/PRIVATE KEY/);
    }
    /** The second of two lines of the same key word does not count for ssh: the first found wins. */
    const forNode = (node: string, lines: string): string => `Host ${node} ${lab.address(node)}\n${lines}\n${ssh()}`;
    const bare = (node: string, lines: string): Promise<string> =>
      lab.on(
        node,
        `id op >/dev/null 2>&1 || useradd -m op; mkdir -p ~op/.ssh; cp ~root/.ssh/authorized_keys ~op/.ssh/; chown -R op ~op/.ssh; printf '${lines}\\n' > /etc/sudoers.d/op; chmod 440 /etc/sudoers.d/op`,
      );

    test('a key that the node does not know', async () => {
      const { privateKey } = generateKeyPairSync('ed25519');
      const other = put('other-key', privateKey.export({ type: 'pkcs8', format: 'pem' }) as string);
      const flags = withSsh(ssh().replace(/IdentityFile .*/, `IdentityFile ${other}`));
      await refused(flags, /cp1 was not reached.*(refused|no key)/s);
    });

    test('a host key that has changed', async () => {
      const hosts = readFileSync(join(lab.dir, 'known_hosts'), 'utf8').split('\n');
      const lineOf = (node: string): string => hosts.find((line) => line.startsWith(`${node},`)) ?? '';
      const keyOf = (node: string): string => lineOf(node).split(' ').slice(1).join(' ');
      expect(keyOf('cp1')).not.toBe('');
      // Each has the key of the other.
      const forged = (nodes: [string, string][]): string[] => {
        const lines = nodes.map(([node, by]) => `${node},${lab.address(node)} ${keyOf(by)}\n`).join('');
        return withSsh(ssh().replace(/UserKnownHostsFile .*/, `UserKnownHostsFile ${put('known_hosts', lines)}`));
      };
      await refused(
        forged([
          ['cp1', 'w1'],
          ['w1', 'w1'],
        ]),
        /cp1.*host key/s,
      );
      await named(
        forged([
          ['cp1', 'cp1'],
          ['w1', 'cp1'],
        ]),
        /w1.*host key/s,
      );
    });

    test('a jump host that is away', async () => {
      await refused(withSsh(forNode('cp1', '  ProxyCommand false')), /cp1 was not reached/);
      await named(withSsh(forNode('w1', '  ProxyCommand false')), /it was not reached \(/);
    });

    test('sudo that asks for a password', async () => {
      await bare('cp1', 'op ALL=(ALL) ALL');
      await bare('w1', 'op ALL=(ALL) ALL');
      const flags = withSsh(ssh(), (text) => text.replace(/^user: root$/m, 'user: op\nsudo: true'));
      await refused(flags, /cp1 was not reached.*sudo/s);
      await bare('cp1', 'op ALL=(ALL) NOPASSWD: ALL');
      await named(flags, /sudo asks for a password/);
      // The line of docs/access/sudoers is enough.
      const [line = ''] = readFileSync(join(root, 'docs/access/sudoers'), 'utf8').match(/^reroot ALL.*$/m) ?? [];
      for (const node of lab.nodes) await bare(node, line.replace('reroot', 'op'));
      const again = await runReroot(['inspect', ...json, ...flags], { command });
      expect(again.code, again.stderr).toBe(0);
      for (const { name, reached } of JSON.parse(again.stdout).nodes) expect(reached, name).toBe(true);
    });

    test('a node that dies during a write: named, nothing lost, and the same command goes on', async () => {
      const wanted = ['rotate', '--until', 'trust', ...json];
      // The node's end of the cable keeps its routes.
      const cable = (state: 'up' | 'down') =>
        runReroot(['lab', 'exec', '--name', lab.name, 'lb', '--', 'ip', 'link', 'set', 'w1', state], { command });
      let cut = false;
      const broken = await lab.run(wanted, {
        onEvent: ({ type, step, data }) => {
          if (cut || type !== 'step' || data?.state !== 'begin' || !/trust/.test(step ?? '')) return;
          cut = true;
          void cable('down');
        },
      });
      expect(cut).toBe(true);
      isClear(broken, /w1/);
      await cable('up');
      lab.kubectl(['wait', '--for=condition=Ready', 'node', '--all', '--timeout=55s']);
      await lab.must(wanted);
      await lab.must(['verify', ...json]);
    });
  });

  test('the nodes are reached through privileged pods as well, kubelets restart beneath them', async () => {
    lab.kubectl(['apply', '-f', '-'], JSON.stringify(nodeAgent));
    for (const node of lab.nodes) lab.kubectl(['apply', '-f', '-'], nodeShell(node));
    const both = 'app in (node-shell, node-agent)';
    lab.kubectl(['wait', '-n', 'kube-system', '--for=condition=Ready', 'pod', '-l', both, '--timeout=55s']);
    const kubectl = `${join(lab.dir, 'bin', 'kubectl')} --kubeconfig ${join(lab.dir, 'kubeconfig')}`;
    const exec = `${kubectl} exec -i -n kube-system node-shell-{node} -- nsenter -t 1 -m -u -i -n -p -- /usr/bin/env`;
    const through = (args: readonly string[], onEvent?: RunOptions['onEvent']): Promise<Finished> =>
      lab.must([...args, '--node-exec', exec, ...json], 0, onEvent ? { onEvent } : {});
    const { nodes } = JSON.parse((await through(['inspect'])).stdout);
    expect(nodes.map(({ name, reached }: { name: string; reached: boolean }) => [name, reached])).toEqual(
      lab.nodes.map((node) => [node, true]),
    );
    const restarted: string[] = [];
    await through(['rotate', '--until', 'issue'], ({ type, party = '', data }) => {
      if (type === 'restart' && data?.state === 'done') restarted.push(party);
    });
    for (const node of lab.nodes) expect(restarted.filter((party) => party === `${node}/kubelet`)).toHaveLength(1);
    await through(['verify']);
  });

  test('at the end of issue kubelets serve from new, and the API server that verifies them accepts it', async () => {
    for (const node of lab.nodes) {
      const by = (ca: string): Promise<string> =>
        lab.on(node, `openssl verify -CAfile ${ca} /var/lib/kubelet/pki/kubelet-server-current.pem 2>&1 || true`);
      expect(await by(`${PKI}/ca.crt`), node).toMatch(/: OK/);
      expect(await by(OLD_CA), node).not.toMatch(/: OK/);
    }
    for (const pod of ['kube-apiserver-cp1', 'kube-scheduler-cp1'])
      expect(() => lab.kubectl(['logs', '-n', 'kube-system', pod, '--tail=1'])).not.toThrow();
    await lab.must(['verify', ...json]);
  });

  test('and to the end of retire, with the page’s annotation on all that mounts the CA', async () => {
    await lab.renewOwn();
    const retire = ['rotate', '--until', 'retire', '--yes', '--restart', 'all', ...json];
    const before = agents();
    const refused = await lab.must(retire, 3);
    const blocked = blockedParties(refused);
    expect(blocked.filter((party) => party.includes('/node-agent-'))).toEqual([]);
    await lab.must([...retire, ...waiving(blocked, 'kept on purpose')]);
    expect(agents()).not.toBe(before);
    const sets: {
      items: {
        kind: string;
        metadata: { name: string };
        spec: { template: { metadata: { annotations?: Record<string, string> } } };
      }[];
    } = JSON.parse(lab.kubectl(['get', 'deployments,daemonsets,statefulsets', '-A', '-o', 'json']));
    const rolled = sets.items.filter(
      ({ spec }) => spec.template.metadata.annotations?.['kubectl.kubernetes.io/restartedAt'] !== undefined,
    );
    for (const kind of ['Deployment', 'DaemonSet', 'StatefulSet'])
      expect(rolled.filter((one) => one.kind === kind).length, kind).toBeGreaterThan(1);
    const kept = await lab.on('cp1', `grep -c BEGIN ${PKI}/ca.crt`);
    expect(kept.trim()).toBe('1');
    for (const pod of ['kube-apiserver-cp1', 'kube-scheduler-cp1'])
      lab.kubectl(['logs', '-n', 'kube-system', pod, '--tail=1']);
    const worker = JSON.parse(lab.kubectl(['get', 'pods', '-A', '-o', 'json', '--field-selector', 'spec.nodeName=w1']))
      .items[0].metadata;
    lab.kubectl(['logs', '-n', worker.namespace, worker.name, '--tail=1']);
    await lab.must(['verify', ...json]);
  });
});
