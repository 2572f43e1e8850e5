import { setTimeout as delay } from 'node:timers/promises';
import { between, seededPrng } from '../../../base/prng.js';
import { connect } from '../../../connect.js';
import { Mutex } from '../../../../recipes/mutex/mutex.js';
import { ProcessCluster } from '../../cluster/process-cluster.js';
import { isPassing } from '../../cluster/workload/surroundings.js';
import { ClientGate } from '../equipment/client-gate.js';
import { type Drill, type DrillOptions, type DrillResult, quantiles } from './drill.js';

const TTL_MS = 3_000;
/** For timers on a busy machine. */
const SLACK_MS = 100;
const SIDE_BY_SIDE = 20;

/**
 * All connections of a client that holds a lock go half open: nothing gets through, and nobody is told. It must know that it
 * holds nothing any more within the TTL by its own clock, before the store grants the lock to the next.
 */
export const halfOpenClient: Drill = { name: 'half-open-client', rounds: 100, run };

interface Tally {
  readonly lostMs: number[];
  readonly grantedMs: number[];
  readonly violations: string[];
}

async function run({ rounds, seed, program, signal }: DrillOptions): Promise<DrillResult> {
  const prng = seededPrng(seed);
  const tally: Tally = { lostMs: [], grantedMs: [], violations: [] };
  const cluster = await ProcessCluster.start({ program, size: 3 });
  try {
    for (let round = 0; round < rounds && !signal.aborted; round += SIDE_BY_SIDE) {
      const count = Math.min(SIDE_BY_SIDE, rounds - round);
      const waits = Array.from({ length: count }, () => between(prng, 0, TTL_MS));
      await Promise.all(waits.map((waitMs, at) => oneClient(cluster, { name: `lock-${round + at}`, waitMs }, tally)));
    }
  } catch (error) {
    throw cluster.explain(error);
  } finally {
    await cluster.stop();
  }
  const { lostMs, grantedMs, violations } = tally;
  const figures = { clients: lostMs.length, ttlMs: TTL_MS };
  return { violations, figures: { ...figures, ...quantiles('lostMs', lostMs), ...quantiles('grantedMs', grantedMs) } };
}

async function oneClient(
  cluster: ProcessCluster,
  { name, waitMs }: { readonly name: string; readonly waitMs: number },
  { lostMs, grantedMs, violations }: Tally,
): Promise<void> {
  const gates = await Promise.all(cluster.members.map(({ clientUrl }) => ClientGate.open(clientUrl)));
  const store = await connect(gates.map(({ url }) => url).join(','));
  const next = await connect(cluster.url);
  const heldUntil = new AbortController();
  try {
    const held = await new Mutex(store, { name, ttl: TTL_MS }).acquire();
    const waiting = takeUp(new Mutex(next, { name, ttl: TTL_MS }), heldUntil.signal);
    await delay(waitMs);
    const cutMs = performance.now();
    for (const gate of gates) gate.halfOpen();
    const lost = new Promise<number>((resolve) => {
      held.signal.addEventListener('abort', () => resolve(performance.now()), { once: true });
    });
    const [lostAt, grantedAt] = await Promise.all([lost, waiting]);
    lostMs.push(lostAt - cutMs);
    grantedMs.push(grantedAt - cutMs);
    if (lostAt - cutMs > TTL_MS + SLACK_MS) violations.push(`${name}: it knew after ${Math.round(lostAt - cutMs)} ms`);
    if (lostAt > grantedAt)
      violations.push(`${name}: the next had it ${Math.round(lostAt - grantedAt)} ms before it knew`);
  } finally {
    heldUntil.abort();
    for (const gate of gates) gate.heal();
    await Promise.all([store.close(), next.close()]);
    await Promise.all(gates.map((gate) => gate.close()));
  }
}

/** Waits in line; on a busy machine the session of a waiter may end, and then it waits with another one. */
async function takeUp(mutex: Mutex, signal: AbortSignal): Promise<number> {
  while (!signal.aborted) {
    const held = await mutex.acquire({ signal }).catch((error: unknown) => {
      if (!signal.aborted && !isPassing(error)) throw error;
    });
    if (held) return performance.now();
  }
  return Infinity;
}
