import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { settle } from '../testing/manual-clock.js';
import { KIND } from './frame.js';
import { RawListener } from './testing/raw-end.js';
import { TcpProxy } from './testing/tcp-proxy.js';
import { connect, heartbeat, PeerWorld, type TestMember, until } from './testing/world.js';

let world: PeerWorld;
beforeEach(() => {
  world = new PeerWorld();
});
afterEach(() => world.close());

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

/** A port that nobody listens on. */
async function closedUrl(): Promise<string> {
  const listener = await RawListener.start();
  const { url } = listener;
  await listener.close();
  return url;
}

/** Lets sockets and then timers have their turn, in steps, until something holds. */
async function advanceUntil(condition: () => boolean, stepMs = 5, limitMs = 60_000): Promise<number> {
  for (let ms = 0; ms <= limitMs; ms += stepMs) {
    await realTurn();
    if (condition()) return ms;
    await world.clock.advance(stepMs);
  }
  throw new Error('it never came about');
}

/** What the operating system needs for loopback. */
const realTurn = () => new Promise((resolve) => setTimeout(resolve, 2));

test('a process that ends is noticed at once: the connection breaks, the next one is refused', async () => {
  const [a, b] = [await world.start(1n), await world.start(2n)];
  await connect(a, b);
  const brokenMs = performance.now();
  await b.peers.close();
  await until(() => a.handler.gone.length > 0);
  // No timer was needed: the clock has not moved. In real time it is a few milliseconds.
  expect(performance.now() - brokenMs).toBeLessThan(500);
  expect(a.handler.gone).toEqual([2n]);
  expect(a.handler.unreachable).toEqual([2n]);
});

test('a process is gone only if nobody listens at any of its URLs', async () => {
  const [a, b] = [await world.start(1n), await memberTwo()];
  const elsewhere = await RawListener.start();
  elsewhere.onConnection = ({ socket }) => socket.destroy();
  world.add(() => elsewhere.close());
  a.peers.setPeers([{ id: 2n, urls: [b.url, elsewhere.url] }]);
  await until(() => a.peers.isConnected(2n));
  await b.close();
  await until(() => elsewhere.ends.length > 0 && elsewhere.ends[0]!.isClosed);
  await settle();
  expect(a.handler.gone).toEqual([]);

  await elsewhere.close();
  await advanceUntil(() => a.handler.gone.length > 0);
});

test('a member that was never connected is not gone, it is only not there', async () => {
  const a = await world.start(1n);
  a.peers.setPeers([{ id: 2n, urls: [await closedUrl()] }]);
  await advanceUntil(() => a.logged.length > 0);
  await world.clock.advance(5_000);
  expect(a.handler.gone).toEqual([]);
  expect(a.handler.unreachable).toEqual([]);
});

test('a process is gone once, however often the next attempts are refused', async () => {
  const a = await world.start(1n);
  const b = await memberTwo();
  await connectTo(a, b);
  await b.close();
  await until(() => a.handler.gone.length === 1);
  await advanceUntil(() => false, 50, 3_000).catch(() => {});
  expect(a.handler.gone).toEqual([2n]);
});

test('a connection that breaks while the process lives comes back at once, and nobody is gone', async () => {
  const [a, b] = [await world.start(1n), await memberTwo()];
  await connectTo(a, b);
  b.ends[0]!.socket.resetAndDestroy();
  await until(() => b.ends.length === 2 && a.peers.isConnected(2n));
  expect(a.handler.gone).toEqual([]);
  expect(a.handler.unreachable).toEqual([2n]);
});

test('a connection that breaks again soon is redialled by backoff, so that nobody is dialled without end', async () => {
  const [a, b] = [await world.start(1n), await memberTwo()];
  await connectTo(a, b);
  b.ends[0]!.socket.destroy();
  await until(() => b.ends.length === 2 && a.peers.isConnected(2n));
  b.ends[1]!.socket.destroy();
  await until(() => !a.peers.isConnected(2n));
  await realTurn();
  await settle();
  expect(b.ends.length).toBe(2);
  const waitedMs = await advanceUntil(() => b.ends.length === 3);
  expect(waitedMs).toBeLessThanOrEqual(30);
});

