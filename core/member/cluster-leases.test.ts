import { afterEach, describe, expect, test } from '@jest/globals';
import { toBytes } from '../base/bytes.js';
import type { LeaseId } from '../base/key-value.js';
import { put, TestCluster, type TestNode } from './testing/member-cluster.js';

const SECOND = 1_000;
const ELECTION_MS = 1 * SECOND;
/** A lease that has run out is found by the next scan, and its end takes a round. */
const LATENESS_MS = 600;

const clusters: TestCluster[] = [];
afterEach(async () => {
  for (const cluster of clusters.splice(0)) await cluster.close();
});

async function started(options?: Parameters<typeof TestCluster.started>[0]): Promise<TestCluster> {
  const cluster = await TestCluster.started(options);
  clusters.push(cluster);
  return cluster;
}

/** A lease with a key, as applied at a member. */
async function exists(node: TestNode, id: LeaseId): Promise<boolean> {
  const key = toBytes(`lease/${id}`);
  return (await node.m.range({ type: 'range', key, serializable: true })).count > 0;
}

async function granted(cluster: TestCluster, node: TestNode, ttlSeconds: number): Promise<LeaseId> {
  const { id } = await cluster.until(node.m.leaseGrant(0n, ttlSeconds));
  const key = toBytes(`lease/${id}`);
  await cluster.until(node.m.put({ type: 'put', key, value: toBytes(''), lease: id }));
  return id;
}

