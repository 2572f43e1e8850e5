import { sleep } from '../../core/base/clock.js';
import { hasCode } from '../../core/base/errors.js';
import type { KeyValue, LeaseId } from '../../core/base/key-value.js';
import type { Store } from '../../core/store.js';
import { isTransient, persist } from '../retry.js';
import { linkSignals } from '../wait.js';

/** The longest trust in a watch that says nothing: then the key is read, and watched anew. */
export const RECHECK_MS = 30_000;
const PAUSE_MS = 100;

/** One life of a key, from its creation to its deletion. */
export interface Incarnation {
  readonly key: string;
  readonly createRevision: number;
  readonly lease: LeaseId;
}

/**
 * Waits until a key is gone, was created anew, or has lost its lease. Survives compaction, a watch that breaks, and one
 * that has gone silent.
 *
 * @param afterRevision - a revision at which the key stood
 * @throws the signal's reason; an error of the store that waiting cannot mend
 */
export async function untilGone(
  store: Store,
  incarnation: Incarnation,
  afterRevision: number,
  signal: AbortSignal,
): Promise<void> {
  for (let revision = afterRevision; ;) {
    if (await watchUntilGone(store, incarnation, revision + 1, signal)) return;
    const answer = await persist(store.clock, signal, () => store.range(incarnation.key, { signal, keysOnly: true }));
    if (!stands(incarnation, answer.kvs[0])) return;
    revision = answer.revision;
  }
}

/** @returns false if the watch ended before: read the key, for something may have been missed */
async function watchUntilGone(
  store: Store,
  incarnation: Incarnation,
  from: number,
  signal: AbortSignal,
): Promise<boolean> {
  const watching = linkSignals(signal);
  const recheck = store.clock.after(RECHECK_MS, () => watching.abort(new Error('time to look')));
  try {
    for await (const batch of store.watch(incarnation.key, { from, signal: watching.signal })) {
      for (const { type, kv } of batch.events) {
        if (type === 'delete' || !stands(incarnation, kv)) return true;
      }
    }
  } catch (error) {
    signal.throwIfAborted();
    if (!watching.signal.aborted && !hasCode(error, 'COMPACTED') && !isTransient(error)) throw error;
  } finally {
    recheck.cancel();
    watching.unlink();
  }
  // A watch that ends again and again must not turn into a busy loop.
  await sleep(store.clock, PAUSE_MS, signal);
  return false;
}

function stands({ createRevision, lease }: Incarnation, kv: KeyValue | undefined): boolean {
  return kv !== undefined && kv.createRevision === createRevision && kv.lease === lease;
}
