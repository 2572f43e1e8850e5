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

test('all members answer the same hash of what they applied, and another one after the next write', async () => {
  const hashes = async () => Promise.all(cluster.ids.map((id) => cluster.node(id).m.hash()));
  await until(put(follower, 'k', '1'));
  await cluster.until(() => cluster.ids.every((id) => cluster.node(id).m.appliedIndex === cluster.leader.m.raftIndex));
  const before = await until(hashes());
  expect(new Set(before).size).toBe(1);

  await until(put(follower, 'k', '1'));
  expect(await until(follower.m.hash())).not.toBe(before[0]);
});

test('nothing can be downgraded, and what is not under way is cancelled', async () => {
  const { m } = follower;
  expect(await refusal(m.downgrade('validate', 'nonsense'))).toBe('WRONG_DOWNGRADE_VERSION');
  expect(await refusal(m.downgrade('validate', '3.4'))).toBe('INVALID_DOWNGRADE_TARGET');
  expect(await refusal(m.downgrade('enable', '3.4.0'))).toBe('INVALID_DOWNGRADE_TARGET');
  expect(await refusal(m.downgrade('cancel', ''))).toBe('done');
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
