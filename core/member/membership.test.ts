import { afterEach, describe, expect, test } from '@jest/globals';
import { InvalidArgumentError } from '../base/errors.js';
import type { MemberInfo } from '../machine/types.js';
import { decodeMembers } from './peer-traffic.js';
import { codesOf } from './testing/codes.js';
import { get, put, TestCluster, type TestNode } from './testing/member-cluster.js';

const clusters: TestCluster[] = [];
afterEach(async () => {
  for (const cluster of clusters.splice(0)) await cluster.close();
});

async function started(options?: Parameters<typeof TestCluster.started>[0]): Promise<TestCluster> {
  const cluster = await TestCluster.started(options);
  clusters.push(cluster);
  // Everybody has published itself.
  await cluster.clock.advance(1_000);
  return cluster;
}

const URLS = ['http://10.0.0.9:2380'];

/** Adds a member through a node, and prepares what it runs on. */
async function add(
  cluster: TestCluster,
  through: TestNode,
  options: { isLearner: boolean; replaces?: bigint } = { isLearner: false },
): Promise<TestNode> {
  const { member, members } = await cluster.until(through.m.memberAdd({ peerUrls: URLS, ...options }));
  return cluster.prepare(member.id, members);
}

async function membersAt(cluster: TestCluster, node: TestNode): Promise<readonly MemberInfo[]> {
  return cluster.until(node.m.members({ linearizable: true }));
}

async function codeOf(cluster: TestCluster, call: Promise<unknown>): Promise<string | undefined> {
  return codesOf(await cluster.until(Promise.allSettled([call])))[0];
}

