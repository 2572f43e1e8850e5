/** What has gone wrong in other implementations of Raft, each as the behaviour that keeps it from happening here. */
import { describe, expect, test } from '@jest/globals';
import { toBytes } from '../base/bytes.js';
import { ScriptedCluster } from './testing/scripted-cluster.js';
import { threeLedByOne } from './testing/situations.js';

describe('reads', () => {
  test('a leader that is cut off answers no read, though it still believes that it leads (openraft d60f1e85)', () => {
    const cluster = new ScriptedCluster([1n, 2n, 3n, 4n, 5n]);
    cluster.elect(1n);
    for (const other of [3n, 4n, 5n]) cluster.cut(1n, other);
    cluster.tell();
    cluster.act(1n, (raft) => raft.readIndex(7));
    cluster.deliver();
    expect([cluster.raft(1n).role, cluster.tell().filter((line) => line.includes('reads'))]).toEqual(['leader', []]);
  });

  test('a leader that has committed nothing in its term lets reads wait (etcd 7331)', () => {
    const cluster = threeLedByOne();
    cluster.act(1n, (raft) => raft.propose(toBytes('a')));
    cluster.deliver([1n, 2n]);
    cluster.deliver([2n, 1n]);
    // 3 is committed, which 2 has yet to hear; then 1 is gone, and 2 leads.
    cluster.cut(1n);
    cluster.drop();
    cluster.tick(3n, 10);
    cluster.drop();
    cluster.expire(2n);
    for (let delivery = 0; delivery < 4; delivery += 1) cluster.deliverOnce();
    expect([cluster.raft(2n).role, cluster.raft(2n).commitIndex]).toEqual(['leader', 2]);
    cluster.tell();
    cluster.act(2n, (raft) => raft.readIndex(7));
    expect(cluster.tell()).toEqual([]);
    cluster.deliver();
    expect(cluster.tell()).toContain('  2 reads 7 at 4');
  });

  test('the answer to an old round confirms no new one (etcd 20418)', () => {
    const cluster = threeLedByOne();
    cluster.act(1n, (raft) => raft.readIndex(1));
    cluster.deliverOnce();
    const old = cluster.waiting.filter(({ type }) => type === 'heartbeatAnswer');
    cluster.deliver();
    cluster.tell();
    cluster.cut(1n);
    cluster.act(1n, (raft) => raft.readIndex(2));
    for (const message of old) cluster.inject({ ...message, to: 1n });
    cluster.mend();
    for (const message of old) cluster.inject(message);
    expect(cluster.tell().filter((line) => line.includes('reads'))).toEqual([]);
  });

  test('a follower that restarts takes no answer to what it asked before (etcd 20418)', () => {
    const cluster = threeLedByOne();
    cluster.act(2n, (raft) => raft.readIndex(1));
    cluster.deliver([2n, 1n]);
    cluster.deliver([1n, 2n]);
    cluster.deliver([2n, 1n]);
    const [answer] = cluster.waiting.filter(({ type }) => type === 'readIndexAnswer');
    expect(answer).toBeDefined();
    cluster.crash(2n);
    cluster.start(2n);
    cluster.tick(1n, 1);
    cluster.deliver();
    cluster.tell();
    cluster.act(2n, (raft) => raft.readIndex(1));
    cluster.inject(answer!);
    expect(cluster.tell().filter((line) => line.includes('reads'))).toEqual([]);
  });

  test('what was asked of a leader that is gone is not answered by the next: whoever still wants to read asks again', () => {
    const cluster = threeLedByOne();
    cluster.act(3n, (raft) => raft.readIndex(1));
    cluster.drop();
    cluster.act(3n, (raft) => raft.readIndex(2));
    cluster.act(1n, (raft) => raft.transferLeadership(2n));
    cluster.deliver();
    for (const id of [2n, 3n]) cluster.tick(id, 4);
    cluster.deliver();
    cluster.act(3n, (raft) => raft.readIndex(3));
    cluster.deliver();
    expect(cluster.tell().filter((line) => line.includes('3 reads'))).toEqual(['  3 reads 3 at 3']);
  });

  test('a leader that has handed over answers no more reads (tikv 9351)', () => {
    const cluster = threeLedByOne();
    cluster.act(1n, (raft) => raft.transferLeadership(2n));
    cluster.deliver([1n, 2n]);
    cluster.deliver([2n, 3n]);
    cluster.deliver([3n, 2n]);
    expect(cluster.raft(2n).role).toBe('leader');
    cluster.act(1n, (raft) => raft.readIndex(1));
    cluster.deliver([1n, 3n]);
    cluster.deliver([3n, 1n]);
    expect(cluster.tell().filter((line) => line.includes('1 reads'))).toEqual([]);
    expect(cluster.raft(1n).role).toBe('follower');
  });
});
