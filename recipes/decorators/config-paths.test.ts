import { expect, test } from '@jest/globals';
import { concerns, valueAt } from './config-paths.js';

test.each([
  [[], 'limits.max', true],
  [['limits.max'], 'limits.max', true],
  [['limits.max'], 'limits', true],
  [['limits'], 'limits.max', true],
  [['limits.*'], 'limits.max', true],
  [['limits.*'], 'limits.max.soft', true],
  [['limits.*'], 'limits', true],
  [['*'], 'anything', true],
  [['limits.max'], '', true],
  [['limits.max'], 'limits.min', false],
  [['limits.*'], 'limit', false],
  [['limit'], 'limits.max', false],
  [['a', 'limits.max'], 'limits.max', true],
])('who asks for %j is concerned by a change of %j: %s', (asked, changed, isConcerned) => {
  expect(concerns(asked, changed)).toBe(isConcerned);
});

test('a value is found by its path, and nothing that the document only inherits', () => {
  const document = { limits: { max: 3, list: [{ id: 'a' }] }, none: null };

  expect(valueAt(document, 'limits.max')).toBe(3);
  expect(valueAt(document, 'limits.list.0.id')).toBe('a');
  expect(valueAt(document, 'limits.missing.deeper')).toBeUndefined();
  expect(valueAt(document, 'none.max')).toBeUndefined();
  expect(valueAt(document, 'limits.constructor')).toBeUndefined();
});
