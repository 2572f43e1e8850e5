import { type Client, type ClientDuplexStream, type ServiceError, status } from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { EmptyKeyError, MemberStoppedError } from '../../../base/errors.js';
import { silentLogger } from '../../../base/logger.js';
import type { OpenedChannel } from '../../../client/channel.js';
import { clientSettings } from '../../../client/settings.js';
import { KVService, PutRequest, type RangeRequest } from '../../../rpc/gen/kv.js';
import { MaintenanceService, SnapshotRequest } from '../../../rpc/gen/maintenance.js';
import { type WatchRequest, type WatchResponse, WatchService } from '../../../rpc/gen/watch.js';
import type { GrpcServer } from '../../../rpc/grpc-carrier.js';
import { FakeMember, FakeSnapshot } from '../../../rpc/testing/fake-member.js';
import { RawClient } from '../../../rpc/testing/raw-client.js';
import type { Life } from '../process/virtual-process.js';
import { type VirtualClient, World } from '../world.js';
import { virtualChannels } from './virtual-channel.js';
import { serveVirtually } from './virtual-server.js';

const MAX_REQUEST_BYTES = 10_000;
const ADDRESS = { host: 'server', port: 1 };

let world: World;
/** The process that serves, and the one that calls. */
let host: VirtualClient;
let caller: VirtualClient;
let member: FakeMember;

beforeEach(() => {
  world = new World(1);
  host = world.addClient('server');
  caller = world.addClient('caller');
  member = new FakeMember(host.clock);
});
afterEach(() => world.close());

function serve(): Promise<GrpcServer> {
  const options = { ...ADDRESS, member, maxRequestBytes: MAX_REQUEST_BYTES, logger: silentLogger };
  return serveVirtually(world.network, host.life as Life, options);
}

function open(signal = new AbortController().signal): Promise<OpenedChannel> {
  const { clock, prng } = caller;
  return virtualChannels(world.network, caller.life as Life)(ADDRESS, clientSettings({ clock, prng }), signal);
}

async function served() {
  const server = await serve();
  const channel = await open();
  const client = new RawClient(channel.carrier as Client);
  const lost: number[] = [];
  channel.onLost(() => lost.push(world.scheduler.now()));
  return { server, channel, client, lost };
}

const put: PutRequest = PutRequest.decode(Buffer.alloc(0));
const range: RangeRequest = { ...KVService.range.requestDeserialize(Buffer.alloc(0)), key: Buffer.from('k') };

function failure(call: Promise<unknown>): Promise<ServiceError> {
  return call.then(
    () => Promise.reject(new Error('it did not fail')),
    (error: ServiceError) => error,
  );
}

interface Stream {
  readonly wire: ClientDuplexStream<WatchRequest, WatchResponse>;
  readonly received: WatchResponse[];
  readonly errors: ServiceError[];
  hasEnded: boolean;
}

function watch({ carrier }: OpenedChannel): Stream {
  const { path, requestSerialize, responseDeserialize } = WatchService.watch;
  const wire = (carrier as Client).makeBidiStreamRequest(path, requestSerialize, responseDeserialize);
  const stream: Stream = { wire, received: [], errors: [], hasEnded: false };
  wire.on('data', (response: WatchResponse) => stream.received.push(response));
  wire.on('error', (error: ServiceError) => stream.errors.push(error));
  wire.on('end', () => (stream.hasEnded = true));
  const createRequest = {
    ...{ key: Buffer.from('k'), rangeEnd: Buffer.alloc(0), startRevision: 0n, progressNotify: false, filters: [] },
    ...{ prevKv: false, watchId: 0n, fragment: false },
  };
  wire.write({ requestUnion: { $case: 'createRequest', createRequest } });
  return stream;
}

