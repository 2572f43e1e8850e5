import { afterEach, beforeEach, expect, test } from '@jest/globals';
import type { InstallSnapshotRequest } from '../raft/types.js';
import { settle } from '../testing/manual-clock.js';
import { encodeFrame, KIND, PREAMBLE } from './frame.js';
import { encodeVerdict, encodeWelcome } from './greeting.js';
import { CHUNK_BYTES_MAX } from './snapshot-receiver.js';
import { bytesOf } from './testing/fake-handler.js';
import { RawListener } from './testing/raw-end.js';
import { chunksOf, outcome, pattern, Source } from './testing/snapshots.js';
import { TcpProxy } from './testing/tcp-proxy.js';
import { announcement, connect, heartbeat, PeerWorld, type TestMember, until } from './testing/world.js';

const NEVER = new AbortController().signal;
const MIB = 1024 * 1024;

let world: PeerWorld;
beforeEach(() => {
  world = new PeerWorld();
});
afterEach(() => world.close());

async function pair(limits = {}): Promise<readonly [TestMember, TestMember]> {
  const [a, b] = [await world.start(1n, { limits }), await world.start(2n, { limits })];
  await connect(a, b);
  return [a, b];
}

const chunkFrame = (bytes: Uint8Array) => encodeFrame(KIND.chunk, bytes.length, (writer) => writer.raw(bytes));

test.each([0, 1, 64 * 1024, CHUNK_BYTES_MAX, CHUNK_BYTES_MAX + 1, 3 * MIB])(
  'a snapshot of %d bytes arrives whole, with what it was announced as',
  async (size) => {
    const [a, b] = await pair({ snapshotBytesPerSecond: 2 ** 40 });
    const announced: InstallSnapshotRequest[] = [];
    const receive = b.handler.receive;
    b.handler.receive = (chunks, announcement) => {
      announced.push(announcement);
      return receive(chunks, announcement);
    };
    const bytes = pattern(size);
    await a.peers.sendSnapshot(2n, announcement(9), chunksOf(bytes, 64 * 1024), NEVER);
    expect(Buffer.compare(b.handler.snapshots[0]!, bytes)).toBe(0);
    expect(announced).toEqual([announcement(9)]);
  },
);

test('chunks larger than a frame may be are cut', async () => {
  const [a, b] = await pair();
  const sizes: number[] = [];
  b.handler.receive = async (chunks) => {
    for await (const chunk of chunks) sizes.push(chunk.length);
  };
  await a.peers.sendSnapshot(2n, announcement(), chunksOf(pattern(MIB + 5), MIB + 5), NEVER);
  expect(sizes).toEqual([CHUNK_BYTES_MAX, CHUNK_BYTES_MAX, CHUNK_BYTES_MAX, CHUNK_BYTES_MAX, 5]);
});

test('it is sent only when the receiver says that it has it', async () => {
  const [a, b] = await pair();
  let finish = () => {};
  let hasAll = false;
  b.handler.receive = async (chunks) => {
    await bytesOf(chunks);
    hasAll = true;
    await new Promise<void>((resolve) => (finish = resolve));
  };
  const sent = outcome(a.peers.sendSnapshot(2n, announcement(), chunksOf(pattern(1_000), 100), NEVER));
  await until(() => hasAll);
  await settle();
  expect(sent.value).toBeUndefined();
  finish();
  await until(() => sent.value === 'done');
});

test('a receiver that does not take it says why, also in the middle, and the source is ended', async () => {
  const [a, b] = await pair();
  b.handler.receive = async (chunks) => {
    for await (const _ of chunks) throw new Error('the disk is full');
  };
  let isEnded = false;
  const endless = async function* () {
    try {
      for (;;) yield pattern(64 * 1024);
    } finally {
      isEnded = true;
    }
  };
  const sending = a.peers.sendSnapshot(2n, announcement(), endless(), NEVER);
  await expect(sending).rejects.toMatchObject({ code: 'SNAPSHOT_TRANSFER', retry: 'safe', memberId: 2n });
  await expect(sending).rejects.toThrow('the disk is full');
  await until(() => isEnded);
  expect(b.logged.join()).toContain('the disk is full');
});

