import { expect, test } from '@jest/globals';
import { InvariantError } from '../base/assert.js';
import type { AppendEntriesRequest } from '../raft/types.js';
import { boundOf, readAnnouncement, readMessages, writeMessage } from './codec.js';
import { announcement, heartbeat } from './testing/world.js';
import type { PeerMessage } from './types.js';
import { MalformedError } from './wire-reader.js';
import { TEXT_LENGTH_MAX, WireWriter } from './wire-writer.js';

const appendEntries = (data: readonly Uint8Array[]): PeerMessage => ({
  type: 'appendEntries',
  from: 1n,
  to: 2n,
  term: 9,
  previousIndex: 41,
  previousTerm: 9,
  entries: data.map((bytes, at) => ({ index: 42 + at, term: 9, data: bytes })),
  commitIndex: 40,
});

function encode(message: PeerMessage): Buffer {
  const buffer = Buffer.alloc(boundOf(message));
  const writer = new WireWriter(buffer);
  writeMessage(writer, message);
  return buffer.subarray(0, writer.at);
}

const decode = (bytes: Buffer) => readMessages(bytes, 1n, 2n);

test('a small entry of the term before it costs five bytes beside its data', () => {
  const none = encode(appendEntries([])).length;
  expect(encode(appendEntries([Buffer.from('key=value')])).length - none).toBe(5 + 9);
});

test("entries' data are views of the frame, not copies", () => {
  const frame = encode(appendEntries([Buffer.from('some data')]));
  const [message] = decode(frame);
  const data = (message as AppendEntriesRequest).entries[0]!.data;
  frame.fill(0x7a);
  expect(Buffer.from(data).toString()).toBe('zzzzzzzzz');
});

test('who sent a message is what the connection says, not what the message says', () => {
  const frame = encode({ ...heartbeat(3), from: 66n, to: 77n });
  expect(readMessages(frame, 1n, 2n)).toEqual([{ ...heartbeat(3), from: 1n, to: 2n }]);
});

test.each([
  ['a number of 2^53', 9, '00000000000020 00'],
  ['a flag of 2', 9, null],
])('%s is refused', (_, at, hex) => {
  const frame =
    hex === null
      ? encode({ type: 'voteAnswer', from: 1n, to: 2n, term: 1, granted: true })
      : encode(heartbeat(2 ** 53 - 1));
  if (hex === null) frame[at] = 2;
  else frame.write(hex.replace(' ', ''), at, 'hex');
  expect(() => decode(frame)).toThrow(MalformedError);
});

test.each([Number.NaN, Number.POSITIVE_INFINITY])('a duration of %d is refused', (duration) => {
  const frame = encode({ type: 'remaining', request: 1, remainingMs: 5 });
  frame.writeDoubleLE(duration, 9);
  expect(() => decode(frame)).toThrow(MalformedError);
});

test('a count beyond what the frame can hold is refused before anything is allocated for it', () => {
  const frame = encode({ type: 'renew', request: 1, leases: [7n] });
  frame.writeUInt32LE(2, 9);
  expect(() => decode(frame)).toThrow('2 things are said to follow in 8 bytes');
  frame.writeUInt32LE(0xffff_ffff, 9);
  expect(() => decode(frame)).toThrow(MalformedError);
});

test('an unknown tag, a text that is no UTF-8 and an entry of an unknown kind are refused', () => {
  expect(() => decode(Buffer.from([15, 0, 0, 0, 0, 0, 0, 0, 0]))).toThrow('no message with tag 15');
  expect(() => decode(Buffer.from([99]))).toThrow('no message with tag 99');
  const refused = encode({ type: 'remaining', request: 1, remainingMs: 5, refusal: { code: 'X', message: 'y' } });
  refused[refused.length - 1] = 0xff;
  expect(() => decode(refused)).toThrow('not UTF-8');
  const entry = encode(appendEntries([Buffer.of(1)]));
  entry[entry.length - 6] = 4;
  expect(() => decode(entry)).toThrow(MalformedError);
});

test('bytes after the last message are refused', () => {
  expect(() => decode(Buffer.concat([encode(heartbeat(1)), Buffer.of(0)]))).toThrow(MalformedError);
});

test('an empty frame holds no message and is refused', () => {
  expect(() => decode(Buffer.alloc(0))).toThrow(MalformedError);
});

test('an announcement stands alone, and is one', () => {
  const frame = encode(announcement());
  expect(readAnnouncement(frame, 1n, 2n)).toEqual(announcement());
  expect(() => readAnnouncement(Buffer.concat([frame, frame]), 1n, 2n)).toThrow('bytes follow');
  expect(() => readAnnouncement(encode(heartbeat(1)), 1n, 2n)).toThrow('announced by heartbeat');
});

test('a text at its limit arrives whole, and one past it is cut off', () => {
  const reason = (length: number) => {
    const message = '€'.repeat(length);
    const [answer] = decode(encode({ type: 'remaining', request: 1, remainingMs: 5, refusal: { code: 'X', message } }));
    return (answer as { refusal: { message: string } }).refusal.message.length;
  };
  expect(reason(TEXT_LENGTH_MAX)).toBe(TEXT_LENGTH_MAX);
  expect(reason(TEXT_LENGTH_MAX + 1)).toBe(TEXT_LENGTH_MAX);
});

test.each([-1, 0.5, Number.NaN, 2 ** 53])('a term of %d never leaves', (term) => {
  expect(() => encode({ ...heartbeat(1), term })).toThrow(InvariantError);
});

test('entries with a gap never leave', () => {
  const message = { ...appendEntries([Buffer.of(1)]), previousIndex: 40 } as PeerMessage;
  expect(() => encode(message)).toThrow(InvariantError);
});
