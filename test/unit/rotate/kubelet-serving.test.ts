// A kubelet's serving certificate, asked for at an API server in memory that knows who asks by the certificate it is shown.

import { afterEach, beforeEach, expect, test } from 'vitest';
import type { KubeObject } from '../../../src/cluster/client.ts';
import { verifiedBy } from '../../../src/pki/certificate.ts';
import { parseCSR } from '../../../src/pki/csr.ts';
import { publicSpki } from '../../../src/pki/keys.ts';
import { reissueLeaf } from '../../../src/pki/reissue.ts';
import type { Context } from '../../../src/rotate/context.ts';
import { orderServing } from '../../../src/rotate/kubelet-serving.ts';
import { type ca, clientLeaf, serverLeaf } from '../cluster/material.ts';
import { NEW, OLD, type World, world } from '../prove/world.ts';

const CSRS = '/apis/certificates.k8s.io/v1/certificatesigningrequests';
const serving = serverLeaf(OLD, 'system:node:n1', ['10.0.0.1'], ['n1']);

let w: World;
let ctx: Context;
let signer: ReturnType<typeof ca>;
/** What somebody does to the request before reroot looks at it. */
let meddle: (csr: KubeObject & { spec: Record<string, unknown> }) => void;

beforeEach(async () => {
  w = await world();
  signer = NEW;
  meddle = () => undefined;
  const kubelet = clientLeaf(w.api.authority, 'system:node:n1');
  w.put('pki/kubelet-client-current.pem', kubelet.cert + kubelet.keyPem);
  w.add({
    component: 'kubelet',
    flags: { kubeconfig: [w.path('kubelet.conf')], 'cert-dir': [w.path('pki')] },
    settings: { rotateCertificates: 'true', serverTLSBootstrap: 'true' },
  });
  w.api.objects.set('/api/v1/nodes/n1', {
    metadata: { name: 'n1' },
    status: {
      addresses: [
        { type: 'InternalIP', address: '10.0.0.1' },
        { type: 'Hostname', address: 'n1' },
      ],
    },
  });
  w.api.before = ({ method, url: whole, body, user }) => {
    const [url = ''] = whole.split('?');
    if (method === 'POST' && url.startsWith(CSRS)) {
      const csr = body as KubeObject & { spec: Record<string, unknown> };
      Object.assign(csr.spec, { username: user, groups: ['system:nodes', 'system:authenticated'] });
      return undefined;
    }
    if (method === 'GET' && url.startsWith(`${CSRS}/`)) meddle(w.api.objects.get(url) as never);
    if (method !== 'PATCH' || !url.endsWith('/approval')) return undefined;
    const path = url.slice(0, -'/approval'.length);
    const found = w.api.objects.get(path) as KubeObject & { spec: { request: string } };
    const { publicKey } = parseCSR(Buffer.from(found.spec.request, 'base64').toString(), 'the request');
    const leaf = reissueLeaf(serving.certificate, signer, { now: Date.now(), publicKey });
    w.api.objects.set(path, { ...found, status: { certificate: Buffer.from(leaf.pem).toString('base64') } });
    return { status: 200, body: {} };
  };
  ctx = { ...w.ctx, signal: new AbortController().signal, emit: () => undefined, record: { id: 'r1' } } as never;
});
afterEach(() => w.close());

const order = () =>
  orderServing(ctx, {
    node: 'n1',
    leaf: serving.certificate,
    key: serving.key,
    issuer: NEW.certificate,
  });
const approvals = () => w.api.seen.filter(({ method }) => method === 'PATCH');
const left = () => [...w.api.objects.keys()].filter((path) => path.startsWith(CSRS));

test('the node asks, reroot approves, the signer answers for the key that the node has', async () => {
  const leaf = await order();
  expect(verifiedBy(leaf, NEW.certificate)).toBe(true);
  expect(leaf.spki).toBe(publicSpki(serving.key));
  expect(leaf.dnsNames).toEqual(['n1']);
  expect(w.api.seen.find(({ method }) => method === 'POST')?.user).toBe('system:node:n1');
  expect(approvals()).toHaveLength(1);
  expect(approvals()[0]?.user).not.toBe('system:node:n1');
  expect(left()).toEqual([]);
});

test('a request that somebody has changed is not approved, and goes', async () => {
  meddle = (csr) => Object.assign(csr.spec, { usages: ['digital signature', 'server auth', 'client auth'] });
  await expect(order()).rejects.toThrow(/not approved: .*client auth as well/);
  expect(approvals()).toEqual([]);
  expect(left()).toEqual([]);
});

test('nor one whose names the Node object does not have', async () => {
  w.api.objects.set('/api/v1/nodes/n1', { metadata: { name: 'n1' }, status: { addresses: [] } });
  await expect(order()).rejects.toThrow(/names n1, 10\.0\.0\.1, which the Node object does not have/);
  expect(approvals()).toEqual([]);
});

test('a certificate from another CA is not taken', async () => {
  signer = OLD;
  await expect(order()).rejects.toThrow(/not from CN=kubernetes-2026/);
  expect(left()).toEqual([]);
});

test('without the certificate of the kubelet nothing is asked for', async () => {
  w.inventory.instances.length = 0;
  await expect(order()).rejects.toThrow(/nothing can be asked for in its name/);
  expect(w.api.seen.filter(({ method }) => method === 'POST')).toEqual([]);
});
