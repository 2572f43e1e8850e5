import { CompactedError, FutureRevisionError } from '../base/errors.js';
import { everything } from '../base/key-range.js';
import type { Store } from '../store.js';

/**
 * Completes the errors that tell a revision which etcd's answers leave out: the oldest that can be read, and the
 * present one. Asks for it once; if that fails too, the error keeps the bound that follows from the request itself.
 */
export async function withRevisions(error: unknown, store: Store, timeoutMs: number): Promise<unknown> {
  const giveUp = new AbortController();
  const timer = store.clock.after(timeoutMs, () => giveUp.abort());
  try {
    if (error instanceof CompactedError) return await compacted(error, store, giveUp.signal);
    if (error instanceof FutureRevisionError) return await future(error, store, giveUp.signal);
    return error;
  } catch {
    return error;
  } finally {
    timer.cancel();
  }
}

/** A watch that begins in compacted history ends with the revision to begin at. */
async function compacted(error: CompactedError, store: Store, signal: AbortSignal): Promise<CompactedError> {
  const from = Math.max(1, error.requestedRevision);
  const watch = store.watch(everything(), { from, signal });
  try {
    await watch[Symbol.asyncIterator]().next();
    return error;
  } catch (told) {
    if (!(told instanceof CompactedError)) throw told;
    return new CompactedError(error.requestedRevision, told.compactRevision);
  } finally {
    await watch[Symbol.asyncDispose]();
  }
}

async function future(error: FutureRevisionError, store: Store, signal: AbortSignal): Promise<FutureRevisionError> {
  const { revision } = await store.range(everything(), { countOnly: true, limit: 1, signal });
  return new FutureRevisionError(error.requestedRevision, revision);
}
