import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { isPlausible } from './message-check.js';
import { Raft } from './raft.js';
import { entry, testOptions, votersOnly } from './testing/raft-fixture.js';
import type { Message } from './types.js';

const COUNT_MAX = 2 ** 50;

const SAID = [
  { type: 'requestVote', lastIndex: 3, lastTerm: 4, transfer: false },
  { type: 'requestPreVote', lastIndex: 3, lastTerm: 4, transfer: false },
  { type: 'voteAnswer', granted: true },
  { type: 'preVoteAnswer', granted: true },
  { type: 'appendEntries', previousIndex: 3, previousTerm: 4, entries: [], commitIndex: 3 },
  { type: 'appendEntriesAnswer', accepted: true, matchedIndex: 3 },
  { type: 'appendEntriesAnswer', accepted: false, previousIndex: 3, hintIndex: 2, hintTerm: 1 },
  { type: 'heartbeat', commitIndex: 3, readRound: 1 },
  { type: 'heartbeatAnswer', readRound: 1 },
  { type: 'installSnapshot', lastIndex: 3, lastTerm: 4, configuration: votersOnly(1n) },
  { type: 'installSnapshotAnswer', matchedIndex: 3 },
  { type: 'timeoutNow' },
  { type: 'readIndex', context: 7 },
  { type: 'readIndexAnswer', context: 7, index: 3 },
].map((content) => ({ from: 2n, to: 1n, term: 5, ...content }) as Message);

test.each(SAID)('what members say is plausible: $type', (message) => {
  expect(isPlausible(message, 1n)).toBe(true);
});

test.each(SAID)('a number that is none, or absurd, is not, wherever it stands: $type', (message) => {
  for (const [field, value] of Object.entries(message)) {
    if (typeof value !== 'number') continue;
    for (const absurd of [-1, 1.5, NaN, Infinity, COUNT_MAX + 1])
      expect([field, absurd, isPlausible({ ...message, [field]: absurd }, 1n)]).toEqual([field, absurd, false]);
  }
});

test('a term at the limit is believed, and one above it is not', () => {
  const message: Message = { type: 'heartbeat', from: 2n, to: 1n, term: COUNT_MAX, commitIndex: 0, readRound: 0 };
  expect(isPlausible(message, 1n)).toBe(true);
  expect(isPlausible({ ...message, term: COUNT_MAX + 1 }, 1n)).toBe(false);
});

describe('not plausible is', () => {
  const [request] = SAID as [Message];
  test.each([
    ['what is meant for another member', { to: 3n }],
    ['what this member would have said itself', { from: 1n }],
    ['what nobody has said', { from: 0n }],
    ['a candidate whose log ends in the term that it stands for', { lastTerm: 5 }],
    ['a snapshot of a term to come', { type: 'installSnapshot', lastTerm: 6, configuration: votersOnly(1n) }],
    ['a snapshot without voters', { type: 'installSnapshot', lastTerm: 4, configuration: votersOnly() }],
  ])('%s', (_, change) => {
    expect(isPlausible({ ...request, ...change } as Message, 1n)).toBe(false);
  });
});

test('whatever is said, nothing that is committed is lost, and nothing is committed that is not there', () => {
  const small = fc.nat(9);
  const entries = fc.array(fc.tuple(small, small), { maxLength: 3 });
  const message = fc.record({
    content: fc.constantFrom(...SAID),
    from: fc.constantFrom(2n, 3n, 9n),
    numbers: fc.record({
      term: small,
      lastIndex: small,
      lastTerm: small,
      previousIndex: small,
      previousTerm: small,
      commitIndex: small,
      matchedIndex: small,
      hintIndex: small,
      hintTerm: small,
    }),
    entries,
  });
  fc.assert(
    fc.property(fc.array(message, { maxLength: 30 }), (messages) => {
      const raft = new Raft(
        testOptions({
          hardState: { term: 4, votedFor: 0n, commitIndex: 2 },
          log: { firstIndex: 1, previousTerm: 0, entries: [entry(1, 1), entry(2, 2), entry(3, 4)] },
          configuration: votersOnly(1n, 2n, 3n),
        }),
      );
      let commitIndex = 2;
      for (const { content, from, numbers, entries: drawn } of messages) {
        const said = drawn.map(([index, term]) => entry(index, term));
        try {
          raft.step({ ...content, ...numbers, from, entries: said } as Message);
        } catch (error) {
          // A member that contradicts what is committed shows that the cluster is broken; this one stops.
          expect((error as Error).message).toContain('a leader has every committed entry');
          return;
        }
        expect(raft.commitIndex).toBeGreaterThanOrEqual(commitIndex);
        expect(raft.lastIndex).toBeGreaterThanOrEqual(raft.commitIndex);
        commitIndex = raft.commitIndex;
        if (!raft.hasReady()) continue;
        const { append } = raft.ready();
        if (append !== undefined) raft.appended(append);
      }
    }),
    { seed: 36, numRuns: 2_000 },
  );
});