describe('adding', () => {
  test('a voter through a follower makes the cluster larger, once it is started', async () => {
    const cluster = await started();
    await cluster.until(put(cluster.leader, 'a', 'x'));
    const added = await add(cluster, cluster.followers[0] as TestNode);

    await cluster.until(added.start());

    expect(await cluster.until(get(added, 'a'))).toBe('x');
    await cluster.until(put(added, 'b', 'y'));
    expect((await membersAt(cluster, added)).map(({ isLearner }) => isLearner)).toEqual([false, false, false, false]);
  });

  test('a second member to one that was alone leaves it its majority until the new one has caught up', async () => {
    const cluster = await started({ size: 1 });
    const added = await add(cluster, cluster.leader);
    await cluster.until(put(cluster.leader, 'a', 'x'));

    await cluster.until(added.start());
    await cluster.until(() => cluster.leader.voterCount === 2);

    expect(await cluster.until(get(added, 'a'))).toBe('x');
    added.kill();
    await cluster.clock.advance(4_000);
    await expect(put(cluster.nodes[0] as TestNode, 'b', 'x')).rejects.toMatchObject({ code: 'NO_LEADER' });
  });

  test('a learner gives it everything but a vote, and a vote when it has kept up for a while', async () => {
    const cluster = await started();
    await cluster.until(put(cluster.leader, 'a', 'x'));
    const added = await add(cluster, cluster.leader, { isLearner: true });
    await cluster.until(added.start());
    expect(added.m.isLearner).toBe(true);
    expect(await get(added, 'a', true)).toBe('x');

    await cluster.until(() => !added.m.isLearner);

    expect((await membersAt(cluster, added)).every(({ isLearner }) => !isLearner)).toBe(true);
    // It counts: with it and one more gone, two of four are no majority.
    expect(cluster.leader.m.status().errors).toEqual([]);
  });

  test('a learner stays one where promotion is switched off, until it is asked for', async () => {
    const cluster = await started({ autoPromote: false });
    const added = await add(cluster, cluster.leader, { isLearner: true });
    const early = codeOf(cluster, cluster.leader.m.memberPromote(added.id));
    expect(await early).toBe('LEARNER_NOT_READY');
    await cluster.until(added.start());
    await cluster.clock.advance(20_000);
    expect(added.m.isLearner).toBe(true);

    await cluster.until((cluster.followers[0] as TestNode).m.memberPromote(added.id));

    await cluster.until(() => !added.m.isLearner);
  });

  test('a member whose own acknowledgement is needed for that reaches it all the same', async () => {
    const cluster = await started({ strictReconfigCheck: false });
    const [dead] = cluster.followers as [TestNode];
    dead.kill();
    await cluster.clock.advance(1_500);
    // Three of four are needed, and the third is the new one.
    const adding = cluster.leader.m.memberAdd({ peerUrls: URLS, isLearner: false });
    await cluster.clock.advance(200);
    const { members } = decodeMembers(cluster.network.station(cluster.leader.id)?.handler.members() as Uint8Array);
    const { id } = members.find(({ peerUrls }) => peerUrls.join() === URLS.join()) as MemberInfo;
    const added = cluster.prepare(id, members);

    await cluster.until(added.start());

    expect((await cluster.until(adding)).members).toHaveLength(4);
  });

  test('is refused for bad addresses, taken ones, too many learners, and while a majority would be at risk', async () => {
    const cluster = await started({ autoPromote: false });
    const [follower, other] = cluster.followers as [TestNode, TestNode];
    const { m } = follower;
    const taken = cluster.initial[0]?.peerUrls as string[];
    await add(cluster, follower, { isLearner: true });

    expect(await codeOf(cluster, m.memberAdd({ peerUrls: ['nowhere'], isLearner: false }))).toBe('INVALID_PEER_URLS');
    expect(await codeOf(cluster, m.memberAdd({ peerUrls: taken, isLearner: false }))).toBe('PEER_URL_EXISTS');
    const again = { peerUrls: ['http://10.0.0.10:2380'], isLearner: true };
    expect(await codeOf(cluster, m.memberAdd(again))).toBe('TOO_MANY_LEARNERS');
    other.kill();
    await cluster.clock.advance(1_500);
    const voter = { peerUrls: ['http://10.0.0.10:2380'], isLearner: false };
    expect(await codeOf(cluster, m.memberAdd(voter))).toBe('UNHEALTHY_CLUSTER');
  });

  test('to a member that nobody can reach is refused', async () => {
    const cluster = new TestCluster({ size: 1 });
    clusters.push(cluster);
    const [node] = cluster.nodes as [TestNode];
    node.isUnreachable = true;
    await cluster.until(node.start());

    await expect(node.m.memberAdd({ peerUrls: URLS, isLearner: false })).rejects.toMatchObject({ field: 'peers' });
  });

  test('ids are never used again: the same addresses get another one', async () => {
    const cluster = await started({ autoPromote: false });
    const first = await add(cluster, cluster.leader, { isLearner: true });
    await cluster.until(cluster.leader.m.memberRemove(first.id));
    const second = await add(cluster, cluster.leader, { isLearner: true });

    expect(second.id).not.toBe(first.id);
  });
});

describe('removing', () => {
  test('a follower ends it with that reason, and the others go on', async () => {
    const cluster = await started();
    const [removed, other] = cluster.followers as [TestNode, TestNode];
    const { stopped } = removed.m;

    const left = await cluster.until(other.m.memberRemove(removed.id));

    expect(left.map(({ id }) => id)).not.toContain(removed.id);
    expect(await cluster.until(stopped)).toMatchObject({
      name: 'MemberRemovedError',
      reason: 'removed',
      memberId: removed.id,
    });
    await cluster.until(put(other, 'a', 'x'));
  });

  test('the leader hands over to one that stays, and the removal is answered', async () => {
    const cluster = await started();
    const removed = cluster.leader;
    const { stopped } = removed.m;
    const [follower] = cluster.followers as [TestNode];

    await cluster.until(removed.m.memberRemove(removed.id));

    expect(await cluster.until(stopped)).toMatchObject({ reason: 'removed' });
    await cluster.until(put(follower, 'a', 'x'));
    expect(await membersAt(cluster, follower)).toHaveLength(2);
  });

  test('the leader of two, which vanishes before the other one leads, leaves that one to serve alone', async () => {
    const cluster = await started({ size: 2 });
    const removed = cluster.leader;
    const [left] = cluster.followers as [TestNode];
    // As when its power is cut: nothing more comes from it, and no connection is seen to end.
    cluster.network.fate = () => (left.voterCount === 1 ? 'lose' : 'deliver');
    const removing = removed.m.memberRemove(removed.id).catch(() => undefined);

    await cluster.until(() => left.leads);

    await cluster.until(put(left, 'a', 'x'));
    await cluster.until(removing);
  });

  test('one that was away is told when it comes back, does not serve, and cannot come back ever', async () => {
    const cluster = await started();
    const [removed, other] = cluster.followers as [TestNode, TestNode];
    removed.kill();
    await cluster.clock.advance(1_500);
    await cluster.until(other.m.memberRemove(removed.id));
    await cluster.clock.advance(5_000);

    await expect(cluster.until(removed.restart())).rejects.toMatchObject({ reason: 'removed' });
  });

  test('is refused for one that is unknown, for the last, and where too few would be left', async () => {
    const cluster = await started();
    const [dead, other] = cluster.followers as [TestNode, TestNode];
    expect(await codeOf(cluster, other.m.memberRemove(99n))).toBe('MEMBER_NOT_FOUND');
    dead.kill();
    await cluster.clock.advance(1_500);
    expect(await codeOf(cluster, cluster.leader.m.memberRemove(other.id))).toBe('UNHEALTHY_CLUSTER');

    const alone = await started({ size: 1 });
    expect(await codeOf(alone, alone.leader.m.memberRemove(1n))).toBe('NOT_ENOUGH_STARTED_MEMBERS');
  });
});

