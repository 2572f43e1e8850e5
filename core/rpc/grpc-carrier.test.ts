import { connect, type Socket } from 'node:net';
import { once } from 'node:events';
import { status } from '@grpc/grpc-js';
import { afterEach, describe, expect, test } from '@jest/globals';
import { EmptyKeyError, MemberStoppedError } from '../base/errors.js';
import { type Logger, silentLogger } from '../base/logger.js';
import { ManualClock } from '../testing/manual-clock.js';
import { KVService, PutRequest, type RangeRequest } from './gen/kv.js';
import { LeaseService } from './gen/lease.js';
import { type WatchCreateRequest, WatchService } from './gen/watch.js';
import { type GrpcServer, serveGrpc } from './grpc-carrier.js';
import type { RpcLimits } from './rpc-limits.js';
import { FakeMember } from './testing/fake-member.js';
import { RawClient } from './testing/raw-client.js';

const MAX_REQUEST_BYTES = 10_000;
const MAX_MESSAGE_BYTES = MAX_REQUEST_BYTES + 512 * 1024;

const releases: (() => unknown)[] = [];
afterEach(async () => {
  for (const release of releases.splice(0).reverse()) await release();
});

async function serve(member: FakeMember, limits: Partial<RpcLimits> = {}, logger: Logger = silentLogger) {
  const options = { host: '127.0.0.1', port: 0, member, maxRequestBytes: MAX_REQUEST_BYTES, logger, limits };
  const server = await serveGrpc(options);
  releases.push(async () => {
    const closing = server.close();
    if (member.clock instanceof ManualClock) await member.clock.advance(60_000);
    await closing;
  });
  return server;
}

function client(server: GrpcServer): RawClient {
  const raw = new RawClient(server);
  releases.push(() => raw.close());
  return raw;
}

const range = (part: Partial<RangeRequest> = {}): RangeRequest => ({
  ...KVService.range.requestDeserialize(Buffer.alloc(0)),
  key: Buffer.from('k'),
  ...part,
});

const creating = (part: Partial<WatchCreateRequest> = {}) => ({
  requestUnion: {
    $case: 'createRequest' as const,
    createRequest: {
      ...{ key: Buffer.from('k'), rangeEnd: Buffer.alloc(0), startRevision: 0n, progressNotify: false, filters: [] },
      ...{ prevKv: false, watchId: 0n, fragment: false, ...part },
    },
  },
});

const nothing = async () => ({ type: 'range', revision: 100, kvs: [], count: 0, more: false }) as const;

describe('a call', () => {
  test('is answered with the header of the member', async () => {
    const member = new FakeMember();
    member.put = async () => ({ type: 'put', revision: 101 });

    const answer = await client(await serve(member)).unary(KVService.put, PutRequest.decode(Buffer.alloc(0)));

    expect(answer.header).toEqual({ clusterId: 11n, memberId: 22n, revision: 101, raftTerm: 3 });
    expect(answer.prevKv).toBeUndefined();
  });

  test('that fails is answered with the code and text of etcd', async () => {
    const member = new FakeMember();
    member.range = () => Promise.reject(new EmptyKeyError());

    await expect(client(await serve(member)).unary(KVService.range, range())).rejects.toMatchObject({
      code: status.INVALID_ARGUMENT,
      details: 'etcdserver: key is not provided',
    });
  });

  test('that fails as it must not tells the log, not the client', async () => {
    const told: object[] = [];
    const member = new FakeMember();
    const bug = new TypeError('a bug');
    member.range = () => Promise.reject(bug);
    const server = await serve(member, {}, { ...silentLogger, error: (fields) => told.push(fields) });

    await expect(client(server).unary(KVService.range, range())).rejects.toMatchObject({
      code: status.INTERNAL,
      details: 'internal error',
    });
    expect(told).toEqual([{ error: bug }]);
  });

  test('that cannot be decoded is an invalid argument, and the next one is answered', async () => {
    const member = new FakeMember();
    member.range = nothing;
    const raw = client(await serve(member));

    await expect(raw.bytes('/etcdserverpb.KV/Range', Buffer.from('0aff', 'hex'))).rejects.toMatchObject({
      code: status.INVALID_ARGUMENT,
      details: expect.stringContaining('message is "2 bytes"') as unknown,
    });
    expect((await raw.unary(KVService.range, range())).header?.revision).toBe(100);
  });

  test('of an unknown method is not implemented', async () => {
    await expect(
      client(await serve(new FakeMember())).bytes('/etcdserverpb.Auth/UserRename', Buffer.alloc(0)),
    ).rejects.toMatchObject({ code: status.UNIMPLEMENTED });
  });

  test('may be as large as the limit, and not a byte larger', async () => {
    const member = new FakeMember();
    member.put = async () => ({ type: 'put', revision: 101 });
    const raw = client(await serve(member));
    const put = (valueBytes: number) => ({ ...PutRequest.decode(Buffer.alloc(0)), value: Buffer.alloc(valueBytes) });
    // A tag of one byte and a length of three.
    const largest = MAX_MESSAGE_BYTES - 4;

    await raw.unary(KVService.put, put(largest));
    await expect(raw.unary(KVService.put, put(largest + 1))).rejects.toMatchObject({
      code: status.RESOURCE_EXHAUSTED,
      details: expect.stringContaining('larger than max') as unknown,
    });
  });

  test('may have an answer of any size', async () => {
    const member = new FakeMember();
    const value = Buffer.alloc(6_000_000);
    const kv = { key: Buffer.from('k'), value, createRevision: 1, modRevision: 1, version: 1, lease: 0n };
    member.range = async () => ({ type: 'range', revision: 100, kvs: [kv], count: 1, more: false });

    const answer = await client(await serve(member)).unary(KVService.range, range());

    expect(answer.kvs[0]?.value).toHaveLength(6_000_000);
  });
});

