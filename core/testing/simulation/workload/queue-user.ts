import { hasCode } from '../../../base/errors.js';
import { between } from '../../../base/prng.js';
import { any, items, linger, type Release } from '../../../../recipes/barrier-queue/release.js';
import { BarrierQueue } from '../../../../recipes/barrier-queue/barrier-queue.js';
import type { Delivery } from '../../../../recipes/barrier-queue/delivery.js';
import { isPassing } from '../../cluster/workload/surroundings.js';
import type { QueueCheck } from './queue-check.js';
import { chance, keepAtIt, rest, restUpTo, type Surroundings } from './surroundings.js';

const TTL_MS = 3_000;
const PUT_PAUSE_MS_MAX = 2_000;
const WORK_MS_MAX = 300;
const NACK_MS_MAX = 1_500;
const CLOSE_MS_MAX = 10_000;
/** So that every item is dealt with in the end, however often its consumers die. */
const ATTEMPTS = 1_000;

/** A queue, how it is released, and what is seen of it. */
export interface SharedQueue {
  readonly check: QueueCheck;
  readonly release: Release;
  /** Those who consume at present, and whether their processes go on. */
  readonly consumers: Map<string, () => boolean>;
  /** Whether somebody consumes now. */
  readonly isConsumed: boolean;
}

/** A release that waits for so many items, or also not longer than so. */
export function releaseOf({ itemsMin, lingerMs }: { readonly itemsMin: number; readonly lingerMs?: number }): Release {
  return lingerMs === undefined ? items(itemsMin) : any(items(itemsMin), linger(lingerMs));
}

/** Puts items, each by a name of its own. */
export async function producer(queue: SharedQueue, surroundings: Surroundings): Promise<void> {
  const { name, signal, count, store } = surroundings;
  const opened = new BarrierQueue<{ n: number }>(store, {
    name: queue.check.name,
    release: queue.release,
    attempts: ATTEMPTS,
    ttl: TTL_MS,
  });
  let n = 0;
  await keepAtIt(surroundings, name, async () => {
    await restUpTo(surroundings, PUT_PAUSE_MS_MAX);
    n += 1;
    const { id, round, added } = await opened.put({ n }, { id: `${name}.${n}`, timeout: CLOSE_MS_MAX, signal });
    count('item put');
    if (added) queue.check.put({ id, round });
  });
  await opened.dispose();
}

/** Takes items, and deals with most of them. */
export async function consumer(queue: SharedQueue, surroundings: Surroundings): Promise<void> {
  const { name, signal, store, isAlive } = surroundings;
  const opened = new BarrierQueue<{ n: number }>(store, {
    name: queue.check.name,
    release: queue.release,
    attempts: ATTEMPTS,
    ttl: TTL_MS,
  });
  queue.consumers.set(name, isAlive);
  await keepAtIt(surroundings, name, async () => {
    for await (const delivery of opened.consume({ signal })) await handle(delivery, queue, surroundings);
  });
  queue.consumers.delete(name);
  await opened.dispose();
}

async function handle(delivery: Delivery<unknown>, { check }: SharedQueue, surroundings: Surroundings): Promise<void> {
  const { name, prng, count } = surroundings;
  const isLong = chance(surroundings, 0.05);
  await rest(surroundings, isLong ? 1.5 * TTL_MS : between(prng, 0, WORK_MS_MAX));
  try {
    if (chance(surroundings, 0.1)) return await delivery.nack({ delay: between(prng, 0, NACK_MS_MAX) });
    if (chance(surroundings, 0.1)) return void (await delivery.release());
    await delivery.ack();
    count('item acknowledged');
    check.acknowledged(delivery, name);
  } catch (error) {
    if (hasCode(error, 'HOLD_LOST')) count('delivery that was lost');
    else if (!isPassing(error)) throw error;
  }
}
