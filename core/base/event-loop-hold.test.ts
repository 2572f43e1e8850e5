import { afterEach, expect, test } from '@jest/globals';
import { EventLoopHold } from './event-loop-hold.js';
import { systemClock } from './system-clock.js';

const opened: EventLoopHold[] = [];
afterEach(() => opened.splice(0).forEach((loop) => loop.close()));

function timers(): number {
  return process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
}

test('the process is kept running while at least one holds it', () => {
  const before = timers();
  const loop = new EventLoopHold(systemClock);
  opened.push(loop);
  expect(timers()).toBe(before);

  loop.hold();
  loop.hold();
  loop.release();
  expect(timers()).toBe(before + 1);

  loop.release();
  expect(timers()).toBe(before);
});

test('what is closed holds nothing, whoever has not let go', () => {
  const before = timers();
  const loop = new EventLoopHold(systemClock);

  loop.hold();
  loop.close();

  expect(timers()).toBe(before);
});
