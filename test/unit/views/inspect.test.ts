import { describe, expect, test } from 'vitest';
import type { CertFact, Inventory, Store } from '../../../src/core/model/inventory.ts';
import { plainColours } from '../../../src/views/colours.ts';
import { inspectLines } from '../../../src/views/inspect.ts';
import { groupStores } from '../../../src/views/inspect-groups.ts';
import { verifyLines } from '../../../src/views/verify.ts';

const NOW = Date.UTC(2026, 5, 1);
const cert = (name: string, change: Partial<CertFact> = {}): CertFact => ({
  fingerprint: `${name}0000000000000000`,
  subject: `O=x,CN=${name}`,
  issuer: 'CN=ca',
  subjectDer: name,
  issuerDer: 'ca',
  serial: '1',
  notBefore: NOW,
  notAfter: NOW + 86_400_000 * 365,
  isCA: false,
  spki: name,
  keyType: 'RSA-2048',
  extKeyUsages: [],
  dnsNames: [],
  ipAddresses: [],
  nameConstraints: false,
  selfSigned: false,
  signedBy: ['ca0000000000000000'],
  ...change,
});
const ca = cert('ca', { isCA: true, selfSigned: true });
const file = (node: string, path: string, certs: CertFact[], kind: Store['kind'] = 'leaf'): Store => ({
  id: `file/${node}:${path}`,
  kind,
  node,
  path,
  certs,
});
const object = (namespace: string, certs: CertFact[]): Store => ({
  id: `object/ConfigMap/${namespace}/kube-root-ca.crt#ca.crt`,
  kind: 'object-bundle',
  certs,
});

const inventory = (stores: Store[], change: Partial<Inventory> = {}): Inventory => ({
  takenAt: NOW,
  cluster: { server: 'https://x:6443', version: '1.36.3' },
  nodes: [{ name: 'n1', roles: ['control-plane'], reached: true }],
  authorities: [{ authority: 'kubernetes', anchors: [ca], keys: [] }],
  instances: [],
  stores,
  pods: [],
  namespaces: [],
  callees: [],
  findings: [],
  ...change,
});

describe('stores as people think of them', () => {
  test('the same file on three nodes is one line, also where paths hold the name of the node', () => {
    const stores = ['a', 'b', 'c'].map((node) => file(node, `/lab/${node}/pki/ca.crt`, [ca], 'bundle'));
    const users = new Map(stores.map(({ id, node }) => [id, [`${node}/kube-apiserver:client-ca`]]));
    expect(groupStores(inventory(stores), users)).toMatchObject([
      { place: 'a,b,c:/lab/NODE/pki/ca.crt', users: ['kube-apiserver client-ca'], authority: 'kubernetes' },
    ]);
  });
  test('a node that holds another generation is a line of its own', () => {
    const other = cert('other', { isCA: true, selfSigned: true });
    const groups = groupStores(
      inventory([file('a', '/ca.crt', [ca]), file('b', '/ca.crt', [ca]), file('c', '/ca.crt', [ca, other])]),
      new Map(),
    );
    expect(groups.map(({ place }) => place)).toEqual(['a,b:/ca.crt', 'c:/ca.crt']);
  });
  test('thousands of namespaces are one line', () => {
    const stores = Array.from({ length: 2_000 }, (_, i) => object(`n${i}`, [ca]));
    expect(groupStores(inventory(stores), new Map()).map(({ place }) => place)).toEqual([
      'ConfigMap kube-root-ca.crt#ca.crt in 2000 namespaces',
    ]);
  });
  test('a leaf belongs to the authority that signed it, a stranger to none', () => {
    const stranger = cert('web', { signedBy: [] });
    const groups = groupStores(
      inventory([file('a', '/x.crt', [cert('api')]), file('a', '/y.crt', [stranger])]),
      new Map(),
    );
    expect(groups.map(({ authority }) => authority)).toEqual(['kubernetes', undefined]);
  });
});

test('inspect prints authorities, then what is of none, then findings, errors first', () => {
  const lines = inspectLines({
    inventory: inventory([file('n1', '/api.crt', [cert('api')])], {
      findings: [
        { severity: 'note', reason: 'small', subject: 's', message: 'm' },
        { severity: 'error', reason: 'big', subject: 's', message: 'm', fix: 'do this' },
      ],
    }),
    users: new Map([['file/n1:/api.crt', ['n1/kube-apiserver:serving']]]),
    colours: plainColours,
  });
  const text = lines.join('\n');
  expect(text).toContain(
    'kubernetes\n  O=x,CN=ca  ca0000000000  RSA-2048  until 2027-06-01 00:00Z (in 365 days)  key not found\n',
  );
  expect(text).toMatch(
    /^ {2}presents api {2}ca0000000000 {2}2027-06-01 in 365 days {2}n1:\/api\.crt {2}<- kube-apiserver serving$/m,
  );
  expect(text.indexOf('error big')).toBeLessThan(text.indexOf('note small'));
  expect(text).toContain('    fix: do this');
});

test('verify prints what failed first, and the count', () => {
  const lines = verifyLines(
    [
      { kind: 'serving', channel: 'a -> b', ok: true, message: 'fine' },
      { kind: 'client', channel: 'c -> d', ok: false, message: 'refused' },
      { kind: 'log', channel: 'e', ok: undefined, message: 'no log' },
    ],
    plainColours,
  );
  expect(lines).toEqual([
    'FAILED  client   c -> d: refused',
    'open    log      e: no log',
    'ok      serving  a -> b: fine',
    '',
    '3 checks: 1 ok, 1 failed, 1 open (not measured, or not judged)',
  ]);
});
