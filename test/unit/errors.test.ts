import { expect, test } from 'vitest';
import { EXIT, reasonOf, wrongUse } from '../../src/errors.ts';

test('a wrong use keeps its hints and ends with exit code 2', () => {
  const error = wrongUse('no such node: cp9', 'reroot inspect shows the nodes');
  expect(error.exitCode).toBe(EXIT.wrongUse);
  expect(error.hints).toEqual(['reroot inspect shows the nodes']);
});

test('any thrown thing has a reason of one line', () => {
  expect(reasonOf(new Error('away'))).toBe('away');
  expect(reasonOf('gone')).toBe('gone');
});