describe('a lease of a cluster', () => {
  test('granted at a follower ends at all members after its TTL, and not before', async () => {
    const cluster = await started();
    const [follower] = cluster.followers as [TestNode];
    const fromMs = cluster.clock.now();
    const id = await granted(cluster, follower, 5);

    await cluster.clock.advance(5 * SECOND - (cluster.clock.now() - fromMs) - 1);
    for (const node of cluster.nodes) expect(await exists(node, id)).toBe(true);

    await cluster.clock.advance(2 * LATENESS_MS);
    for (const node of cluster.nodes) expect(await exists(node, id)).toBe(false);
  });

  test('is kept alive through a follower, and tells there what is left of it', async () => {
    const cluster = await started();
    const [follower] = cluster.followers as [TestNode];
    const id = await granted(cluster, follower, 5);
    for (let i = 0; i < 4; i += 1) {
      await cluster.clock.advance(3 * SECOND);
      expect(await cluster.until(follower.m.leaseKeepAlive(id))).toMatchObject({ ttlSeconds: 5 });
    }
    await cluster.clock.advance(2 * SECOND);

    const { remainingTtlSeconds, grantedTtlSeconds, keys } = await cluster.until(follower.m.leaseTimeToLive(id, true));

    expect([remainingTtlSeconds, grantedTtlSeconds, keys.length]).toEqual([2, 5, 1]);
    expect(await cluster.until(follower.m.leaseTimeToLive(99n, true))).toMatchObject({ remainingTtlSeconds: -1 });
    expect(await cluster.until(follower.m.leaseKeepAlive(99n))).toMatchObject({ ttlSeconds: 0 });
  });

  test('all renewals of one turn are one question to the leader', async () => {
    const cluster = await started();
    const [follower] = cluster.followers as [TestNode];
    const ids = (await cluster.until(Promise.all([1, 2, 3].map(() => follower.m.leaseGrant(0n, 60))))).map(
      ({ id }) => id,
    );
    const asked: number[] = [];
    cluster.network.fate = (_from, _to, message) => {
      if (message.type === 'renew') asked.push(message.leases.length);
      return 'deliver';
    };

    await cluster.until(Promise.all(ids.map((id) => follower.m.leaseKeepAlive(id))));

    expect(asked).toEqual([3]);
  });

  test('a renewal whose answer is lost is asked again, within its time', async () => {
    const cluster = await started();
    const [follower] = cluster.followers as [TestNode];
    const id = await granted(cluster, follower, 5);
    let lost = 0;
    cluster.network.fate = (_from, _to, message) =>
      message.type === 'renewed' && (lost += 1) <= 2 ? 'lose' : 'deliver';

    expect(await cluster.until(follower.m.leaseKeepAlive(id))).toMatchObject({ ttlSeconds: 5 });
    expect(lost).toBe(3);
  });

  test('renewals that wait while a leader is lost are answered by the next one', async () => {
    const cluster = await started();
    const [follower] = cluster.followers as [TestNode];
    const id = await granted(cluster, follower, 5);
    cluster.leader.kill();

    expect(await cluster.until(follower.m.leaseKeepAlive(id))).toMatchObject({ ttlSeconds: 5 });
  });

  test.each([1, 2, 3, 4])(
    'renewed just before its leader is lost, lives its TTL from then on, and not much longer (seed %d)',
    async (seed) => {
      const cluster = await started({ seed });
      const { leader } = cluster;
      const [follower] = cluster.followers as [TestNode];
      const id = await granted(cluster, follower, 5);
      await cluster.clock.advance(4_500);
      const renewedMs = cluster.clock.now();
      expect(await cluster.until(leader.m.leaseKeepAlive(id))).toMatchObject({ ttlSeconds: 5 });
      leader.kill();

      await cluster.until(eventually(async () => !(await exists(follower, id))));

      const lifeMs = cluster.clock.now() - renewedMs;
      expect(lifeMs).toBeGreaterThanOrEqual(5 * SECOND);
      // Until another leads, two election timeouts; then its TTL, and one election timeout for what it cannot know.
      expect(lifeMs).toBeLessThanOrEqual(5 * SECOND + 2 * ELECTION_MS + ELECTION_MS + LATENESS_MS);
    },
  );

  test('is not ended by a leader that was stopped for longer than its TTL, while others led and renewed it', async () => {
    const cluster = await started();
    const stuck = cluster.leader;
    const id = await granted(cluster, stuck, 3);
    stuck.clock.pause();
    const other = await cluster.untilLed([stuck]);
    for (let i = 0; i < 5; i += 1) {
      await cluster.clock.advance(2 * SECOND);
      expect(await cluster.until(other.m.leaseKeepAlive(id))).toMatchObject({ ttlSeconds: 3 });
    }

    stuck.clock.resume();
    await cluster.clock.advance(2_500);

    expect(await exists(other, id)).toBe(true);
    expect(await cluster.until(stuck.m.leaseKeepAlive(id))).toMatchObject({ ttlSeconds: 3 });
  });

  test('is neither ended nor renewed by a leader that is cut off', async () => {
    const cluster = await started();
    const { leader } = cluster;
    const id = await granted(cluster, leader, 2);
    cluster.cutOff(leader);

    const renewal = leader.m.leaseKeepAlive(id);
    const other = await cluster.untilLed([leader]);
    await cluster.clock.advance(500);
    expect(await cluster.until(other.m.leaseKeepAlive(id))).toMatchObject({ ttlSeconds: 2 });
    await expect(cluster.until(renewal)).rejects.toMatchObject({ code: 'NO_LEADER' });

    expect(await exists(leader, id)).toBe(true);
  });

  test('a renewal that a leader could not confirm is for the next one to answer, who keeps the time', async () => {
    // With this seed the first vote is not split.
    const cluster = await started({ seed: 2 });
    const { leader } = cluster;
    const id = await granted(cluster, leader, 5);
    cluster.cutOff(leader);
    const renewal = leader.m.leaseKeepAlive(id);
    const other = await cluster.untilLed([leader]);
    const asked: bigint[] = [];
    cluster.network.fate = (_from, to, message) => {
      if (message.type === 'renew') asked.push(to);
      return 'deliver';
    };
    cluster.network.heal();

    expect(await cluster.until(renewal)).toMatchObject({ ttlSeconds: 5 });
    expect(new Set(asked)).toEqual(new Set([other.id]));
  });

  test('ends while leaders come and go, so that nobody keeps it for ever', async () => {
    const cluster = await started();
    const id = await granted(cluster, cluster.leader, 2);
    const fromMs = cluster.clock.now();
    let changes = 0;
    for (; changes < 3; changes += 1) {
      await cluster.clock.advance(1 * SECOND);
      const [follower] = cluster.followers as [TestNode];
      await cluster.until(cluster.leader.m.moveLeader(follower.id));
    }

    await cluster.until(eventually(async () => !(await exists(cluster.leader, id))));

    const boundMs = 2 * SECOND + 2 * ELECTION_MS + changes * 2 * SECOND;
    expect(cluster.clock.now() - fromMs).toBeLessThanOrEqual(boundMs + LATENESS_MS);
  });

  test('ids that members choose at the same time are different', async () => {
    const cluster = await started();
    const grants = cluster.nodes.flatMap((node) => Array.from({ length: 10 }, () => node.m.leaseGrant(0n, 60)));

    const ids = (await cluster.until(Promise.all(grants))).map(({ id }) => id);

    expect(new Set(ids).size).toBe(30);
  });

  test('leases are the same at every member', async () => {
    const cluster = await started();
    const ids = await cluster.until(Promise.all(cluster.nodes.map((node) => node.m.leaseGrant(0n, 60))));
    await cluster.until(put(cluster.leader, 'a', 'x'));

    for (const node of cluster.nodes) {
      const listed = await cluster.until(node.m.leases());
      expect([...listed.ids].sort()).toEqual(ids.map(({ id }) => id).sort());
    }
  });
});

/** A condition that has to be asked for, as one that can be looked at. */
function eventually(condition: () => Promise<boolean>): () => boolean {
  let isSo = false;
  return () => {
    void condition().then((so) => (isSo = so));
    return isSo;
  };
}
