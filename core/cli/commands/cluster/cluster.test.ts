import { createServer, type Socket } from 'node:net';
import { once } from 'node:events';
import { afterEach, describe, expect, test } from '@jest/globals';
import {
  LearnerNotReadyError,
  MemberNotFoundError,
  NotEnoughStartedMembersError,
  NoLeaderError,
} from '../../../base/errors.js';
import { clusterMember, FakeMember } from '../../../rpc/testing/fake-member.js';
import { Servers } from '../../../rpc/testing/served.js';
import { runCommandLine } from '../../program.js';

/** What etcdctl 3.4 prints, from a real one, except where a test says otherwise. */
const servers = new Servers();
const hung: Socket[] = [];
afterEach(async () => {
  await servers.end();
  for (const socket of hung.splice(0)) socket.destroy();
});

const FIRST = clusterMember(0xbdae9bbc11dd390dn, {
  name: 'm1',
  peerUrls: ['http://127.0.0.1:23801'],
  clientUrls: ['http://127.0.0.1:23791'],
});
const SECOND = clusterMember(0xba7073355a181716n, {
  name: '',
  peerUrls: ['http://127.0.0.1:23802', 'http://127.0.0.1:23803'],
  clientUrls: [],
  isLearner: true,
});

async function serve(member: FakeMember): Promise<string> {
  const { server } = await servers.serve(member);
  return `http://${server.host}:${server.port}`;
}

/** Listens and never says a word. */
async function silent(): Promise<string> {
  const server = createServer((socket) => void hung.push(socket.on('error', () => {}))).listen(0, '127.0.0.1');
  await once(server, 'listening');
  server.unref();
  return `127.0.0.1:${(server.address() as { port: number }).port}`;
}

async function run(endpoints: string, ...args: string[]) {
  const [out, err]: [string[], string[]] = [[], []];
  const code = await runCommandLine(args, {
    writeOut: (text) => void out.push(text),
    writeErr: (text) => void err.push(text),
    env: { ETCDCTL_ENDPOINTS: endpoints, ETCDCTL_COMMAND_TIMEOUT: '2s' },
  });
  return { code, out: out.join(''), err: err.join('') };
}

