// What is behind a Service, asked Pod by Pod: one that shows nothing is told, whatever the others show.

import { createServer, type Server } from 'node:tls';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Cluster, connect, type KubeObject } from '../../../src/cluster/client.ts';
import { type Dial, directly } from '../../../src/cluster/wire.ts';
import { lookAtCallees } from '../../../src/discover/callees.ts';
import { put, tempDir } from '../backup/local-node.ts';
import { startApi, type TestApi } from '../cluster/api-server.ts';
import { serverLeaf } from '../cluster/material.ts';

const ADMISSION = '/apis/admissionregistration.k8s.io/v1';
const list = (items: unknown[]): KubeObject => ({ metadata: { name: '' }, items });

let api: TestApi;
let cluster: Cluster;
let servers: Server[];

beforeEach(async () => {
  servers = [];
  api = await startApi();
  cluster = connect({ kubeconfig: put(`${tempDir()}/kubeconfig`, api.kubeconfig) });
  const service = { name: 'hook', namespace: 'hooks' };
  const hook = { name: 'a.hook.io', clientConfig: { service } };
  api.objects.set(
    `${ADMISSION}/validatingwebhookconfigurations`,
    list([{ metadata: { name: 'hook' }, webhooks: [hook] }]),
  );
  for (const path of [
    `${ADMISSION}/mutatingwebhookconfigurations`,
    '/apis/apiregistration.k8s.io/v1/apiservices',
    '/apis/apiextensions.k8s.io/v1/customresourcedefinitions',
  ]) {
    api.objects.set(path, list([]));
  }
  api.objects.set('/api/v1/namespaces/hooks/services/hook', {
    metadata: { name: 'hook' },
    spec: { ports: [{ port: 443 }] },
  });
});
afterEach(async () => {
  for (const server of servers) server.close();
  await cluster.close();
  await api.close();
});

/** A Pod with a certificate of its own; gives its port. */
async function listen(): Promise<number> {
  const { cert, keyPem } = serverLeaf(api.authority, 'hook');
  const server = createServer({ cert, key: keyPem }, (socket) => socket.on('error', () => undefined));
  servers.push(server);
  return new Promise((resolve) =>
    server.listen(0, '127.0.0.1', () => resolve((server.address() as { port: number }).port)),
  );
}

/** The webhook as it is seen with these ports behind it, each on a node of its own. */
async function seen(ports: readonly number[], dial?: Dial) {
  const items = ports.map((port, i) => ({
    endpoints: [{ addresses: ['127.0.0.1'], nodeName: `w${i + 1}`, conditions: { ready: true } }],
    ports: [{ port }],
  }));
  api.objects.set('/apis/discovery.k8s.io/v1/namespaces/hooks/endpointslices', list(items));
  const [callee] = await lookAtCallees(cluster, dial);
  return callee;
}

test('where each shows its certificate nothing is left to say', async () => {
  const both = await seen([await listen(), await listen()]);
  expect(both?.served).toHaveLength(1);
  expect(both?.others).toHaveLength(1);
  expect(both?.why).toBeUndefined();
});

test('one that shows nothing is told beside what the other shows', async () => {
  const some = await seen([await listen(), 1]);
  expect(some?.served).toHaveLength(1);
  expect(some?.why).toMatch(/^1 of the 2 behind it: .*ECONNREFUSED/);
});

test('where none shows anything it says why', async () => {
  const none = await seen([1]);
  expect(none?.served).toBeUndefined();
  expect(none?.why).toMatch(/ECONNREFUSED/);
  expect((await seen([]))?.why).toMatch(/no endpoint/);
});

test('one that is reached through its node alone is asked there, and then all are', async () => {
  const far = await listen();
  const mixed = await seen([await listen(), far], (target, options) => {
    if (target.port === far && !target.through) throw new Error('no route to it');
    return directly(target, options);
  });
  expect(mixed?.why).toBeUndefined();
  expect(mixed).toMatchObject({ endpoint: `127.0.0.1:${far}`, through: 'w2' });
});

test('more Pods than are asked at once are asked as well', async () => {
  const ports = await Promise.all(Array.from({ length: 33 }, listen));
  expect((await seen([...ports, 1]))?.why).toMatch(/^1 of the 34/);
});