describe('a lease', () => {
  test('that does not exist has a TTL of -1', async () => {
    const member = new FakeMember();
    member.leaseTimeToLive = async (id) => ({
      id,
      revision: 100,
      grantedTtlSeconds: 0,
      remainingTtlSeconds: -1,
      keys: [],
    });

    const answer = await client(await serve(member)).unary(LeaseService.leaseTimeToLive, { ID: 5n, keys: true });

    expect(answer).toMatchObject({ ID: 5n, TTL: -1n, grantedTTL: 0n, keys: [] });
  });

  test('that does not exist is renewed with a TTL of 0, and the stream goes on', async () => {
    const member = new FakeMember();
    member.leaseKeepAlive = async (id) => ({ revision: 100, ttlSeconds: id === 5n ? 15 : 0 });
    const stream = client(await serve(member)).stream(LeaseService.leaseKeepAlive);

    stream.send({ ID: 4n });
    stream.send({ ID: 5n });

    expect(await stream.next()).toMatchObject({ ID: 4n, TTL: 0n });
    expect(await stream.next()).toMatchObject({ ID: 5n, TTL: 15n });
    stream.end();
    expect(await stream.ended).toBeUndefined();
  });

  test('is renewed in the order of asking, though one takes longer', async () => {
    const member = new FakeMember();
    const renewals: ((ttlSeconds: number) => void)[] = [];
    member.leaseKeepAlive = () =>
      new Promise((resolve) => renewals.push((ttlSeconds) => resolve({ revision: 100, ttlSeconds })));
    const stream = client(await serve(member)).stream(LeaseService.leaseKeepAlive);
    stream.send({ ID: 1n });
    stream.send({ ID: 2n });
    await eventually(() => renewals.length === 2);

    renewals[1]!(20);
    renewals[0]!(10);

    expect([await stream.next(), await stream.next()].map(({ ID, TTL }) => [ID, TTL])).toEqual([
      [1n, 10n],
      [2n, 20n],
    ]);
    stream.end();
  });

  test('is renewed for as many at a time as a stream may have under way', async () => {
    const member = new FakeMember();
    const renewals: (() => void)[] = [];
    member.leaseKeepAlive = () =>
      new Promise((resolve) => renewals.push(() => resolve({ revision: 100, ttlSeconds: 5 })));
    const stream = client(await serve(member, { keepAlivesPerStreamMax: 2 })).stream(LeaseService.leaseKeepAlive);
    for (const ID of [1n, 2n, 3n, 4n, 5n]) stream.send({ ID });
    await eventually(() => renewals.length >= 2);
    await new Promise((resolve) => setTimeout(resolve, 30));

    // One more may have been on its way when reading stopped.
    expect(renewals.length).toBeLessThanOrEqual(3);
    for (let done = 0; done < 5; done += 1) {
      await eventually(() => renewals.length > 0);
      renewals.shift()!();
      await stream.next();
    }
    stream.end();
  });

  test('whose renewal fails ends the stream with the reason', async () => {
    const member = new FakeMember();
    member.leaseKeepAlive = () => Promise.reject(new MemberStoppedError('the disk is full'));
    const stream = client(await serve(member))
      .stream(LeaseService.leaseKeepAlive)
      .drain();

    stream.send({ ID: 1n });

    expect(await stream.ended).toMatchObject({ code: status.UNAVAILABLE, details: 'etcdserver: server stopped' });
  });
});

