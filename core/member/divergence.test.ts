import { afterEach, describe, expect, test } from '@jest/globals';
import type { PeerMessage } from '../peer/types.js';
import { Divergence, type Electorate } from './divergence.js';
import { get, put, TestCluster, type TestNode } from './testing/member-cluster.js';

const clusters: TestCluster[] = [];
afterEach(async () => {
  for (const cluster of clusters.splice(0)) await cluster.close();
});

async function started(options?: Parameters<typeof TestCluster.started>[0]): Promise<TestCluster> {
  const cluster = await TestCluster.started(options);
  clusters.push(cluster);
  await cluster.clock.advance(500);
  return cluster;
}

/** Makes the machine of a member compute something else from the next entry on. */
function corrupt(node: TestNode): void {
  const { keyspace } = node.machine;
  const { begin } = keyspace;
  keyspace.begin = (batch, leaseExists) => {
    keyspace.begin = begin;
    const writer = begin.call(keyspace, batch, leaseExists);
    const { put: plain } = writer;
    writer.put = (request) => plain.call(writer, { ...request, value: Buffer.from('something else') });
    return writer;
  };
}

describe('a member whose state differs', () => {
  test('stops within a heartbeat of what it applied last, and says between which entries it parted', async () => {
    const cluster = await started();
    const [wrong, other] = cluster.followers as [TestNode, TestNode];
    await cluster.until(put(cluster.leader, 'a', '1'));
    await cluster.clock.advance(300);
    const equalIndex = wrong.m.appliedIndex;
    const { stopped } = wrong.m;
    corrupt(wrong);

    await cluster.until(put(cluster.leader, 'a', '2'));
    const fromMs = cluster.clock.now();
    const reason = await cluster.until(stopped);

    expect(cluster.clock.now() - fromMs).toBeLessThanOrEqual(250);
    expect(reason).toMatchObject({
      name: 'MemberDivergedError',
      reason: 'diverged',
      afterIndex: equalIndex,
      upToIndex: equalIndex + 1,
    });
    await cluster.until(put(other, 'a', '3'));
    expect(await cluster.until(get(cluster.leader, 'a'))).toBe('3');
  });

  test('stops also if it leads, and the others go on', async () => {
    const cluster = await started();
    const wrong = cluster.leader;
    const [follower] = cluster.followers as [TestNode];
    await cluster.clock.advance(300);
    const { stopped } = wrong.m;
    corrupt(wrong);

    await cluster.until(put(follower, 'a', '1')).catch(() => undefined);

    expect(await cluster.until(stopped)).toMatchObject({ reason: 'diverged' });
    await cluster.untilLed();
    await cluster.until(put(follower, 'a', '2'));
  });

  test('nobody stops while all agree, whatever they do', async () => {
    const cluster = await started();
    for (let i = 0; i < 20; i += 1) {
      await cluster.until(Promise.all(cluster.nodes.map((node) => put(node, `key/${i}`, 'x'))));
      await cluster.clock.advance(37);
    }
    await cluster.clock.advance(500);

    expect(cluster.nodes.every(({ member }) => member !== undefined)).toBe(true);
  });
});

