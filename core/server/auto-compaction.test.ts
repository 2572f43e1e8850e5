import { describe, expect, test } from '@jest/globals';
import { CompactedError } from '../base/errors.js';
import { silentLogger } from '../base/logger.js';
import { ManualClock } from '../testing/manual-clock.js';
import { type AutoCompaction, compactAutomatically } from './auto-compaction.js';

const MINUTE = 60_000;

/** A leader, unless told otherwise, that takes note of what it is asked to compact. */
function start(setting: AutoCompaction) {
  const clock = new ManualClock();
  const compacted: number[] = [];
  const member = {
    memberId: 1n,
    leader: 1n as bigint | undefined,
    revision: 1,
    failure: undefined as Error | undefined,
    async compact(revision: number) {
      compacted.push(revision);
      if (this.failure) throw this.failure;
    },
  };
  const stop = compactAutomatically(member, setting, { clock, logger: silentLogger });
  return { clock, compacted, member, stop };
}

describe('automatic compaction by revisions', () => {
  test('keeps the number that was asked for', async () => {
    const { clock, compacted, member } = start({ mode: 'revision', retention: 100 });
    member.revision = 100;
    await clock.advance(10_000);
    expect(compacted).toEqual([]);

    member.revision = 101;
    await clock.advance(10_000);
    member.revision = 250;
    await clock.advance(20_000);

    expect(compacted).toEqual([1, 150]);
  });
});

describe('automatic compaction by time', () => {
  test('compacts what was there a whole period ago, and nothing before a period has passed', async () => {
    const { clock, compacted, member } = start({ mode: 'periodic', retention: '10m' });
    for (let minute = 1; minute <= 10; minute += 1) {
      member.revision = minute;
      await clock.advance(MINUTE);
    }
    expect(compacted).toEqual([]);

    member.revision = 11;
    await clock.advance(MINUTE);
    expect(compacted).toEqual([1]);
  });

  test('of hours looks every six minutes at least', async () => {
    const { clock, compacted, member } = start({ mode: 'periodic', retention: '5h' });
    member.revision = 7;
    await clock.advance(5 * 60 * MINUTE);
    expect(compacted).toEqual([]);

    await clock.advance(6 * MINUTE);
    expect(compacted).toEqual([7]);
  });
});

describe('automatic compaction', () => {
  test('is the leader’s: a follower keeps its samples, and goes on from them once it leads', async () => {
    const { clock, compacted, member } = start({ mode: 'revision', retention: 1 });
    member.leader = 2n;
    member.revision = 5;
    await clock.advance(10_000);
    expect(compacted).toEqual([]);

    member.leader = 1n;
    await clock.advance(10_000);
    expect(compacted).toEqual([4]);
  });

  test('goes on after a compaction that failed', async () => {
    const { clock, compacted, member } = start({ mode: 'revision', retention: 1 });
    member.revision = 5;
    member.failure = new CompactedError(4, 9);
    await clock.advance(10_000);
    member.revision = 12;
    await clock.advance(10_000);

    expect(compacted).toEqual([4, 11]);
  });

  test('ends when it is told to', async () => {
    const { clock, compacted, member, stop } = start({ mode: 'revision', retention: 1 });
    stop();
    member.revision = 5;
    await clock.advance(60_000);

    expect(compacted).toEqual([]);
  });

  test.each([
    [{ mode: 'revision', retention: 0 }],
    [{ mode: 'revision', retention: 1.5 }],
    [{ mode: 'periodic', retention: 0 }],
    [{ mode: 'periodic', retention: 'soon' as '1s' }],
  ] as const)('refuses %j', (setting) => {
    expect(() => start(setting)).toThrow('autoCompaction.retention');
  });
});