describe('a call', () => {
  test('is answered, after a while, with what was encoded at the other end', async () => {
    await world.run(async () => {
      member.put = async () => ({ type: 'put', revision: 101 });
      const { client } = await served();
      const startMs = world.scheduler.now();

      const answer = await client.unary(KVService.put, put);

      expect(answer.header).toEqual({ clusterId: 11n, memberId: 22n, revision: 101, raftTerm: 3 });
      expect(world.scheduler.now() - startMs).toBeGreaterThan(0.2);
    });
  });

  test('that fails, is malformed, too large or unknown has the status that gRPC has for it', async () => {
    await world.run(async () => {
      member.range = () => Promise.reject(new EmptyKeyError());
      const { client } = await served();
      const same = (bytes: Buffer) => bytes;

      expect(await failure(client.unary(KVService.range, range))).toMatchObject({
        code: status.INVALID_ARGUMENT,
        details: 'etcdserver: key is not provided',
      });
      expect(await failure(client.bytes(KVService.put.path, Buffer.from([0xff])))).toMatchObject({
        code: status.INVALID_ARGUMENT,
      });
      expect(await failure(client.bytes(KVService.put.path, Buffer.alloc(1_000_000)))).toMatchObject({
        code: status.RESOURCE_EXHAUSTED,
      });
      const unknown = { path: '/nobody/Knows', requestSerialize: same, responseDeserialize: same };
      expect(await failure(client.unary(unknown as never, Buffer.alloc(0)))).toMatchObject({
        code: status.UNIMPLEMENTED,
      });
    });
  });

  test('sees what the client says of itself', async () => {
    await world.run(async () => {
      member.leader = undefined;
      const { client } = await served();

      expect(await failure(client.unary(KVService.range, range, { hasleader: 'true' }))).toMatchObject({
        code: status.UNAVAILABLE,
        details: 'etcdserver: no leader',
      });
    });
  });

  test('is called off at once at the client', async () => {
    await world.run(async () => {
      member.range = () => new Promise(() => undefined);
      const { channel } = await served();
      const { path, requestSerialize, responseDeserialize } = KVService.range;
      const told: (status | undefined)[] = [];
      const call = (channel.carrier as Client).makeUnaryRequest(
        path,
        requestSerialize,
        responseDeserialize,
        range,
        (error) => told.push(error?.code),
      );
      await world.scheduler.sleep(10);
      call.cancel();
      await world.scheduler.sleep(0);

      expect(told).toEqual([status.CANCELLED]);
    });
  });

  test('whose answer is lost was carried out, and fails with the connection', async () => {
    await world.run(async () => {
      let putCount = 0;
      member.put = async () => ({ type: 'put', revision: (putCount += 1) });
      const { client, lost } = await served();
      world.network.link('server', 'caller').loseReplies = true;

      expect(await failure(client.unary(KVService.put, put))).toMatchObject({ code: status.UNAVAILABLE });
      expect(putCount).toBe(1);
      expect(lost).toHaveLength(1);
      expect(world.effects.of('lost reply')).toBe(1);
      const next = await failure(client.unary(KVService.put, put));
      expect(next.details).toBe('No connection established');
    });
  });

  test('fails when the process that serves it is killed', async () => {
    await world.run(async () => {
      member.range = () => new Promise(() => undefined);
      const { client, lost } = await served();
      const failing = failure(client.unary(KVService.range, range));
      await world.scheduler.sleep(10);
      host.kill();

      expect(await failing).toMatchObject({ code: status.UNAVAILABLE, details: 'Connection dropped' });
      expect(lost).toHaveLength(1);
    });
  });

  test('on a connection from which nothing comes any more fails when a ping stays unanswered', async () => {
    await world.run(async () => {
      const { client, lost } = await served();
      world.network.link('server', 'caller').mode = 'halfOpen';
      member.range = async () => ({ type: 'range', revision: 1, kvs: [], count: 0, more: false });

      const { code } = await failure(client.unary(KVService.range, range));

      expect(code).toBe(status.UNAVAILABLE);
      expect(lost[0]).toBeGreaterThan(15_000);
      expect(lost[0]).toBeLessThan(15_100);
    });
  });
});

