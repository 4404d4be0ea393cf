import { describe, expect, it } from 'vitest';
import type { EndpointSlice } from '../../../src/rotate/endpoints-left.ts';
import { darkened, partOf, spreadsOf } from '../../../src/rotate/service-waves.ts';

const slice = (service: string, ...ready: (string | undefined)[]): EndpointSlice => ({
  metadata: { namespace: 'app', labels: { 'kubernetes.io/service-name': service } },
  endpoints: ready.map((nodeName) => ({ conditions: { ready: true }, ...(nodeName ? { nodeName } : {}) })),
});
const unready = (service: string, uid: string, nodeName: string): EndpointSlice => ({
  metadata: { namespace: 'app', labels: { 'kubernetes.io/service-name': service } },
  endpoints: [{ conditions: { ready: false }, nodeName, targetRef: { uid } }],
});
/** A wave in its parts, as long as the slices stay as they are. */
function parts(wave: string[], ...slices: EndpointSlice[]): string[][] {
  const { now, later } = partOf(wave, spreadsOf(slices));
  return later.length === 0
    ? [now]
    : [
        now,
        ...parts(
          later.map(({ node }) => node),
          ...slices,
        ),
      ];
}

describe('which kubelets of a wave go together', () => {
  it('all, where no Service has all its ready endpoints on them', () => {
    expect(parts(['w1', 'w2', 'w3'], slice('web', 'w1', 'w2', 'w4'))).toEqual([['w1', 'w2', 'w3']]);
    expect(parts(['w1', 'w2'])).toEqual([['w1', 'w2']]);
  });

  it('never all nodes with ready endpoints of one Service', () => {
    expect(parts(['w1', 'w2', 'w3'], slice('web', 'w1', 'w2'))).toEqual([['w1', 'w3'], ['w2']]);
    expect(parts(['w1', 'w2', 'w3'], slice('web', 'w1', 'w2', 'w3'))).toEqual([['w1', 'w2'], ['w3']]);
  });

  it('of several Services none', () => {
    const slices = [slice('a', 'w1', 'w2'), slice('b', 'w2', 'w3'), slice('c', 'w1', 'w3')];
    expect(parts(['w1', 'w2', 'w3'], ...slices)).toEqual([['w1'], ['w2'], ['w3']]);
  });

  it('a Service with all its endpoints on one node is not helped by any order', () => {
    expect(parts(['w1', 'w2'], slice('web', 'w1', 'w1'))).toEqual([['w1', 'w2']]);
  });

  it('the slices of a Service count together, those of another namespace do not', () => {
    expect(parts(['w1', 'w2'], slice('web', 'w1'), slice('web', 'w2'))).toEqual([['w1'], ['w2']]);
    const other = { ...slice('web', 'w3'), metadata: { ...slice('web').metadata, namespace: 'other' } };
    expect(parts(['w1', 'w2'], slice('web', 'w1', 'w2'), other)).toEqual([['w1'], ['w2']]);
  });

  it('what is not ready or ends is no endpoint', () => {
    expect(parts(['w1', 'w2'], slice('web', 'w1', 'w2'), unready('web', 'u', 'w3'))).toEqual([['w1'], ['w2']]);
    const ending = slice('web', 'w3');
    ending.endpoints![0]!.conditions = { ready: true, terminating: true };
    expect(parts(['w1', 'w2'], slice('web', 'w1', 'w2'), ending)).toEqual([['w1'], ['w2']]);
  });

  it('an address that is on no node stays whatever restarts', () => {
    expect(parts(['w1', 'w2'], slice('web', 'w1', 'w2', undefined))).toEqual([['w1', 'w2']]);
  });

  it('names the Service for which a node waits', () => {
    const { later } = partOf(['w1', 'w2'], spreadsOf([slice('web', 'w1', 'w2')]));
    expect(later).toEqual([{ node: 'w2', service: 'app/web' }]);
  });
});

describe('after a pod that did not come back', () => {
  const spreads = spreadsOf([slice('web', 'w2'), unready('web', 'late', 'w1'), slice('api', 'w2', 'w3')]);

  it('the node with the rest of its Service does not go', () => {
    expect(darkened(['w2'], spreads, new Set(['late']))).toEqual(['app/web']);
  });

  it('others do, and for pods that were not ready before nobody waits', () => {
    expect(darkened(['w3'], spreads, new Set(['late']))).toEqual([]);
    expect(darkened(['w2'], spreads, new Set(['another']))).toEqual([]);
  });
});
