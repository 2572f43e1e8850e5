import { expect, test } from '@jest/globals';
import { assert, InvariantError } from './assert.js';
import * as errors from './errors.js';

test('a bad argument names field, value and limit', () => {
  const error = new errors.InvalidArgumentError('limit', -3, 'at least 0');
  expect(error.message).toBe('limit is -3; it must be at least 0');
  expect(error).toMatchObject({
    name: 'InvalidArgumentError',
    code: 'INVALID_ARGUMENT',
    retry: 'never',
    field: 'limit',
    value: -3,
  });
});

test.each([
  new errors.RateLimitedError({ prefix: 'jobs/', perSecond: 100, of: 'writes', retryAfterMs: 30 }),
  new errors.RateLimitedError({ prefix: '"\n\\', perSecond: 1, of: 'all', retryAfterMs: 1_000 }),
  new errors.PrefixQuotaExceededError('', 'keys', 2, 2),
  new errors.PrefixQuotaExceededError('jobs/', 'bytes', 70_000_000_000, 64),
])('what is told over the network is the same there: $message', (error) => {
  const read = error instanceof errors.RateLimitedError ? errors.RateLimitedError : errors.PrefixQuotaExceededError;
  expect(read.ofText(error.message)).toEqual(error);
  expect(read.ofText(`${error.message}.`)).toBeUndefined();
});

test('a long value is shown cut', () => {
  const error = new errors.DuplicateKeyError(new TextEncoder().encode('k'.repeat(1_000)));
  expect(error.message.length).toBeLessThan(200);
  expect(error.message).toContain('kkk…');
});

test('an error is known by its code, also across copies of the package', () => {
  const foreign = Object.assign(new Error('from elsewhere'), { code: 'COMPACTED' });
  expect(errors.hasCode(foreign, 'COMPACTED')).toBe(true);
  expect(errors.hasCode(new errors.CompactedError(1, 2), 'COMPACTED')).toBe(true);
  expect(errors.hasCode({ code: 'COMPACTED' }, 'COMPACTED')).toBe(false);
  expect(errors.hasCode(undefined, 'COMPACTED')).toBe(false);
});

test('an assertion that fails tells the fact that did not hold', () => {
  assert(true, 'never seen');
  expect(() => assert(false, 'applied is at most committed')).toThrow(InvariantError);
  expect(() => assert(false, 'applied is at most committed')).toThrow('broken invariant: applied is at most committed');
});
