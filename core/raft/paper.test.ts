/** The rules of Ongaro 2014, one test each, as far as one member alone shows them; the others are in `testdata`. */
import { describe, expect, test } from '@jest/globals';
import { toBytes } from '../base/bytes.js';
import { advance, carryOut, entry, settle, soleVoter, votersOnly } from './testing/raft-fixture.js';
import { shown } from './testing/shown.js';

describe('3.3 terms', () => {
  test('a term is entered durably before anything is done in it', () => {
    const raft = soleVoter({ hardState: { term: 4, votedFor: 1n, commitIndex: 0 } });
    const ready = raft.ready();
    expect(ready.append).toMatchObject({ hardState: { term: 5 }, entries: [] });
  });

  test('every start is a new term, so that no term has two histories', () => {
    const terms = [0, 1, 2].map((term) => soleVoter({ hardState: { term, votedFor: 1n, commitIndex: 0 } }).term);
    expect(terms).toEqual([1, 2, 3]);
  });
});

describe('3.4 leader election', () => {
  test('a sole voter campaigns at once, without waiting for a timeout', () => {
    const raft = soleVoter();
    expect({ role: raft.role, term: raft.term, leader: raft.leader }).toEqual({ role: 'candidate', term: 1 });
  });

  test('a candidate votes for itself', () => {
    const raft = soleVoter({ id: 7n, configuration: votersOnly(7n) });
    expect(raft.ready().append?.hardState).toMatchObject({ votedFor: 7n });
  });

  test('a candidate with the votes of a majority leads', () => {
    const raft = soleVoter();
    carryOut(raft);
    expect({ role: raft.role, term: raft.term, leader: raft.leader }).toEqual({ role: 'leader', term: 1, leader: 1n });
  });

  test('a leader stays leader however much time passes', () => {
    const raft = soleVoter();
    settle(raft);
    for (let tick = 0; tick < 100; tick += 1) raft.tick();
    expect({ role: raft.role, term: raft.term }).toEqual({ role: 'leader', term: 1 });
    expect(raft.hasReady()).toBe(false);
  });
});

describe('3.5 log replication', () => {
  test('entries follow each other by index, each in the term of its leader', () => {
    const raft = soleVoter();
    settle(raft);
    expect(raft.propose(toBytes('a'))).toMatchObject({ index: 2, term: 1 });
    expect(raft.propose(toBytes('b'))).toMatchObject({ index: 3, term: 1 });
    expect(shown(raft.ready().append?.entries ?? [])).toEqual(['2/1 a', '3/1 b']);
  });

  test('only a leader takes commands', () => {
    expect(() => soleVoter().propose(toBytes('a'))).toThrow(expect.objectContaining({ code: 'NO_LEADER' }));
  });

  test('an entry is committed when a majority holds it durably, and not before', () => {
    const raft = soleVoter();
    settle(raft);
    raft.propose(toBytes('a'));
    const ready = raft.ready();
    expect({ commitIndex: raft.commitIndex, committed: ready.committed }).toEqual({ commitIndex: 1, committed: [] });
    advance(raft, ready);
    expect(raft.commitIndex).toBe(2);
    expect(shown(raft.ready().committed)).toEqual(['2/1 a']);
  });

  test('an entry that comes while another is written is not committed with it', () => {
    const raft = soleVoter();
    settle(raft);
    raft.propose(toBytes('a'));
    const ready = raft.ready();
    raft.propose(toBytes('b'));
    advance(raft, ready);
    expect(raft.commitIndex).toBe(2);
    expect(shown(raft.ready().append?.entries ?? [])).toEqual(['3/1 b']);
  });

  test('committed entries are applied once each, in the order of the log', () => {
    const raft = soleVoter();
    settle(raft);
    const applied = ['a', 'b', 'c'].flatMap((data) => {
      raft.propose(toBytes(data));
      return settle(raft).flatMap(({ committed }) => shown(committed));
    });
    expect(applied).toEqual(['2/1 a', '3/1 b', '4/1 c']);
  });
});

describe('3.6.2 committing entries from previous terms', () => {
  test('entries of earlier terms are not committed by counting copies, but with the first of the present term', () => {
    const raft = soleVoter({
      hardState: { term: 3, votedFor: 1n, commitIndex: 1 },
      log: { firstIndex: 1, previousTerm: 0, entries: [entry(1, 1, 'a'), entry(2, 2, 'b'), entry(3, 3, 'c')] },
      appliedIndex: 1,
    });
    carryOut(raft);
    expect({ role: raft.role, commitIndex: raft.commitIndex }).toEqual({ role: 'leader', commitIndex: 1 });

    expect(shown(carryOut(raft).append?.entries ?? [])).toEqual(['4/4 (empty)']);
    expect(raft.commitIndex).toBe(4);
    expect(shown(raft.ready().committed)).toEqual(['2/2 b', '3/3 c', '4/4 (empty)']);
  });
});

