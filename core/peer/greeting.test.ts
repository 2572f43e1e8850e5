import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { settle } from '../testing/manual-clock.js';
import { FRAME_HEADER_BYTES, KIND, PREAMBLE, PREAMBLE_BYTES, preambleOf, PROTOCOL_VERSION } from './frame.js';
import { decodeRefused, decodeWelcome, encodeHello, encodeRefused, encodeWelcome } from './greeting.js';
import { framesOf } from './message-frames.js';
import { dialRaw, helloBytes, type RawEnd, RawListener } from './testing/raw-end.js';
import { connect, heartbeat, PeerWorld, type TestMember, until } from './testing/world.js';
import type { Greeting, Refused } from './types.js';

const ONE: Greeting = { clusterId: 0xc1n, memberId: 1n, incarnation: 10n };
const TWO: Greeting = { clusterId: 0xc1n, memberId: 2n, incarnation: 20n };

let world: PeerWorld;
beforeEach(() => {
  world = new PeerWorld();
});
afterEach(() => world.close());

async function rawMember(): Promise<RawListener> {
  const listener = await RawListener.start();
  world.add(() => listener.close());
  return listener;
}

async function raw(to: TestMember): Promise<RawEnd> {
  const end = await dialRaw(to.peers.urls[0]!);
  world.add(() => void end.socket.destroy());
  return end;
}

const bodyOf = (frame: Buffer) => frame.subarray(FRAME_HEADER_BYTES);

const refusal: Refused = { code: 'memberWiped', reason: 'member 1 came back with an empty disk: replace it' };

test('both ends are asked about the other one, whom they hear of with cluster, id and incarnation', async () => {
  const [a, b] = [await world.start(1n), await world.start(2n)];
  await connect(a, b);
  expect(a.handler.greeted).toEqual([TWO]);
  // The one that is dialled is asked, and again after its peers were named.
  expect(b.handler.greeted).toEqual([ONE]);
});

test('a greeting tells where its sender listens; too long a list is left out', () => {
  const peerUrls = ['http://10.0.0.1:2380', 'https://[::1]:2381'];
  expect(decodeWelcome(bodyOf(encodeWelcome({ ...ONE, peerUrls })))).toEqual({ ...ONE, peerUrls });

  const tooMany = Array.from({ length: 50 }, (_, i) => `http://host-${i}.example:2380`);
  expect(decodeWelcome(bodyOf(encodeWelcome({ ...ONE, peerUrls: tooMany })))).toEqual(ONE);
});

test('a greeting with an address that is none is malformed', () => {
  const frame = encodeWelcome({ ...ONE, peerUrls: ['ftp://10.0.0.1:2380'] });
  expect(() => decodeWelcome(bodyOf(frame))).toThrow('an address is no URL');
});

test('a member that is refused is told why, in words, and it is logged at both ends once a minute', async () => {
  const [a, b] = [await world.start(1n), await world.start(2n)];
  b.handler.judge = () => refusal;
  a.peers.setPeers([{ id: 2n, urls: b.peers.urls }]);
  await until(() => a.handler.refused.length === 1);
  expect(a.handler.refused).toEqual([{ by: 2n, refused: refusal }]);
  expect(a.peers.isConnected(2n)).toBe(false);

  // It goes on asking, at the slowest pace: that is between half a second and one.
  await world.clock.advance(499);
  await new Promise((resolve) => setTimeout(resolve, 5));
  expect(a.handler.refused.length).toBe(1);
  await world.clock.advance(501);
  await until(() => a.handler.refused.length === 2);
  await world.clock.advance(4_000);
  for (const { logged } of [a, b]) expect(logged.filter((line) => line.includes('empty disk'))).toHaveLength(1);

  await world.clock.advance(55_000);
  const said = a.handler.refused.length;
  await world.clock.advance(1_000);
  await until(() => a.handler.refused.length > said);
  expect(b.logged.filter((line) => line.includes('empty disk'))).toHaveLength(2);

  b.handler.judge = () => undefined;
  await world.clock.advance(1_000);
  await until(() => a.peers.isConnected(2n));
});

