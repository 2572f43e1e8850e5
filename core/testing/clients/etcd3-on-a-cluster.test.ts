/** etcd3 with three members, of Conclave and of etcd, whose leader is killed twice and started again. */
import { describe, expect, test } from '@jest/globals';
import { Etcd3 } from 'etcd3';
import { CONCLAVE, ETCD, type MemberProgram } from '../cluster/member-program.js';
import { ProcessCluster } from '../cluster/process-cluster.js';
import { findEtcd } from '../etcd-process.js';

const TTL_SECONDS = 10;
const PUTS = 90;
const PAUSE_MS = 50;

describe('etcd3 with three members of Conclave', () => rehearse(CONCLAVE));
if (findEtcd()) describe('etcd3 with three real etcds', () => rehearse(ETCD));
else test.skip('etcd3 with three real etcds (skipped: no etcd on the PATH)', () => {});

function rehearse(program: MemberProgram): void {
  test('what it was told is kept and watched in order, and its lease lives, while leaders are killed', async () => {
    const cluster = await ProcessCluster.start({ program });
    const client = new Etcd3({ hosts: cluster.members.map(({ clientUrl }) => clientUrl) });
    try {
      await killLeaders(cluster, client);
    } catch (error) {
      throw cluster.explain(error);
    } finally {
      client.close();
      await cluster.stop();
    }
  }, 60_000);
}

async function killLeaders(cluster: ProcessCluster, client: Etcd3): Promise<void> {
  const lease = client.lease(TTL_SECONDS);
  let isLost = false;
  lease.on('lost', () => (isLost = true));
  await lease.put('leased').value('1');
  const seen: string[] = [];
  const watcher = await client.watch().prefix('w/').create();
  watcher.on('put', ({ value }) => seen.push(value.toString()));

  const done: string[] = [];
  for (let i = 0; i < PUTS; i += 1) {
    if (i === 15 || i === 55) await cluster.kill(await cluster.leader());
    if (i === 35 || i === 75) await restartAll(cluster);
    // One whose answer was lost may have been carried out: it is not made again.
    await client
      .put('w/a')
      .value(`${i}`)
      .then(
        () => done.push(`${i}`),
        () => undefined,
      );
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
  const end = await putAtLast(client);
  const deadlineMs = performance.now() + 15_000;
  while (!seen.includes(end) && performance.now() < deadlineMs) await new Promise((resolve) => setTimeout(resolve, 20));

  expect(done.length).toBeGreaterThan(PUTS / 3);
  expect(new Set(seen).size).toBe(seen.length);
  expect(seen.filter((value) => done.includes(value))).toEqual(done);
  expect(seen.at(-1)).toBe(end);
  expect(isLost).toBe(false);
  expect(await client.get('leased')).toBe('1');
  await watcher.cancel();
  await lease.revoke();
  expect(await client.get('leased')).toBeNull();
}

async function restartAll(cluster: ProcessCluster): Promise<void> {
  for (const member of cluster.members) if (!member.isRunning) await cluster.start(member);
}

/** @returns the value that was put */
async function putAtLast(client: Etcd3): Promise<string> {
  for (let attempt = 1; ; attempt += 1) {
    const value = `the end, ${attempt}`;
    try {
      await client.put('w/a').value(value);
      return value;
    } catch (error) {
      if (attempt === 50) throw error;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }
}
