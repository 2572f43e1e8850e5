import { expect, test } from '@jest/globals';
import { CompactedError, MemberStoppedError, OutcomeUnknownError, UnavailableError } from '../core/base/errors.js';
import { ManualClock } from '../core/testing/manual-clock.js';
import { isTransient, persist } from './retry.js';
import { track } from './testing/world.js';

const forever = new AbortController().signal;

test('a call is repeated, with growing pauses of at most a second, until it is answered', async () => {
  const clock = new ManualClock();
  const times: number[] = [];
  const answer = track(
    persist(clock, forever, async () => {
      times.push(clock.now());
      if (times.length < 9) throw new UnavailableError('away');
      return 'there';
    }),
  );
  await clock.advance(10_000);
  expect(times).toEqual([0, 50, 150, 350, 750, 1_550, 2_550, 3_550, 4_550]);
  expect(answer.value).toBe('there');
});

test('an error that repeating cannot help is thrown at once', async () => {
  const error = new CompactedError(1, 2);
  let attemptCount = 0;
  const answer = persist(new ManualClock(), forever, async () => {
    attemptCount += 1;
    throw error;
  });
  await expect(answer).rejects.toBe(error);
  expect(attemptCount).toBe(1);
});

test('the signal ends the attempts, with its reason, also in a pause', async () => {
  const clock = new ManualClock();
  const controller = new AbortController();
  const answer = track(persist(clock, controller.signal, () => Promise.reject(new UnavailableError('away'))));
  await clock.advance(100);
  controller.abort(new Error('enough'));
  await clock.advance(0);
  expect(answer.error).toEqual(new Error('enough'));
  expect(clock.timerCount).toBe(0);
});

test.each([
  [new UnavailableError('away'), true],
  [new OutcomeUnknownError('put'), true],
  [new CompactedError(1, 2), false],
  [new MemberStoppedError('the disk is full'), false],
  [new TypeError('a bug'), false],
  [undefined, false],
])('%p is worth another attempt: %p', (error, expected) => {
  expect(isTransient(error)).toBe(expected);
});
