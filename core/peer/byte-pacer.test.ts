import { expect, test } from '@jest/globals';
import { ManualClock } from '../testing/manual-clock.js';
import { BytePacer } from './byte-pacer.js';

test('bytes are spread over time at the rate that was set, whoever sends them', async () => {
  const clock = new ManualClock();
  const pacer = new BytePacer(clock, 1_000_000);
  let bytes = 0;
  while (clock.now() < 1_000) {
    bytes += 20_000;
    await clock.advance(pacer.take(20_000));
  }
  // What 20 ms are worth may go ahead of its time.
  expect(bytes).toBe(1_020_000);
});

test('a pause saves up no more than a moment', async () => {
  const clock = new ManualClock();
  const pacer = new BytePacer(clock, 1_000_000);
  await clock.advance(60_000);
  expect(pacer.take(20_000)).toBe(0);
  expect(pacer.take(10_000)).toBe(10);
});

test('a piece is what passes in a quarter of a second, and never nothing', () => {
  const clock = new ManualClock();
  expect(new BytePacer(clock, 1_000_000).pieceBytesMax).toBe(250_000);
  expect(new BytePacer(clock, 1).pieceBytesMax).toBe(1);
});
