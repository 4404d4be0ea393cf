// ConfigMaps and Secrets as stores: what is read as PEM, what stands within another text, what cannot be read.

import { expect, test } from 'vitest';
import { stringify } from 'yaml';
import type { Cluster } from '../../../src/cluster/client.ts';
import type { CertFact, Store } from '../../../src/core/model/inventory.ts';
import { calleeFact } from '../../../src/discover/callee-fact.ts';
import { lookAtObjects } from '../../../src/discover/objects.ts';
import { certificatePool } from '../../../src/discover/pool.ts';
import { ca, serverLeaf } from '../cluster/material.ts';

const CA = ca('kubernetes');
const { pem } = CA.certificate;
const served = serverLeaf(CA, 'web');
const base64 = (text: string): string => Buffer.from(text).toString('base64');

interface Given {
  name: string;
  data: Record<string, string>;
  type?: string;
}
const metadata = (name: string) => ({ name, namespace: 'app' });

/** A cluster with these and nothing else. */
function look(configMaps: Given[], secrets: Given[] = []) {
  const items = (given: Given[]) => given.map(({ name, data, type }) => ({ metadata: metadata(name), data, type }));
  const get = async (path: string, { query = {} }: { query?: Record<string, string> } = {}) => {
    const typed = secrets.filter(({ type = 'Opaque' }) => query.fieldSelector === `type=${type}`);
    return { items: items(path.endsWith('/configmaps') ? configMaps : typed) };
  };
  return lookAtObjects({ get } as unknown as Cluster);
}

const brief = (stores: Awaited<ReturnType<typeof look>>['stores']) =>
  stores.map(({ id, kind, certificates, embedded }) => [id, kind, certificates.length, embedded]);

test('certificates within YAML or JSON are a store that is not written, with what is trusted and what is presented apart', async () => {
  const { stores, unread } = await look(
    [
      { name: 'yaml', data: { 'app.yaml': stringify({ tls: { ca: pem, cert: served.cert, key: served.keyPem } }) } },
      { name: 'json', data: { 'app.json': JSON.stringify({ ca: pem }) } },
      { name: 'both', data: { x: `${pem}${stringify({ other: { ca: served.cert } })}` } },
      { name: 'plain', data: { 'ca.crt': pem, 'tls.crt': served.cert } },
    ],
    [{ name: 'secret', data: { 'config.yaml': base64(stringify({ server: { cert: served.cert } })) } }],
  );
  expect(brief(stores)).toEqual([
    ['object/ConfigMap/app/yaml#app.yaml', 'object-bundle', 1, true],
    ['object/ConfigMap/app/yaml#app.yaml:client', 'object-leaf', 1, true],
    ['object/ConfigMap/app/json#app.json', 'object-bundle', 1, true],
    ['object/ConfigMap/app/both#x', 'object-bundle', 1, true],
    ['object/ConfigMap/app/both#x:client', 'object-leaf', 1, true],
    ['object/ConfigMap/app/plain#ca.crt', 'object-bundle', 1, undefined],
    ['object/ConfigMap/app/plain#tls.crt', 'object-leaf', 1, undefined],
    ['object/Secret/app/secret#config.yaml', 'object-leaf', 1, true],
  ]);
  expect([...unread]).toEqual([]);
});

test('what a component publishes is read as PEM alone: indented it is a fault', async () => {
  const { stores } = await look([{ name: 'kube-root-ca.crt', data: { 'ca.crt': pem.replace(/^/gm, '  ') } }]);
  expect(stores).toMatchObject([
    { id: 'object/ConfigMap/app/kube-root-ca.crt#ca.crt', certificates: [], fault: 'it holds no certificate' },
  ]);
});

test('what cannot be read is told apart, without a byte of the key beside it', async () => {
  const torn = `ca: |\n${pem.slice(0, 300).replace(/^/gm, '  ')}\nkey: |\n${served.keyPem}`;
  const { stores, unread } = await look([{ name: 'torn', data: { 'app.yaml': torn } }]);
  expect(stores).toEqual([]);
  expect([...unread.keys()]).toEqual(['object/ConfigMap/app/torn#app.yaml']);
  expect(JSON.stringify([...unread])).not.toContain(served.keyPem.split('\n')[1]);
});

test('what a callee serves is not reissued within such a text, but where the same lies as PEM', () => {
  const pool = certificatePool();
  const chain = [CA.certificate];
  const certs: CertFact[] = chain.map(pool.factOf);
  const within: Store = { id: 'object/ConfigMap/app/a#x', kind: 'object-leaf', certs, embedded: true };
  const plain: Store = { id: 'object/Secret/app/tls#tls.crt', kind: 'object-leaf', certs };
  const callee = { id: 'webhook/w', served: chain };
  expect(calleeFact(callee, pool, [within])).not.toHaveProperty('servingStore');
  expect(calleeFact(callee, pool, [within, plain]).servingStore).toBe(plain.id);
});
