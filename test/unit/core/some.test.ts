import { expect, test } from 'vitest';
import { some, someLines } from '../../../src/core/model/some.ts';

const items = (count: number): string[] => Array.from({ length: count }, (_, index) => `i${index + 1}`);

test.each([
  [[], ''],
  [items(1), 'i1'],
  [items(4), 'i1, i2, i3, i4'],
  [items(5), 'i1, i2, i3 and 2 more'],
  [items(5_000), 'i1, i2, i3 and 4,997 more'],
])('the first few and how many more: %#', (given, said) => {
  expect(some(given)).toBe(said);
});

test('parts of a sentence, and lines beneath one', () => {
  expect(some(items(4), 2, 'semicolon')).toBe('i1; i2; and 2 more');
  expect(someLines(items(4), 2)).toBe('\n  i1\n  i2\n  and 2 more');
  expect(someLines([])).toBe('');
});