test('who dials may refuse who answers, who hears of it; who dials is not told that it was refused', async () => {
  const [a, b] = [await world.start(1n), await world.start(2n)];
  const mismatch: Refused = { code: 'clusterMismatch', reason: 'member 2 belongs to another cluster' };
  a.handler.judge = () => mismatch;
  a.peers.setPeers([{ id: 2n, urls: b.peers.urls }]);
  await until(() => b.handler.refused.length === 1);
  expect(b.handler.refused).toEqual([{ by: 1n, refused: mismatch }]);
  await until(() => a.logged.some((line) => line.includes('member 2 belongs to another cluster')));
  expect(a.handler.refused).toEqual([]);
  expect(a.peers.isConnected(2n)).toBe(false);
});

test('a member that is refused later on, when the members have changed, is told so', async () => {
  const [a, b] = [await world.start(1n), await world.start(2n)];
  await connect(a, b);
  const removed: Refused = { code: 'memberRemoved', reason: 'member 1 was removed from the cluster' };
  b.handler.judge = () => removed;
  b.peers.setPeers([]);
  await until(() => a.handler.refused.length > 0);
  expect(a.handler.refused[0]).toEqual({ by: 2n, refused: removed });
  await until(() => !a.peers.isConnected(2n));
});

test('what a member sends after it was refused is not heard', async () => {
  const b = await world.start(2n);
  b.handler.judge = () => refusal;
  const end = await raw(b);
  end.write(helloBytes(ONE, 2n), ...framesOf([heartbeat(1)], 1_000));
  await until(() => end.isClosed);
  expect(decodeRefused(end.bodyOf(KIND.refused))).toEqual(refusal);
  expect(b.handler.frames).toEqual([]);
});

test('a URL that leads to another member than was meant is refused by whoever notices first', async () => {
  const [a, b] = [await world.start(1n), await world.start(2n)];
  a.peers.setPeers([{ id: 3n, urls: b.peers.urls }]);
  await until(() => a.handler.refused.length > 0);
  expect(a.handler.refused[0]).toEqual({
    by: 3n,
    refused: { code: 'wrongMember', reason: 'this is member 2, not member 3' },
  });

  const c = await world.start(4n);
  const liar = await rawMember();
  liar.welcomes(TWO);
  c.peers.setPeers([{ id: 5n, urls: [liar.url] }]);
  await until(() => c.handler.refused.length > 0 && liar.ends[0]!.hasHeard(KIND.refused));
  expect(c.handler.refused[0]?.refused.reason).toBe('member 2 answered where member 5 was expected');
  expect(decodeRefused(liar.ends[0]!.bodyOf(KIND.refused)).code).toBe('wrongMember');
});

test('a member that dials itself notices', async () => {
  const a = await world.start(1n);
  a.peers.setPeers([{ id: 1n, urls: a.peers.urls }]);
  await until(() => a.handler.refused.length > 0);
  expect(a.handler.refused[0]?.refused.reason).toBe('both ends say that they are member 1');
});

test('a member that speaks another version is refused, and both ends can say which', async () => {
  const b = await world.start(2n);
  const end = await raw(b);
  end.write(preambleOf(9), encodeHello({ purpose: 'messages', greeting: ONE, target: 2n }));
  await until(() => end.isClosed);
  // The preamble stays the same in every version: it is all that the other one can be told.
  expect(end.receivedBytes).toBe(PREAMBLE_BYTES);
  expect(b.logged).toEqual(['warn: refused a connection: another version {"theirs":9,"ours":2}']);
  expect(b.handler.greeted).toEqual([]);

  const a = await world.start(1n);
  const newer = await rawMember();
  newer.onConnection = (accepted) => accepted.write(preambleOf(9), Buffer.from('whatever it is that they say'));
  a.peers.setPeers([{ id: 2n, urls: [newer.url] }]);
  await until(() => a.handler.refused.length > 0);
  expect(a.handler.refused[0]?.refused).toEqual({
    code: 'versionMismatch',
    reason: "the other end speaks version 9 of the members' protocol, this one version 2",
  });
});

