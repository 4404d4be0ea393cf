import { expect, test } from 'vitest';
import type { FileSeen } from '../../../src/nodes/files.ts';
import { makeBridge } from '../../../src/pki/bridge.ts';
import { type Certificate, verifiedBy } from '../../../src/pki/certificate.ts';
import { keyToPem, parseCertificates, parsePrivateKey } from '../../../src/pki/pem.ts';
import { type ContentRequest, newContent } from '../../../src/rotate/content.ts';
import { serverLeaf } from '../cluster/material.ts';
import { factsOf, NEW, OLD, rotation } from '../prove/world.ts';

const record = { authorities: [{ authority: 'kubernetes', replaced: {} }] };
const material = { authority: 'kubernetes', route: 'bridge', because: '', old: OLD, new: NEW, bridges: {} } as const;

interface File {
  path: string;
  text: string;
  kind: 'leaf' | 'pair';
  certificate: Certificate;
}

const written = async ({ path, text, kind, certificate }: File, more: object, value: string): Promise<Buffer> => {
  const id = `file/n1:${path}`;
  const keyPath = kind === 'pair' ? path : '/keys/its.key';
  const request = {
    ctx: {
      folders: [],
      record,
      rotation,
      inventory: { stores: [], nodes: [], instances: [], callees: [], pods: [] },
      now: () => Date.now(),
    },
    id,
    store: { id, kind, node: 'n1', path, keyPath, certs: factsOf(certificate) },
    value,
    material,
    current: { kind: 'file', path, bytes: Buffer.from(text) } as FileSeen,
  };
  Object.assign(request.ctx.inventory, more);
  return (await newContent({ ...request, ...more } as unknown as ContentRequest)).bytes;
};

test('a server’s certificate and key in one file stay those of the server: never the CA’s key', async () => {
  const { certificate, cert, keyPem } = serverLeaf(OLD, 'webhook');
  const path = '/srv/webhook/both.pem';
  const bytes = await written({ path, text: cert + keyPem, kind: 'pair', certificate }, {}, 'new');
  const [leaf, ...more] = parseCertificates(bytes, path);
  expect(leaf?.subject).toBe(certificate.subject);
  expect(verifiedBy(leaf!, NEW.certificate)).toBe(true);
  expect(more).toEqual([]);
  expect(keyToPem(parsePrivateKey(bytes, path))).toBe(keyPem);
});

test('a leaf that may be both gets the bridge for what it is used as', async () => {
  const { certificate, cert } = serverLeaf(OLD, 'kube-apiserver');
  const path = '/pki/kubelet-client.crt';
  const bridge = (purpose: 'serving' | 'client') =>
    makeBridge({ of: NEW.certificate, by: OLD, purpose, now: Date.now() });
  const bridges = { serving: bridge('serving'), client: bridge('client') };
  const apiServer = (flag: string) => ({
    material: { ...material, bridges },
    instances: [
      {
        id: 'n1/kube-apiserver',
        node: 'n1',
        component: 'kube-apiserver',
        flags: { [flag]: [path] },
        settings: {},
        management: { by: 'unknown' },
      },
    ],
  });
  const bridgeOf = async (flag: string) => {
    const bytes = await written({ path, text: cert, kind: 'leaf', certificate }, apiServer(flag), 'new+bridge');
    return parseCertificates(bytes, path)[1]?.fingerprint;
  };
  expect(await bridgeOf('kubelet-client-certificate')).toBe(bridges.client.fingerprint);
  expect(await bridgeOf('tls-cert-file')).toBe(bridges.serving.fingerprint);
});
