import { describe, expect, test } from '@jest/globals';
import { silentLogger } from '../base/logger.js';
import type { FollowerProgress } from '../raft/progress.js';
import { ManualClock } from '../testing/manual-clock.js';
import { Promoter } from './promoter.js';
import { infoOf } from './testing/compose.js';

/** A leader at index 1,000 with one learner, 9, that has everything; it is promoted after 5 s if it lacks at most 100. */
function setUp() {
  const clock = new ManualClock();
  const promoted: bigint[] = [];
  const learner: { -readonly [K in keyof FollowerProgress]: FollowerProgress[K] } = {
    id: 9n,
    matchedIndex: 1_000,
    state: 'replicate',
    isActive: true,
    isLearner: true,
  };
  const info = { ...infoOf(9n, { isLearner: true }), incarnation: 1n };
  const promoter = new Promoter({
    clock,
    logger: silentLogger,
    members: () => [info],
    progress: () => [{ ...learner, id: 2n, isLearner: false }, learner],
    lastIndex: () => 1_000,
    promote: async (change) => {
      if (change.type === 'promote') promoted.push(change.id);
      learner.isLearner = false;
    },
    settings: { promoteLagEntries: 100, healthyAfterMs: 5_000, heartbeatMs: 100 },
  });
  promoter.start();
  return { clock, promoted, learner, info, promoter };
}

describe('Promoter', () => {
  test('gives a learner its vote once it has kept up for the whole while, and not before', async () => {
    const { clock, promoted } = setUp();
    await clock.advance(4_999);
    expect(promoted).toEqual([]);

    await clock.advance(101);

    expect(promoted).toEqual([9n]);
  });

  test.each([
    ['lacks as much as is allowed', { matchedIndex: 900 }, true],
    ['lacks one entry more', { matchedIndex: 899 }, false],
    ['is silent', { isActive: false }, false],
    ['is still being looked for', { state: 'probe' as const }, false],
    ['receives a snapshot', { state: 'snapshot' as const }, false],
  ])('a learner that %s', async (_name, changed, isPromoted) => {
    const { clock, promoted, learner } = setUp();
    Object.assign(learner, changed);
    await clock.advance(200);
    await clock.advance(6_000);

    // What it looked like at first counts for nothing.
    expect(promoted).toEqual(isPromoted ? [9n] : []);
  });

  test('one that falls behind begins its while anew', async () => {
    const { clock, promoted, learner } = setUp();
    await clock.advance(4_000);
    learner.isActive = false;
    await clock.advance(100);
    learner.isActive = true;
    await clock.advance(4_900);
    expect(promoted).toEqual([]);

    await clock.advance(300);
    expect(promoted).toEqual([9n]);
  });

  test('one that never published itself is not promoted, and nobody is once it stopped', async () => {
    const { clock, promoted, info, promoter } = setUp();
    info.incarnation = 0n;
    await clock.advance(10_000);
    expect(promoted).toEqual([]);

    promoter.stop();
    info.incarnation = 1n;
    await clock.advance(10_000);
    expect(promoted).toEqual([]);
    expect(clock.timerCount).toBe(0);
  });
});
