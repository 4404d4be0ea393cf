// Each kind of flow, parties that come, and files read as something else, on topologies of two or three nodes.

import { describe, expect, it } from 'vitest';
import type { Effect } from '../../../src/core/model/step.ts';
import { held, probe, read, restart, restarted, write } from '../../simulator/effects.ts';
import { tiny } from '../../simulator/tiny.ts';

describe('flows', () => {
  it('copy, and copy again after a hand edit', () => {
    const t = tiny({
      stores: { cm: {} },
      uses: { 'l:root': { kind: 'publishes', first: ['old'] } },
      flows: [{ id: 'f', from: ['l:root'], to: 'cm', how: 'copy' }],
    });
    expect(held(t, 'cm', write('new', 'cm'), read(['cm'], 'new'))).toEqual(['old', 'new']);
  });

  it('sign leafs without a bridge, and nothing with a bundle', () => {
    const t = tiny({
      stores: { key: { holds: 'signer', first: ['old'] }, pem: { holds: 'credential', first: ['old'] } },
      flows: [{ id: 'f', from: ['key'], to: 'pem', how: 'signs' }],
    });
    expect(held(t, 'pem', write('new', 'key'))).toEqual(['old', 'new']);
    expect(held(t, 'pem', write('bundle', 'key'))).toEqual(['old']);
  });

  it('unite, with what the target may hold itself', () => {
    const t = tiny({
      stores: { ca: { first: ['new'] }, union: { first: ['none'] }, other: {} },
      flows: [{ id: 'f', from: ['ca', 'other'], to: 'union', how: 'union' }],
    });
    expect(held(t, 'union')).toEqual(['old', 'new', 'both', 'none']);
    expect(held(t, 'union', read(['union'], 'both'))).toEqual(['both']);
  });

  it('unite what a hand writes with what is there', () => {
    const t = tiny({
      stores: { ca: {}, union: {} },
      flows: [{ id: 'f', from: ['ca'], to: 'union', how: 'union' }],
    });
    expect(held(t, 'union', write('new', 'union'))).toEqual(['old', 'new', 'both']);
  });

  it('unite what a source may hold in turn', () => {
    const t = tiny({
      stores: { ca: { first: ['old', 'new'] }, union: { first: ['none'] } },
      flows: [{ id: 'f', from: ['ca'], to: 'union', how: 'union' }],
    });
    expect(held(t, 'union')).toEqual(['old', 'new', 'both', 'none']);
  });

  it('of actors run while they are on', () => {
    const t = tiny({
      stores: { ca: {}, conf: { first: ['new'] } },
      flows: [{ id: 'f', from: ['ca'], to: 'conf', how: 'copy', actor: 'kubeadm' }],
    });
    expect(held(t, 'conf')).toEqual(['new']);
    expect(held(t, 'conf', { kind: 'actor', actor: 'kubeadm', on: true })).toEqual(['old', 'new']);
  });

  it('into a use are a second memory, emptied by a restart', () => {
    const t = tiny({
      stores: { leaf: { holds: 'credential' } },
      uses: {
        'p:client': { kind: 'presents-as-client', reads: ['leaf'] },
        'p:connections': { kind: 'presents-as-client' },
      },
      flows: [{ id: 'f', from: ['p:client'], to: 'p:connections', how: 'copy' }],
    });
    const switched = [write('new', 'leaf'), read(['leaf'], 'new'), probe(['p:client'], 'new')];
    expect(held(t, 'p:connections', ...switched)).toEqual(['old', 'new']);
    expect(held(t, 'p:connections', ...switched, restart('p'), restarted('p'))).toEqual(['new']);
    expect(held(t, 'p:connections', ...switched.slice(0, 2), restart('p'), restarted('p'))).toEqual(['new']);
    expect(held(t, 'p:connections', ...switched, probe(['p:connections'], 'new'))).toEqual(['new']);
  });
});

describe('coming parties', () => {
  const t = tiny({
    stores: { info: {} },
    uses: { 'node/x:ca': {} },
    flows: [{ id: 'f', from: ['info'], to: 'node/x:ca', how: 'copy', actor: 'join' }],
    actors: ['join'],
  });
  const off: Effect = { kind: 'actor', actor: 'join', on: false };
  const on: Effect = { kind: 'actor', actor: 'join', on: true };

  it('come with what is given to them now', () => {
    expect(held(t, 'node/x:ca')).toEqual(['old']);
  });

  it('are forgotten once no join is under way, and come again without history', () => {
    expect(held(t, 'node/x:ca', off)).toEqual([]);
    expect(held(t, 'node/x:ca', write('new', 'info'), read(['info'], 'new'), off, on)).toEqual(['new']);
  });

  it('leave alone what has content of its own', () => {
    const u = tiny({
      stores: { info: {}, pem: { first: ['new'] } },
      flows: [{ id: 'f', from: ['info'], to: 'pem', how: 'copy', actor: 'join' }],
      actors: ['join'],
    });
    expect(held(u, 'pem', off)).toEqual(['old', 'new']);
  });
});

describe('a file of anchors read as the signer’s', () => {
  const t = tiny({ stores: { ca: {} }, uses: { 'k:signer': { kind: 'signs', reads: ['ca'] } } });

  it.each([
    ['old', ['old']],
    ['both', ['old', 'bundle']],
    ['new', ['old', 'mismatched']],
    ['none', ['old', 'absent']],
  ] as const)('%s is %j', (value, expected) => {
    expect(held(t, 'k:signer', write(value, 'ca'))).toEqual(expected);
  });
});
