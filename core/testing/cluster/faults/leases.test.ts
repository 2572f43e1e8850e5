/** Leases while leaders change: none ends early, and none much later than it may. */
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Lease, Store } from '../../../store.js';
import { CONCLAVE, programUnderTest } from '../member-program.js';
import { ProcessCluster } from '../process-cluster.js';
import { isPassing } from '../workload/surroundings.js';
import { membersAgree, withStore } from './trials.js';

const TTL_MS = 3_000;
const ELECTION_TIMEOUT_MS = 500;
const FLAGS = ['--heartbeat-interval', '50', '--election-timeout', `${ELECTION_TIMEOUT_MS}`];
const RENEW_MS = 700;
/** For a busy machine, and for the round in which the deletion is written and heard of. */
const SLACK_MS = 1_500;

let cluster: ProcessCluster;
beforeAll(async () => {
  cluster = await ProcessCluster.start({ flags: FLAGS });
}, 60_000);
afterAll(() => cluster.stop());

/** A lease with a key, and what is known about how long it must live. */
interface Tenant {
  readonly key: string;
  readonly lease: Lease;
  /** When its latest acknowledged renewal was sent, and when the latest attempt ended. */
  sentMs: number;
  triedMs: number;
}

async function tenant(store: Store, key: string): Promise<Tenant> {
  const sentMs = performance.now();
  const lease = await store.grantLease(TTL_MS);
  await store.put(key, '', { lease });
  return { key, lease, sentMs, triedMs: performance.now() };
}

async function renew(tenant: Tenant): Promise<void> {
  const sentMs = performance.now();
  try {
    await tenant.lease.keepAlive();
    tenant.sentMs = sentMs;
  } catch (error) {
    if (!isPassing(error)) throw error;
  }
  tenant.triedMs = performance.now();
}

/** When it was heard that the key is gone. */
async function goneMs(store: Store, { key }: Tenant, from: number): Promise<number> {
  for await (const { events } of store.watch(key, { from, only: 'delete' })) {
    if (events.length > 0) return performance.now();
  }
  throw new Error('the watch ended');
}

test('a lease ends neither early nor late when the leader is killed', async () => {
  const leader = await cluster.leader();
  await withStore(cluster.members, async (store) => {
    const one = await tenant(store, 'killed');
    const { revision } = await store.range('killed');
    const gone = goneMs(store, one, revision + 1);
    await renew(one);

    await cluster.kill(leader);

    const endMs = await gone;
    expect(endMs - one.sentMs).toBeGreaterThanOrEqual(TTL_MS);
    const changes = 1;
    const latestMs = TTL_MS + 2 * ELECTION_TIMEOUT_MS + changes * TTL_MS + SLACK_MS;
    expect(endMs - one.triedMs).toBeLessThan(latestMs);
  });
  await cluster.start(leader);
  await membersAgree(cluster);
}, 60_000);

(programUnderTest() === CONCLAVE ? test : test.skip)(
  'a leader that was stopped for longer than a TTL ends no lease that was renewed meanwhile',
  async () => {
    const leader = await cluster.leader();
    const others = cluster.others(leader);
    await withStore(others, async (store) => {
      const tenants = await Promise.all(['a', 'b', 'c'].map((name) => tenant(store, `renewed/${name}`)));
      leader.pause();
      const wakeMs = performance.now() + 1.5 * TTL_MS;
      const endMs = wakeMs + TTL_MS;
      while (performance.now() < endMs) {
        if (leader.isPaused && performance.now() > wakeMs) leader.resume();
        await Promise.all(tenants.map(renew));
        for (const { key } of tenants) expect(await store.get(key)).toBeDefined();
        await delay(RENEW_MS);
      }
      for (const { key } of tenants) expect((await store.get(key))?.version).toBe(1);
    });
    await membersAgree(cluster);
  },
  60_000,
);
