import { expect, test } from 'vitest';
import type { FileSeen } from '../../../src/nodes/files.ts';
import { verifiedBy } from '../../../src/pki/certificate.ts';
import { keyToPem, parseCertificates, parsePrivateKey } from '../../../src/pki/pem.ts';
import { type ContentRequest, newContent } from '../../../src/rotate/content.ts';
import { serverLeaf } from '../cluster/material.ts';
import { factsOf, NEW, OLD } from '../prove/world.ts';

test('a server’s certificate and key in one file stay those of the server: never the CA’s key', async () => {
  const served = serverLeaf(OLD, 'webhook');
  const path = '/srv/webhook/both.pem';
  const id = `file/w1:${path}`;
  const material = { authority: 'kubernetes', route: 'bridge', because: '', old: OLD, new: NEW, bridges: {} } as const;
  const record = { authorities: [{ authority: 'kubernetes', replaced: {} }] };
  const { bytes } = await newContent({
    ctx: { folders: [], record, inventory: { stores: [] }, now: () => Date.now() },
    id,
    store: { id, kind: 'pair', node: 'w1', path, keyPath: path, certs: factsOf(served.certificate) },
    value: 'new',
    material,
    current: { kind: 'file', path, bytes: Buffer.from(served.cert + served.keyPem) } as FileSeen,
  } as unknown as ContentRequest);
  const [leaf, ...more] = parseCertificates(bytes, path);
  expect(leaf?.subject).toBe(served.certificate.subject);
  expect(verifiedBy(leaf!, NEW.certificate)).toBe(true);
  expect(more).toEqual([]);
  expect(keyToPem(parsePrivateKey(bytes, path))).toBe(served.keyPem);
});
