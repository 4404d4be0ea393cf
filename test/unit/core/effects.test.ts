// Each effect and each rule for uses, on topologies of two or three nodes.

import { describe, expect, it } from 'vitest';
import { apply } from '../../../src/core/model/apply.ts';
import { believed, Contradiction, initialState } from '../../../src/core/model/state.ts';
import type { Effect } from '../../../src/core/model/step.ts';
import { held, probe, read, restart, restarted, stateAfter, write } from '../../simulator/effects.ts';
import { tiny } from '../../simulator/tiny.ts';

describe('take-over', () => {
  const t = tiny({ stores: { ca: {} }, uses: { 'p:trust': { reads: ['ca'] } } });

  it('gives a use what its store holds', () => {
    expect(held(t, 'p:trust')).toEqual(['old']);
  });

  it('adds what is written and drops nothing', () => {
    expect(held(t, 'ca', write('both', 'ca'))).toEqual(['old', 'both']);
    expect(held(t, 'p:trust', write('both', 'ca'))).toEqual(['old', 'both']);
  });

  it('leaves the given state as it was', () => {
    const s = initialState(t);
    apply(t, s, write('new', 'ca'));
    expect(believed(t, s, 'ca')).toEqual(['old']);
    expect(believed(t, s, 'p:trust')).toEqual(['old']);
  });

  it('brings back what a probe was too early to rule out', () => {
    expect(held(t, 'p:trust', write('both', 'ca'), probe(['p:trust'], 'both'))).toEqual(['old', 'both']);
    expect(held(t, 'p:trust', write('both', 'ca'), read(['ca'], 'both'), probe(['p:trust'], 'both'))).toEqual(['both']);
  });

  it('keeps what is in memory when only the store was read back', () => {
    expect(held(t, 'p:trust', write('both', 'ca'), read(['ca'], 'both'))).toEqual(['old', 'both']);
  });

  it('throws when what is shown could not have been', () => {
    expect(() => stateAfter(t, read(['ca'], 'new'))).toThrow(Contradiction);
    expect(() => stateAfter(t, read(['ca'], 'new'))).toThrow('ca could hold old only, yet was shown to hold new');
  });

  it('refuses ids and values that the topology does not have', () => {
    expect(() => stateAfter(t, write('both', 'nowhere'))).toThrow('no store or use "nowhere"');
    expect(() => stateAfter(t, write('split', 'ca'))).toThrow('a trust never holds "split"');
    expect(() => stateAfter(t, write('both', 'p:trust'))).toThrow('only stores are written');
  });
});

describe('restarts', () => {
  const t = tiny({ stores: { ca: {} }, uses: { 'p:trust': { reads: ['ca'] } } });
  const settled = [write('both', 'ca'), read(['ca'], 'both')];

  it('prove what could be read from their start on', () => {
    expect(held(t, 'p:trust', ...settled, restart('p'), restarted('p'))).toEqual(['both']);
  });

  it('prove nothing about what was read back after their start', () => {
    const late = [write('both', 'ca'), restart('p'), read(['ca'], 'both'), restarted('p')];
    expect(held(t, 'p:trust', ...late)).toEqual(['old', 'both']);
  });

  it('say nothing before they are proved, and nothing if they were not ours', () => {
    expect(held(t, 'p:trust', ...settled, restart('p'))).toEqual(['old', 'both']);
    expect(held(t, 'p:trust', ...settled, restarted('p'))).toEqual(['old', 'both']);
  });

  it('start their snapshot afresh when done again', () => {
    const again = [write('both', 'ca'), restart('p'), read(['ca'], 'both'), restart('p'), restarted('p')];
    expect(held(t, 'p:trust', ...again)).toEqual(['both']);
  });

  it('leave a use without sources as it is', () => {
    const u = tiny({ uses: { 'p:trust': { first: ['old', 'both'] } } });
    expect(held(u, 'p:trust', restart('p'), restarted('p'))).toEqual(['old', 'both']);
  });
});

