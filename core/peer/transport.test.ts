import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { settle } from '../testing/manual-clock.js';
import { FRAME_HEADER_BYTES, KIND } from './frame.js';
import { framesOf } from './message-frames.js';
import { dialRaw, helloBytes, RawListener } from './testing/raw-end.js';
import { connect, heartbeat, PeerWorld, type TestMember, until } from './testing/world.js';
import type { PeerMessage } from './types.js';

let world: PeerWorld;
beforeEach(() => {
  world = new PeerWorld();
});
afterEach(() => world.close());

/** Stands in for member 2, which welcomes and then does what the test makes it do. */
async function memberTwo(): Promise<RawListener> {
  const listener = await RawListener.start();
  world.add(() => listener.close());
  listener.welcomes({ clusterId: 0xc1n, memberId: 2n, incarnation: 20n });
  return listener;
}

async function connectTo(from: TestMember, listener: RawListener): Promise<void> {
  from.peers.setPeers([{ id: 2n, urls: [listener.url] }]);
  await until(() => from.peers.isConnected(2n));
}

const heardBy = (member: TestMember) => member.handler.frames.flatMap(({ messages }) => messages);

/** A message whose frame has exactly so many bytes. */
function messageOf(frameBytes: number): PeerMessage {
  const change = (bytes: number): PeerMessage => ({ type: 'askChange', request: 1, change: Buffer.alloc(bytes) });
  const overhead = framesOf([change(0)], frameBytes)[0]!.length;
  return change(frameBytes - overhead);
}

test('messages arrive at the other member, from whom they came', async () => {
  const [a, b] = [await world.start(1n), await world.start(2n)];
  await connect(a, b);

  a.peers.send(2n, [heartbeat(5), { type: 'stateHash', index: 5, hash: 99 }]);
  await until(() => b.handler.frames.length > 0);

  expect(b.handler.frames).toEqual([{ from: 1n, messages: [heartbeat(5), { type: 'stateHash', index: 5, hash: 99 }] }]);
});

test('one connection serves one direction: the other member answers on its own', async () => {
  const [a, b] = [await world.start(1n), await world.start(2n)];
  await connect(a, b);
  expect(b.peers.isConnected(1n)).toBe(false);
  b.peers.send(1n, [heartbeat(1)]);
  await settle();
  expect(b.handler.unreachable).toEqual([1n]);

  await connect(b, a);
  b.peers.send(1n, [heartbeat(2)]);
  await until(() => a.handler.frames.length > 0);
  expect(a.handler.frames[0]?.from).toBe(2n);
});

test('it says since when it is connected', async () => {
  const [a, b] = [await world.start(1n), await world.start(2n)];
  await world.clock.advance(70);
  await connect(a, b);
  await world.clock.advance(30);
  expect(a.peers.connectedSince(2n)).toBe(70);
  expect(a.peers.connectedSince(3n)).toBeUndefined();
});

test('what one send gives is one frame, and what one turn of the event loop gives is one write', async () => {
  const a = await world.start(1n);
  const b = await memberTwo();
  await connectTo(a, b);
  const end = b.ends[0]!;
  await until(() => end.hasHeard(KIND.hello));
  const piecesBefore = end.pieces.length;

  a.peers.send(2n, [heartbeat(1), heartbeat(2)]);
  await Promise.resolve();
  a.peers.send(2n, [heartbeat(3)]);
  await until(() => end.frames.length === 3);

  expect(end.pieces.length - piecesBefore).toBe(1);
  expect(end.frames.map(({ kind }) => kind)).toEqual([KIND.hello, KIND.messages, KIND.messages]);
});

test('what does not fit into one frame is sent in several', async () => {
  const limits = { frameBytesMax: 1_000 };
  const [a, b] = [await world.start(1n, { limits }), await world.start(2n, { limits })];
  await connect(a, b);
  const message = messageOf(400);
  a.peers.send(2n, [message, message, message, message, message]);
  await until(() => heardBy(b).length === 5);
  expect(b.handler.frames.map(({ messages }) => messages.length)).toEqual([2, 2, 1]);
  expect(a.handler.unreachable).toEqual([]);
});

