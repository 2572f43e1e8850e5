/** What has gone wrong in other implementations of Raft, each as the behaviour that keeps it from happening here. */
import { describe, expect, test } from '@jest/globals';
import { toBytes } from '../base/bytes.js';
import { Raft } from './raft.js';
import { entry, testOptions, votersOnly } from './testing/raft-fixture.js';
import { ScriptedCluster } from './testing/scripted-cluster.js';
import { shown } from './testing/shown.js';
import { answersOf, append, followerWith, threeLedByOne, vote } from './testing/situations.js';

describe('the log', () => {
  test('an old append that arrives late deletes nothing that came after it (openraft 9540c904)', () => {
    const raft = followerWith([1, 1]);
    raft.step(append([2, 1], [entry(3, 5, 'a'), entry(4, 5, 'b')]));
    raft.step(append([2, 1], [entry(3, 5, 'a')]));
    expect(raft.lastIndex).toBe(4);
    expect(answersOf(raft).at(-1)).toMatchObject({ accepted: true, matchedIndex: 4 });
  });

  test('an append from before what is committed takes nothing back', () => {
    const raft = followerWith([1, 1, 1, 1], { commitIndex: 3 });
    raft.step(append([0, 0], [entry(1, 1, '1')]));
    expect(raft.lastIndex).toBe(4);
    expect(answersOf(raft)).toMatchObject([{ accepted: true, matchedIndex: 3 }]);
  });

  test('of an append that begins before what is committed, what lies behind is taken', () => {
    const raft = followerWith([1, 1], { commitIndex: 2 });
    raft.step(append([1, 1], [entry(2, 1, '2'), entry(3, 5, 'new')]));
    expect(answersOf(raft)).toMatchObject([{ accepted: true, matchedIndex: 3 }]);
  });

  test('a leader that lacks what is committed here is a broken invariant, and a stranger that says so is ignored', () => {
    const raft = followerWith([1, 1], { commitIndex: 2 });
    const liar = append([1, 1], [entry(2, 4, 'other'), entry(3, 5, 'new')]);
    expect(() => raft.step(liar)).toThrow('a leader has every committed entry');

    const other = followerWith([1, 1], { commitIndex: 2 });
    other.step({ ...liar, from: 9n });
    expect([other.lastIndex, other.commitIndex]).toEqual([2, 2]);
  });

  test.each([
    ['a gap between them', [entry(3, 5), entry(5, 5)]],
    ['a gap before them', [entry(4, 5)]],
    ['a term that falls', [entry(3, 5), entry(4, 4)]],
    ['a term before that of the entry they follow', [entry(3, 0)]],
    ['a term after that of their leader', [entry(3, 6)]],
  ])('entries with %s are ignored (LogCabin 160)', (_, entries) => {
    const raft = followerWith([1, 1]);
    raft.step(append([2, 1], entries));
    expect([raft.lastIndex, raft.leader, raft.hasReady()]).toEqual([2, undefined, false]);
  });

  test('a rejection that arrives late never lets a leader send again what is acknowledged (raft 149)', () => {
    const cluster = threeLedByOne();
    const late = { type: 'appendEntriesAnswer', from: 2n, to: 1n, term: 2, accepted: false } as const;
    cluster.inject({ ...late, previousIndex: 1, hintIndex: 0, hintTerm: 0 });
    cluster.inject({ ...late, previousIndex: 900, hintIndex: 900, hintTerm: 2 });
    expect(cluster.waiting).toEqual([]);
    expect(cluster.raft(1n).progress()[0]).toMatchObject({ id: 2n, matchedIndex: 2, state: 'replicate' });
  });

  test('an acknowledgement beyond the end of the log is ignored', () => {
    const cluster = threeLedByOne();
    cluster.act(1n, (raft) => raft.propose(toBytes('a')));
    cluster.inject({ type: 'appendEntriesAnswer', from: 2n, to: 1n, term: 2, accepted: true, matchedIndex: 900 });
    expect(cluster.raft(1n).commitIndex).toBe(2);
  });

  test('no entry is committed that is not known to be the leader’s: an append vouches only for what it reaches to', () => {
    const raft = followerWith([1, 1, 1]);
    raft.step(append([1, 1], [entry(2, 1, '2')], { commitIndex: 3 }));
    expect([raft.commitIndex, raft.lastIndex]).toEqual([2, 3]);
  });

  test('a heartbeat that claims more than is here commits nothing (etcd 16220)', () => {
    const raft = followerWith([1, 1], { commitIndex: 1 });
    raft.step({ type: 'heartbeat', from: 2n, to: 1n, term: 5, commitIndex: 3, readRound: 0 });
    expect(raft.commitIndex).toBe(1);
  });
});

