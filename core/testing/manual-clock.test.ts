import { describe, expect, test } from '@jest/globals';
import { sleep } from '../base/clock.js';
import { ManualClock } from './manual-clock.js';

describe('ManualClock', () => {
  test('a timer fires when its time has come and not before', async () => {
    const clock = new ManualClock();
    const fired: number[] = [];
    clock.after(100, () => fired.push(clock.now()));

    await clock.advance(99);
    expect(fired).toEqual([]);

    await clock.advance(1);
    expect(fired).toEqual([100]);
  });

  test('timers fire in order of their times, and those of one time in the order in which they were set', async () => {
    const clock = new ManualClock();
    const fired: string[] = [];
    clock.after(20, () => fired.push('late'));
    clock.after(10, () => fired.push('first'));
    clock.after(10, () => fired.push('second'));

    await clock.advance(50);

    expect(fired).toEqual(['first', 'second', 'late']);
    expect(clock.now()).toBe(50);
  });

  test('a timer that a timer sets fires in the same advance if it falls due', async () => {
    const clock = new ManualClock(1_000);
    const fired: number[] = [];
    clock.after(10, () => void clock.after(10, () => fired.push(clock.now())));

    await clock.advance(20);

    expect(fired).toEqual([1_020]);
  });

  test('what waits on promises and turns of the loop runs between two timers', async () => {
    const clock = new ManualClock();
    const seen: number[] = [];
    const walk = async () => {
      for (let step = 0; step < 3; step += 1) {
        await sleep(clock, 10);
        await new Promise((resolve) => setImmediate(resolve));
        seen.push(clock.now());
      }
    };

    const walking = walk();
    await clock.advance(30);

    expect(seen).toEqual([10, 20, 30]);
    await walking;
  });

  test('a cancelled timer never fires and is not counted', async () => {
    const clock = new ManualClock();
    let fired = false;
    const timer = clock.after(10, () => (fired = true));
    expect(clock.timerCount).toBe(1);

    timer.cancel();
    await clock.advance(10);

    expect(fired).toBe(false);
    expect(clock.timerCount).toBe(0);
  });
});