describe('Divergence', () => {
  const VOTERS = [1n, 2n, 3n, 4n, 5n];

  /** What is sent and decided at the leader, member 1, whose state is at index 10 with hash 100. */
  function setUp(hash = 100) {
    const sent: (readonly [bigint, PeerMessage])[] = [];
    const diverged: (readonly [number, number])[] = [];
    const state = { index: 10, hash };
    const divergence = new Divergence({
      memberId: 1n,
      appliedIndex: () => state.index,
      hashAt: (index) => (index <= state.index ? state.hash : undefined),
      send: (to, message) => sent.push([to, message]),
      onDiverged: (after, upTo) => diverged.push([after, upTo]),
    });
    const told = () => sent.filter(([, { type }]) => type === 'diverged').map(([to]) => to);
    const electorate = (active = [2n, 3n, 4n, 5n]): Electorate => ({
      voters: VOTERS,
      others: [2n, 3n, 4n, 5n],
      isActive: (id) => active.includes(id),
    });
    return { divergence, sent, diverged, state, told, electorate };
  }

  test('a minority that differs from a majority stops, whether the leader is in it or not', () => {
    const { divergence, told, diverged, electorate } = setUp();
    divergence.ask(electorate());
    for (const [id, hash] of [
      [2n, 100],
      [3n, 999],
      [4n, 100],
    ] as const) {
      divergence.onAnswer(id, { type: 'stateHashAnswer', index: 10, hash });
    }
    expect(told()).toEqual([3n]);
    expect(diverged).toEqual([]);

    const minority = setUp();
    minority.divergence.ask(minority.electorate());
    for (const id of [2n, 3n, 4n]) {
      minority.divergence.onAnswer(id, { type: 'stateHashAnswer', index: 10, hash: 999 });
    }
    expect(minority.diverged).toEqual([[0, 10]]);
  });

  test('where no majority agrees, those who differ from the leader stop, once all who can have answered', () => {
    const { divergence, told, electorate } = setUp();
    divergence.ask(electorate([2n, 3n]));
    divergence.onAnswer(2n, { type: 'stateHashAnswer', index: 10, hash: 999 });
    divergence.ask(electorate([2n, 3n]));
    expect(told()).toEqual([]);

    divergence.onAnswer(3n, { type: 'stateHashAnswer', index: 10, hash: 999 });
    divergence.ask(electorate([2n, 3n]));

    expect(told()).toContain(2n);
    expect(told()).toContain(3n);
  });

  test('who does not know the hash any more is neither right nor wrong', () => {
    const { divergence, told, electorate } = setUp();
    divergence.ask(electorate());
    divergence.onAnswer(2n, { type: 'stateHashAnswer', index: 10, hash: undefined });
    for (const id of [3n, 4n, 5n]) divergence.onAnswer(id, { type: 'stateHashAnswer', index: 10, hash: 100 });

    expect(told()).toEqual([]);
  });

  test('nothing is asked where nothing was applied since all agreed', () => {
    const { divergence, sent, state, electorate } = setUp();
    divergence.ask(electorate());
    expect(sent).toHaveLength(4);
    for (const id of [2n, 3n, 4n, 5n]) divergence.onAnswer(id, { type: 'stateHashAnswer', index: 10, hash: 100 });
    divergence.ask(electorate());
    expect(sent).toHaveLength(4);

    state.index = 11;
    divergence.ask(electorate());
    expect(sent).toHaveLength(8);
  });

  test('one whose answer is missing is asked again', () => {
    const { divergence, sent, electorate } = setUp();
    divergence.ask(electorate());
    for (const id of [2n, 3n, 4n]) divergence.onAnswer(id, { type: 'stateHashAnswer', index: 10, hash: 100 });

    divergence.ask(electorate());

    expect(sent.slice(4).map(([to]) => to)).toEqual([5n]);
  });

  test('a question is answered once as much is applied, and later ones do not crowd it out', () => {
    const { divergence, sent, state } = setUp();
    divergence.onAsked(9n, { type: 'stateHash', index: 12, hash: 100 });
    divergence.onAsked(9n, { type: 'stateHash', index: 14, hash: 100 });
    expect(sent).toEqual([]);

    state.index = 12;
    divergence.applied();

    expect(sent).toEqual([[9n, { type: 'stateHashAnswer', index: 12, hash: 100 }]]);
  });

  test('who is told that it differs names the last entry at which it agreed with the leader itself', () => {
    const { divergence, diverged } = setUp();
    divergence.onAsked(9n, { type: 'stateHash', index: 8, hash: 100 });

    divergence.onTold({ afterIndex: 5, upToIndex: 10 });

    expect(diverged).toEqual([[8, 10]]);
  });
});
