import { describe, expect, test } from '@jest/globals';
import { systemClock } from '../base/system-clock.js';
import { ManualClock, settle } from '../testing/manual-clock.js';
import { deadlineAfter } from './patient-timer.js';

describe('a deadline', () => {
  test('is called once its time has come', async () => {
    const clock = new ManualClock();
    let isCalled = false;
    deadlineAfter(clock, 100, () => (isCalled = true));

    await clock.advance(99);
    expect(isCalled).toBe(false);
    await clock.advance(1);

    expect(isCalled).toBe(true);
  });

  test('is not called if what it waited for is read in that same turn', async () => {
    let isCalled = false;
    let fire = () => {};
    const after = (_: number, callback: () => void) => ((fire = callback), { cancel() {} });
    const clock = { ...systemClock, after };
    const timer = deadlineAfter(clock, 100, () => (isCalled = true));

    fire();
    timer.cancel();
    await settle();

    expect(isCalled).toBe(false);
  });
});
