import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { codeOf } from './testing/codes.js';
import { get, put, TestCluster, type TestNode } from './testing/member-cluster.js';

let cluster: TestCluster;
let follower: TestNode;

beforeEach(async () => {
  cluster = await TestCluster.started({ size: 3 });
  [follower] = cluster.followers as [TestNode];
});
afterEach(() => cluster.close());

const until = <T>(promise: Promise<T>): Promise<T> => cluster.until(promise);
const refusal = (promise: Promise<unknown>) => until(promise.then(() => 'done', codeOf));
const NOSPACE = { memberId: 5n, kind: 'NOSPACE' } as const;

test('an alarm that one member raised is told and heeded by all, and outlives a restart', async () => {
  await until(put(follower, 'k', '1'));
  expect(await until(follower.m.alarm({ action: 'raise', alarm: NOSPACE }))).toEqual([NOSPACE]);

  for (const id of cluster.ids) {
    const node = cluster.node(id);
    expect(await until(node.m.alarm({ action: 'get' }))).toEqual([NOSPACE]);
    expect(await until(node.m.alarm({ action: 'get', kind: 'CORRUPT' }))).toEqual([]);
    expect(node.m.status().alarms).toEqual([NOSPACE]);
    expect(node.m.alarms()).toEqual(['NOSPACE']);
    expect(await refusal(put(node, 'k', '2'))).toBe('NO_SPACE');
    expect(await refusal(node.m.leaseGrant(7n, 100))).toBe('NO_SPACE');
    expect(await until(get(node, 'k'))).toBe('1');
  }

  await until(follower.restart());
  expect(await refusal(put(follower, 'k', '2'))).toBe('NO_SPACE');

  expect(await until(cluster.leader.m.alarm({ action: 'end', alarm: NOSPACE }))).toEqual([NOSPACE]);
  expect(await until(cluster.leader.m.alarm({ action: 'end', alarm: NOSPACE }))).toEqual([]);
  expect(await refusal(put(follower, 'k', '2'))).toBe('done');
});

test('while something is corrupt, leases that run out stay, and nothing is written for them', async () => {
  await until(follower.m.leaseGrant(7n, 2));
  await until(follower.m.alarm({ action: 'raise', alarm: { memberId: 5n, kind: 'CORRUPT' } }));
  const { raftIndex } = cluster.leader.m;
  let over = false;
  cluster.leader.clock.after(10_000, () => (over = true));

  await cluster.until(() => over);

  expect((await until(cluster.leader.m.leases())).ids).toEqual([7n]);
  expect(cluster.leader.m.raftIndex).toBe(raftIndex);

  await until(follower.m.alarm({ action: 'end', alarm: { memberId: 5n, kind: 'CORRUPT' } }));
  await cluster.until(() => cluster.leader.m.raftIndex > raftIndex + 1);
  expect((await until(cluster.leader.m.leases())).ids).toEqual([]);
});
