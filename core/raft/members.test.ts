/** What has gone wrong in other implementations of Raft, each as the behaviour that keeps it from happening here. */
import { describe, expect, test } from '@jest/globals';
import { toBytes } from '../base/bytes.js';
import { encodeConfiguration } from './configuration.js';
import { Raft } from './raft.js';
import { testOptions, votersOnly } from './testing/raft-fixture.js';
import { ScriptedCluster } from './testing/scripted-cluster.js';
import { threeLedByOne } from './testing/situations.js';
import type { Entry, MemberId } from './types.js';

describe('members', () => {
  test('a change waits until the leader has committed in its own term (erratum to the dissertation)', () => {
    const cluster = new ScriptedCluster([1n, 2n, 3n, 4n]);
    cluster.elect(1n);
    // 1 appends the removal of 4 and reaches nobody.
    cluster.cut(1n);
    cluster.act(1n, (raft) => raft.proposeConfiguration(votersOnly(1n, 2n, 3n), toBytes('')));
    cluster.drop();
    cluster.electAfterSilence(2n);
    expect(cluster.raft(2n).role).toBe('leader');
    cluster.act(2n, (raft) => raft.proposeConfiguration(votersOnly(2n, 3n, 4n), toBytes('')));
    cluster.deliver();
    // 1 and 3 might be a majority of what 1 goes by; but 3 has an entry of the later term, and does not vote for it.
    cluster.crash(2n);
    cluster.mend();
    cluster.tick(1n, 10);
    cluster.electAfterSilence(1n);
    expect(cluster.raft(1n).role).not.toBe('leader');

    const early = new ScriptedCluster([1n, 2n, 3n]);
    early.expire(1n);
    for (let delivery = 0; delivery < 4; delivery += 1) early.deliverOnce();
    expect([early.raft(1n).role, early.raft(1n).commitIndex]).toEqual(['leader', 1]);
    expect(() => early.raft(1n).proposeConfiguration(votersOnly(1n, 2n), toBytes(''))).toThrow(
      expect.objectContaining({ code: 'CONFIGURATION_CHANGE_REFUSED', retry: 'safe' }),
    );
  });

  test('one change at a time: a second one waits until the first is committed', () => {
    const cluster = threeLedByOne();
    cluster.act(1n, (raft) => raft.proposeConfiguration(votersOnly(1n, 2n, 3n, 4n), toBytes('')));
    const again = () => cluster.raft(1n).proposeConfiguration(votersOnly(1n, 2n), toBytes(''));
    expect(cluster.raft(1n).hasPendingConfiguration).toBe(true);
    expect(again).toThrow(expect.objectContaining({ code: 'CONFIGURATION_CHANGE_REFUSED' }));
    cluster.join(4n);
    cluster.deliver();
    expect(cluster.raft(1n).hasPendingConfiguration).toBe(false);
    expect(again).not.toThrow();
  });

  test('a joint configuration is not left while only what stands before it is committed', () => {
    const cluster = threeLedByOne();
    cluster.join(4n);
    cluster.act(1n, (raft) => raft.proposeConfiguration({ voters: [1n, 2n, 3n], learners: [4n] }, toBytes('')));
    cluster.deliver();
    cluster.act(1n, (raft) => raft.propose(toBytes('before')));
    const before = cluster.waiting.filter(({ to }) => to !== 3n);
    cluster.act(1n, (raft) => raft.proposeConfiguration(votersOnly(1n, 4n), toBytes('')));
    for (const message of before) cluster.inject(message);
    for (const id of [2n, 4n]) cluster.deliver([id, 1n]);
    expect([cluster.raft(1n).commitIndex, cluster.raft(1n).configuration.outgoing]).toEqual([4, [1n, 2n, 3n]]);
    cluster.deliver();
    expect(cluster.raft(1n).configuration).toEqual(votersOnly(1n, 4n));
  });

  test('a joint configuration is left by whoever leads next, and not before both majorities have it (camunda 60086)', () => {
    const cluster = threeLedByOne();
    cluster.join(4n);
    cluster.act(1n, (raft) => raft.proposeConfiguration(votersOnly(1n, 4n), toBytes('')));
    cluster.deliver([1n, 2n]);
    cluster.deliver([2n, 1n]);
    expect(cluster.raft(1n).configuration.outgoing).toBeDefined();
    cluster.deliver([1n, 4n]);
    cluster.deliver([4n, 1n]);
    cluster.deliver([1n, 4n]);
    cluster.crash(1n);
    cluster.drop();
    cluster.electAfterSilence(4n);
    // Of 1 and 4 both are needed, and 1 is down: 4 cannot lead.
    expect(cluster.raft(4n).role).not.toBe('leader');

    cluster.start(1n);
    cluster.electAfterSilence(1n);
    expect(cluster.raft(1n).configuration).toEqual(votersOnly(1n, 4n));
  });

  test.each([
    ['from the log', 0],
    ['from a snapshot', 1],
  ])('a member that restarts while the configuration is joint still needs both majorities: %s', (_, appliedIndex) => {
    const joint = { voters: [1n, 4n, 5n], outgoing: [1n, 2n, 3n], learners: [] };
    const first: Entry = { index: 1, term: 1, kind: 'configuration', data: encodeConfiguration(joint, toBytes('')) };
    const raft = new Raft(
      testOptions({
        hardState: { term: 1, votedFor: 0n, commitIndex: 1 },
        log:
          appliedIndex === 0
            ? { firstIndex: 1, previousTerm: 0, entries: [first] }
            : { firstIndex: 2, previousTerm: 1, entries: [] },
        appliedIndex,
        configuration: appliedIndex === 0 ? { voters: [], learners: [] } : joint,
      }),
    );
    expect(raft.configuration).toEqual(joint);
    for (let tick = 0; tick < 20; tick += 1) raft.tick();
    const yes = (from: MemberId) => raft.step({ type: 'preVoteAnswer', from, to: 1n, term: 2, granted: true });
    yes(4n);
    yes(5n);
    expect(raft.role).toBe('preCandidate');
    yes(2n);
    expect(raft.role).toBe('candidate');
  });

  test('a member that was removed stays removed after a restart: members come from the log alone (etcd 13196)', () => {
    const cluster = threeLedByOne();
    cluster.act(1n, (raft) => raft.proposeConfiguration(votersOnly(1n, 2n), toBytes('')));
    cluster.deliver();
    expect(cluster.raft(3n).configuration).toEqual(votersOnly(1n, 2n));
    for (const id of [1n, 2n, 3n]) {
      cluster.crash(id);
      cluster.start(id);
      expect(cluster.raft(id).configuration).toEqual(votersOnly(1n, 2n));
    }
    cluster.elect(1n);
    for (let round = 0; round < 40; round += 1) {
      for (const id of [1n, 2n, 3n]) cluster.tick(id, 1);
      cluster.deliver();
    }
    expect([cluster.raft(1n).role, cluster.raft(2n).leader]).toEqual(['leader', 1n]);
    expect(
      cluster
        .raft(1n)
        .progress()
        .map(({ id }) => id),
    ).toEqual([2n]);
  });

  test('of a removal that only the removed one has, the others are not left without a leader', () => {
    const cluster = new ScriptedCluster([1n, 2n]);
    cluster.elect(2n);
    cluster.act(2n, (raft) => raft.proposeConfiguration(votersOnly(1n), toBytes('')));
    cluster.drop();
    cluster.act(2n, (raft) => raft.stepDown());
    // 1 does not get the vote of 2, whose log is longer; 2 has no vote in its own configuration, and stands all the same.
    for (let round = 0; round < 60; round += 1) {
      for (const id of [1n, 2n]) cluster.tick(id, 1);
      cluster.deliver();
    }
    expect([cluster.raft(1n).role, cluster.raft(1n).configuration]).toEqual(['leader', votersOnly(1n)]);
  });

  test('handing over twice ends with one leader (hraft 581)', () => {
    const cluster = threeLedByOne();
    cluster.act(1n, (raft) => raft.transferLeadership(2n));
    cluster.act(1n, (raft) => raft.transferLeadership(3n));
    cluster.deliver();
    for (let round = 0; round < 40; round += 1) {
      for (const id of [1n, 2n, 3n]) cluster.tick(id, 1);
      cluster.deliver();
    }
    const roles = [1n, 2n, 3n].map((id) => cluster.raft(id).role);
    expect(roles.filter((role) => role === 'leader').length).toBe(1);
  });
});
