import { expect, test } from 'vitest';
import type { KubeObject } from '../../../src/cluster/client.ts';
import type { Step } from '../../../src/core/model/step.ts';
import { verifiedBy } from '../../../src/pki/certificate.ts';
import { parseCertificates } from '../../../src/pki/pem.ts';
import type { Context } from '../../../src/rotate/context.ts';
import { writeObject } from '../../../src/rotate/write-object.ts';
import { serverLeaf } from '../cluster/material.ts';
import { NEW, OLD } from '../prove/world.ts';

const ID = 'object/Secret/hooks/webhook-tls#tls.crt';
const step = { authority: 'kubernetes' } as Step;
const base64 = (text: string): string => Buffer.from(text).toString('base64');

/** A Secret with a server's pair, and a cluster that takes patches of it. */
function world() {
  const served = serverLeaf(OLD, 'webhook');
  const secret = {
    metadata: { name: 'webhook-tls' },
    data: { 'tls.crt': base64(served.cert), 'tls.key': base64(served.keyPem) },
  };
  const cluster = {
    get: async () => structuredClone(secret) as KubeObject,
    patch: async (_: string, operations: { op: string; path: string; value: string }[]) => {
      for (const { op, value } of operations) if (op === 'replace') secret.data['tls.crt'] = value;
    },
  };
  const material = {
    authority: 'kubernetes',
    route: 'bridge',
    old: OLD,
    new: NEW,
    bridges: {},
    external: false,
    made: true,
  };
  const record = { authorities: [{ authority: 'kubernetes', replaced: {} as Record<string, string> }] };
  const ctx = {
    cluster,
    record,
    materials: [material],
    inventory: { stores: [{ id: ID, kind: 'object-leaf' }] },
    now: () => Date.now(),
  } as unknown as Context;
  const leaf = () => parseCertificates(Buffer.from(secret.data['tls.crt'], 'base64'), 'tls.crt')[0]!;
  return { ctx, secret, served, record, leaf };
}

test('a text of its owner with certificates in it is never written', async () => {
  const { ctx, secret } = world();
  const before = structuredClone(secret);
  Object.assign(ctx.inventory.stores[0]!, { embedded: true });
  await expect(writeObject(ctx, step, ID, 'new')).rejects.toThrow(/reroot does not write it/);
  expect(secret).toEqual(before);
});

test('a server’s certificate in a Secret is reissued from new for its own key, and comes back byte for byte', async () => {
  const { ctx, secret, served, record, leaf } = world();
  const before = secret.data['tls.crt'];
  const old = leaf();
  await writeObject(ctx, step, ID, 'new');
  expect(verifiedBy(leaf(), NEW.certificate)).toBe(true);
  expect(leaf().spki).toBe(old.spki);
  expect(secret.data['tls.key']).toBe(base64(served.keyPem));
  expect(record.authorities[0]?.replaced[ID]).toBe(old.pem);
  await writeObject(ctx, step, ID, 'old');
  expect(leaf().fingerprint).toBe(old.fingerprint);
  expect(Buffer.from(secret.data['tls.crt'], 'base64').toString().trim()).toBe(
    Buffer.from(before, 'base64').toString().trim(),
  );
});

test('a field with the key beside the certificate is left alone, for it would be gone', async () => {
  const { ctx, secret, served } = world();
  const combined = base64(served.cert + served.keyPem);
  secret.data['tls.crt'] = combined;
  await expect(writeObject(ctx, step, ID, 'new')).rejects.toMatchObject({
    exitCode: 4,
    message: expect.stringMatching(/tls\.crt holds more than certificates \(EC PRIVATE KEY\)/),
  });
  expect(secret.data['tls.crt']).toBe(combined);
});

test('so is a bundle of this authority with a revocation list', async () => {
  const { ctx, secret } = world();
  const list = '-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n';
  const before = base64(OLD.certificate.pem + list);
  secret.data['tls.crt'] = before;
  Object.assign(ctx.inventory, { stores: [{ id: ID, kind: 'object-bundle' }] });
  await expect(writeObject(ctx, step, ID, 'both')).rejects.toThrow(/X509 CRL/);
  expect(secret.data['tls.crt']).toBe(before);
});
