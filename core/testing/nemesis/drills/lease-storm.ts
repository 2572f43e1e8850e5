import { setTimeout as delay } from 'node:timers/promises';
import { connect } from '../../../connect.js';
import { prefix } from '../../../base/key-range.js';
import type { Store } from '../../../store.js';
import { ProcessCluster } from '../../cluster/process-cluster.js';
import { type Drill, type DrillOptions, type DrillResult, quantiles } from './drill.js';

const AT_ONCE = 128;
const GRANTING_PER_SECOND_LEAST = 250;
const TTL_SECONDS_LEAST = 10;
/** One in so many has a key, by whose deletion its end is heard of. */
const KEY_EVERY = 10;
const ELECTION_TIMEOUT_MS = 1_000;
/** How much later than its TTL the last may end: an election timeout and a second, and a second for each so many leases. */
const LATE_MS_MOST = ELECTION_TIMEOUT_MS + 1_000;
const LEASES_A_SECOND = 20_000;
const PUT_MS_MOST = 2_000;

/** So many leases end in the same second while writes go on. Rounds are leases. */
export const leaseStorm: Drill = { name: 'lease-storm', rounds: 100_000, run };

async function run({ rounds, program, signal, tell }: DrillOptions): Promise<DrillResult> {
  const cluster = await ProcessCluster.start({ program, size: 3 });
  const store = await connect(cluster.url, { client: { requestTimeoutMs: 30_000 } });
  try {
    return await storm(store, { leases: rounds, signal, tell });
  } catch (error) {
    throw cluster.explain(error);
  } finally {
    await store.close();
    await cluster.stop();
  }
}

/**
 * Each is granted with as much more time as it comes earlier than the last, so that all end in one second: that in which the
 * last one granted does.
 */
async function storm(
  store: Store,
  { leases, signal, tell }: { leases: number; signal: AbortSignal; tell: (line: string) => void },
): Promise<DrillResult> {
  const endMs = performance.now() + (leases / GRANTING_PER_SECOND_LEAST) * 1_000 + TTL_SECONDS_LEAST * 1_000;
  const dueMs = new Map<string, number>();
  const early: number[] = [];
  const lateMs: number[] = [];
  const gone = hearAll(store, { dueMs, early, lateMs, signal });
  const beforeMs: number[] = [];
  let granted = 0;
  const grant = async () => {
    while (granted < leases && !signal.aborted) {
      const at = (granted += 1);
      const ttlSeconds = Math.max(1, Math.ceil((endMs - performance.now()) / 1_000));
      const sentMs = performance.now();
      const lease = await store.grantLease(`${ttlSeconds}s`);
      beforeMs.push(performance.now() - sentMs);
      if (at % KEY_EVERY !== 0) continue;
      dueMs.set(`storm/${at}`, sentMs + lease.ttlSeconds * 1_000);
      await store.put(`storm/${at}`, '', { lease });
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, grant));
  tell(`${granted} leases are granted, and end in ${Math.round(endMs - performance.now())} ms`);
  const grantedInTime = performance.now() < endMs;
  await delay(Math.max(0, endMs - performance.now() - 500));
  const stop = new AbortController();
  const writing = putUntil(store, stop.signal);
  const latestMs = endMs + 1_000 + LATE_MS_MOST + (leases / LEASES_A_SECOND) * 1_000;
  while (dueMs.size > 0 && performance.now() < latestMs + 30_000) await delay(50);
  const overMs = performance.now();
  stop.abort();
  const putMs = await writing;
  await gone.stop();
  const left = (await store.leases()).length;
  const violations = [
    ...early.map((ms) => `a lease ended ${Math.round(ms)} ms early`).slice(0, 5),
    ...(overMs > latestMs ? [`the last keys were gone ${Math.round(overMs - latestMs)} ms later than they may`] : []),
    ...(left > 0 ? [`${left} leases are still there`] : []),
    ...(Math.max(...putMs) > PUT_MS_MOST ? [`a put took ${Math.round(Math.max(...putMs))} ms`] : []),
    ...(grantedInTime ? [] : ['they could not be granted in time: too slow a machine for so many']),
  ];
  return {
    violations,
    figures: {
      leases: granted,
      early: early.length,
      left,
      putsMeanwhile: putMs.length,
      ...quantiles('putMs', putMs),
      ...quantiles('lateMs', lateMs),
    },
  };
}

interface Ends {
  readonly dueMs: Map<string, number>;
  readonly early: number[];
  readonly lateMs: number[];
  readonly signal: AbortSignal;
}

function hearAll(store: Store, { dueMs, early, lateMs }: Ends): { stop: () => Promise<void> } {
  const stop = new AbortController();
  const hearing = (async () => {
    try {
      for await (const { events } of store.watch(prefix('storm/'), { only: 'delete', signal: stop.signal })) {
        for (const { kv } of events) {
          const key = new TextDecoder().decode(kv.key);
          const byMs = performance.now() - (dueMs.get(key) ?? 0);
          if (byMs < 0) early.push(-byMs);
          else lateMs.push(byMs);
          dueMs.delete(key);
        }
      }
    } catch (error) {
      if (!stop.signal.aborted) throw error;
    }
  })();
  return {
    async stop() {
      stop.abort();
      await hearing;
    },
  };
}

async function putUntil(store: Store, signal: AbortSignal): Promise<number[]> {
  const ms: number[] = [];
  while (!signal.aborted) {
    const begunMs = performance.now();
    await store.put('meanwhile', '');
    ms.push(performance.now() - begunMs);
  }
  return ms;
}
