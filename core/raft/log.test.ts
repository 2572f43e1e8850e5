import { expect, test } from '@jest/globals';
import { toBytes } from '../base/bytes.js';
import { Log } from './log.js';
import type { Entry } from './types.js';

const entry = (index: number, term: number): Entry => ({ index, term, data: toBytes(`${index}`) });

/** Entries 7 to 12 of terms 4 and 5, after a compaction up to 6 in term 3. */
function compactedLog(): Log {
  const entries = [7, 8, 9, 10, 11, 12].map((index) => entry(index, index < 10 ? 4 : 5));
  return new Log({ firstIndex: 7, previousTerm: 3, entries });
}

test('an empty log ends before its first index', () => {
  const log = new Log({ firstIndex: 1, previousTerm: 0, entries: [] });
  expect({ first: log.firstIndex, last: log.lastIndex, term: log.lastTerm }).toEqual({ first: 1, last: 0, term: 0 });
});

test('a log that was wholly compacted knows the term it ended in', () => {
  const log = new Log({ firstIndex: 7, previousTerm: 3, entries: [] });
  expect({ last: log.lastIndex, term: log.lastTerm }).toEqual({ last: 6, term: 3 });
  log.append(entry(7, 3));
  expect(log.lastIndex).toBe(7);
});

test('terms are known from the last compacted entry to the last one, and asked for nowhere else', () => {
  const log = compactedLog();
  expect([6, 7, 9, 10, 12].map((index) => log.termAt(index))).toEqual([3, 4, 4, 5, 5]);
  expect(() => log.termAt(5)).toThrow('before the entry is compacted');
  expect(() => log.termAt(13)).toThrow('after the entry was appended');
});

test('a range of entries has both its ends', () => {
  const log = compactedLog();
  const indexes = (fromIndex: number, toIndex: number) => log.entries({ fromIndex, toIndex }).map(({ index }) => index);
  expect(indexes(7, 12)).toEqual([7, 8, 9, 10, 11, 12]);
  expect(indexes(9, 9)).toEqual([9]);
  expect(indexes(13, 12)).toEqual([]);
  expect(() => indexes(6, 8)).toThrow('before they are compacted');
  expect(() => indexes(12, 13)).toThrow('after they were appended');
});

test('an entry that leaves a gap, repeats an index or falls back in term is refused', () => {
  const log = compactedLog();
  expect(() => log.append(entry(14, 5))).toThrow('without a gap');
  expect(() => log.append(entry(12, 5))).toThrow('without a gap');
  expect(() => log.append(entry(13, 4))).toThrow('terms never fall');
  log.append(entry(13, 5));
});

test('entries that were handed out stay as they are when more are appended', () => {
  const log = compactedLog();
  const handed = log.entries({ fromIndex: 7, toIndex: 12 });
  log.append(entry(13, 5));
  expect(handed.length).toBe(6);
});

test('compaction keeps the term of the last entry it takes', () => {
  const log = compactedLog();
  log.compactTo(10);
  expect({ first: log.firstIndex, last: log.lastIndex, term: log.termAt(10) }).toEqual({
    first: 11,
    last: 12,
    term: 5,
  });
  log.compactTo(12);
  expect({ first: log.firstIndex, last: log.lastIndex, term: log.lastTerm }).toEqual({ first: 13, last: 12, term: 5 });
});

test('compacting what is compacted changes nothing, and what is not there is refused', () => {
  const log = compactedLog();
  log.compactTo(6);
  log.compactTo(2);
  expect(log.firstIndex).toBe(7);
  expect(() => log.compactTo(13)).toThrow('after the entry was appended');
});

test('a log that is read back with a gap is refused', () => {
  const entries = [entry(7, 4), entry(9, 4)];
  expect(() => new Log({ firstIndex: 7, previousTerm: 3, entries })).toThrow('without a gap');
  expect(() => new Log({ firstIndex: 8, previousTerm: 3, entries })).toThrow('without a gap');
  expect(() => new Log({ firstIndex: 0, previousTerm: 0, entries: [] })).toThrow('indexes begin at 1');
});