describe('disks', () => {
  test('a leader whose disk hangs makes room within an election timeout, and another leads at once (hraft 503)', () => {
    const cluster = threeLedByOne();
    cluster.holdDisk(1n);
    cluster.act(1n, (raft) => raft.propose(toBytes('a')));
    cluster.deliver();
    for (let tick = 0; tick < 9; tick += 1) {
      cluster.tick(1n, 1);
      cluster.deliver();
    }
    expect(cluster.raft(1n).role).toBe('leader');
    cluster.tick(1n, 1);
    cluster.deliver();
    expect([cluster.raft(1n).role, cluster.raft(2n).role]).toEqual(['follower', 'leader']);
  });

  test('a member whose disk hangs does not campaign, and answers heartbeats', () => {
    const cluster = threeLedByOne();
    cluster.holdDisk(2n);
    cluster.act(1n, (raft) => raft.propose(toBytes('a')));
    cluster.deliver();
    cluster.tell();
    cluster.tick(1n, 1);
    cluster.deliver();
    expect(cluster.tell()).toContain('2 → 1 heartbeatAnswer, term 2');
    cluster.tick(2n, 100);
    expect([cluster.raft(2n).role, cluster.waiting]).toEqual(['follower', []]);
    cluster.releaseDisk(2n);
    expect(cluster.raft(2n).role).toBe('preCandidate');
  });

  test('a sole voter leads on, however long its disk takes', () => {
    const cluster = new ScriptedCluster([1n]);
    cluster.holdDisk(1n);
    cluster.act(1n, (raft) => raft.propose(toBytes('a')));
    cluster.tick(1n, 100);
    expect(cluster.raft(1n).role).toBe('leader');
  });

  test('behind a disk that hangs, acknowledgements do not pile up', () => {
    const cluster = threeLedByOne();
    cluster.holdDisk(2n);
    for (let count = 0; count < 5; count += 1) {
      cluster.act(1n, (raft) => raft.propose(toBytes('a')));
      cluster.deliver();
    }
    cluster.releaseDisk(2n);
    // One for the first append, which began alone, and one for all that came meanwhile.
    expect(cluster.waiting).toMatchObject([{ matchedIndex: 3 }, { matchedIndex: 7 }]);
  });

  test('what could not be said before its term ended is not said any more', () => {
    const raft = followerWith([1, 1]);
    raft.step(append([2, 1], [entry(3, 5)]));
    const { append: first } = raft.ready();
    raft.step(append([3, 5], [entry(4, 5)]));
    raft.step(vote([9, 5], { term: 6, from: 3n, transfer: true }));
    raft.appended(first!);
    const { append: second, messages } = raft.ready();
    expect([messages, second!.messages]).toMatchObject([[], [{ type: 'voteAnswer', term: 6, granted: true }]]);
  });

  test('entries that replace those that are just being written are written in their place', () => {
    const raft = followerWith([1, 1]);
    raft.step(append([2, 1], [entry(3, 5, 'old'), entry(4, 5, 'old')]));
    const { append: first } = raft.ready();
    raft.step(append([2, 1], [entry(3, 6, 'new')], { term: 6, from: 3n, commitIndex: 3 }));
    expect(raft.ready()).toMatchObject({ committed: [{ index: 1 }, { index: 2 }], messages: [] });
    raft.appended(first!);
    const next = raft.ready();
    expect([shown(next.append!.entries), next.committed]).toEqual([['3/6 new'], []]);
    expect(next.append!.messages).toMatchObject([{ to: 3n, term: 6, accepted: true, matchedIndex: 3 }]);
    raft.appended(next.append!);
    expect(shown(raft.ready().committed)).toEqual(['3/6 new']);
  });
});