describe('3.8 persisted state and server restarts', () => {
  test('a vote counts only once it is durable', () => {
    const raft = soleVoter();
    const ready = raft.ready();
    expect(raft.role).toBe('candidate');
    advance(raft, ready);
    expect(raft.role).toBe('leader');
  });

  test('a slow disk does not make the candidate campaign again and again', () => {
    const raft = soleVoter();
    const ready = raft.ready();
    for (let tick = 0; tick < 100; tick += 1) raft.tick();
    advance(raft, ready);
    expect({ role: raft.role, term: raft.term }).toEqual({ role: 'leader', term: 1 });
  });

  test('the commit index need not be durable: it goes along when something is written, and is found again', () => {
    const raft = soleVoter();
    settle(raft);
    raft.propose(toBytes('a'));
    const [written, applied] = settle(raft);
    expect(written?.append?.hardState).toEqual({ term: 1, votedFor: 1n, commitIndex: 1 });
    expect({ append: applied?.append, committed: shown(applied?.committed ?? []) }).toEqual({
      committed: ['2/1 a'],
    });
  });

  test('what was applied is known to be committed after a restart, and is not applied again', () => {
    const raft = soleVoter({
      hardState: { term: 1, votedFor: 1n, commitIndex: 0 },
      log: { firstIndex: 1, previousTerm: 0, entries: [entry(1, 1), entry(2, 1, 'a'), entry(3, 1, 'b')] },
      appliedIndex: 2,
    });
    expect(raft.commitIndex).toBe(2);
    expect(settle(raft).flatMap(({ committed }) => shown(committed))).toEqual(['3/1 b', '4/2 (empty)']);
  });

  test('what is known to be committed is applied after a restart before the election ends', () => {
    const raft = soleVoter({
      hardState: { term: 1, votedFor: 1n, commitIndex: 2 },
      log: { firstIndex: 1, previousTerm: 0, entries: [entry(1, 1), entry(2, 1, 'a'), entry(3, 1, 'b')] },
      appliedIndex: 1,
    });
    expect(shown(raft.ready().committed)).toEqual(['2/1 a']);
  });
});

describe('4 cluster membership', () => {
  test.each(['requestVote', 'requestPreVote', 'heartbeat', 'timeoutNow'] as const)(
    'a %s of a member that the configuration does not have changes nothing, whatever its term',
    (type) => {
      const raft = soleVoter();
      settle(raft);
      const common = { from: 2n, to: 1n, lastIndex: 9, lastTerm: 9, transfer: false, commitIndex: 9, readRound: 0 };
      for (const term of [0, 1, 9]) raft.step({ type, term, ...common });
      expect({ role: raft.role, term: raft.term, leader: raft.leader }).toEqual({
        role: 'leader',
        term: 1,
        leader: 1n,
      });
      expect(raft.hasReady()).toBe(false);
    },
  );
});

describe('5 log compaction', () => {
  test('entries are let go of once they are applied, and not before', () => {
    const raft = soleVoter();
    settle(raft);
    raft.propose(toBytes('a'));
    carryOut(raft);
    const ready = raft.ready();
    expect(() => raft.compactTo(2)).toThrow('applied before it is compacted');
    advance(raft, ready);
    raft.compactTo(2);
    raft.propose(toBytes('b'));
    expect(settle(raft).flatMap(({ committed }) => shown(committed))).toEqual(['3/1 b']);
  });

  test('a member starts from a log whose beginning is compacted', () => {
    const raft = soleVoter({
      hardState: { term: 2, votedFor: 1n, commitIndex: 6 },
      log: { firstIndex: 6, previousTerm: 2, entries: [entry(6, 2, 'a')] },
      appliedIndex: 5,
    });
    expect(settle(raft).flatMap(({ committed }) => shown(committed))).toEqual(['6/2 a', '7/3 (empty)']);
  });

  test('a member starts from a log that is compacted wholly', () => {
    const raft = soleVoter({
      hardState: { term: 2, votedFor: 1n, commitIndex: 0 },
      log: { firstIndex: 6, previousTerm: 2, entries: [] },
      appliedIndex: 5,
    });
    expect(settle(raft).flatMap(({ committed }) => shown(committed))).toEqual(['6/3 (empty)']);
  });
});

describe('6.4 processing read-only queries', () => {
  test('a leader answers reads only once it has committed an entry of its term', () => {
    const raft = soleVoter({
      hardState: { term: 1, votedFor: 1n, commitIndex: 1 },
      log: { firstIndex: 1, previousTerm: 0, entries: [entry(1, 1), entry(2, 1, 'a')] },
      appliedIndex: 1,
    });
    carryOut(raft);
    raft.readIndex(5);
    const emptyEntry = carryOut(raft);
    expect(emptyEntry.readStates).toEqual([]);
    expect(carryOut(raft).readStates).toEqual([{ context: 5, index: 3 }]);
  });

  test('a read is answered with the commit index of the moment it was asked, at once', () => {
    const raft = soleVoter();
    settle(raft);
    raft.propose(toBytes('a'));
    const ready = raft.ready();
    raft.readIndex(1);
    advance(raft, ready);
    raft.readIndex(2);
    expect(raft.ready().readStates).toEqual([
      { context: 1, index: 1 },
      { context: 2, index: 2 },
    ]);
  });

  test('a leader with nothing to write has a Ready for reads', () => {
    const raft = soleVoter();
    settle(raft);
    raft.readIndex(1);
    expect(raft.hasReady()).toBe(true);
    expect(raft.ready()).toEqual({
      messages: [],
      committed: [],
      readStates: [{ context: 1, index: 1 }],
      snapshotsWanted: [],
    });
  });

  test('who does not lead does not answer reads', () => {
    expect(() => soleVoter().readIndex(1)).toThrow(expect.objectContaining({ code: 'NO_LEADER' }));
  });

  test('a leader begins its term with an empty entry', () => {
    const raft = soleVoter();
    carryOut(raft);
    expect(shown(raft.ready().append?.entries ?? [])).toEqual(['1/1 (empty)']);
  });
});