describe('conclave member', () => {
  test('list tells who is there, as a majority knows them unless told otherwise', async () => {
    const member = new FakeMember();
    const asked: unknown[] = [];
    member.members = async (options) => {
      asked.push(options);
      return [FIRST, SECOND];
    };
    const url = await serve(member);

    expect(await run(url, 'member', 'list')).toEqual({
      code: 0,
      out:
        'ba7073355a181716, unstarted, , http://127.0.0.1:23802,http://127.0.0.1:23803, , true\n' +
        'bdae9bbc11dd390d, started, m1, http://127.0.0.1:23801, http://127.0.0.1:23791, false\n',
      err: '',
    });
    await run(url, 'member', 'list', '--consistency=s');
    expect(asked).toEqual([{ linearizable: true }, { linearizable: false }]);
  });

  test('add tells the variables that the new member is started with', async () => {
    const member = new FakeMember();
    const asked: unknown[] = [];
    member.memberAdd = async (options) => {
      asked.push(options);
      return { member: { ...SECOND, isLearner: options.isLearner }, members: [FIRST, SECOND] };
    };
    const url = await serve(member);
    const urls = '--peer-urls=http://127.0.0.1:23802,http://127.0.0.1:23803';

    const { out } = await run(url, 'member', 'add', 'm2', urls);
    const learner = await run(url, 'member', 'add', 'm2', '--learner', urls);

    expect(out).toBe(
      [
        'Member ba7073355a181716 added to cluster                b',
        '',
        'ETCD_NAME="m2"',
        'ETCD_INITIAL_CLUSTER="m2=http://127.0.0.1:23802,m2=http://127.0.0.1:23803,m1=http://127.0.0.1:23801"',
        'ETCD_INITIAL_ADVERTISE_PEER_URLS="http://127.0.0.1:23802,http://127.0.0.1:23803"',
        'ETCD_INITIAL_CLUSTER_STATE="existing"',
        '',
      ].join('\n'),
    );
    expect(learner.out.split('\n')[0]).toBe('Member ba7073355a181716 added as learner to cluster                b');
    expect(asked).toEqual([
      { peerUrls: SECOND.peerUrls, isLearner: false },
      { peerUrls: SECOND.peerUrls, isLearner: true },
    ]);
  });

  test('replace, which etcd does not have, tells them too', async () => {
    const member = new FakeMember();
    const asked: unknown[] = [];
    member.memberAdd = async (options) => {
      asked.push(options);
      return { member: SECOND, members: [FIRST, SECOND] };
    };

    const { out } = await run(
      await serve(member),
      'member',
      'replace',
      '1f',
      'm2',
      '--peer-urls',
      'http://127.0.0.1:1',
    );

    expect(asked).toEqual([{ peerUrls: ['http://127.0.0.1:1'], isLearner: true, replaces: 0x1fn }]);
    expect(out.split('\n').slice(0, 4)).toEqual([
      'Member ba7073355a181716 added as learner to cluster                b',
      'It takes the place of member               1f once it has caught up',
      '',
      'ETCD_NAME="m2"',
    ]);
  });

  test('remove, update and promote say what they did', async () => {
    const member = new FakeMember();
    const asked: unknown[][] = [];
    const answer = async (...args: unknown[]) => {
      asked.push(args);
      return [FIRST];
    };
    member.memberRemove = member.memberUpdate = member.memberPromote = answer;
    const url = await serve(member);
    const id = 'ba7073355a181716';

    expect((await run(url, 'member', 'remove', id)).out).toBe(`Member ${id} removed from cluster                b\n`);
    expect((await run(url, 'member', 'promote', id)).out).toBe(`Member ${id} promoted in cluster                b\n`);
    const update = await run(url, 'member', 'update', '12ab', '--peer-urls', 'http://h:1');
    expect(update.out).toBe('Member             12ab updated in cluster                b\n');
    expect(asked).toEqual([[SECOND.id], [SECOND.id], [0x12abn, ['http://h:1']]]);
  });

  test('that fails ends with 1 and the text of etcd', async () => {
    const member = new FakeMember();
    member.memberRemove = () => Promise.reject(new NotEnoughStartedMembersError(0, 1));
    member.memberPromote = () => Promise.reject(new LearnerNotReadyError(1n));
    member.memberUpdate = () => Promise.reject(new MemberNotFoundError(1n));
    const url = await serve(member);

    expect(await run(url, 'member', 'remove', '1')).toEqual({
      code: 1,
      out: '',
      err: 'Error: etcdserver: re-configuration failed due to not enough started members\n',
    });
    expect((await run(url, 'member', 'promote', '1')).err).toBe(
      'Error: etcdserver: can only promote a learner member which is in sync with leader\n',
    );
    expect((await run(url, 'member', 'update', '1', '--peer-urls', 'http://h:1')).err).toBe(
      'Error: etcdserver: member not found\n',
    );
  });
});

