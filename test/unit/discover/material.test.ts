import { expect, it } from 'vitest';
import { storeOfFile } from '../../../src/discover/material.ts';
import type { FileSeen } from '../../../src/nodes/files.ts';
import { makeCA } from '../../../src/pki/make-ca.ts';
import { keyToPem, toPem } from '../../../src/pki/pem.ts';

const now = Date.now();
const { certificate, key } = makeCA({ commonName: 'kubernetes', keyType: 'EC-P-256', now, notAfter: now + 1e9 });
const CA = toPem([certificate]);
const KEY = keyToPem(key!);
const LIST = '-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n';

const seen = (path: string, text: string): FileSeen =>
  ({
    kind: 'file',
    path,
    bytes: Buffer.from(text),
    changedAt: now,
    mode: 0o644,
    owner: '0:0',
    links: 1,
  }) as FileSeen;

it.each<[string, string, string | undefined, string[] | undefined]>([
  ['certificates and comments', `# our CA\n${CA}`, undefined, undefined],
  ['a revocation list', CA + LIST, undefined, ['X509 CRL']],
  ['a key that nobody names', CA + KEY, undefined, ['EC PRIVATE KEY']],
  [
    'its own key',
    `-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n${KEY}${CA}`,
    '/p/ca.crt',
    undefined,
  ],
  ['its own key and a list', KEY + CA + LIST, '/p/ca.crt', ['X509 CRL']],
])('a file with %s says what else is in it', (_what, text, keyPath, others) => {
  const wanted = { path: '/p/ca.crt', kind: 'bundle' as const, ...(keyPath ? { keyPath } : {}) };
  const store = storeOfFile('cp1', wanted, seen('/p/ca.crt', text));
  expect(store.fault).toBeUndefined();
  expect(store.certificates).toHaveLength(1);
  expect(store.otherBlocks).toEqual(others);
});
