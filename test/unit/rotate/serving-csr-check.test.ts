// What reroot approves for a kubelet, and everything that it does not.

import { describe, expect, it } from 'vitest';
import type { Csr } from '../../../src/cluster/csr.ts';
import { type CSRRequest, makeCSR } from '../../../src/pki/csr.ts';
import { generateKey, publicSpki } from '../../../src/pki/keys.ts';
import { reasonsNotToApprove, type WantedServing } from '../../../src/rotate/serving-csr-check.ts';

const key = generateKey('EC-P-256');
const made: CSRRequest = {
  key,
  subject: { commonName: 'system:node:w1', organizations: ['system:nodes'] },
  dnsNames: ['w1'],
  ipAddresses: ['10.0.0.21', 'fd00::21'],
};
const request = makeCSR(made);
const wanted: WantedServing = {
  node: 'w1',
  addresses: [
    { type: 'InternalIP', address: '10.0.0.21' },
    { type: 'InternalIP', address: 'fd00:0::21' },
    { type: 'Hostname', address: 'W1' },
  ],
  request,
  created: { name: 'reroot-w1', uid: 'u1' },
  spki: publicSpki(key),
};
const base64 = (pem: string) => Buffer.from(pem).toString('base64');
const asked = (spec: Partial<Csr['spec']> = {}, more: Partial<Csr> = {}): Csr => ({
  metadata: { name: 'reroot-w1', uid: 'u1' },
  spec: {
    request: base64(request),
    signerName: 'kubernetes.io/kubelet-serving',
    usages: ['digital signature', 'server auth'],
    username: 'system:node:w1',
    groups: ['system:nodes', 'system:authenticated'],
    ...spec,
  },
  status: {},
  ...more,
});
const of = (csr: Csr, change: Partial<WantedServing> = {}) => reasonsNotToApprove(csr, { ...wanted, ...change });

it('approves the request that was made, of that node, for its names', () => {
  expect(of(asked())).toEqual([]);
  expect(of(asked({ usages: ['server auth', 'key encipherment', 'digital signature'] }))).toEqual([]);
});

describe('does not approve what is not the object that was created', () => {
  const cases: [string, Csr, RegExp][] = [
    ['of another name', asked({}, { metadata: { name: 'other', uid: 'u1' } }), /not the object/],
    ['made anew under the same name', asked({}, { metadata: { name: 'reroot-w1', uid: 'u2' } }), /not the object/],
    ['without a uid', asked({}, { metadata: { name: 'reroot-w1' } }), /not the object/],
    ['for another signer', asked({ signerName: 'kubernetes.io/kube-apiserver-client' }), /for the signer/],
    ['for no signer', asked({ signerName: '' }), /for the signer/],
    ['with a lifetime of its own', asked({ expirationSeconds: 600 }), /lifetime/],
    ['signed already', asked({}, { status: { certificate: 'x' } }), /has a certificate/],
    [
      'approved by somebody else',
      asked({}, { status: { conditions: [{ type: 'Approved', status: 'True' }] } }),
      /judged it already: Approved/,
    ],
    [
      'denied',
      asked({}, { status: { conditions: [{ type: 'Denied', status: 'True' }] } }),
      /judged it already: Denied/,
    ],
  ];
  it.each(cases)('%s', (_, csr, why) => expect(of(csr).join('\n')).toMatch(why));
});

describe('does not approve who is not that node', () => {
  const cases: [string, Partial<Csr['spec']>, RegExp][] = [
    ['another node', { username: 'system:node:w2' }, /asked for by system:node:w2/],
    ['an administrator', { username: 'kubernetes-admin', groups: ['system:masters'] }, /asked for by kubernetes-admin/],
    ['nobody', { username: undefined as never }, /asked for by nobody/],
    ['a bootstrap token', { username: 'system:bootstrap:abc', groups: ['system:bootstrappers'] }, /asked for by/],
    ['one without the group', { groups: ['system:authenticated'] }, /not of the group system:nodes/],
    ['one without groups', { groups: undefined as never }, /not of the group system:nodes/],
    ['one of a group more', { groups: ['system:nodes', 'system:authenticated', 'system:masters'] }, /system:masters/],
  ];
  it.each(cases)('%s', (_, spec, why) => expect(of(asked(spec)).join('\n')).toMatch(why));
});

