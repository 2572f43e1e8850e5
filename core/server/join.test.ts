import { expect, test } from '@jest/globals';
import type { MemberInfo } from '../machine/types.js';
import { encodeMembers } from '../member/peer-traffic.js';
import { ManualClock } from '../testing/manual-clock.js';
import { resolveCluster } from './cluster-options.js';
import { introduce } from './join.js';

const CLUSTER_ID = 7n;
const PEERS = { a: 'http://a:2380', b: 'http://b:2380', joiner: 'http://joiner:2380' };
const cluster = resolveCluster({ name: 'joiner', peers: PEERS, initialState: 'existing' });

function infoOf(name: keyof typeof PEERS, id: bigint): MemberInfo {
  return { id, name, peerUrls: [PEERS[name]], clientUrls: [], incarnation: 0n, isLearner: false };
}

const [a, b, joiner] = [infoOf('a', 1n), infoOf('b', 2n), infoOf('joiner', 3n)];

/** Introduces the joiner to members of whom each answers with whom it knows, or not at all. */
function introduceTo(known: Readonly<Record<string, readonly MemberInfo[] | undefined>>) {
  const queryMembers = async (url: string) => {
    const members = known[url];
    if (members === undefined) throw new Error(`${url} is down`);
    return encodeMembers({ clusterId: CLUSTER_ID, members });
  };
  return introduce(cluster, {
    platform: { queryMembers },
    tls: undefined,
    clock: new ManualClock(),
    timeoutMs: 100,
  });
}

test('a joiner learns from the first that knows it who it is, and who the others are', async () => {
  const introduction = await introduceTo({ [PEERS.a]: [a, b, joiner] });
  expect(introduction).toEqual({ clusterId: CLUSTER_ID, members: [a, b, joiner], self: joiner });
});

test('one that does not know it yet may have been started just now: the next one is asked', async () => {
  const introduction = await introduceTo({ [PEERS.a]: [a, b], [PEERS.b]: [a, b, joiner] });
  expect(introduction.self).toEqual(joiner);
});

test('if nobody who answers knows it, it was not added', async () => {
  await expect(introduceTo({ [PEERS.b]: [a, b] })).rejects.toMatchObject({
    code: 'INVALID_ARGUMENT',
    message: expect.stringContaining('a member that was added before: http://a:2380; http://b:2380'),
  });
});

test('if nobody answers, it says what became of each', async () => {
  await expect(introduceTo({})).rejects.toThrow(/can be asked: http:\/\/a:2380 is down; http:\/\/b:2380 is down/);
});
