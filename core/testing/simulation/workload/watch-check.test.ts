import { beforeEach, expect, test } from '@jest/globals';
import { CompactedError } from '../../../base/errors.js';
import { prefix } from '../../../base/key-range.js';
import { encodeCommand } from '../../../machine/codec.js';
import type { Command } from '../../../machine/types.js';
import { put, remove } from '../../../txn.js';
import { Chronicle } from '../invariants/chronicle.js';
import { type WatchAsked, WatchCheck } from './watch-check.js';

let chronicle: Chronicle;

const txn = (...success: readonly ReturnType<typeof put>[]): Command => ({
  type: 'txn',
  compares: [],
  success,
  failure: [],
});

/** Revisions 2 to 5: a is put, a and b are put, x is put, a is deleted. */
const HISTORY = [put('a', '1'), txn(put('a', '2'), put('b', '3')), put('x', '4'), remove('a')];

beforeEach(() => {
  chronicle = new Chronicle();
  for (const command of HISTORY) chronicle.commit({ data: encodeCommand(command) });
});

function check(asked: Partial<WatchAsked> = {}): WatchCheck {
  return new WatchCheck(chronicle, { target: prefix(''), from: 2, ...asked });
}

const from = (revision: number) => chronicle.eventsOf(revision);

test('a stream that tells everything is right, however it is divided', () => {
  const stream = check();
  expect(stream.take({ revision: 3, events: [...from(2), ...from(3)] })).toBeUndefined();
  expect(stream.hasTold(5)).toBe(false);
  expect(stream.take({ revision: 5, events: [...from(4), ...from(5)] })).toBeUndefined();
  expect(stream.take({ revision: 5, events: [] })).toBeUndefined();
  expect(stream.hasTold(5)).toBe(true);
});

test('an event that is left out, repeated, split off or out of order is found', () => {
  expect(check().take({ revision: 4, events: [...from(3), ...from(4)] })).toContain('in the place of put a at 2');
  expect(check().take({ revision: 3, events: [...from(2), ...from(3).slice(0, 1)] })).toContain(
    'does not tell of put b',
  );
  expect(check().take({ revision: 3, events: [...from(3), ...from(2)] })).toContain('in the place of');
  const stream = check();
  stream.take({ revision: 2, events: from(2) });
  expect(stream.take({ revision: 3, events: [...from(2), ...from(3)] })).toContain('put a at 2 in the place of');
});

test('an empty batch that promises what has not been told is found', () => {
  expect(check().take({ revision: 2, events: [] })).toContain('does not tell of put a at 2');
  expect(check({ target: prefix('x') }).take({ revision: 3, events: [] })).toBeUndefined();
});

test('a revision that does not exist, or comes after a later one, is found', () => {
  expect(check().take({ revision: 6, events: [] })).toContain('does not exist');
  const stream = check({ target: prefix('none') });
  stream.take({ revision: 5, events: [] });
  expect(stream.take({ revision: 4, events: [] })).toContain('after 5');
});

test('a watch from the future tells nothing of before', () => {
  const stream = check({ from: 5 });
  expect(stream.take({ revision: 3, events: [] })).toBeUndefined();
  expect(check({ from: 9 }).take({ revision: 8, events: [] })).toBeUndefined();
  expect(stream.take({ revision: 5, events: [...from(4), ...from(5)] })).toContain('in the place of delete a');
  expect(check({ from: 5 }).take({ revision: 5, events: from(5) })).toBeUndefined();
});

test('only events of the type that was asked for come', () => {
  expect(check({ only: 'delete' }).take({ revision: 5, events: from(5) })).toBeUndefined();
  expect(check({ only: 'delete' }).take({ revision: 2, events: from(2) })).toContain('not to come');
});

test('a key as it was before may be missing only if it was compacted', () => {
  const before = chronicle.keyAt(Buffer.from('a'), 2)!;
  const told = () => {
    const stream = check({ previous: true });
    stream.take({ revision: 2, events: from(2) });
    return stream;
  };
  const [first, second] = from(3);
  const withIt = [{ ...first!, previous: before }, second!];

  expect(told().take({ revision: 3, events: withIt })).toBeUndefined();
  expect(told().take({ revision: 3, events: from(3) })).toContain('was 2, and not undefined');
  expect(told().take({ revision: 3, events: [{ ...first!, previous: first!.kv }, second!] })).toContain('and not 3');
  chronicle.commit({ data: encodeCommand({ type: 'compact', revision: 3 }) });
  expect(told().take({ revision: 3, events: from(3) })).toBeUndefined();
});

test('a stream may end for compaction only if what it would tell next is gone', () => {
  chronicle.commit({ data: encodeCommand({ type: 'compact', revision: 3 }) });
  expect(check().compacted(new CompactedError(2, 3))).toBeUndefined();
  expect(check({ from: 3 }).compacted(new CompactedError(3, 3))).toContain('which is there');
  expect(check().compacted(new CompactedError(2, 4))).toContain('nobody compacted at 4');
});