test('a connection that breaks ends it at both ends, and leaves nothing', async () => {
  const [a, b] = [await world.start(1n), await world.start(2n)];
  const proxy = await TcpProxy.start(Number(new URL(b.peers.urls[0]!).port));
  world.add(() => proxy.close());
  a.peers.setPeers([{ id: 2n, urls: [proxy.url] }]);
  await until(() => a.peers.isConnected(2n));
  const received = { value: undefined as string | undefined };
  b.handler.receive = (chunks) => {
    const reading = bytesOf(chunks).then(() => {});
    Object.assign(received, outcome(reading));
    reading.catch((error: Error) => (received.value = error.message));
    return reading;
  };
  const source = new Source();
  const sent = outcome(a.peers.sendSnapshot(2n, announcement(), source, NEVER));
  await until(() => source.pulled === 1);
  source.give();
  await until(() => source.pulled === 2);

  await proxy.set({ type: 'reset' });
  await until(() => sent.value !== undefined && received.value !== undefined);
  expect(sent.value).toContain('the snapshot between this member and 2 was not taken over');
  expect(received.value).toContain('the snapshot between this member and 1 was not taken over');
  source.give();
  await until(() => source.isEnded);

  await proxy.set({ type: 'pass' });
  b.handler.receive = async (chunks) => void b.handler.snapshots.push(await bytesOf(chunks));
  await a.peers.sendSnapshot(2n, announcement(), chunksOf(pattern(100), 10), NEVER);
  expect(b.handler.snapshots).toHaveLength(1);
});

test('whoever sends may call it off at any moment', async () => {
  const [a, b] = await pair();
  const source = new Source();
  const abort = new AbortController();
  const received: string[] = [];
  b.handler.receive = (chunks) =>
    bytesOf(chunks).then(
      () => {},
      (error: Error) => void received.push(error.message),
    );
  const sent = outcome(a.peers.sendSnapshot(2n, announcement(), source, abort.signal));
  await until(() => source.pulled === 1);
  abort.abort(new Error('not the leader any more'));
  await until(() => sent.value !== undefined && received.length === 1);
  expect(sent.value).toBe('not the leader any more');
  source.give();
  await until(() => source.isEnded);

  await expect(a.peers.sendSnapshot(2n, announcement(), source, abort.signal)).rejects.toThrow(
    'not the leader any more',
  );
});

test('what the source throws is thrown, and the receiver hears that it broke', async () => {
  const [a, b] = await pair();
  const source = new Source();
  const received: string[] = [];
  b.handler.receive = (chunks) =>
    bytesOf(chunks).then(
      () => {},
      (error: Error) => void received.push(error.message),
    );
  const sent = outcome(a.peers.sendSnapshot(2n, announcement(), source, NEVER));
  await until(() => source.pulled === 1);
  source.fail(new Error('the backend is closed'));
  await until(() => sent.value !== undefined && received.length === 1);
  expect(sent.value).toBe('the backend is closed');
  expect(received[0]).toContain('the other end closed it');
});

test('a receiver that does not pull makes the sender wait, with little held in between', async () => {
  const [a, b] = await pair();
  let pull = () => {};
  b.handler.receive = async (chunks) => {
    await new Promise<void>((resolve) => (pull = resolve));
    b.handler.snapshots.push(await bytesOf(chunks));
  };
  const size = 24 * MIB;
  let givenBytes = 0;
  const source = async function* () {
    for (; givenBytes < size; givenBytes += 64 * 1024) yield pattern(64 * 1024);
  };
  const sent = outcome(a.peers.sendSnapshot(2n, announcement(), source(), NEVER));
  let before = -1;
  while (before !== givenBytes) {
    before = givenBytes;
    for (let turn = 0; turn < 20; turn += 1) await world.clock.advance(50);
  }
  // A mebibyte at the receiver; the rest is the operating system's.
  expect(givenBytes).toBeLessThan(16 * MIB);
  expect(sent.value).toBeUndefined();

  pull();
  for (let turn = 0; turn < 2_000 && sent.value === undefined; turn += 1) await world.clock.advance(10);
  await until(() => sent.value === 'done');
  expect(b.handler.snapshots[0]!.length).toBe(size);
});

