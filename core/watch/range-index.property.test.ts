import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { compareBytes, toMapKey } from '../base/bytes.js';
import { contains, isOpenEnded } from '../base/key-range.js';
import { RangeIndex, type TrueRange } from './range-index.js';

const key = fc.uint8Array({ minLength: 1, maxLength: 3, max: 4 });
const range = fc
  .record({
    key,
    end: fc.oneof({ weight: 4, arbitrary: key }, { weight: 1, arbitrary: fc.constant(Uint8Array.of(0)) }),
  })
  .filter((candidate) => isOpenEnded(candidate.end) || compareBytes(candidate.key, candidate.end) < 0);
const change = fc.record({ add: fc.boolean(), range });

test('after any changes a key finds exactly the ranges that contain it, in order of start', () => {
  fc.assert(
    fc.property(
      fc.array(change, { maxLength: 60, size: 'max' }),
      fc.array(key, { minLength: 5 }),
      (changes, probes) => {
        const index = new RangeIndex<TrueRange>();
        const model = new Map<string, TrueRange>();
        for (const { add, range } of changes) {
          const name = `${toMapKey(range.key)}|${toMapKey(range.end)}`;
          if (add && !model.has(name)) index.add(range, range);
          else if (!add) index.delete({ key: range.key.slice(), end: range.end.slice() });
          if (!add) model.delete(name);
          else if (!model.has(name)) model.set(name, range);
        }

        for (const probe of probes) {
          const found: TrueRange[] = [];
          index.forEachContaining(probe, (value) => found.push(value));
          const expected = [...model.values()].filter((candidate) => contains(candidate, probe));
          expect(new Set(found)).toEqual(new Set(expected));
          expect(found.length).toBe(expected.length);
          const starts = found.map((value) => value.key);
          expect(starts).toEqual([...starts].sort(compareBytes));
        }
      },
    ),
    { seed: 5, numRuns: 300 },
  );
});

test('ten thousand nested ranges that are added in order do not exhaust the stack', () => {
  const index = new RangeIndex<number>();
  const keyOf = (number: number) => Buffer.from(String(number).padStart(6, '0'));
  for (let number = 0; number < 10_000; number += 1) index.add({ key: keyOf(number), end: Buffer.from('9') }, number);

  let foundCount = 0;
  index.forEachContaining(keyOf(41), () => {
    foundCount += 1;
  });

  expect(foundCount).toBe(42);
});
