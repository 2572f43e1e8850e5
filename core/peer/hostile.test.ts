import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { between, seededPrng } from '../base/prng.js';
import { encodeFrame, FRAME_HEADER_BYTES, headerOf, KIND, PREAMBLE } from './frame.js';
import { encodeHello } from './greeting.js';
import { framesOf } from './message-frames.js';
import { dialRaw, helloBytes, type RawEnd, RawListener } from './testing/raw-end.js';
import { announcement, heartbeat, PeerWorld, type TestMember, until } from './testing/world.js';
import type { Greeting } from './types.js';

const ONE: Greeting = { clusterId: 0xc1n, memberId: 1n, incarnation: 10n };
const SEED = 20_140_801;

let world: PeerWorld;
let member: TestMember;
beforeEach(async () => {
  world = new PeerWorld();
  member = await world.start(2n, { limits: { frameBytesMax: 64 * 1024 } });
});
afterEach(() => world.close());

async function raw(): Promise<RawEnd> {
  const end = await dialRaw(member.peers.urls[0]!);
  world.add(() => void end.socket.destroy());
  return end;
}

/** A connection that was welcomed, so that messages may follow. */
async function welcomed(greeting = ONE): Promise<RawEnd> {
  const end = await raw();
  end.write(helloBytes(greeting, 2n));
  await until(() => end.hasHeard(KIND.welcome));
  return end;
}

/** The member goes on: another one is heard as ever. */
async function stillServes(): Promise<void> {
  const before = member.handler.frames.length;
  const end = await welcomed({ ...ONE, memberId: 77n });
  end.write(...framesOf([heartbeat(42)], 1_000));
  await until(() => member.handler.frames.length === before + 1);
  end.socket.destroy();
}

const frame = (kind: number, body: Uint8Array) => encodeFrame(kind, body.length, (writer) => writer.raw(body));
const message = framesOf([heartbeat(1)], 1_000)[0]!;
const messageBody = message.subarray(FRAME_HEADER_BYTES);

test.each<[string, readonly Uint8Array[]]>([
  ['an HTTP request', [Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n')]],
  ['a TLS greeting', [Buffer.from('16030100c8010000c40303', 'hex')]],
  ['zeros', [Buffer.alloc(64)]],
  ['a preamble and then random bytes', [PREAMBLE, Buffer.from('9f3a77c21b00ffee0d5528', 'hex')]],
  ['a message instead of a hello', [PREAMBLE, message]],
  ['a hello that is cut short', [PREAMBLE, frame(KIND.hello, Buffer.alloc(40))]],
  ['a hello with more behind it', [PREAMBLE, frame(KIND.hello, Buffer.alloc(42))]],
  ['a hello for no purpose that there is', [PREAMBLE, frame(KIND.hello, Buffer.alloc(41, 9))]],
])('%s ends the connection, and the member goes on', async (_, bytes) => {
  const end = await raw();
  end.write(...bytes);
  await until(() => end.isClosed);
  expect(member.handler.greeted).toEqual([]);
  expect(end.receivedBytes).toBe(0);
  expect(member.logged.join()).toContain('a connection ended before it was known who made it');
  await stillServes();
});

test.each<[string, Uint8Array, string]>([
  ['a frame of a kind that there is not', frame(200, messageBody), 'a frame of kind 200'],
  ['a second hello', encodeHello({ purpose: 'messages', greeting: ONE, target: 2n }), 'a frame of kind 1'],
  ['a chunk where messages are sent', frame(KIND.chunk, Buffer.alloc(8)), 'a frame of kind 7'],
  ['a frame of no messages', frame(KIND.messages, Buffer.alloc(0)), 'a frame ends before'],
  ['a message that is cut short', frame(KIND.messages, messageBody.subarray(0, 9)), 'a frame ends before'],
  [
    'bytes after a message',
    frame(KIND.messages, Buffer.concat([messageBody, Buffer.of(99)])),
    'no message with tag 99',
  ],
  ['a keep-alive that says something', frame(KIND.keepAlive, Buffer.of(1)), 'a keep-alive with a body'],
  [
    'a damaged frame',
    Buffer.concat([headerOf(KIND.messages, messageBody), Buffer.alloc(messageBody.length)]),
    'checksum',
  ],
])('%s ends the connection of a member, with the reason in the log', async (_, bytes, reason) => {
  const end = await welcomed();
  end.write(bytes);
  await until(() => end.isClosed);
  expect(member.handler.frames).toEqual([]);
  expect(member.logged.join()).toContain(reason);
  await stillServes();
});

test('a frame at the limit is read; the header of a larger one ends the connection', async () => {
  const command = (bytes: number) =>
    framesOf([{ type: 'forward', request: 1, commands: [Buffer.alloc(bytes)] }], 2 ** 20);
  const overhead = command(0)[0]!.length;
  const end = await welcomed();
  end.write(...command(64 * 1024 - overhead));
  await until(() => member.handler.frames.length === 1);

  end.write(command(64 * 1024 - overhead + 1)[0]!.subarray(0, FRAME_HEADER_BYTES));
  await until(() => end.isClosed);
  expect(member.logged.join()).toContain('a frame of 65528 bytes; at most 65527');
  await stillServes();
});

test('what came before the bytes that are not understood is heard, and nothing after them', async () => {
  const end = await welcomed();
  end.write(message, message, frame(200, Buffer.alloc(3)), message);
  await until(() => end.isClosed);
  expect(member.handler.frames).toHaveLength(2);
});

test('a dialler that is answered with nonsense says so, and dials again', async () => {
  const a = await world.start(1n);
  a.peers.setPeers([
    { id: 2n, urls: [await echoUrl(Buffer.concat([PREAMBLE, frame(KIND.welcome, Buffer.alloc(3))]))] },
  ]);
  await until(() => a.logged.length > 0);
  expect(a.logged[0]).toContain('it was not understood: a frame ends before what it holds');
});

async function echoUrl(bytes: Uint8Array): Promise<string> {
  const listener = await RawListener.start();
  world.add(() => listener.close());
  listener.onConnection = (end) => end.write(bytes);
  return listener.url;
}

test('a thousand connections of damaged bytes leave a member that serves and logs no more than it must', async () => {
  const prng = seededPrng(SEED);
  const good = Buffer.concat([
    helloBytes(ONE, 2n),
    ...framesOf(
      [heartbeat(1), { type: 'forward', request: 3, commands: [Buffer.alloc(300, 7)] }, announcement()],
      1_000,
    ),
    ...framesOf([{ type: 'renewed', request: 4, ttls: [1, 2.5], refusal: { code: 'X', message: 'why' } }], 1_000),
  ]);
  const damaged = () => {
    const bytes = Buffer.from(good);
    const flips = between(prng, 0, 3);
    for (let flip = 0; flip < flips; flip += 1) bytes[between(prng, 0, bytes.length - 1)]! ^= 1 << between(prng, 0, 7);
    const cutAt = between(prng, 1, bytes.length);
    return prng.next() < 0.5 ? bytes.subarray(0, cutAt) : Buffer.concat([bytes, bytes.subarray(cutAt)]);
  };
  for (let round = 0; round < 40; round += 1) {
    const ends = await Promise.all(Array.from({ length: 25 }, raw));
    for (const end of ends) {
      end.write(damaged());
      end.socket.end();
    }
    await until(() => ends.every((end) => end.isClosed));
  }

  await stillServes();
  // What was logged is bounded, for it says each thing once a minute.
  expect(member.logged.length).toBeLessThan(60);
});
