import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { expect, test } from '@jest/globals';
import { settle } from '../testing/manual-clock.js';
import { KEEP_ALIVE, PREAMBLE } from './frame.js';
import { DEFAULT_PEER_LIMITS } from './limits.js';
import { Link, type LinkEnd } from './link.js';
import { SendQueue } from './send-queue.js';

/** Stands in for a socket, and counts what the operating system would be asked. */
class FakeSocket extends Duplex {
  readonly writes: number[] = [];
  /** Lets what was written be taken. */
  takeAll: () => void = () => {};
  isSlow = false;

  override _read(): void {}

  override _write(_chunk: Buffer, _encoding: string, callback: () => void): void {
    this.#taken(1, callback);
  }

  override _writev(chunks: readonly unknown[], callback: () => void): void {
    this.#taken(chunks.length, callback);
  }

  setNoDelay(): void {}

  destroySoon(): void {
    this.end();
  }

  #taken(count: number, callback: () => void): void {
    this.writes.push(count);
    if (this.isSlow) this.takeAll = callback;
    else callback();
  }
}

function linked() {
  const socket = new FakeSocket();
  const ends: LinkEnd[] = [];
  const frames: number[] = [];
  const link = new Link(socket as unknown as Socket, 100, {
    onPreamble: () => {},
    onFrame: (kind) => void frames.push(kind),
    onClose: (end) => void ends.push(end),
  });
  return { socket, link, ends, frames };
}

test('all frames of a turn leave in one write', () => {
  const { socket, link } = linked();
  const queue = new SendQueue(link, DEFAULT_PEER_LIMITS);
  for (let frame = 0; frame < 5; frame += 1) queue.push(Buffer.alloc(10));
  queue.flush();
  expect(socket.writes).toEqual([5]);
  queue.flush();
  queue.push(Buffer.alloc(10));
  queue.flush();
  expect(socket.writes).toEqual([5, 1]);
});

test('frames make room when they were taken, not when they were written', async () => {
  const { socket, link } = linked();
  socket.isSlow = true;
  const queue = new SendQueue(link, { ...DEFAULT_PEER_LIMITS, queueFramesMax: 2, queueBytesMax: 20 });
  expect([queue.push(Buffer.alloc(10)), queue.push(Buffer.alloc(10))]).toEqual([true, true]);
  queue.flush();
  expect(queue.push(Buffer.alloc(1))).toBe(false);
  socket.takeAll();
  await settle();
  expect(queue.push(Buffer.alloc(10))).toBe(true);
});

test('a frame that is larger than the queue leaves when nothing else waits', async () => {
  const { socket, link } = linked();
  socket.isSlow = true;
  const queue = new SendQueue(link, { ...DEFAULT_PEER_LIMITS, queueBytesMax: 20 });
  expect([queue.push(Buffer.alloc(100)), queue.push(Buffer.alloc(1))]).toEqual([true, false]);
  queue.flush();
  expect(queue.push(Buffer.alloc(100))).toBe(false);
  socket.takeAll();
  await settle();
  expect(queue.push(Buffer.alloc(100))).toBe(true);
});

test('a keep-alive is sent on a beat before which nothing was written, unless something still waits', () => {
  const { socket, link } = linked();
  link.beat(9);
  expect(socket.writes).toEqual([1]);
  link.write([Buffer.alloc(5)]);
  link.beat(9);
  expect(socket.writes).toEqual([1, 1]);

  socket.isSlow = true;
  link.write([Buffer.alloc(5)]);
  link.beat(9);
  link.beat(9);
  link.beat(9);
  expect(socket.writes).toEqual([1, 1, 1]);
});

test('quiet beats end it, at the limit not yet; any byte is a sign of life', async () => {
  const { socket, link, ends, frames } = linked();
  link.beat(2);
  link.beat(2);
  socket.push(Buffer.concat([PREAMBLE, KEEP_ALIVE]));
  await settle();
  link.beat(2);
  link.beat(2);
  expect(link.isClosed).toBe(false);
  link.beat(2);
  await settle();
  expect(ends).toEqual([{ why: 'nothing came from the other end for too long' }]);
  expect(frames).toEqual([]);
});

test('beats do not count while it is we who do not read', () => {
  const { link } = linked();
  link.pause();
  for (let beat = 0; beat < 5; beat += 1) link.beat(2);
  expect(link.isClosed).toBe(false);
  link.resume();
  for (let beat = 0; beat < 3; beat += 1) link.beat(2);
  expect(link.isClosed).toBe(true);
});

test('a link that finishes hears nothing more, and is ended by quiet beats if nobody reads its last words', async () => {
  const { socket, link, ends } = linked();
  socket.isSlow = true;
  link.finish('it was refused', [Buffer.alloc(3)]);
  socket.push(PREAMBLE);
  await settle();
  link.destroy('not at once');
  expect(link.isClosed).toBe(false);
  for (let beat = 0; beat < 3; beat += 1) link.beat(2);
  await settle();
  expect(ends).toEqual([{ why: 'it was refused' }]);
});