describe('flags', () => {
  const t = tiny({
    stores: { manifest: { holds: 'flags', first: ['found'] }, ca: {}, split: { first: ['new'] } },
    uses: {
      'p:flags': { kind: 'flags', reads: ['manifest'] },
      'p:trust': {
        reads: [
          { store: 'ca', when: { flags: 'p:flags', is: 'found' } },
          { store: 'split', when: { flags: 'p:flags', is: 'split' } },
        ],
      },
    },
  });

  it('choose the source', () => {
    expect(held(t, 'p:trust')).toEqual(['old']);
  });

  it('that may have changed open the other source as well', () => {
    expect(held(t, 'p:trust', write('split', 'manifest'))).toEqual(['old', 'new']);
  });

  it('are settled first by a proved restart', () => {
    const moved = [write('split', 'manifest'), read(['manifest'], 'split'), restart('p'), restarted('p')];
    expect(held(t, 'p:flags', ...moved)).toEqual(['split']);
    expect(held(t, 'p:trust', ...moved)).toEqual(['new']);
    expect(held(t, 'p:trust', ...moved, write('both', 'ca'))).toEqual(['new']);
  });

  it('of the boot snapshot count, not those proved by then', () => {
    const early = [write('split', 'manifest'), restart('p'), read(['manifest'], 'split'), restarted('p')];
    expect(held(t, 'p:flags', ...early)).toEqual(['found', 'split']);
    expect(held(t, 'p:trust', ...early)).toEqual(['old', 'new']);
  });
});

describe('an elected party', () => {
  const member = (k: string) => [
    { store: `ca${k}`, when: { flags: `k${k}:flags`, is: 'found' as const } },
    { store: `split${k}`, when: { flags: `k${k}:flags`, is: 'split' as const } },
  ];
  const t = tiny({
    stores: {
      m1: { holds: 'flags', first: ['found'] },
      m2: { holds: 'flags', first: ['found'] },
      ca1: {},
      ca2: {},
      split1: { first: ['new'] },
      split2: { first: ['new'] },
    },
    uses: {
      'k1:flags': { kind: 'flags', reads: ['m1'] },
      'k2:flags': { kind: 'flags', reads: ['m2'] },
      'leader:root': { kind: 'publishes', reads: [...member('1'), ...member('2')], parties: ['k1', 'k2'] },
    },
  });
  const written = [write('split', 'm1', 'm2'), read(['m1', 'm2'], 'split')];

  it('may be any instance', () => {
    expect(held(t, 'leader:root', write('both', 'ca2'))).toEqual(['old', 'both']);
  });

  it('is settled when all instances were restarted, in whatever waves', () => {
    const first = [restart('k1'), restarted('k1')];
    expect(held(t, 'leader:root', ...written, ...first)).toEqual(['old', 'new']);
    expect(held(t, 'leader:root', ...written, ...first, restart('k2'), restarted('k2'))).toEqual(['new']);
  });

  it('is not settled while one instance was restarted with the flags as found', () => {
    const early = [write('split', 'm1', 'm2'), restart('k1', 'k2'), read(['m1', 'm2'], 'split'), restarted('k1', 'k2')];
    expect(held(t, 'leader:root', ...early)).toEqual(['old', 'new']);
  });
});

describe('classes', () => {
  const t = tiny({
    stores: { confs: { members: ['a', 'b'] } },
    uses: { 'nodes:trust': { reads: ['confs'], parties: ['na', 'nb'] } },
  });

  it('hold either once some members were written', () => {
    expect(held(t, 'confs', write('both', 'a'))).toEqual(['old', 'both']);
  });

  it('are filtered by all members together, or by their own id', () => {
    expect(held(t, 'confs', write('both', 'a', 'b'), read(['a'], 'both'))).toEqual(['old', 'both']);
    expect(held(t, 'confs', write('both', 'a', 'b'), read(['a', 'b'], 'both'))).toEqual(['both']);
    expect(held(t, 'confs', write('both', 'confs'), read(['confs'], 'both'))).toEqual(['both']);
  });

  it('are settled by restarts in waves, over what each wave can have read', () => {
    const waves = [restart('na'), restarted('na'), restart('nb'), restarted('nb')];
    expect(held(t, 'nodes:trust', write('both', 'a', 'b'), read(['a', 'b'], 'both'), ...waves)).toEqual(['both']);
    // The first wave started while a may still have been old.
    const early = [
      write('both', 'a', 'b'),
      restart('na'),
      read(['a', 'b'], 'both'),
      restarted('na'),
      restart('nb'),
      restarted('nb'),
    ];
    expect(held(t, 'nodes:trust', ...early)).toEqual(['old', 'both']);
  });

  it('do not wait for waived members', () => {
    const waive: Effect = { kind: 'waive', parties: ['nb'] };
    const proved = [write('both', 'confs'), read(['confs'], 'both'), waive, restart('na'), restarted('na')];
    expect(held(t, 'nodes:trust', ...proved)).toEqual(['both']);
  });
});
