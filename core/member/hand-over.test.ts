import { afterEach, describe, expect, test } from '@jest/globals';
import { codesOf } from './testing/codes.js';
import { get, put, TestCluster, type TestNode } from './testing/member-cluster.js';

const clusters: TestCluster[] = [];
afterEach(async () => {
  for (const cluster of clusters.splice(0)) await cluster.close();
});

async function started(): Promise<TestCluster> {
  const cluster = await TestCluster.started();
  clusters.push(cluster);
  return cluster;
}

describe('leadership', () => {
  test('is handed over by a leader that closes, and nobody waits for an election', async () => {
    const cluster = await started();
    const { leader } = cluster;
    const [follower] = cluster.followers as [TestNode];
    const fromMs = cluster.clock.now();
    let isHandedOver = false;
    cluster.network.fate = (_from, _to, message) => {
      isHandedOver ||= message.type === 'timeoutNow';
      return 'deliver';
    };
    const writes = Array.from({ length: 20 }, (_, i) => put(leader, `key/${i}`, 'x'));

    await cluster.until(leader.m.close());
    await cluster.until(put(follower, 'after', 'y'));

    expect(codesOf(await Promise.allSettled(writes))).toEqual(Array(20).fill(undefined));
    expect(cluster.clock.now() - fromMs).toBeLessThan(300);
    expect(isHandedOver).toBe(true);
  });

  test('is handed to a member that is named', async () => {
    const cluster = await started();
    const { leader } = cluster;
    const [follower] = cluster.followers as [TestNode];
    const put1 = put(leader, 'a', '1');

    await cluster.until(leader.m.moveLeader(follower.id));

    expect(cluster.leader).toBe(follower);
    await cluster.until(put1);
    // What was proposed while it was handed over waited for the new leader.
    expect(await cluster.until(get(leader, 'a'))).toBe('1');
  });

  test('writes that come while it is handed over are done by the next leader', async () => {
    const cluster = await started();
    const { leader } = cluster;
    const [follower, other] = cluster.followers as [TestNode, TestNode];
    const moved = leader.m.moveLeader(follower.id);
    const writes = [leader, other, follower].map((node) => put(node, `by/${node.id}`, 'x'));

    await cluster.until(moved);

    await cluster.until(Promise.all(writes));
    expect(cluster.leader).toBe(follower);
  });

  test('is moved only by the leader, and only to another voter', async () => {
    const cluster = await started();
    const [follower] = cluster.followers as [TestNode];

    await expect(follower.m.moveLeader(follower.id)).rejects.toMatchObject({ code: 'MEMBER_NOT_LEADER' });
    await expect(cluster.leader.m.moveLeader(99n)).rejects.toMatchObject({ code: 'BAD_LEADER_TRANSFEREE' });
    await cluster.leader.m.moveLeader(cluster.leader.id);
  });

  test('stays where it is if the other one does not answer', async () => {
    const cluster = await started();
    const { leader } = cluster;
    const [follower] = cluster.followers as [TestNode];
    cluster.network.cut(leader.id, follower.id);
    cluster.network.cut(follower.id, leader.id);

    await expect(cluster.until(leader.m.moveLeader(follower.id))).rejects.toMatchObject({ code: 'TIMEOUT' });

    await cluster.until(put(leader, 'a', 'x'));
  });

  test('is told of: when nobody is known to lead any more, and when somebody is again', async () => {
    const cluster = await started();
    const { leader } = cluster;
    const told: boolean[] = [];
    const stop = leader.m.onLeadership((hasLeader) => told.push(hasLeader));

    cluster.cutOff(leader);
    await cluster.clock.advance(3_000);
    expect(told).toEqual([false]);
    cluster.network.heal();
    await cluster.untilLed();
    expect(told).toEqual([false, true]);

    stop();
    cluster.cutOff(leader);
    await cluster.clock.advance(3_000);
    expect(told).toEqual([false, true]);
  });
});
