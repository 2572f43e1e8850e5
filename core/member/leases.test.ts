import { afterEach, describe, expect, test } from '@jest/globals';
import { toBytes } from '../base/bytes.js';
import type { LeaseId } from '../base/key-value.js';
import { ManualClock, settle } from '../testing/manual-clock.js';
import { VirtualDisk } from '../testing/simulation/disk/virtual-disk.js';
import type { Member } from './member.js';
import { startOnDisk, startOnHeldLog } from './testing/start.js';

const SECOND = 1_000;
/** How late an expired lease may be revoked: two scans. */
const LATENESS_MS = 1 * SECOND;

const started: Member[] = [];
afterEach(async () => {
  for (const member of started.splice(0)) await member.close();
});

async function setUp(given: Parameters<typeof startOnHeldLog>[0] = {}) {
  const parts = await startOnHeldLog(given);
  started.push(parts.member);
  return parts;
}

async function exists(member: Member, id: LeaseId): Promise<boolean> {
  return (await member.leases()).ids.includes(id);
}

/** Turns the clock in small steps until the lease is gone, and tells after how many milliseconds that was. */
async function lifeOf(member: Member, clock: ManualClock, id: LeaseId, stepMs = 50): Promise<number> {
  const from = clock.now();
  while (await exists(member, id)) await clock.advance(stepMs);
  return clock.now() - from;
}