describe('snapshots', () => {
  const snapshot = (index: number, term: number) =>
    ({
      type: 'installSnapshot',
      from: 2n,
      to: 1n,
      term: 5,
      lastIndex: index,
      lastTerm: term,
      configuration: votersOnly(1n, 2n, 3n),
    }) as const;

  test('a follower with another entry at the last index of a snapshot takes the snapshot (hraft 697)', () => {
    const raft = followerWith([1, 2, 2, 2]);
    raft.step(snapshot(3, 4));
    expect(raft.pendingSnapshot).toMatchObject({ index: 3, term: 4 });
    expect([raft.firstIndex, raft.lastIndex, raft.commitIndex]).toEqual([4, 3, 3]);
    expect(answersOf(raft)).toMatchObject([{ type: 'installSnapshotAnswer', matchedIndex: 3 }]);
    expect([raft.pendingSnapshot, raft.appliedIndex]).toEqual([undefined, 3]);
  });

  test('a follower that has the last entry of a snapshot keeps what comes after it (etcd 1763)', () => {
    const raft = followerWith([1, 2, 2, 2]);
    raft.step(snapshot(3, 2));
    expect([raft.pendingSnapshot, raft.lastIndex, raft.commitIndex]).toEqual([undefined, 4, 3]);
    expect(answersOf(raft)).toMatchObject([{ type: 'installSnapshotAnswer', matchedIndex: 3 }]);
  });

  test('a follower that gets a snapshot of a joint configuration needs both majorities', () => {
    const raft = followerWith([1]);
    const joint = { voters: [1n, 4n, 5n], outgoing: [1n, 2n, 3n], learners: [] };
    raft.step({ ...snapshot(3, 4), configuration: joint });
    answersOf(raft);
    expect(raft.configuration).toEqual(joint);
  });

  test('two snapshots in quick succession end with the later one (etcd 18055)', () => {
    const raft = followerWith([1]);
    raft.step(snapshot(5, 4));
    const { append: first } = raft.ready();
    raft.step(snapshot(9, 4));
    expect(raft.pendingSnapshot).toMatchObject({ index: 9 });
    raft.appended(first!);
    expect(raft.appliedIndex).toBe(5);
    const { append: second } = raft.ready();
    expect(second).toMatchObject({ snapshot: { index: 9 }, messages: [{ matchedIndex: 9 }] });
    raft.appended(second!);
    expect([raft.appliedIndex, raft.lastIndex, raft.pendingSnapshot]).toEqual([9, 9, undefined]);
  });

  test('a member starts behind a snapshot whose term it had not entered before it crashed', () => {
    const raft = new Raft(
      testOptions({
        hardState: { term: 3, votedFor: 2n, commitIndex: 1 },
        log: { firstIndex: 10, previousTerm: 5, entries: [] },
        appliedIndex: 9,
        configuration: votersOnly(1n, 2n, 3n),
      }),
    );
    expect([raft.term, raft.commitIndex]).toEqual([5, 9]);
    raft.step(vote([9, 5], { term: 5, from: 3n, lastTerm: 4 }));
    expect(answersOf(raft)).toMatchObject([{ type: 'voteAnswer', term: 5, granted: false }]);
  });
});
