import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { settle } from '../testing/manual-clock.js';
import { boundOf, writeMessage } from './codec.js';
import { encodeFrame, KIND } from './frame.js';
import { decodeVerdict, encodeEnd } from './greeting.js';
import { CHUNK_BYTES_MAX } from './snapshot-receiver.js';
import { bytesOf } from './testing/fake-handler.js';
import { dialRaw, helloBytes, type RawEnd } from './testing/raw-end.js';
import { chunksOf, pattern } from './testing/snapshots.js';
import { announcement, connect, PeerWorld, type TestMember, until } from './testing/world.js';

const NEVER = new AbortController().signal;

let world: PeerWorld;
beforeEach(() => {
  world = new PeerWorld();
});
afterEach(() => world.close());

/** Begins to send a snapshot to a member by hand. */
async function announceByHand(to: TestMember, memberId = 1n): Promise<RawEnd> {
  const end = await dialRaw(to.peers.urls[0]!);
  world.add(() => void end.socket.destroy());
  end.write(
    helloBytes({ clusterId: 0xc1n, memberId, incarnation: 10n }, 2n, 'snapshot'),
    encodeFrame(KIND.announcement, boundOf(announcement()), (writer) => writeMessage(writer, announcement())),
  );
  await until(() => end.hasHeard(KIND.welcome));
  return end;
}

const chunkFrame = (bytes: Uint8Array) => encodeFrame(KIND.chunk, bytes.length, (writer) => writer.raw(bytes));

test('a damaged snapshot is noticed at its end by the receiver, and both ends know', async () => {
  const b = await world.start(2n);
  const received: { value: string | undefined } = { value: undefined };
  b.handler.receive = async (chunks) => {
    Object.assign(received, { value: undefined });
    await bytesOf(chunks).catch((error: Error) => {
      received.value = error.message;
      throw error;
    });
  };
  const end = await announceByHand(b);
  end.write(chunkFrame(pattern(500)), encodeEnd(500, Buffer.alloc(32)));
  await until(() => end.hasHeard(KIND.verdict));
  const verdict = decodeVerdict(end.bodyOf(KIND.verdict));
  expect(verdict).toMatchObject({ isTaken: false });
  expect(verdict).toHaveProperty('reason', expect.stringContaining('what arrived is not what was sent'));
  expect(received.value).toContain('what arrived is not what was sent');
});

test('a receiver that overlooks that the stream is damaged does not get it acknowledged', async () => {
  const b = await world.start(2n);
  b.handler.receive = async (chunks) => {
    await bytesOf(chunks).catch(() => {});
  };
  const end = await announceByHand(b);
  end.write(chunkFrame(pattern(500)), encodeEnd(499, Buffer.alloc(32)));
  await until(() => end.hasHeard(KIND.verdict));
  expect(decodeVerdict(end.bodyOf(KIND.verdict)).isTaken).toBe(false);
});

test.each([
  ['an empty chunk', chunkFrame(Buffer.alloc(0)), 'a chunk of 0 bytes'],
  ['a chunk past the limit', chunkFrame(Buffer.alloc(CHUNK_BYTES_MAX + 1)), `a chunk of ${CHUNK_BYTES_MAX + 1} bytes`],
  ['a message', encodeFrame(KIND.messages, 9, (writer) => writer.raw(Buffer.alloc(9))), 'a frame of kind 4'],
])('%s within a snapshot breaks it', async (_, frame, reason) => {
  const b = await world.start(2n);
  const ended: string[] = [];
  b.handler.receive = (chunks) =>
    bytesOf(chunks).then(
      () => {},
      (error: Error) => void ended.push(error.message),
    );
  const end = await announceByHand(b);
  end.write(chunkFrame(pattern(CHUNK_BYTES_MAX)), frame);
  await until(() => end.isClosed && ended.length > 0);
  expect(ended[0]).toContain(reason);
});

test('a second snapshot of one sender ends the first; the third is taken', async () => {
  const b = await world.start(2n);
  const received: string[] = [];
  b.handler.receive = (chunks) =>
    bytesOf(chunks).then(
      () => void received.push('whole'),
      (error: Error) => {
        received.push(error.message);
        throw error;
      },
    );
  const first = await announceByHand(b);
  first.write(chunkFrame(pattern(100)));
  const second = await announceByHand(b);
  await until(() => first.isClosed && second.hasHeard(KIND.verdict));
  expect(decodeVerdict(second.bodyOf(KIND.verdict))).toEqual({
    isTaken: false,
    reason: 'it has not done with an earlier snapshot yet',
  });
  expect(received[0]).toContain('the same member sends another snapshot');

  const a = await world.start(1n);
  await connect(a, b);
  await a.peers.sendSnapshot(2n, announcement(), chunksOf(pattern(10), 5), NEVER);
  expect(received[1]).toBe('whole');
});

test('a member that knows by itself that it has all is taken at its word only after the checksum', async () => {
  const b = await world.start(2n);
  let isRead = false;
  b.handler.receive = async (chunks) => {
    for await (const _ of chunks) break;
    isRead = true;
  };
  const end = await announceByHand(b);
  end.write(chunkFrame(pattern(500)));
  await until(() => isRead);
  await settle();
  expect(end.hasHeard(KIND.verdict)).toBe(false);
  end.write(chunkFrame(pattern(500)), encodeEnd(1_000, Buffer.alloc(32)));
  await until(() => end.hasHeard(KIND.verdict));
  expect(decodeVerdict(end.bodyOf(KIND.verdict)).isTaken).toBe(false);

  const a = await world.start(3n);
  await connect(a, b);
  await a.peers.sendSnapshot(2n, announcement(), chunksOf(pattern(4 * 64 * 1024), 64 * 1024), NEVER);
});
