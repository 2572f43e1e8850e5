import { status } from '@grpc/grpc-js';
import { afterEach, describe, expect, test } from '@jest/globals';
import type { AlarmRequest } from '../base/alarm.js';
import {
  BadLeaderTransfereeError,
  DataDirError,
  FutureRevisionError,
  MemberStoppedError,
  MemberNotLeaderError,
} from '../base/errors.js';
import { ManualClock } from '../testing/manual-clock.js';
import {
  AlarmRequest_AlarmAction as AlarmAction,
  AlarmType,
  DowngradeRequest_DowngradeAction as DowngradeAction,
  MaintenanceService,
} from './gen/maintenance.js';
import { FakeMember, FakeSnapshot } from './testing/fake-member.js';
import { eventually, Servers } from './testing/served.js';

const servers = new Servers();
afterEach(() => servers.end());

const HEADER = { clusterId: 11n, memberId: 22n, revision: 100, raftTerm: 3 };

describe('the Maintenance service', () => {
  test('tells the status of the member', async () => {
    const { client } = await servers.serve(new FakeMember());

    expect(await client.unary(MaintenanceService.status, {})).toEqual({
      header: HEADER,
      version: '3.5.0',
      dbSize: 20_480,
      dbSizeInUse: 8_192,
      leader: 22n,
      raftIndex: 60,
      raftTerm: 3,
      raftAppliedIndex: 50,
      errors: [],
      isLearner: false,
      storageVersion: '3.5.0',
      dbSizeQuota: 65_536,
      downgradeInfo: { enabled: false, targetVersion: '' },
    });
  });

  test('tells that there is no leader, as etcd does, before whatever else is wrong', async () => {
    const member = new FakeMember();
    member.leader = undefined;
    const healthy = member.status();
    member.status = () => ({ ...healthy, errors: ['no leader', 'the disk is slow'] });
    const { client } = await servers.serve(member);

    expect(await client.unary(MaintenanceService.status, {})).toMatchObject({
      leader: 0n,
      errors: ['etcdserver: no leader', 'the disk is slow'],
    });
  });

  test('hands leadership over, or says why not', async () => {
    const member = new FakeMember();
    const asked: bigint[] = [];
    member.moveLeader = async (to) => {
      asked.push(to);
      if (to === 1n) throw new BadLeaderTransfereeError(to);
      if (to === 2n) throw new MemberNotLeaderError();
    };
    const { client } = await servers.serve(member);
    const move = (targetID: bigint) => client.unary(MaintenanceService.moveLeader, { targetID });

    expect(await move(3n)).toEqual({ header: HEADER });
    await expect(move(1n)).rejects.toMatchObject({
      code: status.FAILED_PRECONDITION,
      details: 'etcdserver: bad leader transferee',
    });
    await expect(move(2n)).rejects.toMatchObject({
      code: status.FAILED_PRECONDITION,
      details: 'etcdserver: not leader',
    });
    expect(asked).toEqual([3n, 1n, 2n]);
  });

  test('hashes the keyspace; of a hash wider than the field its lower 32 bits are told', async () => {
    const member = new FakeMember();
    member.hashKv = async (revision) => {
      if (revision > 100) throw new FutureRevisionError(revision, 100);
      return { hash: 5 * 2 ** 32 + 7, compactRevision: -1, hashRevision: revision };
    };
    const { client } = await servers.serve(member);

    expect(await client.unary(MaintenanceService.hashKv, { revision: 90n })).toEqual({
      header: HEADER,
      hash: 7,
      compactRevision: -1,
      hashRevision: 90,
    });
    await expect(client.unary(MaintenanceService.hashKv, { revision: 101n })).rejects.toMatchObject({
      details: 'etcdserver: mvcc: required revision is a future revision',
    });
  });

  test('tells, raises and ends alarms, of the member and the kind that are asked for', async () => {
    const member = new FakeMember();
    const asked: AlarmRequest[] = [];
    member.alarm = async (request) => {
      asked.push(request);
      return [{ memberId: 2n ** 64n - 1n, kind: 'CORRUPT' }];
    };
    const { client } = await servers.serve(member);
    const alarm = (action: AlarmAction, memberID: bigint, alarm: AlarmType) =>
      client.unary(MaintenanceService.alarm, { action, memberID, alarm });

    await alarm(AlarmAction.GET, 5n, AlarmType.NONE);
    await alarm(AlarmAction.GET, 5n, AlarmType.NOSPACE);
    await alarm(AlarmAction.ACTIVATE, 5n, AlarmType.NOSPACE);
    expect(await alarm(AlarmAction.DEACTIVATE, 0n, AlarmType.CORRUPT)).toEqual({
      header: HEADER,
      alarms: [{ memberID: 2n ** 64n - 1n, alarm: AlarmType.CORRUPT }],
    });
    expect(asked).toEqual([
      { action: 'get', kind: undefined },
      { action: 'get', kind: 'NOSPACE' },
      { action: 'raise', alarm: { memberId: 5n, kind: 'NOSPACE' } },
      { action: 'end', alarm: { memberId: 0n, kind: 'CORRUPT' } },
    ]);
  });

  test('neither raises nor ends an alarm of no kind, and refuses what does not exist', async () => {
    const { client } = await servers.serve(new FakeMember());
    const alarm = (action: AlarmAction, alarm: AlarmType) =>
      client.unary(MaintenanceService.alarm, { action, memberID: 5n, alarm });

    for (const action of [AlarmAction.ACTIVATE, AlarmAction.DEACTIVATE])
      expect(await alarm(action, AlarmType.NONE)).toEqual({ header: HEADER, alarms: [] });
    const unknownKind = alarm(AlarmAction.GET, 7 as AlarmType);
    for (const unknown of [unknownKind, alarm(7 as AlarmAction, AlarmType.NOSPACE)])
      await expect(unknown).rejects.toMatchObject({ code: status.INVALID_ARGUMENT });
  });

  test('tells what is raised among its errors, as etcd prints it', async () => {
    const member = new FakeMember();
    const plain = member.status();
    const alarms = [
      { memberId: 5n, kind: 'NOSPACE' },
      { memberId: 0n, kind: 'CORRUPT' },
    ] as const;
    member.status = () => ({ ...plain, leader: undefined, alarms });
    const { client } = await servers.serve(member);

    expect((await client.unary(MaintenanceService.status, {})).errors).toEqual([
      'etcdserver: no leader',
      'memberID:5 alarm:NOSPACE ',
      'alarm:CORRUPT ',
    ]);
  });

  test('answers the hash of all that was applied, in 32 bits', async () => {
    const member = new FakeMember();
    member.hash = async () => 5 * 2 ** 32 + 2 ** 31;
    const { client } = await servers.serve(member);

    expect(await client.unary(MaintenanceService.hash, {})).toEqual({ header: HEADER, hash: 2 ** 31 + 5 });
  });

  test('has an end to every downgrade, and none under way', async () => {
    const member = new FakeMember();
    const asked: unknown[] = [];
    member.downgrade = async (...request) => void asked.push(request);
    const { client } = await servers.serve(member);
    const downgrade = (action: DowngradeAction, version: string) =>
      client.unary(MaintenanceService.downgrade, { action, version });

    expect(await downgrade(DowngradeAction.CANCEL, '')).toEqual({ header: HEADER, version: '3.5' });
    await downgrade(DowngradeAction.VALIDATE, '3.4');
    expect(asked).toEqual([
      ['cancel', ''],
      ['validate', '3.4'],
    ]);
    await expect(downgrade(9 as DowngradeAction, '3.4')).rejects.toMatchObject({
      code: status.UNKNOWN,
      details: 'etcdserver: unknown method',
    });
  });

  test('has the store defragmented, and answers without a header when that is done', async () => {
    const member = new FakeMember();
    let finish!: () => void;
    member.defragment = () => new Promise((resolve) => (finish = resolve));
    const { client } = await servers.serve(member);

    const answered = client.unary(MaintenanceService.defragment, {});
    await eventually(() => finish !== undefined);
    finish();

    expect(await answered).toEqual({ header: undefined });
  });

  test('says why a defragmentation came to nothing', async () => {
    const member = new FakeMember();
    member.defragment = () => Promise.reject(new DataDirError('DATA_DIR_FULL', '/data', 'there is no room left'));
    const { client } = await servers.serve(member);

    await expect(client.unary(MaintenanceService.defragment, {})).rejects.toMatchObject({
      code: status.UNKNOWN,
      details: 'data folder /data: there is no room left',
    });
  });
});