test('a snapshot takes the time that its limit says, and heartbeats pass it by', async () => {
  const [a, b] = await pair({ snapshotBytesPerSecond: MIB });
  const sent = outcome(a.peers.sendSnapshot(2n, announcement(), chunksOf(pattern(4 * MIB), 64 * 1024), NEVER));
  for (let second = 1; second <= 3; second += 1) {
    for (let tenth = 0; tenth < 10; tenth += 1) await world.clock.advance(100);
    a.peers.send(2n, [heartbeat(second)]);
    await until(() => b.handler.frames.length === second);
    expect(sent.value).toBeUndefined();
  }
  for (let tenth = 0; tenth < 12 && sent.value === undefined; tenth += 1) {
    await world.clock.advance(100);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  await until(() => sent.value === 'done');
  expect(world.clock.now()).toBeGreaterThanOrEqual(3_900);
  expect(a.peers.connectedSince(2n)).toBe(0);
});

test('a sender that has its hands full of one snapshot lets others have their turn', async () => {
  const [a, b] = await pair({ snapshotBytesPerSecond: 2 ** 40 });
  let turns = 0;
  const count = () => {
    turns += 1;
    if (sent.value === undefined) setImmediate(count);
  };
  const sent = outcome(a.peers.sendSnapshot(2n, announcement(), chunksOf(pattern(8 * MIB), 64 * 1024), NEVER));
  count();
  await until(() => sent.value === 'done');
  expect(turns).toBeGreaterThan(128);
  expect(b.handler.snapshots[0]!.length).toBe(8 * MIB);
});

test('a receiver that lives but stands still is given up in time', async () => {
  const [a, b] = await pair({ snapshotStallMs: 5_000 });
  b.handler.receive = async (chunks) => {
    await bytesOf(chunks);
    await new Promise(() => {});
  };
  const sent = outcome(a.peers.sendSnapshot(2n, announcement(), chunksOf(pattern(10), 10), NEVER));
  for (let ms = 0; ms < 4_900; ms += 100) await world.clock.advance(100);
  expect(sent.value).toBeUndefined();
  for (let ms = 0; ms < 300; ms += 100) await world.clock.advance(100);
  expect(sent.value).toContain('it stood still for 5000 ms because of the other end');
});

test('a sender that lives but stands still is given up in time', async () => {
  const [a, b] = await pair({ snapshotStallMs: 5_000 });
  const received: string[] = [];
  b.handler.receive = (chunks) =>
    bytesOf(chunks).then(
      () => {},
      (error: Error) => void received.push(error.message),
    );
  const source = new Source();
  const sent = outcome(a.peers.sendSnapshot(2n, announcement(), source, NEVER));
  await until(() => source.pulled === 1);
  await settle();
  for (let ms = 0; ms < 5_200; ms += 100) await world.clock.advance(100);
  await until(() => received.length === 1 && sent.value !== undefined);
  expect(received[0]).toContain('nothing of the snapshot came for 5000 ms');
});

test('a connection that hangs in the middle of a snapshot is found out', async () => {
  const [a, b] = [await world.start(1n), await world.start(2n)];
  const proxy = await TcpProxy.start(Number(new URL(b.peers.urls[0]!).port));
  world.add(() => proxy.close());
  a.peers.setPeers([{ id: 2n, urls: [proxy.url] }]);
  await until(() => a.peers.isConnected(2n));
  const source = new Source();
  const sent = outcome(a.peers.sendSnapshot(2n, announcement(), source, NEVER));
  await until(() => source.pulled === 1);
  await proxy.set({ type: 'drop', ways: ['fromTarget'] });
  for (let ms = 0; ms < 3_000; ms += 250) {
    await world.clock.advance(250);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  expect(sent.value).toContain('nothing came from the other end for too long');
});

test('so many snapshots at once are sent and received, and one more is not', async () => {
  const b = await world.start(2n, { limits: { snapshotsMax: 2 } });
  const a = await world.start(1n, { limits: { snapshotsMax: 2 } });
  const c = await world.start(3n);
  const d = await world.start(4n);
  const address = ({ id, peers }: TestMember) => ({ id, urls: peers.urls });
  a.peers.setPeers([b, c, d].map(address));
  for (const member of [c, d]) member.peers.setPeers([address(b)]);
  const sources = [new Source(), new Source(), new Source()] as const;
  const abort = new AbortController();
  const first = outcome(a.peers.sendSnapshot(2n, announcement(), sources[0], abort.signal));
  const second = outcome(a.peers.sendSnapshot(3n, announcement(), sources[1], abort.signal));
  await expect(a.peers.sendSnapshot(4n, announcement(), sources[2], NEVER)).rejects.toThrow(
    '2 snapshots are being sent already',
  );
  await until(() => sources[0].pulled === 1);

  const third = outcome(c.peers.sendSnapshot(2n, announcement(), sources[2], abort.signal));
  await until(() => sources[2].pulled === 1);
  await settle();
  await expect(d.peers.sendSnapshot(2n, announcement(), chunksOf(pattern(MIB), 1_000), NEVER)).rejects.toThrow(
    'it receives 2 snapshots already',
  );
  expect([first.value, second.value, third.value]).toEqual([undefined, undefined, undefined]);

  abort.abort(new Error('enough'));
  await until(() => [first, second, third].every(({ value }) => value === 'enough'));
  await settle();
  await d.peers.sendSnapshot(2n, announcement(), chunksOf(pattern(MIB), 10_000), NEVER);
});

test('it is not sent to somebody who is no peer, nor to one that refuses us', async () => {
  const [a, b] = await pair();
  await expect(a.peers.sendSnapshot(9n, announcement(), chunksOf(pattern(1), 1), NEVER)).rejects.toThrow(
    'it is no member that this one knows',
  );
  b.handler.judge = () => ({ code: 'memberRemoved', reason: 'member 1 was removed' });
  await expect(a.peers.sendSnapshot(2n, announcement(), chunksOf(pattern(1), 1), NEVER)).rejects.toThrow(
    'member 1 was removed',
  );
});

test('closing ends what is sent and received', async () => {
  const [a, b] = await pair();
  const received: string[] = [];
  b.handler.receive = (chunks) =>
    bytesOf(chunks).then(
      () => {},
      (error: Error) => void received.push(error.message),
    );
  const [one, two] = [new Source(), new Source()];
  const sent = outcome(a.peers.sendSnapshot(2n, announcement(), one, NEVER));
  await until(() => one.pulled === 1);
  await settle();
  await a.peers.close();
  await until(() => sent.value !== undefined && received.length === 1);
  expect(sent.value).toBe('the transport between members is closed');

  const c = await world.start(3n);
  await connect(c, b);
  const other = outcome(c.peers.sendSnapshot(2n, announcement(), two, NEVER));
  await until(() => two.pulled === 1);
  await settle();
  await b.peers.close();
  await until(() => other.value !== undefined && received.length === 2);
  expect(received[1]).toContain('the member stops');
  await c.peers.close();
  await settle();
  expect(world.clock.timerCount).toBe(0);
});

test('a receiver that answers early, or nonsense, ends it', async () => {
  const a = await world.start(1n);
  const b = await RawListener.start();
  world.add(() => b.close());
  const welcome = encodeWelcome({ clusterId: 0xc1n, memberId: 2n, incarnation: 20n });
  b.onConnection = (end) => end.write(PREAMBLE, welcome);
  a.peers.setPeers([{ id: 2n, urls: [b.url] }]);
  await until(() => a.peers.isConnected(2n));

  b.onConnection = (end) => end.write(PREAMBLE, welcome, encodeVerdict({ isTaken: true }));
  await expect(a.peers.sendSnapshot(2n, announcement(), new Source(), NEVER)).rejects.toThrow(
    'the other end says that it has what was not sent yet',
  );
  b.onConnection = (end) => end.write(PREAMBLE, welcome, chunkFrame(Buffer.alloc(5)));
  await expect(a.peers.sendSnapshot(2n, announcement(), new Source(), NEVER)).rejects.toThrow(
    'a frame of kind 7 instead of a verdict',
  );
});