describe('a watch stream', () => {
  test('carries creations, events and cancellations', async () => {
    const member = new FakeMember();
    const stream = client(await serve(member)).stream(WatchService.watch);

    stream.send(creating());
    expect(await stream.next()).toMatchObject({ created: true, watchId: 0n });
    member.watchers[0]!.puts([101, 102]);
    expect((await stream.next()).events.map((event) => event.kv?.modRevision)).toEqual([101, 102]);
    stream.send({ requestUnion: { $case: 'cancelRequest', cancelRequest: { watchId: 0n } } });
    expect(await stream.next()).toMatchObject({ canceled: true, watchId: 0n });
    stream.end();
    expect(await stream.ended).toBeUndefined();
  });

  test('that the client cancels lets its watches go', async () => {
    const member = new FakeMember();
    const stream = client(await serve(member)).stream(WatchService.watch);
    stream.send(creating());
    await stream.next();

    stream.cancel();

    await eventually(() => member.watchers.every(({ isCancelled }) => isCancelled));
    expect((await stream.ended)?.code).toBe(status.CANCELLED);
  });

  test('of a client that asks for nothing more goes on while it has a watch', async () => {
    const member = new FakeMember();
    const stream = client(await serve(member)).stream(WatchService.watch);
    stream.send(creating());
    await stream.next();

    stream.halfClose();
    await eventually(() => member.watchers.length === 1);
    member.watchers[0]!.puts([101]);

    expect((await stream.next()).events.map((event) => event.kv?.modRevision)).toEqual([101]);
    stream.cancel();
    await eventually(() => member.watchers[0]!.isCancelled);
  });

  test('of a client that asks for nothing at all ends well', async () => {
    const stream = client(await serve(new FakeMember())).stream(WatchService.watch);

    stream.end();

    expect(await stream.ended).toBeUndefined();
  });

  test('that is lost with its connection lets its watches go', async () => {
    const member = new FakeMember();
    const raw = client(await serve(member));
    const stream = raw.stream(WatchService.watch);
    stream.send(creating());
    await stream.next();

    stream.cancel();
    raw.close();

    await eventually(() => member.watchers[0]!.isCancelled);
  });

  test('with a message that cannot be decoded ends, and the server goes on', async () => {
    const member = new FakeMember();
    member.range = nothing;
    const raw = client(await serve(member));
    const stream = raw
      .stream({
        ...WatchService.watch,
        requestSerialize: () => Buffer.from('0aff', 'hex'),
      })
      .drain();

    stream.send(creating());

    expect((await stream.ended)?.code).toBe(status.INVALID_ARGUMENT);
    await raw.unary(KVService.range, range());
  });

  test('whose client does not read leaves the events in the member', async () => {
    const member = new FakeMember();
    const raw = client(await serve(member, { streamBufferBytesMax: 100_000 }));
    const stream = raw.stream(WatchService.watch);
    stream.send(creating());
    await stream.next();
    const [watcher] = member.watchers;

    for (let revision = 101; revision <= 500; revision += 1) watcher!.puts([revision], 10_000);
    await new Promise((resolve) => setTimeout(resolve, 100));

    // 4 MB were offered. The transport's own windows and buffers on both sides took some, our buffer 100 kB.
    expect(watcher!.waitingCount).toBeGreaterThan(300);
    for (let expected = 101; expected <= 500; expected += 1) {
      expect((await stream.next()).events[0]?.kv?.modRevision).toBe(expected);
    }
    stream.end();
  });
});

