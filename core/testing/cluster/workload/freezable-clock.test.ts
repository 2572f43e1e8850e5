import { expect, test } from '@jest/globals';
import { ManualClock } from '../../manual-clock.js';
import { FreezableClock } from './freezable-clock.js';

test('what falls due while it is frozen is called when it thaws, in order, and what was cancelled is not', async () => {
  const inner = new ManualClock();
  const clock = new FreezableClock(inner);
  const called: string[] = [];
  for (const [name, ms] of [
    ['first', 10],
    ['second', 20],
    ['last', 100],
  ] as const) {
    clock.after(ms, () => called.push(name));
  }
  const timer = clock.after(15, () => called.push('cancelled'));

  clock.freeze();
  await inner.advance(50);
  expect(called).toEqual([]);
  expect(clock.now()).toBe(50);
  timer.cancel();
  clock.thaw();
  expect(called).toEqual(['first', 'second']);

  await inner.advance(50);
  expect(called).toEqual(['first', 'second', 'last']);
});
