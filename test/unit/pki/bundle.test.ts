import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { holdsOf, withAnchors } from '../../../src/pki/bundle.ts';
import { caLike, keyFor, nameOf } from './support/fixtures.ts';

const [old, next, foreign, stranger] = ['old', 'new', 'foreign', 'stranger'].map((name) =>
  caLike({ subjectDer: nameOf(name), key: keyFor('EC-P-256', name) }),
) as [ReturnType<typeof caLike>, ReturnType<typeof caLike>, ReturnType<typeof caLike>, ReturnType<typeof caLike>];
const all = [old, next, foreign, stranger];
const generations = { old: old.fingerprint, new: next.fingerprint };

describe('a bundle', () => {
  it('gets the new CA behind what it holds', () => {
    expect(withAnchors([foreign, old], { add: [next] })).toEqual([foreign, old, next]);
    expect(withAnchors([next, old], { add: [next, next] })).toEqual([next, old]);
    expect(withAnchors([], { add: [next, next] })).toEqual([next]);
  });

  it('loses a CA by fingerprint, every copy of it', () => {
    expect(withAnchors([old, foreign, old, next], { drop: [old.fingerprint] })).toEqual([foreign, next]);
    expect(withAnchors([old], { add: [next], drop: [old.fingerprint] })).toEqual([next]);
    expect(withAnchors([old], { add: [next], drop: [next.fingerprint] })).toEqual([old]);
  });

  const bundle = fc.array(fc.constantFrom(...all), { maxLength: 6 });

  it('keeps certificates of others as they are, whatever is added and dropped', () => {
    fc.assert(
      fc.property(bundle, bundle, fc.subarray([old, next]), (existing, add, drop) => {
        const result = withAnchors(existing, { add, drop: drop.map(({ fingerprint }) => fingerprint) });
        const kept = existing.filter((certificate) => !drop.includes(certificate));

        expect(result.slice(0, kept.length)).toEqual(kept);
        expect(new Set(result)).toEqual(
          new Set([...existing, ...add].filter((certificate) => !drop.includes(certificate))),
        );
        expect(withAnchors(result, { add, drop: drop.map(({ fingerprint }) => fingerprint) })).toEqual(result);
      }),
    );
  });

  it('is the same after a change and its inverse', () => {
    fc.assert(
      fc.property(bundle, (existing) => {
        fc.pre(!existing.includes(next));
        expect(withAnchors(withAnchors(existing, { add: [next] }), { drop: [next.fingerprint] })).toEqual(existing);
      }),
    );
  });

  it.each([
    ['none', [foreign]],
    ['old', [foreign, old]],
    ['new', [next, stranger]],
    ['both', [next, foreign, old]],
    ['none', []],
  ])('holds %s', (held, anchors) => {
    expect(holdsOf(anchors, generations)).toBe(held);
  });
});