test('a client that reads no answers is not read either', async () => {
  const member = new FakeMember();
  const stream = client(await serve(member, { streamBufferBytesMax: 6_400 })).stream(WatchService.watch);

  for (let i = 0; i < 10_000; i += 1) stream.send(creating());
  await eventually(() => member.watchers.length > 100);
  await new Promise((resolve) => setTimeout(resolve, 200));

  expect(member.watchers.length).toBeLessThan(7_000);
  for (let i = 0; i < 10_000; i += 1) await stream.next();
  expect(member.watchers).toHaveLength(10_000);
  stream.end();
});

describe('the server', () => {
  test('ends streams when the member stops', async () => {
    const member = new FakeMember();
    const raw = client(await serve(member));
    const watching = raw.stream(WatchService.watch);
    const renewing = raw.stream(LeaseService.leaseKeepAlive);
    watching.send(creating());
    await watching.next();

    member.stop(new MemberStoppedError('the disk is full'));

    for (const stream of [watching.drain(), renewing.drain()]) {
      expect(await stream.ended).toMatchObject({ code: status.UNAVAILABLE, details: 'etcdserver: server stopped' });
    }
  });

  test('lets calls under way finish when it closes, and ends streams', async () => {
    const member = new FakeMember();
    let finish = () => {};
    let isAsked = false;
    member.range = () => {
      isAsked = true;
      return new Promise((resolve) => (finish = () => resolve(nothing())));
    };
    const server = await serve(member);
    const { port } = server;
    const raw = client(server);
    const stream = raw.stream(WatchService.watch);
    stream.send(creating());
    await stream.next();
    const reading = raw.unary(KVService.range, range());
    await eventually(() => isAsked);

    const closing = server.close();
    expect(await stream.drain().ended).toMatchObject({ code: status.UNAVAILABLE });
    finish();

    expect((await reading).header?.revision).toBe(100);
    await closing;
    await server.close();
    await expect(once(connect(port, '127.0.0.1'), 'connect')).rejects.toThrow();
  });

  test('breaks off calls that do not finish in drainMs', async () => {
    const clock = new ManualClock();
    const member = new FakeMember(clock);
    let isAsked = false;
    member.range = () => {
      isAsked = true;
      return new Promise(() => {});
    };
    const server = await serve(member, { drainMs: 5_000 });
    const reading = client(server).unary(KVService.range, range());
    const failing = expect(reading).rejects.toMatchObject({ code: status.UNAVAILABLE });
    await eventually(() => isAsked);
    let isClosed = false;

    const closing = server.close().then(() => (isClosed = true));
    await clock.advance(4_999);
    expect(isClosed).toBe(false);
    await clock.advance(1);

    await closing;
    await failing;
  });

  test('closes a connection over connectionsMax at once', async () => {
    const server = await serve(new FakeMember(), { connectionsMax: 2 });
    const sockets: Socket[] = [];
    releases.push(() => sockets.forEach((socket) => socket.destroy()));
    const open = async () => {
      const socket = connect(server.port, '127.0.0.1');
      sockets.push(socket);
      await once(socket, 'connect');
      return socket;
    };
    await open();
    await open();

    const third = await open();

    await once(third.resume(), 'close');
    sockets[0]!.destroy();
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect((await open()).destroyed).toBe(false);
  });

  test('survives what is no HTTP/2', async () => {
    const member = new FakeMember();
    member.range = nothing;
    const server = await serve(member);
    for (const bytes of [
      'GET / HTTP/1.1\r\nHost: a\r\n\r\n',
      '\0\0\0\0\0\0\0\0\0',
      'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\xff\xff\xff',
    ]) {
      const socket = connect(server.port, '127.0.0.1');
      releases.push(() => socket.destroy());
      socket.on('error', () => {});
      socket.write(Buffer.from(bytes, 'latin1'));
      await new Promise((resolve) => setTimeout(resolve, 10));
    }

    expect((await client(server).unary(KVService.range, range())).header?.revision).toBe(100);
  });

  test('says with the code of the system that a port is taken', async () => {
    const server = await serve(new FakeMember());
    const again = serveGrpc({
      ...{ host: '127.0.0.1', port: server.port, member: new FakeMember() },
      ...{ maxRequestBytes: MAX_REQUEST_BYTES, logger: silentLogger },
    });

    await expect(again).rejects.toMatchObject({ code: 'EADDRINUSE' });
  });
});

async function eventually(condition: () => boolean): Promise<void> {
  const deadlineMs = performance.now() + 5_000;
  while (!condition()) {
    if (performance.now() > deadlineMs) throw new Error('what was waited for did not come');
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}
