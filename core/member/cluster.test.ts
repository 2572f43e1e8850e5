import { afterEach, describe, expect, test } from '@jest/globals';
import { toBytes } from '../base/bytes.js';
import { settle } from '../testing/manual-clock.js';
import { codesOf } from './testing/codes.js';
import { get, put, TestCluster, type TestNode } from './testing/member-cluster.js';

/** What a request may take in all: 5 s and two election timeouts. */
const REQUEST_MS = 7_000;

const clusters: TestCluster[] = [];
afterEach(async () => {
  for (const cluster of clusters.splice(0)) await cluster.close();
});

async function started(options?: Parameters<typeof TestCluster.started>[0]): Promise<TestCluster> {
  const cluster = await TestCluster.started(options);
  clusters.push(cluster);
  return cluster;
}

/** How a call ended, and after how many milliseconds. */
async function ended(cluster: TestCluster, call: Promise<unknown>): Promise<{ code: string | undefined; ms: number }> {
  const fromMs = cluster.clock.now();
  const [result] = await cluster.until(Promise.allSettled([call]));
  return { code: codesOf([result])[0], ms: cluster.clock.now() - fromMs };
}

function followerOf(cluster: TestCluster): TestNode {
  return cluster.followers[0] as TestNode;
}

describe('a cluster', () => {
  test('serves at every member: a write through any of them is seen at all of them', async () => {
    const cluster = await started();
    for (const [i, node] of cluster.nodes.entries()) await cluster.until(put(node, `key/${i}`, `by ${node.id}`));

    for (const node of cluster.nodes) {
      expect(await cluster.until(get(node, 'key/0'))).toBe('by 1');
      expect(await cluster.until(get(node, 'key/2'))).toBe('by 3');
    }
  });

  test('gives every write its own revision, whichever member it came through', async () => {
    const cluster = await started();
    const puts = Array.from({ length: 60 }, (_, i) => put(cluster.nodes[i % 3] as TestNode, `key/${i % 7}`, `${i}`));

    const revisions = (await cluster.until(Promise.all(puts))).map(({ revision }) => revision);

    expect([...revisions].sort((a, b) => a - b)).toEqual(Array.from({ length: 60 }, (_, i) => i + 2));
    const hashes = await cluster.until(Promise.all(cluster.nodes.map(({ m }) => m.hashKv(0))));
    expect(new Set(hashes.map(({ hash }) => hash)).size).toBe(1);
  });

  test('knows who its members are, by name and address, once they have published themselves', async () => {
    const cluster = await started();
    await cluster.until(() => cluster.nodes.every(({ m }) => m.leader !== undefined));
    await cluster.clock.advance(500);

    const members = await cluster.until(cluster.leader.m.members({ linearizable: true }));

    expect(members.map(({ name }) => name)).toEqual(['member-1', 'member-2', 'member-3']);
    expect(members.map(({ clientUrls }) => clientUrls)).toEqual([1, 2, 3].map((id) => [`http://client-${id}:2379`]));
    expect(members.map(({ incarnation }) => incarnation)).toEqual([1_001n, 2_001n, 3_001n]);
  });

  test('lets a member say anew what it is called, and where clients reach it, after a restart', async () => {
    const cluster = await started();
    const [follower] = cluster.followers as [TestNode];
    await cluster.clock.advance(500);
    follower.kill();
    follower.name = 'renamed';
    await cluster.until(follower.restart());
    await cluster.clock.advance(500);

    const members = await cluster.until(cluster.leader.m.members({ linearizable: true }));

    expect(members.find(({ id }) => id === follower.id)).toMatchObject({ name: 'renamed' });
  });

  test('does not serve before a majority is there, and waits for it without a limit', async () => {
    const cluster = new TestCluster();
    clusters.push(cluster);
    const [first, second] = cluster.nodes as [TestNode, TestNode];
    let isOpen = false;
    const starting = first.start().then(() => (isOpen = true));
    await cluster.clock.advance(60_000);
    expect(isOpen).toBe(false);

    await cluster.until(Promise.all([starting, second.start()]));

    expect(isOpen).toBe(true);
  });

  test('a start that nobody waits for any more ends cleanly', async () => {
    const cluster = new TestCluster();
    const [first] = cluster.nodes as [TestNode];
    const stopping = new AbortController();
    const starting = first.start(stopping.signal);
    await cluster.clock.advance(3_000);

    stopping.abort();

    expect(await ended(cluster, starting)).toMatchObject({ code: 'CLOSED' });
    expect(cluster.clock.timerCount).toBe(0);
  });
});

