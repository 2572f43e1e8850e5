/** What has gone wrong in other implementations of Raft, each as the behaviour that keeps it from happening here. */
import { describe, expect, test } from '@jest/globals';
import { toBytes } from '../base/bytes.js';
import { entry, votersOnly } from './testing/raft-fixture.js';
import { ScriptedCluster } from './testing/scripted-cluster.js';
import { answersOf, append, followerWith, threeLedByOne, vote } from './testing/situations.js';

describe('elections', () => {
  test('a member that has lost one link does not disturb a leader that the others hear (Cloudflare 2020)', () => {
    const cluster = threeLedByOne();
    cluster.cut(1n, 3n);
    for (let round = 0; round < 60; round += 1) {
      for (const id of [1n, 2n, 3n]) cluster.tick(id, 1);
      cluster.deliver();
    }
    expect([cluster.raft(1n).role, cluster.raft(1n).term, cluster.raft(2n).leader]).toEqual(['leader', 2, 1n]);
  });

  test("a candidate of a smaller term is told the present one, and so does not ask in vain for ever (etcd's #8243)", () => {
    const raft = followerWith([1], { term: 7 });
    raft.step(vote([1, 1], { type: 'requestPreVote', term: 4 }));
    expect(answersOf(raft)).toEqual([{ type: 'preVoteAnswer', from: 1n, to: 2n, term: 7, granted: false }]);

    const candidate = followerWith([1], { term: 3 });
    for (let tick = 0; tick < 20; tick += 1) candidate.tick();
    candidate.step({ type: 'preVoteAnswer', from: 2n, to: 1n, term: 7, granted: false });
    expect([candidate.role, candidate.term]).toEqual(['follower', 7]);
  });

  test('when a removed leader has gone and votes are asked for beforehand, the others find a new one (etcd 8334)', () => {
    const cluster = threeLedByOne();
    cluster.act(1n, (raft) => raft.proposeConfiguration(votersOnly(2n, 3n), toBytes('')));
    cluster.deliver();
    cluster.crash(1n);
    for (let round = 0; round < 60; round += 1) {
      for (const id of [2n, 3n]) cluster.tick(id, 1);
      cluster.deliver();
    }
    expect([2n, 3n]).toContain(cluster.raft(2n).leader);
    expect(cluster.raft(3n).leader).toBe(cluster.raft(2n).leader);
  });

  test.each([
    ['a later last term wins over a longer log', [2, 4], true],
    ['an earlier last term loses, however long the log', [9, 2], false],
    ['in the same last term the longer log wins', [4, 3], true],
    ['in the same last term an equally long log is enough', [3, 3], true],
    ['in the same last term a shorter log loses', [2, 3], false],
  ] as const)('votes: %s', (_, last, granted) => {
    const raft = followerWith([1, 3, 3]);
    raft.step(vote(last));
    expect(answersOf(raft)).toEqual([{ type: 'voteAnswer', from: 1n, to: 2n, term: 6, granted }]);
  });

  test('a vote that arrives twice counts once', () => {
    const cluster = new ScriptedCluster([1n, 2n, 3n, 4n, 5n]);
    cluster.expire(1n);
    cluster.deliver([1n, 2n]);
    cluster.deliver([1n, 3n]);
    cluster.deliver([2n, 1n]);
    cluster.deliver([3n, 1n]);
    cluster.deliver([1n, 2n]);
    const [answer] = cluster.waiting.filter(({ type }) => type === 'voteAnswer');
    cluster.inject(answer!);
    cluster.inject(answer!);
    expect(cluster.raft(1n).role).toBe('candidate');
  });

  test('a member votes for one candidate in a term, also after a restart', () => {
    const cluster = new ScriptedCluster([1n, 2n, 3n]);
    cluster.inject(vote([1, 1], { to: 3n, from: 1n, term: 2 }));
    cluster.crash(3n);
    cluster.start(3n);
    cluster.drop();
    cluster.inject(vote([1, 1], { to: 3n, from: 2n, term: 2 }));
    expect(cluster.waiting).toEqual([{ type: 'voteAnswer', from: 3n, to: 2n, term: 2, granted: false }]);
  });

  test('a removed member that goes on campaigning raises nobody’s term (hraft 524)', () => {
    const cluster = threeLedByOne();
    cluster.act(1n, (raft) => raft.proposeConfiguration(votersOnly(1n, 2n), toBytes('')));
    cluster.cut(3n);
    cluster.deliver();
    cluster.mend();
    for (let round = 0; round < 60; round += 1) {
      for (const id of [1n, 2n, 3n]) cluster.tick(id, 1);
      cluster.deliver();
    }
    expect([cluster.raft(1n).role, cluster.raft(1n).term, cluster.raft(2n).term]).toEqual(['leader', 2, 2]);
  });
});

describe('strangers', () => {
  test.each([
    { type: 'voteAnswer', granted: true },
    { type: 'preVoteAnswer', granted: false },
    { type: 'heartbeatAnswer', readRound: 0 },
    { type: 'appendEntriesAnswer', accepted: true, matchedIndex: 1 },
    { type: 'installSnapshotAnswer', matchedIndex: 1 },
    { type: 'readIndexAnswer', context: 1, index: 1 },
    { type: 'readIndex', context: 1 },
    { type: 'timeoutNow' },
  ] as const)('what a stranger answers or tells changes nothing, whatever its term: $type', (content) => {
    const cluster = threeLedByOne();
    for (const to of [1n, 2n]) for (const term of [0, 1, 2, 3, 99]) cluster.inject({ ...content, from: 99n, to, term });
    expect(cluster.status()).toEqual(threeLedByOne().status());
    expect(cluster.waiting).toEqual([]);
  });

  test('a leader that a member has not heard of is followed: it may have been added meanwhile', () => {
    const raft = followerWith([1, 1]);
    raft.step(append([2, 1], [entry(3, 5)], { from: 4n }));
    expect([raft.leader, raft.lastIndex]).toEqual([4n, 3]);
  });

  test('in a term with a leader nobody else is believed to lead', () => {
    const raft = followerWith([1, 1]);
    raft.step(append([2, 1], [entry(3, 5)]));
    raft.step(append([2, 1], [entry(3, 4, 'other')], { from: 3n }));
    expect([raft.leader, raft.lastIndex]).toEqual([2n, 3]);
  });
});