test('a frame at the limit arrives; a message that needs a larger one is dropped, and it is said', async () => {
  // What was heard may not have been told as sent yet, and still waits in the queue: it has room for all of it.
  const limits = { frameBytesMax: 1_000, queueBytesMax: 10_000 };
  const [a, b] = [await world.start(1n, { limits }), await world.start(2n, { limits })];
  await connect(a, b);
  a.peers.send(2n, [messageOf(1_000)]);
  await until(() => heardBy(b).length === 1);
  expect(a.handler.unreachable).toEqual([]);

  a.peers.send(2n, [messageOf(1_001)]);
  await until(() => a.handler.unreachable.length === 1);
  a.peers.send(2n, [heartbeat(1)]);
  await until(() => heardBy(b).length === 2);
});

test('the queue takes bytes up to its bound, and drops what is past it', async () => {
  const a = await world.start(1n, { limits: { queueBytesMax: 1_000 } });
  const b = await memberTwo();
  await connectTo(a, b);

  a.peers.send(2n, [messageOf(600)]);
  a.peers.send(2n, [messageOf(400)]);
  await settle();
  expect(a.handler.unreachable).toEqual([]);

  a.peers.send(2n, [messageOf(600)]);
  a.peers.send(2n, [messageOf(401)]);
  a.peers.send(2n, [messageOf(402)]);
  a.peers.send(2n, [messageOf(400)]);
  await until(() => b.ends[0]!.frames.filter(({ kind }) => kind === KIND.messages).length === 4);
  expect(a.handler.unreachable).toEqual([2n]);
});

test('the queue takes frames up to its bound, and drops what is past it', async () => {
  const a = await world.start(1n, { limits: { queueFramesMax: 3 } });
  const b = await memberTwo();
  await connectTo(a, b);
  for (let at = 1; at <= 3; at += 1) a.peers.send(2n, [heartbeat(at)]);
  await settle();
  expect(a.handler.unreachable).toEqual([]);

  for (let at = 1; at <= 4; at += 1) a.peers.send(2n, [heartbeat(at)]);
  await until(() => b.ends[0]!.frames.filter(({ kind }) => kind === KIND.messages).length === 6);
  expect(a.handler.unreachable).toEqual([2n]);
});

test('frames that the operating system has not taken count, too', async () => {
  const a = await world.start(1n, { limits: { queueFramesMax: 5, queueBytesMax: 2 ** 30 } });
  const b = await memberTwo();
  await connectTo(a, b);
  b.ends[0]!.socket.pause();
  let sentBytes = 0;
  while (a.handler.unreachable.length === 0) {
    a.peers.send(2n, [messageOf(512 * 1024)]);
    sentBytes += 512 * 1024;
    await settle();
    expect(sentBytes).toBeLessThan(40 * 1024 * 1024);
  }
});

test('a member that does not read costs no more than the queue, and hears again once it reads', async () => {
  const queueBytesMax = 256 * 1024;
  const frameBytes = 32 * 1024;
  const a = await world.start(1n, { limits: { queueBytesMax } });
  const b = await memberTwo();
  await connectTo(a, b);
  const end = b.ends[0]!;
  await until(() => end.hasHeard(KIND.hello));
  end.socket.pause();

  // The operating system takes some megabytes of its own; then the queue fills, and then frames are dropped.
  let sentBytes = 0;
  while (a.handler.unreachable.length === 0) {
    a.peers.send(2n, [messageOf(frameBytes)]);
    sentBytes += frameBytes;
    await settle();
    expect(sentBytes).toBeLessThan(64 * 1024 * 1024);
  }
  for (let more = 0; more < 100; more += 1) a.peers.send(2n, [messageOf(frameBytes)]);
  await settle();

  end.socket.resume();
  await until(() => end.receivedBytes >= sentBytes - frameBytes);
  a.peers.send(2n, [heartbeat(77)]);
  await until(() => end.frames.at(-1)!.body.length < 100);
  // Everything that was dropped is missing, and nothing else: what arrived are whole frames.
  const arrived = end.frames.filter(({ body }) => body.length === frameBytes - FRAME_HEADER_BYTES);
  expect(arrived.length * frameBytes).toBe(sentBytes - frameBytes);
});

test('to somebody who is no peer everything is dropped, and it is said once in a turn', async () => {
  const a = await world.start(1n);
  a.peers.send(9n, [heartbeat(1)]);
  a.peers.send(9n, [heartbeat(2)]);
  expect(a.handler.unreachable).toEqual([]);
  await settle();
  expect(a.handler.unreachable).toEqual([9n]);
  expect(a.peers.isConnected(9n)).toBe(false);
});

