// Objects that hold certificates, and what else lies beside those in one field.

import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Cluster, connect, type KubeObject } from '../../../src/cluster/client.ts';
import { lookAtCallees } from '../../../src/discover/callees.ts';
import { lookAtObjects } from '../../../src/discover/objects.ts';
import { put, tempDir } from '../backup/local-node.ts';
import { startApi, type TestApi } from '../cluster/api-server.ts';
import { kubeconfigText, serverLeaf } from '../cluster/material.ts';

const LIST = '-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n';
const ADMISSION = '/apis/admissionregistration.k8s.io/v1';
const base64 = (text: string): string => Buffer.from(text).toString('base64');
const list = (items: unknown[]): KubeObject => ({ metadata: { name: '' }, items });

let api: TestApi;
let cluster: Cluster;

beforeAll(async () => {
  api = await startApi();
  cluster = connect({ kubeconfig: put(`${tempDir()}/kubeconfig`, api.kubeconfig) });
  const root = api.authority.certificate.pem;
  const served = serverLeaf(api.authority, 'web');
  const secrets = [
    {
      metadata: { name: 'tls', namespace: 'app' },
      data: { 'tls.crt': base64(served.cert), 'tls.key': base64(served.keyPem) },
    },
    { metadata: { name: 'combined', namespace: 'app' }, data: { 'server.pem': base64(served.cert + served.keyPem) } },
  ];
  api.objects.set(
    '/api/v1/configmaps',
    list([
      { metadata: { name: 'plain', namespace: 'app' }, data: { 'ca.crt': `# ours\n${root}` } },
      { metadata: { name: 'listed', namespace: 'app' }, data: { 'ca.crt': root + LIST } },
      {
        metadata: { name: 'cluster-info', namespace: 'kube-public' },
        data: { kubeconfig: kubeconfigText('https://x', root + LIST) },
      },
    ]),
  );
  api.objects.set(
    `${ADMISSION}/validatingwebhookconfigurations`,
    list([
      {
        metadata: { name: 'hook' },
        webhooks: [{ name: 'a.hook.io', clientConfig: { url: 'https://127.0.0.1:1', caBundle: base64(root + LIST) } }],
      },
    ]),
  );
  for (const path of [
    `${ADMISSION}/mutatingwebhookconfigurations`,
    '/apis/apiregistration.k8s.io/v1/apiservices',
    '/apis/apiextensions.k8s.io/v1/customresourcedefinitions',
  ]) {
    api.objects.set(path, list([]));
  }
  api.before = ({ url }) =>
    url.startsWith('/api/v1/secrets') ? { status: 200, body: list(url.includes('Opaque') ? secrets : []) } : undefined;
});

afterAll(async () => {
  await cluster?.close();
  await api?.close();
});

test('a field says what it holds beside certificates, and a key that lies in another field is none of it', async () => {
  const { stores } = await lookAtObjects(cluster);
  expect(Object.fromEntries(stores.map(({ id, otherBlocks }) => [id, otherBlocks]))).toEqual({
    'object/ConfigMap/app/plain#ca.crt': undefined,
    'object/ConfigMap/app/listed#ca.crt': ['X509 CRL'],
    'object/ConfigMap/kube-public/cluster-info#kubeconfig': ['X509 CRL'],
    'object/Secret/app/tls#tls.crt': undefined,
    'object/Secret/app/combined#server.pem': ['EC PRIVATE KEY'],
  });
});

test('and so does a caBundle', async () => {
  const [hook] = await lookAtCallees(cluster);
  expect(hook?.store?.otherBlocks).toEqual(['X509 CRL']);
});