describe('which member is asked', () => {
  test('is the first that can be reached, and is neither a learner nor without a leader', async () => {
    const learner = new FakeMember();
    learner.isLearner = true;
    const leaderless = new FakeMember();
    leaderless.members = () => Promise.reject(new NoLeaderError());
    const good = new FakeMember();
    good.members = async () => [FIRST];
    const endpoints = ['127.0.0.1:1', await serve(learner), await serve(leaderless), await serve(good)];

    const { code, out } = await run(endpoints.join(','), 'member', 'list');

    expect(code).toBe(0);
    expect(out).toContain('m1');
  });

  test('is another one when a connection is not answered', async () => {
    const good = new FakeMember();
    good.members = async () => [FIRST];

    const { out } = await run(`${await silent()},${await serve(good)}`, '--command-timeout', '1s', 'member', 'list');

    expect(out).toContain('m1');
  });

  test('is never a second one where the first may have done it', async () => {
    const slow = new FakeMember();
    slow.memberRemove = () => new Promise(() => {});
    const other = new FakeMember();
    let isAsked = false;
    other.memberRemove = async () => {
      isAsked = true;
      return [];
    };
    const endpoint = await serve(slow);

    const { code, err } = await run(
      `${endpoint},${await serve(other)}`,
      ...['member', 'remove', '1', '--command-timeout', '300ms'],
    );

    expect({ code, err }).toEqual({ code: 1, err: `Error: ${endpoint}: it did not answer in time\n` });
    expect(isAsked).toBe(false);
  });

  test('is named when nobody can be reached', async () => {
    const { code, err } = await run('127.0.0.1:1', 'member', 'list');

    expect(code).toBe(1);
    expect(err).toMatch(/^Error: 127\.0\.0\.1:1: connect ECONNREFUSED 127\.0\.0\.1:1\n$/);
  });
});

describe('conclave endpoint', () => {
  test('status tells one line a member, and ends with 1 if one does not answer', async () => {
    const member = new FakeMember();
    const url = await serve(member);
    const follower = new FakeMember();
    follower.leader = undefined;
    const other = await serve(follower);

    expect(await run(`${url},${other}`, 'endpoint', 'status')).toEqual({
      code: 0,
      out:
        `${url}, 16, 3.5.0, 20 kB, true, false, 3, 60, 50, \n` +
        `${other}, 16, 3.5.0, 20 kB, false, false, 3, 60, 50, etcdserver: no leader\n`,
      err: '',
    });
    const partly = await run(`127.0.0.1:1,${url}`, 'endpoint', 'status');
    expect(partly.code).toBe(1);
    expect(partly.out).toContain(', 3.5.0, ');
    expect(partly.err).toMatch(/^Failed to get the status of endpoint 127\.0\.0\.1:1 \(/);
  });

  test('health asks for a linearizable read, of every member if told so', async () => {
    const member = new FakeMember();
    const url = await serve(member);
    member.range = async () => ({ type: 'range', revision: 100, kvs: [], count: 0, more: false });
    const sick = new FakeMember();
    sick.range = () => Promise.reject(new NoLeaderError());
    const other = await serve(sick);
    member.members = async () => [
      { ...FIRST, clientUrls: [url] },
      { ...SECOND, clientUrls: [other] },
    ];

    const one = await run(url, 'endpoint', 'health');
    const all = await run(url, 'endpoint', 'health', '--cluster');

    expect(one.code).toBe(0);
    expect(one.out).toMatch(/^http:\S+ is healthy: successfully committed proposal: took = [\d.]+ms\n$/);
    expect(all.code).toBe(1);
    expect(all.out).toContain(`${url} is healthy`);
    expect(all.err).toBe(`${other} is unhealthy: failed to commit proposal: etcdserver: no leader\n`);
  });
});

describe('conclave move-leader', () => {
  test('asks the leader, also when only another member was named', async () => {
    const leader = new FakeMember();
    const moved: bigint[] = [];
    leader.moveLeader = async (to) => void moved.push(to);
    const leaderUrl = await serve(leader);
    const follower = new FakeMember();
    follower.leader = 7n;
    follower.members = async () => [clusterMember(7n, { clientUrls: [leaderUrl] })];

    expect(await run(leaderUrl, 'move-leader', 'ab')).toMatchObject({
      code: 0,
      out: 'Leadership transferred from 16 to ab\n',
    });
    expect(await run(await serve(follower), 'move-leader', 'ac')).toMatchObject({
      code: 0,
      out: 'Leadership transferred from 7 to ac\n',
    });
    expect(moved).toEqual([0xabn, 0xacn]);
  });

  test('says that there is no leader', async () => {
    const member = new FakeMember();
    member.leader = undefined;
    const url = await serve(member);

    expect(await run(url, 'move-leader', 'ab')).toEqual({
      code: 1,
      out: '',
      err: `Error: no leader is known at ${url}\n`,
    });
  });
});
