import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Entry, Message } from '../raft/types.js';
import { boundOf, readMessages, writeMessage } from './codec.js';
import type { PeerMessage } from './types.js';
import { MalformedError } from './wire-reader.js';
import { WireWriter } from './wire-writer.js';

const FROM = 0xffff_ffff_ffff_ffffn;
const TO = 2n;
const SEED = 20_140_801;

const number = fc.oneof(fc.maxSafeNat(), fc.nat(300), fc.constant(2 ** 53 - 1), fc.constant(2 ** 32));
const real = fc.double({ noNaN: true, noDefaultInfinity: true });
const bytes = fc.uint8Array({ maxLength: 40 }).map((data) => Buffer.from(data));
const id = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
const lease = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
const ids = fc.array(id, { maxLength: 7 });
const text = fc.string({ unit: 'grapheme', maxLength: 30 });
const refusal = fc.option(fc.record({ code: text, message: text }), { nil: undefined });

const envelope = { from: fc.constant(FROM), to: fc.constant(TO), term: number };
const entries = fc.array(
  fc.record({ term: fc.oneof(fc.constant(4), number), data: bytes, isConfiguration: fc.boolean() }),
  { maxLength: 6 },
);
const configuration = fc
  .record({ voters: ids, outgoing: fc.option(ids, { nil: undefined }), learners: ids })
  .map(({ voters, outgoing, learners }) =>
    outgoing === undefined ? { voters, learners } : { voters, outgoing, learners },
  );

const raftMessage: fc.Arbitrary<Message> = fc.oneof(
  fc
    .record({ ...envelope, previousIndex: fc.nat(), previousTerm: fc.constant(4), commitIndex: number, entries })
    .map((message) => ({ ...message, type: 'appendEntries' as const, entries: numbered(message) })),
  fc.record({
    ...envelope,
    type: fc.constant('appendEntriesAnswer' as const),
    accepted: fc.constant(true as const),
    matchedIndex: number,
  }),
  fc.record({
    ...envelope,
    type: fc.constant('appendEntriesAnswer' as const),
    accepted: fc.constant(false as const),
    previousIndex: number,
    hintIndex: number,
    hintTerm: number,
  }),
  fc.record({ ...envelope, type: fc.constant('heartbeat' as const), commitIndex: number, readRound: number }),
  fc.record({ ...envelope, type: fc.constant('heartbeatAnswer' as const), readRound: number }),
  fc.record({
    ...envelope,
    type: fc.constantFrom('requestPreVote' as const, 'requestVote' as const),
    lastIndex: number,
    lastTerm: number,
    transfer: fc.boolean(),
  }),
  fc.record({
    ...envelope,
    type: fc.constantFrom('preVoteAnswer' as const, 'voteAnswer' as const),
    granted: fc.boolean(),
  }),
  fc.record({
    ...envelope,
    type: fc.constant('installSnapshot' as const),
    lastIndex: number,
    lastTerm: number,
    configuration,
  }),
  fc.record({ ...envelope, type: fc.constant('installSnapshotAnswer' as const), matchedIndex: number }),
  fc.record({ ...envelope, type: fc.constant('timeoutNow' as const) }),
  fc.record({ ...envelope, type: fc.constant('readIndex' as const), context: number }),
  fc.record({ ...envelope, type: fc.constant('readIndexAnswer' as const), context: number, index: number }),
);

const request = { request: number };
const otherMessage: fc.Arbitrary<PeerMessage> = fc.oneof(
  fc.record({ ...request, type: fc.constant('forward' as const), commands: fc.array(bytes, { maxLength: 5 }) }),
  withRefusal(
    fc.record({
      ...request,
      type: fc.constant('forwarded' as const),
      term: number,
      firstIndex: number,
      accepted: number,
    }),
  ),
  fc.record({ ...request, type: fc.constant('renew' as const), leases: fc.array(lease, { maxLength: 5 }) }),
  withRefusal(fc.record({ ...request, type: fc.constant('renewed' as const), ttls: fc.array(real, { maxLength: 5 }) })),
  fc.record({ ...request, type: fc.constant('askRemaining' as const), lease }),
  withRefusal(fc.record({ ...request, type: fc.constant('remaining' as const), remainingMs: real })),
  fc.record({ ...request, type: fc.constant('askChange' as const), change: bytes }),
  withRefusal(fc.record({ ...request, type: fc.constant('changed' as const), index: number, term: number })),
  fc.record({ type: fc.constant('stateHash' as const), index: number, hash: number }),
  fc.record({
    type: fc.constant('stateHashAnswer' as const),
    index: number,
    hash: fc.option(number, { nil: undefined }),
  }),
  fc.record({ type: fc.constant('diverged' as const), afterIndex: number, upToIndex: number }),
);
const message = fc.oneof(raftMessage, otherMessage);

test('every message comes back as it was, whatever stands before and after it', () => {
  fc.assert(
    fc.property(fc.array(message, { minLength: 1, maxLength: 4 }), (messages) => {
      expect(readMessages(encode(messages), FROM, TO)).toEqual(messages);
    }),
    { seed: SEED, numRuns: 1_000 },
  );
});

test('a message that is cut off anywhere is refused', () => {
  fc.assert(
    fc.property(message, (whole) => {
      const encoded = encode([whole]);
      for (let length = 0; length < encoded.length; length += 1) {
        expect(isRead(encoded.subarray(0, length))).toBe(false);
      }
    }),
    { seed: SEED, numRuns: 150 },
  );
});

test('bytes that were changed are refused or read as other messages, and nothing else happens', () => {
  const change = fc.record({ at: fc.nat(), to: fc.integer({ min: 0, max: 255 }) });
  fc.assert(
    fc.property(message, fc.array(change, { minLength: 1, maxLength: 4 }), (whole, changes) => {
      const encoded = encode([whole]);
      for (const { at, to } of changes) encoded[at % encoded.length] = to;
      isRead(encoded);
    }),
    { seed: SEED, numRuns: 2_000 },
  );
});

test('arbitrary bytes are refused or read, and nothing else happens', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 48 }), fc.uint8Array({ maxLength: 80 }), (tag, rest) => {
      isRead(Buffer.from([tag, ...rest]));
    }),
    { seed: SEED, numRuns: 3_000 },
  );
});

function encode(messages: readonly PeerMessage[]): Buffer {
  const bound = messages.reduce((sum, each) => sum + boundOf(each), 0);
  const buffer = Buffer.alloc(bound);
  const writer = new WireWriter(buffer);
  for (const each of messages) writeMessage(writer, each);
  return buffer.subarray(0, writer.at);
}

/** @throws whatever is thrown beside a refusal */
function isRead(encoded: Buffer): boolean {
  try {
    readMessages(encoded, FROM, TO);
    return true;
  } catch (error) {
    if (error instanceof MalformedError) return false;
    throw error;
  }
}

function numbered(message: {
  previousIndex: number;
  entries: { term: number; data: Uint8Array; isConfiguration: boolean }[];
}): Entry[] {
  return message.entries.map(({ term, data, isConfiguration }, at) => ({
    index: message.previousIndex + 1 + at,
    term,
    data,
    ...(isConfiguration && { kind: 'configuration' as const }),
  }));
}

function withRefusal<T extends object>(answer: fc.Arbitrary<T>): fc.Arbitrary<T> {
  return fc.tuple(answer, refusal).map(([value, why]) => (why === undefined ? value : { ...value, refusal: why }));
}
