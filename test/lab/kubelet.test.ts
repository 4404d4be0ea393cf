// The stand-in kubelet: a node, its pods' volumes, and the channel from the API server.

import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { get } from 'node:https';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readLab } from '../../lab/state.ts';
import { kubectl, labUp, type TestLab } from './harness.ts';
import { down } from './lab-commands.ts';
import { describeLab } from './require-lab.ts';

describeLab('the stand-in kubelet', () => {
  const name = 'test-kubelet';
  let lab: TestLab;
  beforeAll(async () => {
    lab = await labUp(name, ['--control-planes', '1']);
  });
  afterAll(async () => {
    await down(name);
  });

  const podFolder = (uid: string): string => lab.file('w1', `var/lib/kubelet/pods/${uid}`);
  const uidOf = (pod: string): string =>
    kubectl(lab, ['-n', 'app1', 'get', 'pod', pod, '-o', 'jsonpath={.metadata.uid}']);
  const make = (pod: string): string => {
    const manifest = join(lab.dir, `${pod}.json`);
    writeFileSync(manifest, JSON.stringify(podOf(pod)));
    kubectl(lab, ['apply', '-f', manifest]);
    kubectl(lab, ['-n', 'app1', 'wait', 'pod', pod, '--for=condition=Ready', '--timeout=60s']);
    return uidOf(pod);
  };

  it('registers its node, and answers for logs over the channel from the API server', () => {
    expect(kubectl(lab, ['get', 'nodes', '-o', 'name']).trim().split('\n')).toEqual(['node/cp1', 'node/w1']);
    make('logged');
    expect(kubectl(lab, ['-n', 'app1', 'logs', 'logged'])).toContain('app1/logged/main');
  });

  it("keeps a pod's volume, gives a new pod a new one, and takes the old one away", async () => {
    const first = make('mounted');
    const volume = join(podFolder(first), 'volumes/kubernetes.io~projected/kube-api-access');
    expect(readFileSync(join(volume, 'ca.crt'), 'utf8')).toBe(
      readFileSync(lab.file('cp1', 'etc/kubernetes/pki/ca.crt'), 'utf8'),
    );
    expect(readFileSync(join(volume, 'token'), 'utf8').split('.')).toHaveLength(3);
    expect(readFileSync(join(volume, 'namespace'), 'utf8')).toBe('app1');
    kubectl(lab, ['-n', 'app1', 'delete', 'pod', 'mounted', '--wait=true']);
    const second = make('mounted');
    expect(second).not.toBe(first);
    await expect.poll(() => existsSync(podFolder(first)), { timeout: 10_000 }).toBe(false);
    expect(existsSync(podFolder(second))).toBe(true);
  });

  it('refuses callers without a certificate, and serves its healthz in the clear', async () => {
    const network = readLab(lab.dir)?.network;
    expect((await fetch(`http://${network}.20:10248/healthz`)).status).toBe(200);
    const bare = await new Promise<number | undefined>((resolve, reject) => {
      const ask = get(`https://${network}.20:10250/pods`, { rejectUnauthorized: false, agent: false }, (answer) => {
        answer.resume();
        resolve(answer.statusCode);
      });
      ask.on('error', reject);
    });
    expect(bare).toBe(401);
  });

  it('judges each request by the client CA file of that moment, without a restart', async () => {
    const file = lab.file('w1', 'etc/kubernetes/pki/ca.crt');
    const ours = readFileSync(file);
    const put = (content: Buffer): void => {
      writeFileSync(`${file}.tmp`, content);
      renameSync(`${file}.tmp`, file);
    };
    const logs = (): string => {
      try {
        return kubectl(lab, ['-n', 'app1', 'logs', 'logged']);
      } catch (thrown) {
        return String(thrown);
      }
    };
    expect(logs()).toContain('app1/logged/main');
    put(readFileSync(lab.file('cp1', 'etc/kubernetes/pki/front-proxy-ca.crt')));
    await expect.poll(logs, { timeout: 10_000 }).toMatch(/Unauthorized|must be logged in|provide credentials/);
    put(ours);
    await expect.poll(logs, { timeout: 10_000 }).toContain('app1/logged/main');
  });

  it('reports the start of the process that a pod stands for', async () => {
    const started = () =>
      kubectl(lab, [
        '-n',
        'wardle',
        'get',
        'pod',
        'sample-apiserver',
        '-o',
        'jsonpath={.status.containerStatuses[0].state.running.startedAt}',
      ]);
    const before = started();
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    spawnSync(join(lab.dir, 'bin/restart'), ['w1', 'sample-apiserver']);
    await expect.poll(started, { timeout: 30_000, interval: 250 }).not.toBe(before);
  });
});

/** A pod of its namespace's default ServiceAccount on the worker. */
const podOf = (name: string): object => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace: 'app1' },
  spec: {
    nodeName: 'w1',
    terminationGracePeriodSeconds: 0,
    tolerations: [{ operator: 'Exists' }],
    containers: [
      {
        name: 'main',
        image: 'lab.invalid/none:1',
        volumeMounts: [{ name: 'kube-api-access', mountPath: '/var/run/secrets/kubernetes.io/serviceaccount' }],
      },
    ],
    volumes: [
      {
        name: 'kube-api-access',
        projected: {
          sources: [
            { serviceAccountToken: { path: 'token', expirationSeconds: 3600 } },
            { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
            { downwardAPI: { items: [{ path: 'namespace', fieldRef: { fieldPath: 'metadata.namespace' } }] } },
          ],
        },
      },
    ],
  },
});