test('attempts go on without end, ever more slowly up to a second, and not in step', async () => {
  const a = await world.start(1n);
  const b = await RawListener.start();
  world.add(() => b.close());
  b.onConnection = ({ socket }) => socket.destroy();
  a.peers.setPeers([{ id: 2n, urls: [b.url] }]);
  const waits: number[] = [];
  for (let attempt = 1; attempt <= 10; attempt += 1) {
    waits.push(await advanceUntil(() => b.ends.length === attempt, 10));
    await until(() => b.ends[attempt - 1]!.isClosed);
  }

  const [, ...between] = waits;
  const ideal = [25, 50, 100, 200, 400, 800, 1_000, 1_000, 1_000];
  between.forEach((waitMs, at) => {
    expect(waitMs).toBeGreaterThanOrEqual(ideal[at]! / 2 - 10);
    expect(waitMs).toBeLessThanOrEqual(ideal[at]! + 10);
  });
  expect(new Set(between.slice(-4)).size).toBeGreaterThan(1);

  b.welcomes({ clusterId: 0xc1n, memberId: 2n, incarnation: 20n });
  await advanceUntil(() => a.peers.isConnected(2n), 50);
});

test('the URLs of a member are tried in turn, without a wait between them', async () => {
  const [a, b] = [await world.start(1n), await world.start(2n)];
  a.peers.setPeers([{ id: 2n, urls: ['nonsense', await closedUrl(), b.peers.urls[0]!] }]);
  await until(() => a.peers.isConnected(2n));
  expect(world.clock.now()).toBe(0);
});

test('a member that accepts and says nothing is given up in time, and dialled again', async () => {
  const a = await world.start(1n, { limits: { greetingTimeoutMs: 400 } });
  const b = await RawListener.start();
  world.add(() => b.close());
  a.peers.setPeers([{ id: 2n, urls: [b.url] }]);
  await until(() => b.ends.length === 1 && b.ends[0]!.hasHeard(KIND.hello));
  await world.clock.advance(399);
  expect(b.ends[0]!.isClosed).toBe(false);
  await world.clock.advance(1);
  await until(() => b.ends[0]!.isClosed);
  expect(a.logged.join()).toContain('it did not answer within 400 ms');
  await advanceUntil(() => b.ends.length === 2);
});

test('a connection on which nothing comes any more is found out, and the other end tries anew', async () => {
  const [a, b] = [await world.start(1n), await world.start(2n)];
  const proxy = await TcpProxy.start(Number(new URL(b.peers.urls[0]!).port));
  world.add(() => proxy.close());
  a.peers.setPeers([{ id: 2n, urls: [proxy.url] }]);
  await until(() => a.peers.isConnected(2n));
  await advanceUntil(() => world.clock.now() >= 4_000, 250);
  expect(a.peers.connectedSince(2n)).toBe(0);

  await proxy.set({ type: 'drop', ways: ['toTarget', 'fromTarget'] });
  const hungMs = await advanceUntil(() => !a.peers.isConnected(2n), 250);
  expect(hungMs).toBeLessThanOrEqual(2_500);
  expect(a.handler.unreachable).toEqual([2n]);
  expect(a.handler.gone).toEqual([]);
  expect(a.logged.join()).toContain('nothing came from the other end for too long');
  await advanceUntil(() => b.logged.join().includes('nothing came from the other end for too long'), 250);

  await proxy.set({ type: 'pass' });
  await advanceUntil(() => a.peers.isConnected(2n), 250);
});

test('our own stall is not taken for one of the other end', async () => {
  const [a, b] = [await world.start(1n), await world.start(2n)];
  await connect(a, b);
  // An hour passes between two beats, as when the process was stopped: no beats were missed meanwhile.
  await world.clock.advance(499);
  (world.clock as unknown as { now: () => number }).now = () => 3_600_000;
  await world.clock.advance(1);
  await realTurn();
  expect(a.peers.isConnected(2n)).toBe(true);
});

test('an idle connection costs one small frame each way in half a second, and a busy one none', async () => {
  const [a, b] = [await world.start(1n), await memberTwo()];
  await connectTo(a, b);
  const end = b.ends[0]!;
  const keepAlives = () => end.frames.filter(({ kind }) => kind === KIND.keepAlive).length;
  await until(() => end.hasHeard(KIND.hello));
  await world.clock.advance(500);
  for (let beat = 0; beat < 3; beat += 1) {
    await world.clock.advance(500);
    await realTurn();
  }
  await until(() => keepAlives() === 3);

  for (let beat = 0; beat < 3; beat += 1) {
    a.peers.send(2n, [heartbeat(beat)]);
    await realTurn();
    await world.clock.advance(500);
  }
  await realTurn();
  expect(keepAlives()).toBe(3);
});