test('a newer connection of the same member replaces the older one', async () => {
  const b = await world.start(2n);
  const greeting = { clusterId: 0xc1n, memberId: 1n, incarnation: 10n };
  const dialled = async () => {
    const end = await dialRaw(b.peers.urls[0]!);
    end.write(helloBytes(greeting, 2n));
    await until(() => end.hasHeard(KIND.welcome));
    return end;
  };
  const first = await dialled();
  const second = await dialled();

  await until(() => first.isClosed);
  second.write(...framesOf([heartbeat(2)], 1_000));
  await until(() => heardBy(b).length === 1);
  second.socket.destroy();
});

test('peers that are not named any more are let go of, after what was sent to them has left', async () => {
  const [a, b, c] = [await world.start(1n), await world.start(2n), await world.start(3n)];
  const address = (member: TestMember) => ({ id: member.id, urls: member.peers.urls });
  a.peers.setPeers([address(b), address(c)]);
  await until(() => a.peers.isConnected(2n) && a.peers.isConnected(3n));

  a.peers.send(2n, [heartbeat(1)]);
  a.peers.setPeers([address(c)]);
  await until(() => heardBy(b).length === 1);

  expect(a.peers.isConnected(2n)).toBe(false);
  expect(a.peers.isConnected(3n)).toBe(true);
  expect(a.handler.unreachable).toEqual([]);
});

test('a peer that moves is dialled at its new URL, and one that only gains a URL keeps its connection', async () => {
  const [a, b] = [await world.start(1n), await world.start(2n)];
  const old = await memberTwo();
  await connectTo(a, old);
  a.peers.setPeers([{ id: 2n, urls: [b.peers.urls[0]!, old.url] }]);
  expect(a.peers.isConnected(2n)).toBe(true);

  a.peers.setPeers([{ id: 2n, urls: b.peers.urls }]);
  expect(a.peers.isConnected(2n)).toBe(false);
  await until(() => a.peers.isConnected(2n));
  a.peers.send(2n, [heartbeat(1)]);
  await until(() => heardBy(b).length === 1);
  await until(() => old.ends[0]!.isClosed);
});

test('closing lets what was sent leave, and leaves nothing behind', async () => {
  const [a, b] = [await world.start(1n), await world.start(2n)];
  await connect(a, b);
  await connect(b, a);
  a.peers.send(2n, [{ type: 'timeoutNow', from: 1n, to: 2n, term: 4 }]);
  await a.peers.close();
  await until(() => heardBy(b).length === 1);
  expect(a.peers.isConnected(2n)).toBe(false);

  await b.peers.close();
  await b.peers.close();
  b.peers.send(1n, [heartbeat(1)]);
  b.peers.setPeers([{ id: 1n, urls: ['http://127.0.0.1:1'] }]);
  await settle();
  expect(world.clock.timerCount).toBe(0);
});

test('closing waits only so long for a member that does not read', async () => {
  const a = await world.start(1n, { limits: { drainMs: 300, queueBytesMax: 64 * 1024 * 1024 } });
  const b = await memberTwo();
  await connectTo(a, b);
  b.ends[0]!.socket.pause();
  for (let at = 0; at < 32; at += 1) a.peers.send(2n, [messageOf(1024 * 1024)]);
  let isClosed = false;
  const closed = a.peers.close().then(() => (isClosed = true));
  await world.clock.advance(299);
  expect(isClosed).toBe(false);
  await world.clock.advance(1);
  await closed;
});

test('closing ends also what was let go of before and nobody reads', async () => {
  const a = await world.start(1n, { limits: { queueBytesMax: 64 * 1024 * 1024 } });
  const b = await memberTwo();
  await connectTo(a, b);
  const end = b.ends[0]!;
  await until(() => end.hasHeard(KIND.hello));
  end.socket.pause();
  for (let at = 0; at < 32; at += 1) a.peers.send(2n, [messageOf(1024 * 1024)]);
  a.peers.setPeers([]);
  await settle();
  await a.peers.close();
  end.socket.resume();
  await until(() => end.isClosed);
  expect(end.receivedBytes).toBeLessThan(32 * 1024 * 1024);
});

test('an address in use is an error, and nothing is left listening', async () => {
  const a = await world.start(1n);
  await expect(world.start(2n, { port: Number(new URL(a.peers.urls[0]!).port) })).rejects.toThrow('EADDRINUSE');
  expect(world.clock.timerCount).toBe(0);
});