describe('what leaves and what is written', () => {
  test('all that is proposed in one turn leaves in one frame to each member', async () => {
    const cluster = await started();
    const { leader } = cluster;
    await cluster.clock.advance(200);
    const entries: number[] = [];
    cluster.network.fate = (from, _to, message) => {
      if (message.type === 'appendEntries' && from === leader.id && message.entries.length > 0) {
        entries.push(message.entries.length);
      }
      return 'deliver';
    };
    const puts = Array.from({ length: 50 }, (_, i) => put(leader, `key/${i}`, 'x'));
    await settle();

    expect(entries).toEqual([50, 50]);
    await cluster.until(Promise.all(puts));
  });

  test('messages of several kinds share that frame', async () => {
    const cluster = await started();
    const { leader } = cluster;
    await cluster.clock.advance(210);
    const before = cluster.network.frames;
    const calls = [put(leader, 'a', 'x'), get(leader, 'a')];
    await new Promise((resolve) => setImmediate(resolve));
    await new Promise((resolve) => setImmediate(resolve));

    expect(cluster.network.frames - before).toBe(2);
    await cluster.until(Promise.all(calls));
  });

  test('so it is if the callers are woken one after the other, as by their sockets', async () => {
    const cluster = await started();
    await cluster.clock.advance(200);
    const entries: number[] = [];
    cluster.network.fate = (_from, _to, message) => {
      if (message.type === 'appendEntries' && message.entries.length > 0) entries.push(message.entries.length);
      return 'deliver';
    };
    const puts: Promise<unknown>[] = [];
    for (const key of ['a', 'b', 'c']) setImmediate(() => puts.push(put(cluster.leader, key, 'x')));
    await settle();

    expect(entries).toEqual([3, 3]);
    await cluster.until(Promise.all(puts));
  });

  test('a follower hands over all that is proposed in one turn in one message', async () => {
    const cluster = await started();
    const forwarded: number[] = [];
    cluster.network.fate = (_from, _to, message) => {
      if (message.type === 'forward') forwarded.push(message.commands.length);
      return 'deliver';
    };

    const follower = followerOf(cluster);
    await cluster.until(Promise.all(Array.from({ length: 40 }, (_, i) => put(follower, `key/${i}`, 'x'))));

    expect(forwarded).toEqual([40]);
  });

  test('commands of more than a megabyte travel in several messages, and none is lost', async () => {
    const cluster = await started();
    const forwarded: number[] = [];
    cluster.network.fate = (_from, _to, message) => {
      if (message.type === 'forward') forwarded.push(message.commands.length);
      return 'deliver';
    };
    const follower = followerOf(cluster);
    const value = 'x'.repeat(300_000);

    await cluster.until(Promise.all([1, 2, 3, 4, 5].map((i) => put(follower, `key/${i}`, value))));

    expect(forwarded).toEqual([3, 2]);
  });

  test('nothing is sent but heartbeats while nobody asks anything', async () => {
    const cluster = await started();
    await cluster.clock.advance(2_000);
    const before = cluster.network.frames;

    await cluster.clock.advance(1_000);

    // Ten heartbeats a second to two followers, and their answers.
    expect(cluster.network.frames - before).toBeLessThanOrEqual(40);
  });
});

describe('when the leader is killed', () => {
  test('another one leads, and writes are answered again, within a second', async () => {
    const cluster = await started();
    await cluster.until(put(cluster.leader, 'a', 'before'));
    const { leader, followers } = cluster;
    const fromMs = cluster.clock.now();

    leader.kill();
    await cluster.until(put(followers[0] as TestNode, 'a', 'after'));

    expect(cluster.clock.now() - fromMs).toBeLessThan(1_000);
    expect(await cluster.until(get(followers[1] as TestNode, 'a'))).toBe('after');
  });

  test('what it had acknowledged is there, and it comes back as a follower', async () => {
    const cluster = await started();
    const { leader } = cluster;
    await cluster.until(Promise.all([1, 2, 3].map((i) => put(leader, `key/${i}`, 'x'))));
    leader.kill();
    await cluster.untilLed();
    await cluster.until(put(cluster.leader, 'later', 'y'));

    await cluster.until(leader.restart());

    expect(await cluster.until(get(leader, 'key/3'))).toBe('x');
    expect(await get(leader, 'later', true)).toBe('y');
  });

  test('a write that was handed to it, and of which nothing was heard, is unknown and is not done twice', async () => {
    const cluster = await started();
    const { leader } = cluster;
    const [follower] = cluster.followers as [TestNode];
    // The leader takes it, and dies before it can say so to the one who asked.
    cluster.network.fate = (_from, to, message) =>
      message.type === 'forwarded' || (to === follower.id && message.type === 'appendEntries') ? 'lose' : 'deliver';
    const write = put(follower, 'a', 'once');
    await cluster.clock.advance(20);
    leader.kill();
    cluster.network.fate = () => 'deliver';

    expect(await ended(cluster, write)).toMatchObject({ code: 'OUTCOME_UNKNOWN' });
    const other = await cluster.untilLed();
    await cluster.clock.advance(2_000);
    const { kvs } = await cluster.until(other.m.range({ type: 'range', key: toBytes('a') }));
    expect(kvs.map(({ version }) => version)).toEqual([1]);
  });

  test('a write that its followers have, though its own disk does not, is unknown when it fails', async () => {
    const cluster = await started();
    const { leader } = cluster;
    leader.log.stick();
    const first = put(leader, 'a', '1');
    await cluster.clock.advance(20);
    const second = put(leader, 'a', '2');
    await cluster.clock.advance(20);

    leader.states.inForce.fail(new Error('the engine failed'));

    const results = await Promise.allSettled([first, second]);
    expect(codesOf(results)).toEqual(['OUTCOME_UNKNOWN', 'OUTCOME_UNKNOWN']);
    leader.log.release();
    const other = await cluster.untilLed([leader]);
    expect(await cluster.until(get(other, 'a'))).toBe('2');
  });

  test('a write that nobody else has is replaced, and its proposer knows that nothing was done', async () => {
    const cluster = await started();
    const { leader } = cluster;
    cluster.cutOff(leader);
    const write = put(leader, 'a', 'lost');
    const other = await cluster.untilLed([leader]);
    await cluster.until(put(other, 'a', 'kept'));

    cluster.network.heal();

    expect(await ended(cluster, write)).toMatchObject({ code: 'UNAVAILABLE' });
    expect(await cluster.until(get(leader, 'a'))).toBe('kept');
  });
});