describe('replacing a dead member', () => {
  test('is one command: the new one learns, then takes the place of the dead one in one change', async () => {
    const cluster = await started();
    await cluster.until(put(cluster.leader, 'a', 'x'));
    const dead = cluster.followers[0] as TestNode;
    dead.kill();
    await cluster.clock.advance(1_500);
    const sizes = new Set<number>();
    const watched = cluster.leader;

    const added = await add(cluster, watched, { isLearner: true, replaces: dead.id });
    await cluster.until(added.start());
    await cluster.until(() => {
      sizes.add(watched.voterCount);
      return !added.m.isLearner;
    });
    await cluster.clock.advance(1_000);

    const members = await membersAt(cluster, added);
    expect(members.map(({ id }) => id)).not.toContain(dead.id);
    expect(members).toHaveLength(3);
    expect(members.every(({ replaces }) => replaces === undefined)).toBe(true);
    expect([...sizes]).toEqual([3]);
    await cluster.until(put(added, 'b', 'y'));
  });

  test('a wiped member is refused under its old id and says why', async () => {
    const cluster = await started();
    const [wiped] = cluster.followers as [TestNode];
    wiped.kill();
    await cluster.clock.advance(2_000);
    const fromMs = cluster.clock.now();

    await expect(cluster.until(wiped.restartWiped())).rejects.toMatchObject({
      name: 'MemberRefusedError',
      reason: 'refused',
      refusal: 'memberWiped',
      message: expect.stringContaining('lost its disk') as unknown,
    });
    expect(cluster.clock.now() - fromMs).toBeLessThan(4_000);
  });

  test('a member of another cluster is refused and says why', async () => {
    const cluster = await started();
    const [foreign] = cluster.followers as [TestNode];
    foreign.kill();
    foreign.clusterId = 78n;

    await expect(cluster.until(foreign.restart())).rejects.toMatchObject({ refusal: 'clusterMismatch' });
  });
});

