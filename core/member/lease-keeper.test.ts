import { describe, expect, test } from '@jest/globals';
import { silentLogger } from '../base/logger.js';
import { openMemoryBackend } from '../backend/memory-backend.js';
import { Lessor } from '../lease/lessor.js';
import { ManualClock, settle } from '../testing/manual-clock.js';
import { LeaseKeeper } from './lease-keeper.js';

/** A keeper over one lease of 2 s, whose leadership is confirmed when the test says so. */
function setUp() {
  const clock = new ManualClock();
  const backend = openMemoryBackend();
  const lessor = Lessor.open(backend, []);
  backend.write((batch) => lessor.grant(7n, 2, batch));
  const revoked: bigint[] = [];
  const confirmations: { confirm: () => void; deny: () => void }[] = [];
  const keeper = new LeaseKeeper({
    lessor: () => lessor,
    clock,
    logger: silentLogger,
    settings: { leaseScanMs: 500, leaseRevokesPerScan: 10, electionTimeoutMs: 1_000 },
    asLeader: (work) =>
      new Promise((resolve, reject) => {
        confirmations.push({ confirm: () => resolve(work()), deny: () => reject(new Error('another one leads')) });
      }),
    revoke: async (id) => void revoked.push(id),
  });
  return { clock, backend, lessor, keeper, revoked, confirmations };
}

describe('LeaseKeeper', () => {
  test('ends a lease that has run out only once a majority confirms that it leads', async () => {
    const { clock, keeper, revoked, confirmations } = setUp();
    keeper.start();
    await clock.advance(3_500);
    expect(revoked).toEqual([]);

    confirmations[0]?.confirm();
    await settle();

    expect(revoked).toEqual([7n]);
    keeper.stop();
  });

  test('ends none where another one leads, and keeps no time any more', async () => {
    const { clock, keeper, revoked, confirmations } = setUp();
    keeper.start();
    await clock.advance(3_500);
    confirmations[0]?.deny();
    keeper.stop();
    await clock.advance(10_000);

    expect(revoked).toEqual([]);
    expect(clock.timerCount).toBe(0);
  });

  test('has as many ends under way as one look may propose, and proposes the next when those are done', async () => {
    const { clock, keeper, lessor, backend, revoked, confirmations } = setUp();
    backend.write((batch) => {
      for (let id = 100n; id < 115n; id += 1n) lessor.grant(id, 2, batch);
    });
    keeper.start();
    await clock.advance(3_000);
    expect(confirmations).toHaveLength(1);

    confirmations[0]?.confirm();
    await settle();
    expect(revoked).toHaveLength(10);
    confirmations[1]?.confirm();
    await settle();

    expect(revoked).toHaveLength(16);
    keeper.stop();
  });

  test('that leads again lets every lease begin anew', async () => {
    const { clock, keeper, lessor, revoked, confirmations } = setUp();
    keeper.start();
    await clock.advance(2_900);
    keeper.stop();
    await clock.advance(60_000);

    keeper.start();

    expect(lessor.remainingMs(7n, clock.now())).toBe(3_000);
    await clock.advance(2_999);
    expect(confirmations).toEqual([]);
    expect(revoked).toEqual([]);
    keeper.stop();
  });

  test('a grant begins its time at once at the leader, and at nobody else', async () => {
    const { clock, keeper, lessor } = setUp();
    keeper.granted(7n);
    await clock.advance(100);
    expect(lessor.remainingMs(7n, clock.now())).toBe(2_000);

    keeper.start();
    await clock.advance(100);
    expect(lessor.remainingMs(7n, clock.now())).toBe(2_900);
    keeper.stop();
  });
});
