import { connect } from '../../../connect.js';
import type { Store } from '../../../store.js';
import { Mutex } from '../../../../recipes/mutex/mutex.js';
import { FaultyStore } from '../../../../recipes/testing/faulty-store.js';
import { ProcessCluster } from '../../cluster/process-cluster.js';
import { type Drill, type DrillOptions, type DrillResult, quantiles } from './drill.js';

const CLIENTS = 10;
const NAME = 'herd';
const TTL_MS = 60_000;
/** The next in line hears that the one before it is gone; everybody else sleeps on. */
const WAKE_UPS_A_RELEASE = 1;
/** How long it may take until all are in line. */
const JOIN_MS = 120_000;

/** So many wait for one lock. Each release wakes exactly one of them. Rounds are waiters. */
export const herd: Drill = { name: 'herd', rounds: 1_000, run };

async function run({ rounds, program, signal }: DrillOptions): Promise<DrillResult> {
  const cluster = await ProcessCluster.start({ program, size: 3 });
  const inner = await Promise.all(Array.from({ length: CLIENTS }, () => connect(cluster.url)));
  // Only to count what watchers hear.
  const stores = inner.map((store) => new FaultyStore(store));
  const own = await connect(cluster.url);
  try {
    return await releaseAll({ stores, own, waiters: rounds, signal });
  } catch (error) {
    throw cluster.explain(error);
  } finally {
    await Promise.all([own, ...inner].map((store) => store.close()));
    await cluster.stop();
  }
}

interface Herd {
  readonly stores: readonly FaultyStore[];
  readonly own: Store;
  readonly waiters: number;
  readonly signal: AbortSignal;
}

async function releaseAll({ stores, own, waiters, signal }: Herd): Promise<DrillResult> {
  const first = await new Mutex(own, { name: NAME, ttl: TTL_MS }).acquire();
  // One session a client: all its waiters live by one lease.
  const mutexes = stores.map((store) => new Mutex(store, { name: NAME, ttl: TTL_MS }));
  const order: number[] = [];
  const waitMs: number[] = [];
  let releasedMs = 0;
  const waiting = Array.from({ length: waiters }, async (_, at) => {
    const held = await (mutexes[at % mutexes.length] as Mutex).acquire({ signal });
    waitMs.push(performance.now() - releasedMs);
    order.push(held.fencingToken);
    releasedMs = performance.now();
    await held.release();
  });
  await allInLine(own, waiters + 1);
  const before = wakeUps(stores);
  releasedMs = performance.now();
  await first.release();
  await Promise.all(waiting);
  const count = wakeUps(stores) - before;
  const violations: string[] = [];
  if (count > WAKE_UPS_A_RELEASE * waiters) violations.push(`${count} wake-ups for ${waiters} releases`);
  if (order.some((token, at) => at > 0 && token <= (order[at - 1] as number)))
    violations.push('it was not first come, first served');
  return { violations, figures: { waiters, releases: waiters, wakeUps: count, ...quantiles('handOverMs', waitMs) } };
}

async function allInLine(store: Store, count: number): Promise<void> {
  const lock = new Mutex(store, { name: NAME });
  const deadlineMs = performance.now() + JOIN_MS;
  for (;;) {
    const { holder, waiters } = await lock.inspect();
    if (waiters.length + (holder ? 1 : 0) >= count) return;
    if (performance.now() > deadlineMs) throw new Error(`only ${waiters.length} of ${count} are in line`);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

function wakeUps(stores: readonly FaultyStore[]): number {
  return stores.reduce((sum, { wakeUpCount }) => sum + wakeUpCount, 0);
}
