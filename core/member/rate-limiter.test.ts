import { expect, test } from '@jest/globals';
import { toBytes } from '../base/bytes.js';
import { everything, fromKey, prefix, range } from '../base/key-range.js';
import type { KeyRange } from '../base/key-value.js';
import type { Operation, TxnRequest } from '../base/operation.js';
import { ManualClock } from '../testing/manual-clock.js';
import type { RateLimit } from './prefix-options.js';
import { RateLimiter } from './rate-limiter.js';

const put = (key: string): Operation => ({ type: 'put', key: toBytes(key), value: toBytes('v') });
const get = (key: string): Operation => ({ type: 'range', key: toBytes(key) });
const read = (target: KeyRange): Operation => ({ type: 'range', ...target });
const remove = (target: KeyRange): Operation => ({ type: 'delete', ...target });
const txn = (success: readonly Operation[], failure: readonly Operation[] = []): TxnRequest => ({
  type: 'txn',
  compares: [],
  success,
  failure,
});

/** How many tokens of each rule an operation costs. */
function costs(limits: readonly RateLimit[], operation: Operation): number[] {
  return limits.map((_, at) => {
    const clock = new ManualClock();
    // All but one have plenty; that one is empty after 100, and tells by its waiting how much is owed.
    const limiter = new RateLimiter(
      limits.map((limit, other) => ({
        ...limit,
        perSecond: other === at ? 1 : 1_000_000,
        burst: other === at ? 1 : 1_000_000,
      })),
      clock,
    );
    expect(limiter.take(operation)).toBeUndefined();
    const probe = limits[at]?.of === 'reads' ? get(`${limits[at].prefix}!`) : put(`${limits[at]?.prefix}!`);
    return Math.max(0, (limiter.take(probe)?.retryAfterMs ?? 0) / 1_000);
  });
}

const limit = (text: string, of?: RateLimit['of']): RateLimit => ({ prefix: text, perSecond: 1, ...(of && { of }) });

test('without a rule everything is taken', () => {
  const limiter = new RateLimiter([], new ManualClock());
  expect(limiter.take(put('a'))).toBeUndefined();
});

test('what comes too fast is refused with the rule and the time, and counts for nothing; then it is taken', async () => {
  const clock = new ManualClock();
  const limiter = new RateLimiter([{ prefix: 'jobs/', perSecond: 2, of: 'writes' }], clock);
  expect([limiter.take(put('jobs/1')), limiter.take(put('jobs/2'))]).toEqual([undefined, undefined]);

  const told = { code: 'RATE_LIMITED', retry: 'safe', prefix: 'jobs/', perSecond: 2, of: 'writes', retryAfterMs: 500 };
  expect(limiter.take(put('jobs/3'))).toMatchObject(told);
  expect(limiter.take(put('jobs/3'))?.message).toBe(
    'too many writes under "jobs/": 2 a second are taken; try again in 500 ms',
  );
  expect(limiter.take(put('other'))).toBeUndefined();
  expect(limiter.refusedCount).toBe(2);

  await clock.advance(500);
  expect(limiter.take(put('jobs/3'))).toBeUndefined();
  expect(limiter.take(put('jobs/4'))).toMatchObject({ retryAfterMs: 500 });
});

test.each<[string, Operation, number[]]>([
  ['a write of the longer prefix', put('a/b/c'), [0, 1]],
  ['a write of the shorter prefix only', put('a/c'), [1, 0]],
  ['a key that is the prefix itself', put('a/'), [1, 0]],
  ['a key that only resembles it', put('a'), [0, 0]],
  ['a range within the longer', read(prefix('a/b/c')), [0, 1]],
  ['all of the longer', remove(prefix('a/b/')), [0, 1]],
  ['all of the shorter', remove(prefix('a/')), [1, 1]],
  ['all that there is', read(everything()), [1, 1]],
  ['a range that spans both', read(range('a/a', 'a/b/c')), [1, 1]],
  ['a range that ends before', read(range('A', 'a/')), [0, 0]],
  ['a range without an end', read(fromKey('a/b/c')), [1, 1]],
  ['a range that begins behind', read(fromKey('b')), [0, 0]],
  ['an empty range', read(range('a/z', 'a/a')), [0, 0]],
])('%s counts for its rules', (_, operation, expected) => {
  expect(costs([limit('a/'), limit('a/b/')], operation)).toEqual(expected);
});

test('writes and reads count where they are meant, and a longer prefix hides a shorter one for its kind alone', () => {
  const limits = [limit('', 'reads'), limit('a/', 'writes'), limit('a/', 'all')];
  expect(costs(limits, put('a/1'))).toEqual([0, 1, 1]);
  expect(costs(limits, get('a/1'))).toEqual([0, 0, 1]);
  expect(costs([limit('', 'reads'), limit('a/', 'writes')], get('a/1'))).toEqual([1, 0]);
});

test('a transaction counts as the dearer of its branches, with what is nested in it', () => {
  const nested = txn([put('a/1'), put('a/2'), put('b')], [put('a/3')]);
  expect(costs([limit('a/'), limit('b')], txn([nested, get('a/4')], [put('a/5'), put('b'), put('b2')]))).toEqual([
    3, 2,
  ]);
});

test('what one rule refuses costs the others nothing', () => {
  const clock = new ManualClock();
  const limiter = new RateLimiter([limit('a/'), { prefix: 'b/', perSecond: 2 }], clock);
  expect(limiter.take(put('a/'))).toBeUndefined();

  for (let time = 0; time < 5; time += 1) expect(limiter.take(txn([put('a/'), put('b/')]))).toBeDefined();

  expect(limiter.take(put('b/'))).toBeUndefined();
  expect(limiter.take(put('b/'))).toBeUndefined();
  expect(limiter.take(put('b/'))).toBeDefined();
});
