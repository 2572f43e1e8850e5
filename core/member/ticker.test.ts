import { describe, expect, test } from '@jest/globals';
import { silentLogger } from '../base/logger.js';
import { ManualClock } from '../testing/manual-clock.js';
import { NodeClock } from './testing/node-clock.js';
import { Ticker } from './ticker.js';

function setUp() {
  const manual = new ManualClock();
  const clock = new NodeClock(manual);
  const calls: string[] = [];
  const ticker = new Ticker({
    clock,
    logger: silentLogger,
    tickMs: 50,
    blockedMs: 1_000,
    onTick: () => calls.push('tick'),
    onBlocked: () => calls.push('blocked'),
  });
  return { manual, clock, calls, ticker };
}

describe('Ticker', () => {
  test('ticks as long as it runs', async () => {
    const { manual, calls, ticker } = setUp();
    ticker.start();
    ticker.start();
    await manual.advance(500);
    expect(calls).toHaveLength(10);

    ticker.stop();
    await manual.advance(500);
    expect(calls).toHaveLength(10);
    expect(manual.timerCount).toBe(0);
  });

  test.each([
    [1_000, ['tick']],
    [1_001, ['blocked', 'tick']],
  ])(
    'a tick that comes %d ms late is one tick, and tells of a blockage only beyond the limit',
    async (lateMs, expected) => {
      const { manual, clock, calls, ticker } = setUp();
      ticker.start();
      clock.pause();
      await manual.advance(50 + lateMs);

      clock.resume();

      expect(calls).toEqual(expected);
      await manual.advance(50);
      expect(calls).toEqual([...expected, 'tick']);
    },
  );
});
