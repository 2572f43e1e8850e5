import { describe, expect, test } from '@jest/globals';
import { InvariantError } from '../base/assert.js';
import { toBytes } from '../base/bytes.js';
import type { Raft } from './raft.js';
import { advance, carryOut, entry, settle, soleVoter } from './testing/raft-fixture.js';

describe('options', () => {
  test.each([
    ['id', { id: 0n }],
    ['heartbeatTicks', { heartbeatTicks: 0 }],
    ['heartbeatTicks', { heartbeatTicks: 1.5 }],
    ['electionTicks', { electionTicks: 3, heartbeatTicks: 3 }],
    ['electionTicks', { electionTicks: NaN }],
    ['uncommittedBytesMax', { uncommittedBytesMax: 0 }],
    ['uncommittedBytesMax', { uncommittedBytesMax: NaN }],
    ['appendBytesMax', { appendBytesMax: 0 }],
    ['inflightMessagesMax', { inflightMessagesMax: 0 }],
    ['inflightBytesMax', { inflightBytesMax: 0 }],
  ])('%s outside its limit is refused: %o', (field, options) => {
    expect(() => soleVoter(options)).toThrow(
      expect.objectContaining({ code: 'INVALID_ARGUMENT', field: `raft.${field}` }),
    );
  });

  test('options at their limits are taken', () => {
    const limits = { uncommittedBytesMax: 1, appendBytesMax: 1, inflightMessagesMax: 1, inflightBytesMax: 1 };
    expect(soleVoter({ electionTicks: 2, heartbeatTicks: 1, ...limits })).toBeDefined();
  });

  test('a log that cannot be what was stored is refused', () => {
    const log = { firstIndex: 3, previousTerm: 2, entries: [entry(3, 2), entry(4, 2)] };
    const hardState = { term: 2, votedFor: 1n, commitIndex: 4 };
    const start = (options: object) => () => soleVoter({ log, hardState, appliedIndex: 3, ...options });
    expect(start({})).not.toThrow();
    expect(start({ appliedIndex: 2 })).not.toThrow();
    expect(start({ appliedIndex: 1 })).toThrow('every entry that is not applied is in the log');
    expect(start({ appliedIndex: 5 })).toThrow('the log reaches everything committed and applied');
    expect(start({ hardState: { ...hardState, commitIndex: 5 } })).toThrow('the log reaches everything committed');
    expect(start({ hardState: { ...hardState, term: 1 } })).toThrow('was entered before the entry was written');
  });
});

describe('uncommitted bytes', () => {
  const bytes = (length: number) => new Uint8Array(length);
  const refused = (raft: Raft, length: number) => {
    expect(() => raft.propose(bytes(length))).toThrow(expect.objectContaining({ code: 'TOO_MANY_REQUESTS' }));
  };

  test('proposals are taken up to the limit, and not one byte more', () => {
    const raft = soleVoter({ uncommittedBytesMax: 100 });
    settle(raft);
    raft.propose(bytes(60));
    raft.propose(bytes(40));
    refused(raft, 1);
    expect(raft.lastIndex).toBe(3);
  });

  test('what is committed makes room once it is handed out', () => {
    const raft = soleVoter({ uncommittedBytesMax: 100 });
    settle(raft);
    raft.propose(bytes(100));
    const ready = raft.ready();
    refused(raft, 1);
    advance(raft, ready);
    carryOut(raft);
    raft.propose(bytes(100));
    refused(raft, 1);
  });

  test('a proposal larger than the limit is taken when no other waits', () => {
    const raft = soleVoter({ uncommittedBytesMax: 100 });
    settle(raft);
    raft.propose(bytes(101));
    refused(raft, 1);
    settle(raft);
    raft.propose(bytes(1));
    refused(raft, 100);
  });

  test('what an earlier run left uncommitted counts, and then makes room', () => {
    const raft = soleVoter({
      uncommittedBytesMax: 100,
      hardState: { term: 1, votedFor: 1n, commitIndex: 0 },
      log: { firstIndex: 1, previousTerm: 0, entries: [entry(1, 1), entry(2, 1, 'x'.repeat(100))] },
    });
    carryOut(raft);
    refused(raft, 1);
    settle(raft);
    raft.propose(bytes(100));
    refused(raft, 1);
  });
});

describe('the driver', () => {
  test('one append is under way at a time; what comes meanwhile gathers for the next', () => {
    const raft = soleVoter();
    settle(raft);
    raft.propose(toBytes('a'));
    const { append } = raft.ready();
    raft.propose(toBytes('b'));
    expect(raft.hasReady()).toBe(false);
    expect(raft.ready().append).toBeUndefined();
    raft.appended(append!);
    expect(raft.ready().append?.entries.map(({ index }) => index)).toEqual([3]);
  });

  test('an append is carried out once, and is the one that was handed out', () => {
    const raft = soleVoter();
    const { append } = raft.ready();
    expect(() => raft.appended({ ...append! })).toThrow(InvariantError);
    raft.appended(append!);
    expect(() => raft.appended(append!)).toThrow(InvariantError);
  });

  test('what is applied was handed out before', () => {
    const raft = soleVoter();
    settle(raft);
    raft.propose(toBytes('a'));
    expect(() => raft.applied(2)).toThrow('what is applied was handed out');
    settle(raft);
    expect(raft.appliedIndex).toBe(2);
    raft.applied(1);
    expect(raft.appliedIndex).toBe(2);
  });

  test('reads are answered while an append is under way', () => {
    const raft = soleVoter();
    settle(raft);
    raft.propose(toBytes('a'));
    raft.ready();
    raft.readIndex(7);
    expect(raft.ready().readStates).toEqual([{ context: 7, index: 1 }]);
  });

  test('when all is carried out there is nothing to do', () => {
    const raft = soleVoter();
    expect(settle(raft).length).toBe(3);
    expect(raft.hasReady()).toBe(false);
  });

  test('many proposals make one Ready', () => {
    const raft = soleVoter({ uncommittedBytesMax: 1e6 });
    settle(raft);
    for (let count = 0; count < 1_000; count += 1) raft.propose(toBytes('x'));
    expect(settle(raft).map(({ append, committed }) => [append?.entries.length, committed.length])).toEqual([
      [1_000, 0],
      [undefined, 1_000],
    ]);
  });
});
