import { expect, it } from 'vitest';
import { authorityRotation, NEW, OLD } from '../../../bench/inventory.ts';
import { historyOf } from '../../../src/core/catalog/memory.ts';
import type { AuthorityRotation } from '../../../src/core/model/rotation.ts';

const a = authorityRotation('kubernetes', OLD, NEW);
const withReverse: AuthorityRotation = { ...a, bridges: { ...a.bridges, reverse: 'a-fingerprint' } };

it('on the way back, both may have come after new where no reverse bridge serves', () => {
  expect(historyOf('trust', 'both', withReverse, true)).toEqual(['old', 'both']);
  expect(historyOf('trust', 'both', a, true)).toEqual(['old', 'both', 'new']);
  expect(historyOf('trust', 'both', withReverse, true, true)).toEqual(['old', 'both', 'new']);
  expect(historyOf('trust', 'both', a, false)).toEqual(['old', 'both']);
});