test('a welcome comes after our preamble and says who we are', async () => {
  const b = await world.start(2n);
  const end = await raw(b);
  end.write(helloBytes(ONE, 2n));
  await until(() => end.hasHeard(KIND.welcome));
  expect(end.version).toBe(PROTOCOL_VERSION);
  expect(decodeWelcome(end.bodyOf(KIND.welcome))).toEqual(TWO);
});

test('messages that come with the hello are heard', async () => {
  const b = await world.start(2n);
  const end = await raw(b);
  end.write(helloBytes(ONE, 2n), ...framesOf([heartbeat(8)], 1_000));
  await until(() => b.handler.frames.length === 1);
});

test('strangers are bounded in number: one more is closed at once', async () => {
  const b = await world.start(2n, { limits: { strangersMax: 2 } });
  const [first, second] = [await raw(b), await raw(b)];
  await settle();
  const third = await raw(b);
  await until(() => third.isClosed);
  expect(first.isClosed || second.isClosed).toBe(false);
  expect(b.logged.join()).toContain('too many connections at once whose other end is unknown');

  // Who has greeted is no stranger any more and makes room, as does who leaves.
  first.write(helloBytes(ONE, 2n));
  await until(() => first.hasHeard(KIND.welcome));
  second.socket.destroy();
  await settle();
  const [fourth, fifth] = [await raw(b), await raw(b)];
  fourth.write(helloBytes({ ...ONE, memberId: 4n }, 2n));
  await until(() => fourth.hasHeard(KIND.welcome));
  fifth.write(helloBytes({ ...ONE, memberId: 5n }, 2n));
  await until(() => fifth.hasHeard(KIND.welcome));
});

test('a stranger has only so long to say who it is', async () => {
  const b = await world.start(2n, { limits: { greetingTimeoutMs: 300 } });
  const [silent, slow, welcome] = [await raw(b), await raw(b), await raw(b)];
  slow.write(PREAMBLE);
  welcome.write(helloBytes(ONE, 2n));
  await until(() => welcome.hasHeard(KIND.welcome));
  await world.clock.advance(299);
  slow.write(encodeHello({ purpose: 'messages', greeting: ONE, target: 2n }).subarray(0, 5));
  await settle();
  expect([silent.isClosed, slow.isClosed]).toEqual([false, false]);
  await world.clock.advance(1);
  await until(() => silent.isClosed && slow.isClosed);
  expect(welcome.isClosed).toBe(false);
});

test('a first frame at its limit is read, and one past it ends the connection by its header', async () => {
  const b = await world.start(2n, { limits: { greetingBytesMax: 60 } });
  const hello = encodeHello({ purpose: 'messages', greeting: ONE, target: 2n });
  const [small, large] = [await raw(b), await raw(b)];
  small.write(PREAMBLE, hello);
  await until(() => small.hasHeard(KIND.welcome));

  const header = Buffer.from(hello.subarray(0, 9));
  header.writeUInt32LE(60 - 9 + 1, 0);
  large.write(PREAMBLE, header);
  await until(() => large.isClosed);
  expect(b.logged.join()).toContain('a frame of 52 bytes; at most 51');
});

test('a connection that was welcome may still be refused by who dialled', async () => {
  const a = await world.start(1n);
  const b = await rawMember();
  b.welcomes(TWO);
  a.peers.setPeers([{ id: 2n, urls: [b.url] }]);
  await until(() => a.peers.isConnected(2n));
  b.ends[0]!.write(encodeRefused(refusal));
  await until(() => a.handler.refused.length === 1);
  expect(a.handler.refused).toEqual([{ by: 2n, refused: refusal }]);
  await until(() => b.ends[0]!.isClosed);
});

test('who is logged is named by id; no address is', async () => {
  const a = await world.start(0xabcn);
  const b = await rawMember();
  b.onConnection = (end) => {
    end.write(PREAMBLE, encodeWelcome(TWO));
    end.socket.destroySoon();
  };
  a.peers.setPeers([{ id: 2n, urls: [b.url, 'http://localhost:1'] }]);
  await until(() => a.logged.length > 0);
  await b.close();
  await world.clock.advance(3_000);
  expect(a.logged.length).toBeGreaterThan(0);
  expect(a.logged.join()).not.toMatch(/127\.0\.0\.1|localhost|::1/);
});