describe('a leader that is cut off', () => {
  test('answers no linearizable read and no renewal from then on, and serializable reads as before', async () => {
    const cluster = await started();
    const { leader } = cluster;
    await cluster.until(put(leader, 'a', 'old'));
    const { id } = await cluster.until(leader.m.leaseGrant(0n, 60));
    cluster.cutOff(leader);
    const other = await cluster.untilLed([leader]);
    await cluster.until(put(other, 'a', 'new'));

    const [read, renewal] = [get(leader, 'a'), leader.m.leaseKeepAlive(id)];

    expect(await get(leader, 'a', true)).toBe('old');
    const range = { type: 'range', key: toBytes('a'), serializable: true } as const;
    const reading = { type: 'txn', compares: [], success: [range], failure: [] } as const;
    expect(await leader.m.txn(reading)).toMatchObject({ succeeded: true, responses: [{ count: 1 }] });
    const half = { ...reading, failure: [{ ...range, serializable: false }] };
    expect((await ended(cluster, leader.m.txn(half))).code).toBe('NO_LEADER');
    expect((await ended(cluster, read)).code).toBe('NO_LEADER');
    expect((await ended(cluster, renewal)).code).toBe('NO_LEADER');
  });

  test('does not answer a read that began just before another one leads with what is old by then', async () => {
    // With this seed the first vote is not split.
    const cluster = await started({ seed: 2 });
    const { leader } = cluster;
    await cluster.until(put(leader, 'a', 'old'));
    cluster.cutOff(leader);
    const read = get(leader, 'a');
    const other = await cluster.untilLed([leader]);
    await cluster.until(put(other, 'a', 'new'));

    cluster.network.heal();

    expect(await cluster.until(read)).toBe('new');
  });

  test('ends writes whose outcome it cannot learn as unknown when their time is over', async () => {
    const cluster = await started();
    const { leader } = cluster;
    cluster.cutOff(leader);

    const { code, ms } = await ended(cluster, put(leader, 'a', 'x'));

    expect(code).toBe('OUTCOME_UNKNOWN');
    expect(ms).toBeGreaterThan(REQUEST_MS - 1_000);
    expect(ms).toBeLessThanOrEqual(REQUEST_MS);
  });

  test('refuses at once what comes two election timeouts after it led, and nothing was done then', async () => {
    const cluster = await started();
    const { leader } = cluster;
    cluster.cutOff(leader);
    await cluster.clock.advance(4_500);

    const outcomes = [put(leader, 'a', 'x'), get(leader, 'a'), leader.m.leaseKeepAlive(1n), leader.m.memberRemove(2n)];

    expect(codesOf(await Promise.allSettled(outcomes))).toEqual(Array(4).fill('NO_LEADER'));
    expect(leader.m.status()).toMatchObject({ leader: undefined, errors: ['no leader'] });
  });
});

