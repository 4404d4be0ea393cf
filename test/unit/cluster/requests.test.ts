import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Cluster, connect } from '../../../src/cluster/client.ts';
import { approveCsr, awaitCertificate, createCsr, deleteCsr } from '../../../src/cluster/csr.ts';
import { evict } from '../../../src/cluster/evict.ts';
import { startApi, status, type TestApi } from './api-server.ts';

const CSRS = '/apis/certificates.k8s.io/v1/certificatesigningrequests';
let api: TestApi;
let folder: string;
let cluster: Cluster;

beforeEach(async () => {
  api = await startApi();
  folder = mkdtempSync(join(tmpdir(), 'reroot-requests-'));
  writeFileSync(join(folder, 'kubeconfig'), api.kubeconfig);
  cluster = connect({ kubeconfig: join(folder, 'kubeconfig') });
});
afterEach(async () => {
  await cluster.close();
  await api.close();
  rmSync(folder, { recursive: true });
});

const order = {
  name: 'probe',
  request: 'PEM',
  signerName: 'kubernetes.io/kube-apiserver-client',
  usages: ['client auth'],
  expirationSeconds: 600,
};

describe('a signing request', () => {
  it('is made, approved through its subresource, and gives its certificate', async () => {
    await createCsr(cluster, order);
    const made = api.objects.get(`${CSRS}/probe`);
    if (!made) throw new Error('not made');
    expect(made.spec).toMatchObject({
      request: Buffer.from('PEM').toString('base64'),
      usages: ['client auth'],
      expirationSeconds: 600,
    });
    api.objects.set(`${CSRS}/probe/approval`, made);

    await approveCsr(cluster, 'probe', 'a probe of reroot');
    const approved = api.objects.get(`${CSRS}/probe/approval`);
    expect(approved?.status).toMatchObject({
      conditions: [{ type: 'Approved', status: 'True', message: 'a probe of reroot' }],
    });

    setTimeout(
      () =>
        api.objects.set(`${CSRS}/probe`, { ...made, status: { certificate: Buffer.from('CERT').toString('base64') } }),
      250,
    );
    await expect(awaitCertificate(cluster, 'probe')).resolves.toBe('CERT');
    await deleteCsr(cluster, 'probe');
    await deleteCsr(cluster, 'probe');
    expect(api.objects.has(`${CSRS}/probe`)).toBe(false);
  });

  it('that is refused or not answered is an error with the reason', async () => {
    await createCsr(cluster, order);
    await expect(awaitCertificate(cluster, 'probe', { timeout: 200 })).rejects.toThrow(
      /did not sign probe within 0.2 s/,
    );

    const made = api.objects.get(`${CSRS}/probe`);
    if (!made) throw new Error('not made');
    api.objects.set(`${CSRS}/probe`, {
      ...made,
      status: { conditions: [{ type: 'Failed', status: 'True', message: 'expected 1 certificate, found 2' }] },
    });
    await expect(awaitCertificate(cluster, 'probe')).rejects.toThrow(/Failed, expected 1 certificate/);
  });
});

describe('an eviction', () => {
  it('is asked for once, with the pod meant, and tells a budget from a pod that has gone', async () => {
    const answers = [
      status(429, 'TooManyRequests', 'Cannot evict pod', ['The disruption budget web needs 2 healthy pods']),
      status(404, 'NotFound', 'no'),
      { status: 201 },
    ];
    api.before = () => answers.shift();

    await expect(evict(cluster, 'shop', 'web-1', 'uid-1')).resolves.toEqual({
      outcome: 'held',
      why: 'Cannot evict pod; The disruption budget web needs 2 healthy pods',
    });
    await expect(evict(cluster, 'shop', 'web-1')).resolves.toEqual({ outcome: 'gone' });
    await expect(evict(cluster, 'shop', 'web-1')).resolves.toEqual({ outcome: 'evicted' });

    expect(api.seen).toHaveLength(3);
    expect(api.seen[0]).toMatchObject({
      url: '/api/v1/namespaces/shop/pods/web-1/eviction',
      body: { kind: 'Eviction', deleteOptions: { preconditions: { uid: 'uid-1' } } },
    });
  });

  it('that is forbidden is an error', async () => {
    api.before = () => status(403, 'Forbidden', 'no');

    await expect(evict(cluster, 'shop', 'web-1')).rejects.toMatchObject({ status: 403 });
  });
});
