import { status } from '@grpc/grpc-js';
import { afterEach, describe, expect, test } from '@jest/globals';
import { ManualClock } from '../testing/manual-clock.js';
import { ClusterService } from './gen/cluster.js';
import { KVService, RangeRequest } from './gen/kv.js';
import { LeaseService } from './gen/lease.js';
import { MaintenanceService } from './gen/maintenance.js';
import { WatchCreateRequest, WatchService } from './gen/watch.js';
import { FakeMember, FakeSnapshot } from './testing/fake-member.js';
import { Servers } from './testing/served.js';

const servers = new Servers();
afterEach(() => servers.end());

const WANTS_LEADER = { hasleader: 'true' };
const NO_LEADER = { code: status.UNAVAILABLE, details: 'etcdserver: no leader' };
const FOR_VOTERS = { code: status.FAILED_PRECONDITION, details: 'etcdserver: rpc not supported for learner' };

const range = (part: Partial<RangeRequest> = {}): RangeRequest => ({
  ...RangeRequest.decode(Buffer.alloc(0)),
  key: Buffer.from('k'),
  ...part,
});

const creating = {
  requestUnion: { $case: 'createRequest' as const, createRequest: WatchCreateRequest.decode(Buffer.alloc(0)) },
};

function memberThatReads(): FakeMember {
  const member = new FakeMember(new ManualClock());
  member.range = async () => ({ type: 'range', revision: 100, kvs: [], count: 0, more: false });
  return member;
}

describe('a member without a leader', () => {
  test('refuses calls of clients that want one, and answers the others as far as it can', async () => {
    const member = memberThatReads();
    const { client } = await servers.serve(member);
    member.follow(undefined);

    await expect(client.unary(KVService.range, range(), WANTS_LEADER)).rejects.toMatchObject(NO_LEADER);
    expect((await client.unary(KVService.range, range())).header?.revision).toBe(100);
    expect((await client.unary(KVService.range, range(), { hasleader: 'false' })).header?.revision).toBe(100);

    member.follow(7n);
    expect((await client.unary(KVService.range, range(), WANTS_LEADER)).header?.revision).toBe(100);
  });

  test('refuses streams of clients that want one when they open', async () => {
    const member = memberThatReads();
    const { client } = await servers.serve(member);
    member.follow(undefined);

    expect(await client.stream(WatchService.watch, WANTS_LEADER).drain().ended).toMatchObject(NO_LEADER);
    expect(await client.stream(LeaseService.leaseKeepAlive, WANTS_LEADER).drain().ended).toMatchObject(NO_LEADER);
    expect(member.watchers).toHaveLength(0);
  });

  test('ends their open streams after a while, and nobody else’s', async () => {
    const member = memberThatReads();
    const clock = member.clock as ManualClock;
    const { client } = await servers.serve(member, { leaderLossMs: 3_000 });
    const wanting = client.stream(WatchService.watch, WANTS_LEADER);
    const patient = client.stream(WatchService.watch);
    for (const stream of [wanting, patient]) {
      stream.send(creating);
      await stream.next();
    }

    member.follow(undefined);
    await clock.advance(2_999);
    expect(member.watchers.map(({ isCancelled }) => isCancelled)).toEqual([false, false]);
    await clock.advance(1);

    expect(await wanting.drain().ended).toMatchObject(NO_LEADER);
    expect(member.watchers.map(({ isCancelled }) => isCancelled)).toEqual([true, false]);
  });

  test('that has one again in time goes on with them', async () => {
    const member = memberThatReads();
    const clock = member.clock as ManualClock;
    const { client } = await servers.serve(member, { leaderLossMs: 3_000 });
    const stream = client.stream(WatchService.watch, WANTS_LEADER);
    stream.send(creating);
    await stream.next();

    for (let changes = 0; changes < 3; changes += 1) {
      member.follow(undefined);
      await clock.advance(2_000);
      member.follow(7n);
      await clock.advance(2_000);
    }

    expect(member.watchers[0]!.isCancelled).toBe(false);
  });

  test('is listened to no more once the server is closed', async () => {
    const member = memberThatReads();
    const { server } = await servers.serve(member);
    expect(member.leadershipListenerCount).toBe(1);

    await server.close();

    expect(member.leadershipListenerCount).toBe(0);
  });
});

describe('a learner', () => {
  test('answers serializable reads, its status and snapshots', async () => {
    const member = memberThatReads();
    member.isLearner = true;
    member.snapshot = () => new FakeSnapshot([Buffer.alloc(1)], 1);
    const { client } = await servers.serve(member);

    expect((await client.unary(KVService.range, range({ serializable: true }))).header?.revision).toBe(100);
    expect((await client.unary(MaintenanceService.status, {})).isLearner).toBe(true);
    expect((await client.download(MaintenanceService.snapshot, {}).next()).blob).toHaveLength(1);
  });

  test('refuses everything else', async () => {
    const member = memberThatReads();
    member.isLearner = true;
    const { client } = await servers.serve(member);

    await expect(client.unary(KVService.range, range())).rejects.toMatchObject(FOR_VOTERS);
    await expect(client.unary(LeaseService.leaseLeases, {})).rejects.toMatchObject(FOR_VOTERS);
    await expect(client.unary(ClusterService.memberList, { linearizable: false })).rejects.toMatchObject(FOR_VOTERS);
    await expect(client.unary(MaintenanceService.hashKv, { revision: 0n })).rejects.toMatchObject(FOR_VOTERS);
    expect(await client.stream(WatchService.watch).drain().ended).toMatchObject(FOR_VOTERS);
    expect(await client.stream(LeaseService.leaseKeepAlive).drain().ended).toMatchObject(FOR_VOTERS);
  });
});
