import { afterEach, describe, expect, test } from '@jest/globals';
import { toBytes } from '../base/bytes.js';
import { ManualClock } from '../testing/manual-clock.js';
import { get, put, TestCluster, type TestNode } from './testing/member-cluster.js';
import { startOnHeldLog } from './testing/start.js';

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

describe('a leader whose disk hangs', () => {
  test('makes room for another one within a few election timeouts, though its heartbeats go on', async () => {
    const cluster = await started();
    const stuck = cluster.leader;
    stuck.log.stick();
    const write = put(stuck, 'a', 'x');
    const fromMs = cluster.clock.now();

    await cluster.until(() => cluster.nodes.some((node) => node !== stuck && node.leads));

    expect(cluster.clock.now() - fromMs).toBeLessThan(4_000);
    // The others had the write, so it is done: the leader had told them of it before its own disk had it.
    const other = cluster.leader;
    expect(await cluster.until(get(other, 'a'))).toBe('x');
    stuck.log.release();
    await cluster.until(write);
  });

  test('reads and renewals are answered elsewhere meanwhile, and by it again when the disk is back', async () => {
    const cluster = await started();
    const stuck = cluster.leader;
    const { id } = await cluster.until(stuck.m.leaseGrant(0n, 60));
    stuck.log.stick();
    void put(stuck, 'a', 'x').catch(() => undefined);
    await cluster.until(() => cluster.nodes.some((node) => node !== stuck && node.leads));
    const other = cluster.leader;
    await cluster.until(put(other, 'a', 'y'));
    expect(await cluster.until(other.m.leaseKeepAlive(id))).toMatchObject({ ttlSeconds: 60 });

    stuck.log.release();

    expect(await cluster.until(get(stuck, 'a'))).toBe('y');
  });

  test('a follower whose disk hangs holds up nobody', async () => {
    const cluster = await started();
    const [stuck, other] = cluster.followers as [TestNode, TestNode];
    stuck.log.stick();
    const fromMs = cluster.clock.now();

    for (let i = 0; i < 10; i += 1) await cluster.until(put(other, 'a', `${i}`));

    expect(cluster.clock.now() - fromMs).toBeLessThan(500);
    const { leader } = cluster;
    await cluster.clock.advance(5_000);
    expect(cluster.leader).toBe(leader);
    stuck.log.release();
    expect(await cluster.until(get(stuck, 'a'))).toBe('9');
  });
});

describe('a process that stood still', () => {
  test('for longer than an election timeout does not lead on when it wakes up', async () => {
    const cluster = await started();
    const stuck = cluster.leader;
    // Nobody else can take over, so that only its own clock tells it.
    for (const node of cluster.followers) node.clock.pause();
    stuck.clock.pause();
    await cluster.clock.advance(3_000);

    stuck.clock.resume();
    await cluster.clock.advance(1);

    expect(stuck.raft.role).not.toBe('leader');
    for (const node of cluster.nodes) if (!node.clock.isRunning) node.clock.resume();
    await cluster.untilLed();
  });

  test('for less than that leads on', async () => {
    const cluster = await started();
    const { leader } = cluster;
    for (const node of cluster.nodes) node.clock.pause();
    await cluster.clock.advance(900);

    for (const node of cluster.nodes) node.clock.resume();
    await cluster.clock.advance(200);

    expect(leader.raft.role).toBe('leader');
  });

  test('answers no read that waited for it with what others have overwritten meanwhile', async () => {
    const cluster = await started();
    const stuck = cluster.leader;
    await cluster.until(put(stuck, 'a', 'old'));
    const read = get(stuck, 'a');
    stuck.clock.pause();
    const other = await cluster.untilLed([stuck]);
    await cluster.until(put(other, 'a', 'new'));

    stuck.clock.resume();

    expect(['old', 'new']).toContain(await cluster.until(read));
    expect(await cluster.until(get(stuck, 'a'))).toBe('new');
  });
});

describe('a slow disk', () => {
  test('is reported once while it hangs, and once when it is done, with how long it took', async () => {
    const clock = new ManualClock();
    const warnings: (readonly [string, object])[] = [];
    const logger = {
      debug() {},
      info() {},
      warn: (fields: object, text: string) => warnings.push([text, fields]),
      error() {},
    };
    const { member, log } = await startOnHeldLog({ clock, logger });
    const write = () => member.put({ type: 'put', key: toBytes('a'), value: toBytes('x') });
    log.isHeld = true;
    const slow = write();
    await clock.advance(3_000);
    expect(warnings.map(([text]) => text)).toEqual([
      'the disk is slow: an append to the log has not become durable yet',
    ]);

    log.last.succeed();
    await slow;

    expect(warnings.slice(1)).toEqual([['the disk is slow: an append to the log took long', { tookMs: 3_000 }]]);
    const quick = write();
    await clock.advance(999);
    log.last.succeed();
    await quick;
    expect(warnings).toHaveLength(2);
    await member.close();
  });

  test('a write that it holds up for longer than a request may take is unknown, alone as among others', async () => {
    const { member, log, clock } = await startOnHeldLog();
    log.isHeld = true;
    const write = member.put({ type: 'put', key: toBytes('a'), value: toBytes('x') });
    const outcome = expect(write).rejects.toMatchObject({ code: 'OUTCOME_UNKNOWN' });

    await clock.advance(7_000);

    await outcome;
    log.last.succeed();
    await member.close();
  });
});

describe('an engine that is overfull', () => {
  test('holds up what is applied, and neither heartbeats nor the log', async () => {
    const cluster = await started();
    const full = cluster.leader;
    let drain!: () => void;
    full.states.inForce.drained = () => new Promise((resolve) => (drain = resolve));
    full.states.inForce.overfull = true;
    const write = put(full, 'a', 'x');
    await cluster.clock.advance(3_000);

    expect(cluster.leader).toBe(full);
    for (const follower of cluster.followers) expect(await get(follower, 'a', true)).toBe('x');
    expect(await get(full, 'a', true)).toBeUndefined();

    full.states.inForce.overfull = false;
    drain();
    await cluster.until(write);
  });
});
