import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { openMemoryBackend } from '../backend/memory-backend.js';
import { silentLogger } from '../base/logger.js';
import { everything } from '../base/key-range.js';
import { Alarms } from '../machine/alarms.js';
import type { AlarmCommand } from '../machine/types.js';
import { put as putOf, remove } from '../txn.js';
import { SpaceKeeper, type SpaceKeeperParts } from './space-keeper.js';
import { codeOf } from './testing/codes.js';
import { put, TestCluster } from './testing/member-cluster.js';

const QUOTA = 10_000;

describe('the keeper of the space', () => {
  const backend = openMemoryBackend();
  let alarms: Alarms;
  let usedBytes: number | undefined;
  let proposed: string[];
  let propose: SpaceKeeperParts['propose'];
  let leads: boolean;

  beforeEach(() => {
    alarms = Alarms.open(openMemoryBackend());
    [usedBytes, proposed, leads] = [0, [], false];
    propose = async (command) => change(command);
  });

  function change(command: AlarmCommand): void {
    proposed.push(`${command.action} ${command.alarm.memberId}`);
    backend.write((batch) => alarms.apply(command, batch));
  }

  const keeperOf = (quotaBytes = QUOTA) =>
    new SpaceKeeper({
      ...{ memberId: 1n, quotaBytes, logger: silentLogger },
      usedBytes: () => usedBytes,
      alarms: () => alarms,
      isMember: (id) => id < 3n,
      leads: () => leads,
      propose: (command) => propose(command),
    });
  /** A put that costs so much. */
  const costing = (bytes: number) => putOf('k', 'v'.repeat(bytes - 257));
  const alarmOf = (memberId: bigint, endsItself: boolean): AlarmCommand => ({
    ...{ type: 'alarm', action: 'raise', alarm: { memberId, kind: 'NOSPACE' } },
    endsItself,
  });

  test('takes what stays below the quota, and refuses what would reach it, with the alarm raised by then', async () => {
    usedBytes = QUOTA - 1_000;
    const keeper = keeperOf();

    expect(keeper.refuse(costing(999))).toBeUndefined();
    expect(proposed).toEqual([]);
    await expect(keeper.refuse(costing(1_000))).rejects.toMatchObject({ code: 'NO_SPACE' });
    expect(proposed).toEqual(['raise 1']);
    expect(keeper.refuse(remove('k'))).toBeUndefined();
  });

  test('has no limit below 0, and none while the state is being replaced', () => {
    usedBytes = 2 ** 50;
    expect(keeperOf(-1).refuse(costing(10_000))).toBeUndefined();
    usedBytes = undefined;
    expect(keeperOf().refuse(costing(1_000))).toBeUndefined();
  });

  test('ends its alarm when there is space for what was refused, and some more', async () => {
    usedBytes = QUOTA - 1_000;
    const keeper = keeperOf();
    await keeper.refuse(costing(1_500))?.catch(() => undefined);

    for (usedBytes of [9_000, 8_500, 7_500]) await keeper.look();
    expect(alarms.raised).toHaveLength(1);

    usedBytes = 7_499;
    await keeper.look();
    expect(proposed).toEqual(['raise 1', 'end 1']);
  });

  test('raises it of itself when what others wrote has reached the quota', async () => {
    usedBytes = QUOTA;
    await keeperOf().look();

    expect(proposed).toEqual(['raise 1']);
  });

  test('leaves what somebody has raised, and the alarms of other members', async () => {
    change(alarmOf(1n, false));
    change(alarmOf(2n, true));
    leads = true;

    await keeperOf().look();

    expect(proposed).toEqual(['raise 1', 'raise 2']);
  });

  test('ends the alarm of a member that is gone where it leads, unless somebody has raised it', async () => {
    change(alarmOf(3n, true));
    change(alarmOf(4n, false));
    await keeperOf().look();
    expect(alarms.raised).toHaveLength(2);

    leads = true;
    await keeperOf().look();
    expect(proposed.slice(2)).toEqual(['end 3']);
  });

  test('refuses also where the alarm cannot be raised, and tries again, one at a time', async () => {
    let fail: (error: Error) => void = () => undefined;
    let asked = 0;
    propose = () => {
      asked += 1;
      return new Promise((_, reject) => (fail = reject));
    };
    usedBytes = QUOTA;
    const keeper = keeperOf();
    const refused = expect(keeper.refuse(costing(300))).rejects.toMatchObject({ code: 'NO_SPACE' });
    for (let sweep = 0; sweep < 5; sweep += 1) keeper.sweep();
    expect(asked).toBe(1);

    fail(new Error('nobody leads'));
    await refused;
    keeper.sweep();
    expect(asked).toBe(2);
  });
});

describe('three members', () => {
  let cluster: TestCluster;
  afterEach(() => cluster.close());

  test('refuse puts when one is full, and take them again as soon as space is there', async () => {
    cluster = await TestCluster.started({ size: 3, settings: { quotaBackendBytes: 20_000 } });
    const [follower] = cluster.followers as [(typeof cluster.followers)[number]];
    const refusal = (promise: Promise<unknown>) => cluster.until(promise.then(() => 'done', codeOf));
    const value = 'v'.repeat(1_000);

    let puts = 0;
    while ((await refusal(put(follower, 'k', value))) === 'done') puts += 1;
    expect(puts).toBeGreaterThan(10);
    expect(puts).toBeLessThan(20);
    for (const id of cluster.ids) {
      expect(await refusal(put(cluster.node(id), 'other', ''))).toBe('NO_SPACE');
      expect(cluster.node(id).m.status().alarms).toEqual([{ memberId: follower.m.memberId, kind: 'NOSPACE' }]);
    }

    await cluster.until(follower.m.delete(remove(everything())));
    await cluster.until(follower.m.compact(follower.m.revision, true));

    expect(follower.m.alarms()).toEqual([]);
    expect(await refusal(put(cluster.leader, 'k', value))).toBe('done');
  });
});