describe('a follower', () => {
  test('waits with writes and reads while nobody leads, and then has them done', async () => {
    const cluster = await started();
    const [follower] = cluster.followers as [TestNode];
    cluster.cutOff(follower);
    await cluster.until(() => follower.m.leader === undefined);
    const waiting = [put(follower, 'a', 'x'), get(follower, 'b')];
    cluster.network.heal();

    await cluster.until(Promise.all(waiting));

    expect(await cluster.until(get(follower, 'a'))).toBe('x');
  });

  test('is told of what the leader refuses with the same kind of error', async () => {
    const cluster = await started({ settings: { uncommittedBytesMax: 1_000 } });
    const { leader } = cluster;
    const [follower, other] = cluster.followers as [TestNode, TestNode];
    // Nothing is committed, so that what is proposed adds up.
    cluster.network.cut(other.id, leader.id);
    cluster.network.fate = (_from, _to, message) => (message.type === 'appendEntriesAnswer' ? 'lose' : 'deliver');

    const writes = [1, 2].map((i) => put(follower, `key/${i}`, 'x'.repeat(900)));
    await cluster.clock.advance(100);
    cluster.network.fate = () => 'deliver';

    const results = await cluster.until(Promise.allSettled(writes));
    expect(codesOf(results)).toEqual([undefined, 'TOO_MANY_REQUESTS']);
    expect((results[1] as PromiseRejectedResult).reason).toMatchObject({ name: 'TooManyRequestsError', retry: 'safe' });
  });

  test('takes as many writes as the limit, and refuses one more', async () => {
    const cluster = await started({ settings: { proposalsMax: 5 } });
    const [follower] = cluster.followers as [TestNode];
    cluster.cutOff(follower);
    const waiting = Array.from({ length: 5 }, (_, i) => put(follower, `key/${i}`, 'x'));

    await expect(put(follower, 'one/more', 'x')).rejects.toMatchObject({ code: 'TOO_MANY_REQUESTS' });

    cluster.network.heal();
    await cluster.until(Promise.all(waiting));
    await cluster.until(put(follower, 'one/more', 'x'));
  });

  test('the leader takes as many from others as the limit, and refuses one more, which was not done', async () => {
    const cluster = await started({ settings: { proposalsMax: 5 } });
    const { leader } = cluster;
    const [follower, other] = cluster.followers as [TestNode, TestNode];
    await cluster.clock.advance(1_000);
    cluster.network.fate = (_from, _to, message) => (message.type === 'appendEntriesAnswer' ? 'lose' : 'deliver');
    const first = Array.from({ length: 4 }, (_, i) => put(follower, `first/${i}`, 'x'));
    const second = Array.from({ length: 2 }, (_, i) => put(other, `second/${i}`, 'x'));
    await cluster.clock.advance(50);
    cluster.network.fate = () => 'deliver';

    const codes = codesOf(await cluster.until(Promise.allSettled([...first, ...second])));

    expect(codes.slice(0, 5)).toEqual(Array(5).fill(undefined));
    expect(codes[5]).toBe('TOO_MANY_REQUESTS');
    expect(await cluster.until(get(leader, 'second/1'))).toBeUndefined();
  });

  test('questions to the leader wait in bounded number', async () => {
    const cluster = await started({ settings: { readsMax: 4 } });
    const [follower] = cluster.followers as [TestNode];
    cluster.cutOff(follower);
    const asked = Array.from({ length: 4 }, () => follower.m.leaseTimeToLive(1n, false));

    await expect(follower.m.leaseTimeToLive(1n, false)).rejects.toMatchObject({ code: 'TOO_MANY_REQUESTS' });

    cluster.network.heal();
    await cluster.until(Promise.all(asked));
    await cluster.until(follower.m.leaseTimeToLive(1n, false));
  });

  test('refuses what it could hand to nobody when the time is over, and nothing was done', async () => {
    const cluster = await started();
    const { leader } = cluster;
    const [follower] = cluster.followers as [TestNode];
    // It hears the leader, and cannot answer.
    const { isConnected } = follower.transport;
    follower.transport.isConnected = (id) => id !== leader.id && isConnected.call(follower.transport, id);

    const { code, ms } = await ended(cluster, put(follower, 'a', 'x'));

    expect(code).toBe('TIMEOUT');
    expect(ms).toBeLessThanOrEqual(REQUEST_MS);
    expect(await cluster.until(get(leader, 'a'))).toBeUndefined();
  });

  test('reads on its own while the others are gone, if asked to, and serves nothing else', async () => {
    const cluster = await started();
    await cluster.until(put(cluster.leader, 'a', 'x'));
    await cluster.clock.advance(100);
    const [survivor, ...others] = [...cluster.followers, cluster.leader] as [TestNode, TestNode, TestNode];
    for (const other of others) other.kill();
    await cluster.clock.advance(5_000);

    expect(await get(survivor, 'a', true)).toBe('x');
    await expect(get(survivor, 'a')).rejects.toMatchObject({ code: 'NO_LEADER' });
    await expect(survivor.m.members({ linearizable: false })).resolves.toHaveLength(3);
  });
});