describe('updating', () => {
  test('addresses through any member lets all know, and keeps the role', async () => {
    const cluster = await started({ autoPromote: false });
    const learner = await add(cluster, cluster.leader, { isLearner: true });
    const [follower] = cluster.followers as [TestNode];

    await cluster.until(follower.m.memberUpdate(learner.id, ['http://10.0.0.10:2380']));

    const members = await membersAt(cluster, cluster.leader);
    expect(members.find(({ id }) => id === learner.id)).toMatchObject({
      peerUrls: ['http://10.0.0.10:2380'],
      isLearner: true,
    });
    const taken = cluster.initial[0]?.peerUrls as string[];
    expect(await codeOf(cluster, follower.m.memberUpdate(learner.id, taken))).toBe('PEER_URL_EXISTS');
    expect(await codeOf(cluster, follower.m.memberUpdate(99n, URLS))).toBe('MEMBER_NOT_FOUND');
    // Its own addresses are no others'.
    const own = ['http://10.0.0.10:2380'];
    expect(await codeOf(cluster, follower.m.memberUpdate(learner.id, own))).toBeUndefined();
  });

  test('tells a member no addresses that are none', async () => {
    const cluster = await started();
    const [follower] = cluster.followers as [TestNode];
    const before = await membersAt(cluster, cluster.leader);

    for (const none of [[], ['nowhere'], ['http://10.0.0.1:2380', 'nowhere']]) {
      expect(await codeOf(cluster, cluster.leader.m.memberUpdate(follower.id, none))).toBe('INVALID_PEER_URLS');
    }

    expect(await membersAt(cluster, cluster.leader)).toEqual(before);
  });
});

describe('a change of the members', () => {
  test('whose answer is lost with its leader is unknown, and is not made twice', async () => {
    const cluster = await started({ autoPromote: false });
    const { leader } = cluster;
    const [follower] = cluster.followers as [TestNode];
    let asked = 0;
    cluster.network.fate = (_from, _to, message) => {
      if (message.type === 'askChange') asked += 1;
      return message.type === 'changed' ? 'lose' : 'deliver';
    };

    const adding = follower.m.memberAdd({ peerUrls: URLS, isLearner: true });
    await cluster.clock.advance(1_300);
    leader.kill();

    expect(await codeOf(cluster, adding)).toBe('OUTCOME_UNKNOWN');
    expect(asked).toBe(1);
    await cluster.untilLed();
    const members = await membersAt(cluster, follower);
    expect(members.filter(({ peerUrls }) => peerUrls.join() === URLS.join())).toHaveLength(1);
  });

  test.each(['', '[]', 'null', '{"type":"add"}', '{"type":"add","peerUrls":5,"isLearner":true}', '{"type":"none"}'])(
    'that cannot be read, such as %j, is refused, and the leader goes on',
    async (text) => {
      const cluster = await started({ autoPromote: false });
      const [follower] = cluster.followers as [TestNode];
      const answers: unknown[] = [];
      cluster.network.fate = (_from, _to, message) => {
        if (message.type === 'changed') answers.push(message.refusal?.code);
        return 'deliver';
      };

      const change = Buffer.from(text);
      cluster.network.carry(follower.id, cluster.leader.id, [{ type: 'askChange', request: 1, change }]);
      await cluster.clock.advance(100);

      expect(answers).toEqual(['INVALID_ARGUMENT']);
      expect(await codeOf(cluster, follower.m.memberAdd({ peerUrls: URLS, isLearner: true }))).toBeUndefined();
    },
  );

  test('many at once are made one after the other', async () => {
    const cluster = await started({ autoPromote: false, settings: { learnersMax: 3 } });
    const adds = [1, 2, 3, 4].map((i) =>
      (cluster.nodes[i % 3] as TestNode).m.memberAdd({ peerUrls: [`http://10.0.0.${i}:2380`], isLearner: true }),
    );

    const codes = codesOf(await cluster.until(Promise.allSettled(adds)));

    expect(codes.filter((code) => code === undefined)).toHaveLength(3);
    expect(codes.filter((code) => code !== undefined)).toEqual(['TOO_MANY_LEARNERS']);
  });
});

describe('what a joiner is told', () => {
  const told = { clusterId: 'a', members: [] };
  test.each([
    '',
    'null',
    '[]',
    '{}',
    JSON.stringify({ ...told, clusterId: '-1' }),
    JSON.stringify({ ...told, clusterId: '1'.repeat(17) }),
    JSON.stringify({ ...told, members: {} }),
    JSON.stringify({ ...told, members: [null] }),
    JSON.stringify({ ...told, members: [{ id: '1', name: 'a', peerUrls: 'x', clientUrls: [], incarnation: '0' }] }),
  ])('is refused if it is something else, such as %j', (text) => {
    expect(() => decodeMembers(Buffer.from(text))).toThrow(InvalidArgumentError);
  });
});
