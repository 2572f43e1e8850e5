import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { connect } from '../../connect.js';
import { ProcessCluster } from './process-cluster.js';

let cluster: ProcessCluster;

beforeAll(async () => {
  cluster = await ProcessCluster.start({ withLinks: true });
});
afterAll(() => cluster.stop());

test('a cut member is told apart from the others, and is back when the cut is healed', async () => {
  const leader = await cluster.leader();
  const follower = await cluster.follower();

  cluster.isolate(follower);
  await cluster.until(
    'the one that is cut off knows no leader',
    async () => (await cluster.statusOf(follower))?.leader === 0n,
    10_000,
  );
  const store = await connect(leader.clientUrl);
  await store.put('while one is cut off', '');
  await store.close();
  expect((await cluster.statusOf(leader))?.leader).not.toBe(0n);

  cluster.heal();
  await cluster.untilServing();
});

test('a member is killed, started again, frozen and thawed', async () => {
  const member = await cluster.follower();
  const { pid } = member;

  await cluster.kill(member);
  expect(member.isRunning).toBe(false);
  expect((await member.ended).signal).toBe('SIGKILL');
  await cluster.start(member);
  await cluster.untilServing();
  member.pause();
  expect(await cluster.statusOf(member)).toBeUndefined();
  member.resume();
  await cluster.untilServing();

  expect(member.pid).not.toBe(pid);
});