describe('does not approve other usages', () => {
  const cases: [string, string[], RegExp][] = [
    ['a client’s', ['digital signature', 'client auth'], /lacks the usage server auth/],
    ['a client’s as well', ['digital signature', 'server auth', 'client auth'], /client auth as well/],
    ['a CA’s', ['digital signature', 'server auth', 'cert sign'], /cert sign as well/],
    ['too few', ['server auth'], /lacks the usage digital signature/],
    ['none', [], /lacks/],
  ];
  it.each(cases)('%s', (_, usages, why) => expect(of(asked({ usages })).join('\n')).toMatch(why));
  it('none said', () => expect(of(asked({ usages: undefined as never })).join()).toMatch(/lacks/));
});

describe('does not approve another request', () => {
  /** Changed on its way, and the same as if reroot had made it so: each check stands by itself. */
  const changed = (change: Partial<CSRRequest>, wantedChange: Partial<WantedServing> = {}) => {
    const pem = makeCSR({ ...made, ...change });
    const onTheWay = of(asked({ request: base64(pem) }), wantedChange);
    expect(onTheWay).toContain('its request is not the one that was made');
    return of(asked({ request: base64(pem) }), { request: pem, ...wantedChange }).join('\n');
  };
  it('for another name', () => expect(changed({ dnsNames: ['w1', 'kubernetes'] })).toMatch(/names kubernetes, which/));
  it('for a wildcard', () => expect(changed({ dnsNames: ['*'] })).toMatch(/names \*/));
  it('for another address', () => expect(changed({ ipAddresses: ['10.0.0.1'] })).toMatch(/names 10\.0\.0\.1/));
  it('for the loopback', () => expect(changed({ ipAddresses: ['10.0.0.21', '127.0.0.1'] })).toMatch(/127\.0\.0\.1/));
  it('for no name at all', () => expect(changed({ dnsNames: [], ipAddresses: [] })).toMatch(/no address at all/));
  it('of another node', () =>
    expect(changed({ subject: { commonName: 'system:node:w2', organizations: ['system:nodes'] } })).toMatch(
      /subject is .*w2/,
    ));
  it('of no node', () =>
    expect(changed({ subject: { commonName: 'w1', organizations: ['system:nodes'] } })).toMatch(/not this node's/));
  it('of an administrator', () =>
    expect(changed({ subject: { commonName: 'system:node:w1', organizations: ['system:masters'] } })).toMatch(
      /organizations are system:masters/,
    ));
  it('of an organization more', () =>
    expect(
      changed({ subject: { commonName: 'system:node:w1', organizations: ['system:nodes', 'system:masters'] } }),
    ).toMatch(/not system:nodes alone/));
  it('of no organization', () =>
    expect(changed({ subject: { commonName: 'system:node:w1' } })).toMatch(/organizations are none/));
  it('with another key', () => expect(changed({ key: generateKey('EC-P-256') })).toMatch(/its key is not the node's/));
  it('that is none', () => expect(of(asked({ request: base64('nonsense') })).join('\n')).toMatch(/request/));
  it('that was tampered with', () => {
    const [head = '', body = '', ...rest] = request.split('\n');
    const flipped = [head, `${body.slice(0, 40)}${body[40] === 'A' ? 'B' : 'A'}${body.slice(41)}`, ...rest].join('\n');
    expect(of(asked({ request: base64(flipped) }), { request: flipped }).length).toBeGreaterThan(0);
  });
});

describe('names are those of the Node object', () => {
  it('an address that the Node has lost since is refused', () => {
    const addresses = wanted.addresses.filter(({ address }) => address !== '10.0.0.21');
    expect(of(asked(), { addresses }).join()).toMatch(/10\.0\.0\.21/);
    expect(of(asked(), { addresses: [] }).join()).toMatch(/w1/);
  });
  it('a type of address that Kubernetes does not know counts for nothing', () => {
    const addresses = wanted.addresses.map((one) => ({ ...one, type: 'Invented' }));
    expect(of(asked(), { addresses })).not.toEqual([]);
  });
  it('a name does not stand for an address, an address given as host name does', () => {
    const pem = makeCSR({ ...made, dnsNames: ['10.0.0.21'], ipAddresses: [] });
    expect(of(asked({ request: base64(pem) }), { request: pem }).join()).toMatch(/10\.0\.0\.21/);
    const named = [{ type: 'Hostname', address: '10.0.0.21' }];
    const byAddress = makeCSR({ ...made, dnsNames: [], ipAddresses: ['10.0.0.21'] });
    expect(of(asked({ request: base64(byAddress) }), { request: byAddress, addresses: named })).toEqual([]);
  });
});
