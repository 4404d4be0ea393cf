import { describe, expect, it } from 'vitest';
import { type EndpointSlice, leftWithout } from '../../../src/rotate/endpoints-left.ts';

type Endpoint = NonNullable<EndpointSlice['endpoints']>[number];
const pod = (uid: string, conditions: Endpoint['conditions'] = { ready: true }): Endpoint => ({
  conditions,
  targetRef: { kind: 'Pod', name: uid, uid },
});
const slice = (service: string, ...endpoints: Endpoint[]): EndpointSlice => ({
  metadata: { labels: { 'kubernetes.io/service-name': service } },
  endpoints,
});
const nobody = new Set<string>();

describe('services that a pod may not leave', () => {
  it('those of which it is the only ready endpoint', () => {
    const slices = [slice('web', pod('a'), pod('b', { ready: false })), slice('api', pod('a'), pod('b'))];
    expect(leftWithout(slices, 'a', nobody)).toEqual(['web']);
    expect(leftWithout(slices, 'b', nobody)).toEqual([]);
  });

  it('one that was sent away counts no more, though its slice still says that it is ready', () => {
    const slices = [slice('web', pod('a'), pod('b'), pod('c'))];
    expect(leftWithout(slices, 'a', new Set(['b']))).toEqual([]);
    expect(leftWithout(slices, 'a', new Set(['b', 'c']))).toEqual(['web']);
  });

  it('one that is ending counts no more', () => {
    expect(leftWithout([slice('web', pod('a'), pod('b', { ready: true, terminating: true }))], 'a', nobody)).toEqual([
      'web',
    ]);
  });

  it('the endpoints of all slices of a Service count, IPv4 and IPv6', () => {
    expect(leftWithout([slice('web', pod('a')), slice('web', pod('a'), pod('b'))], 'a', nobody)).toEqual([]);
    expect(leftWithout([slice('web', pod('a')), slice('web', pod('a'))], 'a', nobody)).toEqual(['web']);
  });

  it('what is not said is ready; an address that is no pod stays', () => {
    expect(leftWithout([slice('web', pod('a'), pod('b', {}))], 'a', nobody)).toEqual([]);
    expect(leftWithout([slice('web', pod('a'), { conditions: { ready: true } })], 'a', nobody)).toEqual([]);
  });

  it('a slice of no Service, and a pod in none, hold nobody', () => {
    expect(leftWithout([{ metadata: {}, endpoints: [pod('a')] }], 'a', nobody)).toEqual([]);
    expect(leftWithout([slice('web', pod('b'))], 'a', nobody)).toEqual([]);
  });
});
