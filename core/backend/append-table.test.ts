import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { toMapKey, toText } from '../base/bytes.js';
import { AppendTable } from './append-table.js';
import { SortedTable } from './sorted-table.js';

function entries(table: AppendTable<string>): string[] {
  return [...table.scan({})].map(([key, value]) => `${toText(key)} ${value}`);
}

describe('AppendTable', () => {
  test('keeps what comes in order and what does not, in one order', () => {
    const table = new AppendTable<string>();

    for (const key of ['7', '8', '9', '3', '5']) expect(table.set(key, 'first')).toBeUndefined();
    expect(table.set('8', 'second')).toBe('first');
    expect(table.set('3', 'second')).toBe('first');

    expect(table.size).toBe(5);
    expect(entries(table)).toEqual(['3 second', '5 first', '7 first', '8 second', '9 first']);
  });

  test('a copy and the table do not see what the other is given later', () => {
    const table = new AppendTable<string>();
    for (const key of ['2', '4', '1']) table.set(key, 'before');

    const copy = table.clone();
    for (const key of ['1', '2', '5']) table.set(key, 'table');
    for (const key of ['3', '4']) copy.set(key, 'copy');

    expect(entries(table)).toEqual(['1 table', '2 table', '4 before', '5 table']);
    expect(entries(copy)).toEqual(['1 before', '2 before', '3 copy', '4 copy']);
  });

  test('answers as a sorted table does, whatever the order of keys', () => {
    const bytes = fc.uint8Array({ minLength: 1, maxLength: 2, max: 5 });
    const key = bytes.map(toMapKey);
    const sets = fc.array(fc.tuple(key, fc.integer()), { maxLength: 40 });
    const bounds = fc.record({ from: bytes, to: bytes, reverse: fc.boolean() }, { requiredKeys: [] });
    fc.assert(
      fc.property(sets, fc.boolean(), bounds, key, (changes, isMostlyAscending, options, asked) => {
        const [table, model] = [new AppendTable<number>(), new SortedTable<number>()];
        const ordered = isMostlyAscending ? changes.toSorted(([a], [b]) => (a < b ? -1 : 1)) : changes;
        for (const [changed, value] of [...ordered, ...changes.slice(0, 5)]) {
          expect(table.set(changed, value)).toBe(model.set(changed, value));
        }

        expect(table.size).toBe(model.size);
        expect(table.get(asked)).toBe(model.get(asked));
        expect([...table.scan(options)]).toEqual([...model.scan(options)]);
      }),
      { seed: 7, numRuns: 300 },
    );
  });
});
