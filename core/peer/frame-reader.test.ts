import { expect, test } from '@jest/globals';
import { encodeFrame, FRAME_HEADER_BYTES, KIND, PREAMBLE, preambleOf, PROTOCOL_VERSION } from './frame.js';
import { FrameReader } from './frame-reader.js';
import { MalformedError } from './wire-reader.js';

const BODY_BYTES_MAX = 100;

const frame = (kind: number, body: string) =>
  encodeFrame(kind, body.length, (writer) => writer.raw(Buffer.from(body, 'latin1')));

function read(chunks: readonly Buffer[]): string[] {
  const seen: string[] = [];
  const reader = new FrameReader(BODY_BYTES_MAX, {
    onPreamble: (version) => seen.push(`version ${version}`),
    onFrame: (kind, body) => seen.push(`${kind}:${body.toString('latin1')}`),
  });
  for (const chunk of chunks) reader.push(chunk);
  return seen;
}

const stream = Buffer.concat([PREAMBLE, frame(4, 'first'), frame(5, ''), frame(7, 'x'.repeat(BODY_BYTES_MAX))]);
const whole = [`version ${PROTOCOL_VERSION}`, '4:first', '5:', `7:${'x'.repeat(BODY_BYTES_MAX)}`];

test('frames come out the same however the bytes are cut', () => {
  expect(read([stream])).toEqual(whole);
  for (let at = 1; at < stream.length; at += 1) {
    expect(read([stream.subarray(0, at), stream.subarray(at)])).toEqual(whole);
  }
  expect(read([...stream].map((byte) => Buffer.of(byte)))).toEqual(whole);
});

test('a frame that came in one piece is handed out where it lies', () => {
  const chunk = Buffer.concat([PREAMBLE, frame(4, 'data')]);
  let body: Buffer | undefined;
  const reader = new FrameReader(BODY_BYTES_MAX, { onPreamble: () => {}, onFrame: (_, bytes) => (body = bytes) });
  reader.push(chunk);
  expect(body?.buffer).toBe(chunk.buffer);
});

test('a body at the limit is read, and one past it is refused by its header', () => {
  const tooLarge = frame(4, 'y'.repeat(BODY_BYTES_MAX + 1));
  expect(() => read([PREAMBLE, tooLarge.subarray(0, FRAME_HEADER_BYTES)])).toThrow('a frame of 101 bytes; at most 100');
});

test('every single bit that is flipped in a frame is noticed', () => {
  const good = frame(KIND.messages, 'some bytes of a message');
  for (let bit = 0; bit < good.length * 8; bit += 1) {
    const bad = Buffer.from(good);
    bad[bit >> 3]! ^= 1 << (bit & 7);
    let seen: string[] = [];
    try {
      // What follows completes a frame whose length grew.
      seen = read([PREAMBLE, bad, Buffer.alloc(BODY_BYTES_MAX)]).slice(1);
    } catch (error) {
      expect(error).toBeInstanceOf(MalformedError);
    }
    expect(seen).toEqual([]);
  }
});

test.each([['GET / HTTP/1.1\r\n'], ['\x16\x03\x01\x02\x00'], ['concord']])(
  '%j are not the first bytes of a member',
  (bytes) => {
    expect(() => read([Buffer.from(bytes, 'latin1')])).toThrow('these are not the first bytes of a member');
  },
);

test('the preamble of another version is told, not refused', () => {
  expect(read([preambleOf(7)])).toEqual(['version 7']);
});

test('a reader that was stopped hands out nothing more of what it has', () => {
  const seen: number[] = [];
  const reader: FrameReader = new FrameReader(BODY_BYTES_MAX, {
    onPreamble: () => {},
    onFrame: (kind) => {
      seen.push(kind);
      reader.stop();
    },
  });
  reader.push(stream);
  reader.push(stream);
  expect(seen).toEqual([4]);
});
