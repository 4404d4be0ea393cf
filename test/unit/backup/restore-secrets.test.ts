// Certificates in Secrets and ConfigMaps come back where they fit to the key that is there now, and what does not come back is told.

import { expect, test } from 'vitest';
import type { ArchivedObject } from '../../../src/backup/archive.ts';
import { planRestore } from '../../../src/backup/restore.ts';
import type { KubeObject } from '../../../src/cluster/client.ts';
import { reissueLeaf } from '../../../src/pki/reissue.ts';
import { kubeconfigText, serverLeaf } from '../cluster/material.ts';
import { NEW, OLD } from '../prove/world.ts';

const PATH = '/api/v1/namespaces/hooks/secrets/webhook-tls';
const served = serverLeaf(OLD, 'webhook');
const other = serverLeaf(OLD, 'webhook');
const reissued = reissueLeaf(served.certificate, NEW, { now: Date.now() }).pem;
const base64 = (text: string): string => Buffer.from(text).toString('base64');
const encoded = (data: Record<string, string>) =>
  Object.fromEntries(Object.entries(data).map(([key, text]) => [key, base64(text)]));

/** What a restore would do to a Secret that held `before` in these fields and holds `now`. */
async function restored(before: Record<string, string>, now: Record<string, string>, keys = ['tls.crt']) {
  const archived: ArchivedObject = {
    object: PATH,
    stores: keys.map((key) => `object/Secret/hooks/webhook-tls#${key}`),
    value: { metadata: { name: 'webhook-tls' }, data: encoded(before) },
  };
  const current = { metadata: { name: 'webhook-tls' }, data: encoded(now) } as unknown as KubeObject;
  const cluster = { get: async <T>() => current as T };
  const accessOf = () => {
    throw new Error('no file is asked for');
  };
  const plan = await planRestore([], [archived], { accessOf, cluster });
  const written = plan.objects.flatMap(({ patch }) => patch.flatMap((one) => (one.op === 'replace' ? [one] : [])));
  return { ...plan, written: Object.fromEntries(written.map(({ path, value }) => [path, value])) };
}

test('a server’s certificate comes back where its key is the one that is there now', async () => {
  const pair = { 'tls.crt': served.cert, 'tls.key': served.keyPem };
  const plan = await restored(pair, { ...pair, 'tls.crt': reissued });
  expect(plan.written).toEqual({ '/data/tls.crt': base64(served.cert) });
  expect([plan.same, plan.left]).toEqual([0, []]);
  expect((await restored(pair, pair)).same).toBe(1);
});

test('beside another key it stays away, and is told', async () => {
  const now = { 'tls.crt': other.cert, 'tls.key': other.keyPem, 'earlier.key': served.keyPem };
  const plan = await restored({ 'tls.crt': served.cert, 'tls.key': served.keyPem }, now);
  expect(plan.written).toEqual({});
  expect(plan).toMatchObject({
    same: 0,
    left: [{ what: `${PATH} /data/tls.crt`, why: expect.stringMatching(/another key/) }],
  });
});

test('with its key in the same field it brings that along, also where only the certificate is left', async () => {
  const pem = served.cert + served.keyPem;
  const plan = await restored({ 'server.pem': pem }, { 'server.pem': reissued }, ['server.pem']);
  expect(plan.written).toEqual({ '/data/server.pem': base64(pem) });
  const replaced = await restored({ 'server.pem': pem }, { 'server.pem': other.cert + other.keyPem }, ['server.pem']);
  expect(replaced).toMatchObject({ written: {}, left: [{ why: expect.stringMatching(/another key/) }] });
});

test('a field that holds no certificate any more is told, and the others come back', async () => {
  const ca = OLD.certificate.pem;
  const plan = await restored({ 'ca.crt': ca, 'more-ca.crt': ca }, { 'ca.crt': NEW.certificate.pem }, [
    'ca.crt',
    'more-ca.crt',
  ]);
  expect(plan.written).toEqual({ '/data/ca.crt': base64(ca) });
  expect(plan).toMatchObject({
    same: 0,
    left: [{ what: `${PATH} /data/more-ca.crt`, why: expect.stringMatching(/no certificate any more/) }],
  });
});

test('fields that the backup does not name are not looked at', async () => {
  const before = { 'ca.crt': OLD.certificate.pem, 'foreign-ca.crt': OLD.certificate.pem };
  const plan = await restored(before, { ...before, 'foreign-ca.crt': NEW.certificate.pem }, ['ca.crt']);
  expect(plan).toMatchObject({ same: 1, left: [], objects: [] });
});

test('a kubeconfig in a Secret, which reroot does not write, is told when it differs', async () => {
  const of = (pem: string) => ({ value: kubeconfigText('https://x', pem) });
  expect(await restored(of(OLD.certificate.pem), of(NEW.certificate.pem), ['value'])).toMatchObject({
    same: 0,
    left: [{ why: expect.stringMatching(/does not write/) }],
  });
  expect((await restored(of(OLD.certificate.pem), of(OLD.certificate.pem), ['value'])).same).toBe(1);
});