describe('a snapshot', () => {
  const KIB = 1024;

  /** A view of so many chunks of 64 KiB. */
  function viewOf(count: number): FakeSnapshot {
    const chunks = (function* () {
      for (let i = 0; i < count; i += 1) yield Buffer.alloc(64 * KIB, i);
    })();
    return new FakeSnapshot(chunks, count * 64 * KIB);
  }

  test('comes in blobs of 32 KiB that say how much is left, and lets the view go at its end', async () => {
    const view = new FakeSnapshot([Buffer.alloc(40 * KIB, 1), Buffer.alloc(32, 2)], 40 * KIB + 32);
    const member = new FakeMember();
    member.snapshot = () => view;
    const { client } = await servers.serve(member);
    const stream = client.download(MaintenanceService.snapshot, {});

    const blobs = [await stream.next(), await stream.next(), await stream.next()];
    stream.drain();

    expect(blobs.map(({ blob, remainingBytes }) => [blob.length, blob[0], remainingBytes])).toEqual([
      [32 * KIB, 1, 8 * KIB + 32],
      [8 * KIB, 1, 32],
      [32, 2, 0],
    ]);
    expect(blobs[0]).toMatchObject({ header: HEADER, version: '3.5.0' });
    expect(await stream.ended).toBeUndefined();
    expect(view.isClosed).toBe(true);
  });

  test.each([
    ['little', 10, [32 * KIB, 32, 0]],
    ['much', 1_000_000, [1_000_000 - 32 * KIB, 1_000_000 - 64 * KIB, 0]],
  ])(
    'whose size was guessed too %s says that nothing is left with its last blob alone',
    async (_, guess, remaining) => {
      const parts = [Buffer.alloc(32 * KIB), Buffer.alloc(32 * KIB), Buffer.alloc(32)];
      const member = new FakeMember();
      member.snapshot = () => new FakeSnapshot(parts, guess);
      const { client } = await servers.serve(member);
      const stream = client.download(MaintenanceService.snapshot, {});

      const told = [await stream.next(), await stream.next(), await stream.next()];

      expect(told.map(({ remainingBytes }) => remainingBytes)).toEqual(remaining);
    },
  );

  test('is read no faster than its client takes it, and is let go when the client leaves', async () => {
    const view = viewOf(1_000);
    const member = new FakeMember();
    member.snapshot = () => view;
    const { client } = await servers.serve(member);

    const stream = client.download(MaintenanceService.snapshot, {});
    await stream.next();
    await new Promise((resolve) => setTimeout(resolve, 100));
    // What the buffers of both ends take, of 64 MiB.
    expect(view.takenCount).toBeLessThan(100);

    stream.cancel();
    await eventually(() => view.isClosed);
    expect(view.takenCount).toBeLessThan(100);
  });

  test('is lost to a client that takes nothing for too long', async () => {
    const clock = new ManualClock();
    const member = new FakeMember(clock);
    const view = viewOf(1_000);
    member.snapshot = () => view;
    const { client } = await servers.serve(member, { snapshotStallMs: 60_000 });
    const stream = client.download(MaintenanceService.snapshot, {});
    await stream.next();

    // How long exactly is shown in paced-stream.test.ts: here nobody knows when the buffers of both ends are full.
    while (!view.isClosed) {
      await clock.advance(60_000);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }

    expect(await stream.drain().ended).toMatchObject({ code: status.UNAVAILABLE });
  });

  test('may be under way so many times, and not once more', async () => {
    const member = new FakeMember();
    const views: FakeSnapshot[] = [];
    member.snapshot = () => {
      const view = viewOf(1_000);
      views.push(view);
      return view;
    };
    const { client } = await servers.serve(member, { snapshotsMax: 2 });
    const streams = [
      client.download(MaintenanceService.snapshot, {}),
      client.download(MaintenanceService.snapshot, {}),
    ];
    for (const stream of streams) await stream.next();

    expect(await client.download(MaintenanceService.snapshot, {}).drain().ended).toMatchObject({
      details: 'etcdserver: too many requests',
    });
    expect(views).toHaveLength(2);

    streams[0]!.cancel();
    await eventually(() => views[0]!.isClosed);
    await client.download(MaintenanceService.snapshot, {}).next();
  });

  test('that fails ends with the reason, and so does one that cannot begin', async () => {
    const member = new FakeMember();
    const broken = (function* () {
      yield Buffer.alloc(10);
      throw new MemberStoppedError('the disk is gone');
    })();
    const view = new FakeSnapshot(broken, 100);
    member.snapshot = () => view;
    const { client } = await servers.serve(member);
    const fails = { code: status.UNAVAILABLE, details: 'etcdserver: server stopped' };

    expect(await client.download(MaintenanceService.snapshot, {}).drain().ended).toMatchObject(fails);
    expect(view.isClosed).toBe(true);

    member.snapshot = () => {
      throw new MemberStoppedError('the disk is gone');
    };
    expect(await client.download(MaintenanceService.snapshot, {}).drain().ended).toMatchObject(fails);
  });
});
