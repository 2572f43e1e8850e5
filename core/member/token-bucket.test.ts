import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { TokenBucket } from './token-bucket.js';

test('what is there at the beginning is taken at once; then it comes in at its rate', () => {
  const bucket = new TokenBucket({ perSecond: 100, burst: 2 }, 0);
  bucket.take(2);

  expect(bucket.waitMs(1, 0)).toBe(10);
  expect(bucket.waitMs(1, 9)).toBe(1);
  expect(bucket.waitMs(1, 10)).toBe(0);
  expect(bucket.waitMs(2, 10)).toBe(10);
});

test('a silence fills it, and no more than that', () => {
  const bucket = new TokenBucket({ perSecond: 1_000_000, burst: 3 }, 0);
  bucket.take(3);

  expect(bucket.waitMs(3, Number.MAX_SAFE_INTEGER)).toBe(0);
  bucket.take(3);
  expect(bucket.waitMs(1, Number.MAX_SAFE_INTEGER)).toBe(1);
});

test('what is more than it ever holds finds it full, and leaves it owing the rest', () => {
  const bucket = new TokenBucket({ perSecond: 10, burst: 5 }, 0);

  expect(bucket.waitMs(25, 0)).toBe(0);
  bucket.take(25);
  expect(bucket.waitMs(1, 0)).toBe(2_100);
  expect(bucket.waitMs(25, 0)).toBe(2_500);
});

test('a clock that stands still or goes back gives nothing', () => {
  const bucket = new TokenBucket({ perSecond: 1_000, burst: 1 }, 100);
  bucket.take(1);

  expect(bucket.waitMs(1, 100.9)).toBe(1);
  expect(bucket.waitMs(1, 50)).toBe(1);
  expect(bucket.waitMs(1, 101)).toBe(0);
});

test('however often it is looked at, in no time more is taken than the rate and the burst allow', () => {
  const settings = fc.record({ perSecond: fc.integer({ min: 1, max: 3_000 }), burst: fc.integer({ min: 1, max: 50 }) });
  const steps = fc.array(
    fc.record({ afterMs: fc.double({ min: 0, max: 40, noNaN: true }), tokens: fc.integer({ min: 1, max: 5 }) }),
  );
  fc.assert(
    fc.property(settings, steps, ({ perSecond, burst }, moves) => {
      const bucket = new TokenBucket({ perSecond, burst }, 0);
      let [nowMs, taken, largest] = [0, 0, 0];
      for (const { afterMs, tokens } of moves) {
        nowMs += afterMs;
        const waitMs = bucket.waitMs(tokens, nowMs);
        if (waitMs === 0) {
          bucket.take(tokens);
          taken += tokens;
          largest = Math.max(largest, tokens);
        }
        expect(taken).toBeLessThanOrEqual(Math.max(burst, largest) + (perSecond * nowMs) / 1_000);
      }
      const waitMs = bucket.waitMs(1, nowMs);
      const atMs = Math.floor(nowMs) + waitMs;
      if (waitMs > 0) expect(bucket.waitMs(1, atMs - 1)).toBe(1);
      expect(bucket.waitMs(1, atMs)).toBe(0);
    }),
    { numRuns: 300, seed: 41 },
  );
});
