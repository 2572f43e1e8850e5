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

test('a log that has a term at an index may agree up to the last index of that term or an earlier one', () => {
  const log = compactedLog();
  const upTo = (index: number, term: number) => log.lastIndexUpTo({ index, term });
  expect([upTo(12, 5), upTo(12, 4), upTo(900, 5), upTo(10, 9), upTo(8, 4), upTo(12, 3)]).toEqual([12, 9, 12, 10, 8, 6]);
  // Nothing that is known here fits; what was compacted before it may.
  expect([upTo(12, 2), upTo(6, 2), upTo(5, 9), upTo(3, 9)]).toEqual([5, 5, 5, 3]);
});

test('an entry is known by its index and its term, and so is the last one that was compacted', () => {
  const log = compactedLog();
  const has = (index: number, term: number) => log.has({ index, term });
  expect([has(6, 3), has(9, 4), has(12, 5)]).toEqual([true, true, true]);
  expect([has(5, 3), has(9, 5), has(13, 5)]).toEqual([false, false, false]);
});

test('what is cut off makes room for other entries', () => {
  const log = compactedLog();
  const handed = log.entries({ fromIndex: 7, toIndex: 12 });
  log.truncateFrom(9);
  log.append(entry(9, 6));
  expect([log.lastIndex, log.lastTerm, handed.length]).toEqual([9, 6, 6]);
  log.truncateFrom(20);
  expect(log.lastIndex).toBe(9);
  expect(() => log.truncateFrom(6)).toThrow('what is compacted is never removed');
});

test('entries are given up to a number of bytes, and one at least', () => {
  const log = new Log({ firstIndex: 1, previousTerm: 0, entries: [] });
  for (const [position, text] of ['aaa', 'bb', '', 'cccc'].entries())
    log.append({ index: position + 1, term: 1, data: toBytes(text) });
  const within = (fromIndex: number, bytesMax: number) => {
    const { entries, bytes } = log.entriesWithin({ fromIndex, bytesMax });
    return [entries.map(({ index }) => index), bytes];
  };
  expect(within(1, 1)).toEqual([[1], 3]);
  expect(within(1, 4)).toEqual([[1], 3]);
  expect(within(1, 5)).toEqual([[1, 2, 3], 5]);
  expect(within(1, 9)).toEqual([[1, 2, 3, 4], 9]);
  expect(within(4, 1)).toEqual([[4], 4]);
  expect(within(5, 1)).toEqual([[], 0]);
});

test('compacted little by little, a log holds what is left', () => {
  const log = new Log({ firstIndex: 1, previousTerm: 0, entries: [] });
  for (let index = 1; index <= 20; index += 1) log.append(entry(index, 1));
  for (let index = 1; index <= 19; index += 1) {
    log.compactTo(index);
    expect([log.firstIndex, log.lastIndex, log.entries({ fromIndex: index + 1, toIndex: 20 })[0]?.index]).toEqual([
      index + 1,
      20,
      index + 1,
    ]);
  }
  log.append(entry(21, 2));
  expect([log.termAt(19), log.termAt(20), log.lastTerm]).toEqual([1, 1, 2]);
});

test('a log goes on behind a snapshot', () => {
  const log = compactedLog();
  log.restartAfter({ index: 40, term: 8 });
  expect([log.firstIndex, log.lastIndex, log.lastTerm]).toEqual([41, 40, 8]);
  log.append(entry(41, 8));
  expect(log.lastIndex).toBe(41);
});