describe('a lease', () => {
  test.each([0, 130, 250, 499])(
    'granted %d ms after a scan ends not before its TTL, and within a second after',
    async (lateMs) => {
      const { member, clock } = await setUp();
      await clock.advance(lateMs);
      const { id } = await member.leaseGrant(0n, 5);

      const lifeMs = await lifeOf(member, clock, id);

      expect(lifeMs).toBeGreaterThanOrEqual(5 * SECOND);
      expect(lifeMs).toBeLessThanOrEqual(5 * SECOND + LATENESS_MS);
    },
  );

  test('that is renewed lives its TTL from the renewal on', async () => {
    const { member, clock } = await setUp();
    const { id } = await member.leaseGrant(0n, 5);
    for (let i = 0; i < 4; i += 1) {
      await clock.advance(4 * SECOND);
      expect(await member.leaseKeepAlive(id)).toMatchObject({ ttlSeconds: 5 });
    }

    expect(await lifeOf(member, clock, id)).toBeGreaterThanOrEqual(5 * SECOND);
  });

  test('takes its keys along, in one revision', async () => {
    const { member, clock } = await setUp();
    const { id } = await member.leaseGrant(0n, 2);
    for (const key of ['a', 'b']) await member.put({ type: 'put', key: toBytes(key), value: toBytes(''), lease: id });
    const { revision } = member;

    await lifeOf(member, clock, id);

    expect(member.revision).toBe(revision + 1);
    expect((await member.range({ type: 'range', key: toBytes('a') })).count).toBe(0);
  });

  test('that has run out cannot be renewed any more while its end is being decided', async () => {
    const { member, clock, log } = await setUp();
    const { id } = await member.leaseGrant(0n, 2);
    log.isHeld = true;
    await clock.advance(3 * SECOND);

    const renewal = member.leaseKeepAlive(id);
    log.isHeld = false;
    log.last.succeed();

    expect(await renewal).toMatchObject({ ttlSeconds: 0 });
    await settle();
    expect(await exists(member, id)).toBe(false);
  });

  test('that does not exist answers a TTL of 0 to a renewal, and a remaining time below 0', async () => {
    const { member } = await setUp();

    expect(await member.leaseKeepAlive(7n)).toEqual({ revision: 1, ttlSeconds: 0 });
    expect(await member.leaseTimeToLive(7n, true)).toEqual({
      id: 7n,
      grantedTtlSeconds: 0,
      remainingTtlSeconds: -1,
      keys: [],
      revision: 1,
    });
  });

  test('tells what is left of it in whole seconds, never below 0 while it exists', async () => {
    const { member, clock, log } = await setUp();
    const { id } = await member.leaseGrant(0n, 2);
    const left = async () => (await member.leaseTimeToLive(id, false)).remainingTtlSeconds;

    expect(await left()).toBe(2);
    await clock.advance(1);
    expect(await left()).toBe(1);
    await clock.advance(1_499);
    expect(await left()).toBe(0);

    // It has run out, and the append that ends it is under way.
    log.isHeld = true;
    const asked = (async () => {
      await clock.advance(1_000);
      const answer = left();
      log.isHeld = false;
      log.last.succeed();
      return answer;
    })();
    expect([0, -1]).toContain(await asked);
  });

  test('is granted for at least the minimum', async () => {
    const { member } = await setUp();

    for (const ttlSeconds of [-5, 0, 1, 2]) {
      expect(await member.leaseGrant(0n, ttlSeconds)).toMatchObject({ ttlSeconds: 2 });
    }
    expect(await member.leaseGrant(0n, 3)).toMatchObject({ ttlSeconds: 3 });
    expect(await member.leaseGrant(0n, 9_000_000_000)).toMatchObject({ ttlSeconds: 9_000_000_000 });
  });

  test('whose id is left out gets one that is free', async () => {
    const { member } = await setUp();
    const ids = new Set<LeaseId>();
    for (let i = 0; i < 50; i += 1) ids.add((await member.leaseGrant(0n, 60)).id);

    expect(ids.size).toBe(50);
    for (const id of ids) expect(id > 0n && id < 2n ** 63n).toBe(true);
  });

  test('may have any signed id of 64 bits but 0', async () => {
    const { member } = await setUp();

    for (const id of [-(2n ** 63n), -1n, 1n, 2n ** 63n - 1n]) {
      expect(await member.leaseGrant(id, 60)).toMatchObject({ id });
    }
    for (const id of [-(2n ** 63n) - 1n, 2n ** 63n]) {
      await expect(member.leaseGrant(id, 60)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    }
  });
});

describe('many leases that run out together', () => {
  test('are ended part by part as fast as that goes, none of them early, none forgotten', async () => {
    const { member, clock } = await setUp({ settings: { leaseRevokesPerScan: 10 } });
    const granted = await Promise.all(Array.from({ length: 25 }, () => member.leaseGrant(0n, 2)));
    expect(granted).toHaveLength(25);

    await clock.advance(2 * SECOND - 1);
    expect((await member.leases()).ids).toHaveLength(25);
    await clock.advance(500);

    expect((await member.leases()).ids).toEqual([]);
  });
});

describe('after a restart', () => {
  test('every lease has its full TTL and an election timeout, and none ends early', async () => {
    const disk = new VirtualDisk();
    const clock = new ManualClock();
    const first = await startOnDisk(disk, { clock });
    const { id } = await first.leaseGrant(0n, 5);
    await clock.advance(4_900);
    await first.close();

    const second = await startOnDisk(disk, { clock });
    started.push(second);
    expect(await second.leaseTimeToLive(id, false)).toMatchObject({ grantedTtlSeconds: 5 });
    const lifeMs = await lifeOf(second, clock, id);

    expect(lifeMs).toBeGreaterThanOrEqual(6 * SECOND);
    expect(lifeMs).toBeLessThanOrEqual(6 * SECOND + LATENESS_MS);
  });

  test('a lease that was renewed just before has at least what the renewal promised', async () => {
    const disk = new VirtualDisk();
    const clock = new ManualClock();
    const first = await startOnDisk(disk, { clock });
    const { id } = await first.leaseGrant(0n, 5);
    await clock.advance(3 * SECOND);
    await first.leaseKeepAlive(id);
    // The power is cut, and the member is gone without a word.
    const second = await startOnDisk(disk.afterPowerCut('nothing'), { clock });
    started.push(first, second);

    await clock.advance(5 * SECOND - 1);

    expect(await exists(second, id)).toBe(true);
  });
});
