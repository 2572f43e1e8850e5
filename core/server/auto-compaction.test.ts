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
  test('keeps the number that was asked for, and looks every 5 minutes', async () => {
    const { clock, compacted, member } = start({ mode: 'revision', retention: 100 });
    member.revision = 100;
    await clock.advance(5 * MINUTE);
    expect(compacted).toEqual([]);

    member.revision = 101;
    await clock.advance(5 * MINUTE - 1);
    expect(compacted).toEqual([]);
    await clock.advance(1);
    expect(compacted).toEqual([1]);
    member.revision = 250;
    await clock.advance(10 * MINUTE);

    expect(compacted).toEqual([1, 150]);
  });
});

describe('automatic compaction by time', () => {
  /** A revision a minute. */
  async function live(of: ReturnType<typeof start>, minutes: number): Promise<void> {
    for (let minute = 1; minute <= minutes; minute += 1) {
      await of.clock.advance(MINUTE);
      of.member.revision += 1;
    }
  }

  test('compacts what was there a whole period ago once a period, and nothing before one has passed', async () => {
    const running = start({ mode: 'periodic', retention: '10m' });
    await live(running, 9);
    expect(running.compacted).toEqual([]);

    await live(running, 1);
    expect(running.compacted).toEqual([1]);
    await live(running, 9);
    expect(running.compacted).toEqual([1]);
    await live(running, 1);
    expect(running.compacted).toEqual([1, 10]);
  });

  test('of hours compacts once an hour', async () => {
    const running = start({ mode: 'periodic', retention: '5h' });
    await live(running, 299);
    expect(running.compacted).toEqual([]);

    await live(running, 61);
    expect(running.compacted).toEqual([1, 60]);
    await live(running, 59);
    expect(running.compacted).toEqual([1, 60]);
    await live(running, 1);
    expect(running.compacted).toEqual([1, 60, 120]);
  });

  test('that failed is tried again a tenth of the time later', async () => {
    const running = start({ mode: 'periodic', retention: '10m' });
    running.member.failure = new Error('no leader');
    await live(running, 10);
    running.member.failure = undefined;
    await live(running, 1);

    expect(running.compacted).toEqual([1, 1]);
  });

  test('asks for nothing where nothing has changed', async () => {
    const { clock, compacted } = start({ mode: 'periodic', retention: '10m' });
    await clock.advance(60 * MINUTE);

    expect(compacted).toEqual([1]);
  });
});

describe('automatic compaction', () => {
  test('is the leader’s: a follower keeps its samples, and goes on from them once it leads', async () => {
    const { clock, compacted, member } = start({ mode: 'periodic', retention: '10m' });
    member.leader = 2n;
    await clock.advance(9 * MINUTE);
    member.revision = 5;
    await clock.advance(5 * MINUTE);
    expect(compacted).toEqual([]);

    member.leader = 1n;
    await clock.advance(MINUTE);
    expect(compacted).toEqual([1]);
  });

  test('goes on after somebody was faster', async () => {
    const { clock, compacted, member } = start({ mode: 'revision', retention: 1 });
    member.revision = 5;
    member.failure = new CompactedError(4, 9);
    await clock.advance(10 * MINUTE);
    member.revision = 12;
    await clock.advance(5 * MINUTE);

    expect(compacted).toEqual([4, 11]);
  });

  test('tries again what failed, though nothing was written since', async () => {
    const { clock, compacted, member } = start({ mode: 'revision', retention: 1 });
    member.revision = 5;
    member.failure = new Error('no leader');
    await clock.advance(5 * MINUTE);
    member.failure = undefined;
    await clock.advance(5 * MINUTE);

    expect(compacted).toEqual([4, 4]);
  });

  test('ends when it is told to', async () => {
    const { clock, compacted, member, stop } = start({ mode: 'revision', retention: 1 });
    stop();
    member.revision = 5;
    await clock.advance(60 * MINUTE);

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
