import { status } from '@grpc/grpc-js';
import { afterEach, describe, expect, test } from '@jest/globals';
import { InvalidPeerUrlsError, MemberNotFoundError } from '../base/errors.js';
import { AdminService } from './gen/admin.js';
import { ClusterService } from './gen/cluster.js';
import { clusterMember, FakeMember } from './testing/fake-member.js';
import { Servers } from './testing/served.js';

const servers = new Servers();
afterEach(() => servers.end());

/** A member that knows these, and keeps what it was asked. */
async function serve(members = [clusterMember(7n), clusterMember(3n)]) {
  const member = new FakeMember();
  const asked: unknown[][] = [];
  const added = clusterMember(9n, { name: '', clientUrls: [], isLearner: true });
  const answer = async (...args: unknown[]) => {
    asked.push(args);
    return members;
  };
  member.members = answer;
  member.memberRemove = answer;
  member.memberUpdate = answer;
  member.memberPromote = answer;
  member.memberAdd = async (...args) => {
    asked.push(args);
    return { member: added, members: [...members, added] };
  };
  return { member, asked, ...(await servers.serve(member)) };
}

/** Answers about members have no revision, as etcd's have none. */
const HEADER = { clusterId: 11n, memberId: 22n, revision: 0, raftTerm: 3 };

const third = {
  ID: 3n,
  name: 'm3',
  peerURLs: ['http://127.0.0.1:2410'],
  clientURLs: ['http://127.0.0.1:2409'],
  isLearner: false,
};

describe('the Cluster service', () => {
  test.each([true, false])('lists the members by id, linearizable: %p', async (linearizable) => {
    const { client, asked } = await serve();

    const { header, members } = await client.unary(ClusterService.memberList, { linearizable });

    expect(header).toEqual(HEADER);
    expect(members).toMatchObject([third, { ID: 7n, name: 'm7' }]);
    expect(asked).toEqual([[{ linearizable }]]);
  });

  test('adds a member, which has neither name nor client URLs until it has started', async () => {
    const { client, asked } = await serve();
    const peerURLs = ['http://127.0.0.1:2470', 'http://10.0.0.1:2470'];

    const { header, member, members } = await client.unary(ClusterService.memberAdd, { peerURLs, isLearner: true });

    expect(asked).toEqual([[{ peerUrls: peerURLs, isLearner: true }]]);
    expect(header).toEqual(HEADER);
    expect(member).toMatchObject({ ID: 9n, name: '', clientURLs: [], isLearner: true });
    expect(members.map(({ ID }) => ID)).toEqual([3n, 7n, 9n]);
  });

  test('removes, updates and promotes members, and answers who is there then', async () => {
    const { client, asked } = await serve();
    const peerURLs = ['http://127.0.0.1:1'];
    const answers = [
      await client.unary(ClusterService.memberRemove, { ID: 2n ** 64n - 1n }),
      await client.unary(ClusterService.memberUpdate, { ID: 3n, peerURLs }),
      await client.unary(ClusterService.memberPromote, { ID: 7n }),
    ];

    expect(asked).toEqual([[2n ** 64n - 1n], [3n, peerURLs], [7n]]);
    for (const answer of answers) {
      expect(answer.header).toEqual(HEADER);
      expect(answer.members.map(({ ID }) => ID)).toEqual([3n, 7n]);
    }
  });

  test('fails with the code and text of etcd', async () => {
    const { client, member } = await serve();
    member.memberRemove = () => Promise.reject(new MemberNotFoundError(5n));
    member.memberAdd = () => Promise.reject(new InvalidPeerUrlsError(['x']));

    await expect(client.unary(ClusterService.memberRemove, { ID: 5n })).rejects.toMatchObject({
      code: status.NOT_FOUND,
      details: 'etcdserver: member not found',
    });
    await expect(client.unary(ClusterService.memberAdd, { peerURLs: ['x'], isLearner: false })).rejects.toMatchObject({
      code: status.INVALID_ARGUMENT,
      details: 'etcdserver: given member URLs are invalid',
    });
  });
});

describe("Conclave's own service", () => {
  test('replaces a dead member: a learner is added that takes its place', async () => {
    const { client, asked } = await serve();

    const answer = await client.unary(AdminService.replaceMember, { deadId: 7n, peerUrls: ['http://h:1'] });

    expect(asked).toEqual([[{ peerUrls: ['http://h:1'], isLearner: true, replaces: 7n }]]);
    expect(answer.member).toMatchObject({ ID: 9n, isLearner: true });
    expect(answer.members).toHaveLength(3);
  });
});
