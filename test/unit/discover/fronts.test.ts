import { connect } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Target } from '../../../src/cluster/wire.ts';
import { lookAtFronts } from '../../../src/discover/fronts.ts';
import { startApi, type TestApi } from '../cluster/api-server.ts';
import { serverLeaf } from '../cluster/material.ts';

let api: TestApi;
let port: number;
beforeAll(async () => {
  api = await startApi();
  port = Number(new URL(api.url).port);
});
afterAll(() => api.close());

/** Connects to the server of this test wherever it is asked to; nothing goes through `closed`. */
function dialer(closed?: string) {
  const targets: Target[] = [];
  const dial = (target: Target) => {
    targets.push(target);
    return target.through && target.node === closed
      ? Promise.reject(Object.assign(new Error('administratively prohibited'), { code: 'EHOSTUNREACH' }))
      : Promise.resolve(connect(port, '127.0.0.1'));
  };
  return { targets, dial };
}

test('each node meets the server of its kubeconfigs itself, once', async () => {
  const { targets, dial } = dialer();
  const w1 = { node: 'w1', server: 'https://lb.example:6443' };
  const w2 = { node: 'w2', server: 'https://lb.example' };
  const seen = await lookAtFronts([w1, w1, w2], dial);
  expect(seen.map(({ node, server, served }) => [node, server, served?.[0]?.fingerprint])).toEqual([
    ['w1', w1.server, api.leaf.certificate.fingerprint],
    ['w2', w2.server, api.leaf.certificate.fingerprint],
  ]);
  expect(targets).toEqual([
    { host: 'lb.example', port: 6443, node: 'w1', through: true },
    { host: 'lb.example', port: 443, node: 'w2', through: true },
  ]);
});

test('where the node lets nothing through it is met from here, but its own loopback address never', async () => {
  const { targets, dial } = dialer('w1');
  const [far, near] = await lookAtFronts(
    [
      { node: 'w1', server: 'https://10.0.0.9:6443' },
      { node: 'w1', server: 'https://127.0.0.1:6443' },
    ],
    dial,
  );
  expect(far?.served?.[0]?.fingerprint).toBe(api.leaf.certificate.fingerprint);
  expect(near?.served).toBe(undefined);
  expect(near?.why).toMatch(/administratively prohibited/);
  expect(targets.filter(({ through }) => !through)).toEqual([{ host: '10.0.0.9', port: 6443 }]);
});

test('one that is down is told with the reason', async () => {
  const dial = () => Promise.reject(Object.assign(new Error('refused'), { code: 'ECONNREFUSED' }));
  expect(await lookAtFronts([{ node: 'w1', server: 'https://[fd00::1]:6443' }], dial)).toEqual([
    { node: 'w1', server: 'https://[fd00::1]:6443', why: 'fd00::1:6443: refused' },
  ]);
});

test('the name that a kubeconfig looks for is the one that the server is asked for', async () => {
  const { dial } = dialer();
  const other = serverLeaf(api.authority, 'api.example');
  api.server.addContext('api.example', { cert: other.cert, key: other.keyPem });
  const place = { node: 'w1', server: 'https://10.0.0.9:6443' };
  const seen = await lookAtFronts([place, { ...place, serverName: 'api.example' }], dial);
  expect(seen.map(({ serverName, served }) => [serverName, served?.[0]?.fingerprint])).toEqual([
    [undefined, api.leaf.certificate.fingerprint],
    ['api.example', other.certificate.fingerprint],
  ]);
});