describe('a stream', () => {
  test('carries requests and answers in order, and ends at the server when the client calls it off', async () => {
    await world.run(async () => {
      const { channel } = await served();
      const stream = watch(channel);
      await world.scheduler.until(() => stream.received.length === 1);
      const watcher = member.watchers[0];
      watcher?.puts([101]);
      watcher?.puts([102, 103]);
      await world.scheduler.until(() => stream.received.length === 3);
      expect(stream.received.map(({ events }) => events.length)).toEqual([0, 1, 2]);

      stream.wire.cancel();
      await world.scheduler.sleep(10);
      expect(stream.errors.map(({ code }) => code)).toEqual([status.CANCELLED]);
      expect(watcher?.isCancelled).toBe(true);
    });
  });

  test('ends well when both ends have said everything', async () => {
    await world.run(async () => {
      const { channel } = await served();
      const stream = watch(channel);
      await world.scheduler.until(() => stream.received.length === 1);
      stream.wire.write({ requestUnion: { $case: 'cancelRequest', cancelRequest: { watchId: 0n } } });
      await world.scheduler.until(() => stream.received.length === 2);
      stream.wire.end();
      await world.scheduler.until(() => stream.hasEnded);

      expect(stream.errors).toEqual([]);
      expect(member.watchers[0]?.isCancelled).toBe(true);
    });
  });

  test('ends at the server when the client is killed, and at the client when the server fails', async () => {
    await world.run(async () => {
      const { channel } = await served();
      const stream = watch(channel);
      await world.scheduler.until(() => stream.received.length === 1);
      member.stop(new MemberStoppedError('the disk failed'));
      await world.scheduler.until(() => stream.errors.length === 1);
      expect(stream.errors[0]).toMatchObject({ code: status.UNAVAILABLE });

      watch(channel);
      await world.scheduler.until(() => member.watchers.length === 2);
      caller.kill();
      await world.scheduler.sleep(10);
      expect(member.watchers[1]?.isCancelled).toBe(true);
    });
  });

  test('whose reader does not read holds the server back, and goes on where it was', async () => {
    await world.run(async () => {
      const { channel } = await served();
      const stream = watch(channel);
      await world.scheduler.until(() => stream.received.length === 1);
      stream.wire.pause();
      const watcher = member.watchers[0];
      const revisions = Array.from({ length: 200 }, (_, i) => 101 + i);
      for (const revision of revisions) watcher?.puts([revision], 50_000);
      await world.scheduler.sleep(1_000);
      expect(watcher?.waitingCount).toBeGreaterThan(100);

      stream.wire.resume();
      await world.scheduler.until(() => stream.received.length === 201);
      const received = stream.received.slice(1).map(({ header }) => header?.revision);
      expect(received).toEqual(revisions);
    });
  });

  test('of answers to one request is sent as it is read', async () => {
    await world.run(async () => {
      const snapshot = new FakeSnapshot(
        Array.from({ length: 100 }, () => Buffer.alloc(10_000)),
        1_000_000,
      );
      member.snapshot = () => snapshot;
      const { channel } = await served();
      const { path, requestSerialize, responseDeserialize } = MaintenanceService.snapshot;
      const request = SnapshotRequest.decode(Buffer.alloc(0));
      const wire = (channel.carrier as Client).makeServerStreamRequest(
        path,
        requestSerialize,
        responseDeserialize,
        request,
      );
      let bytes = 0;
      let hasEnded = false;
      wire.on('end', () => (hasEnded = true));
      await world.scheduler.sleep(500);
      expect(snapshot.takenCount).toBeLessThan(50);

      wire.on('data', ({ blob }: { blob: Buffer }) => (bytes += blob.length));
      await world.scheduler.until(() => hasEnded);
      expect(bytes).toBe(1_000_000);
    });
  });
});

describe('a server', () => {
  test('that closes says goodbye, answers what is under way, and then refuses', async () => {
    await world.run(async () => {
      let answer = (): void => undefined;
      member.range = () =>
        new Promise((resolve) => {
          answer = () => resolve({ type: 'range', revision: 7, kvs: [], count: 0, more: false });
        });
      const { server, client, lost } = await served();
      const answered = client.unary(KVService.range, range);
      await world.scheduler.sleep(10);
      const closed = server.close();
      await world.scheduler.sleep(10);
      expect(lost).toHaveLength(1);

      answer();
      expect((await answered).header?.revision).toBe(7);
      await closed;
      expect((await failure(open())).message).toContain('ECONNREFUSED');
    });
  });

  test('listens once on a port', async () => {
    await world.run(async () => {
      await serve();
      expect(await failure(serve())).toMatchObject({ code: 'EADDRINUSE' });
    });
  });
});

describe('a channel', () => {
  test('is given up in time, or when that is wanted', async () => {
    await world.run(async () => {
      world.network.cut('caller', 'server');
      expect((await failure(open())).message).toContain('within 2000 ms');

      const gone = new AbortController();
      const opening = failure(open(gone.signal));
      await world.scheduler.sleep(100);
      gone.abort(new Error('not needed'));
      expect((await opening).message).toBe('not needed');
    });
  });
});
