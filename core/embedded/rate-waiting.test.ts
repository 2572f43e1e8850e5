import { beforeEach, expect, test } from '@jest/globals';
import { RateLimitedError } from '../base/errors.js';
import { seededPrng } from '../base/prng.js';
import { ManualClock } from '../testing/manual-clock.js';
import { type RateWaitingParts, waitingForRate } from './rate-waiting.js';

let clock: ManualClock;
let ending: AbortController;
let parts: RateWaitingParts;

beforeEach(() => {
  clock = new ManualClock();
  ending = new AbortController();
  parts = { clock, prng: seededPrng(1), mostMs: 5_000, signal: ending.signal };
});

function refusing(times: number, retryAfterMs: number): () => Promise<number> {
  return async () => {
    if (times-- > 0) throw new RateLimitedError({ prefix: 'a', perSecond: 1, of: 'all', retryAfterMs });
    return clock.now();
  };
}

test('a call that comes too fast is made again after the time that was told, and not before', async () => {
  const answer = waitingForRate(parts, refusing(3, 1_000));
  await clock.advance(5_000);

  const answeredMs = await answer;
  expect(answeredMs).toBeGreaterThanOrEqual(3_000);
  expect(answeredMs).toBeLessThan(3_000 + 5 + 10 + 20);
});

test('one that would be made too late is refused at once', async () => {
  await expect(waitingForRate(parts, refusing(1, 5_000))).rejects.toMatchObject({ code: 'RATE_LIMITED' });
  expect(clock.timerCount).toBe(0);
});

test('the waiting ends with its signal, and leaves no timer', async () => {
  const answer = waitingForRate(parts, refusing(1, 1_000));
  const refusal = expect(answer).rejects.toThrow('enough');
  await clock.advance(10);
  ending.abort(new Error('enough'));

  await refusal;
  expect(clock.timerCount).toBe(0);
});

test('what fails for another reason is not made again', async () => {
  await expect(waitingForRate(parts, () => Promise.reject(new Error('other')))).rejects.toThrow('other');
});
