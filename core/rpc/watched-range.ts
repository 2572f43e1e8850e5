import { onAbort } from '../base/abort.js';
import type { WatchBatch } from '../base/operation.js';
import type { WatchPort } from './ports.js';

/**
 * What happens in a range, batch by batch, for a service that waits for something itself. What is not asked for stays in
 * the member, which bounds it.
 *
 * @returns when what it watches from was compacted: read again then, and go on from there
 * @throws the signal's reason; {@link PermissionDeniedError} when the right to watch is not there, or is taken away
 */
export async function* watchedRange(
  port: WatchPort,
  request: Parameters<WatchPort['watch']>[0],
  signal: AbortSignal,
): AsyncGenerator<WatchBatch, void, undefined> {
  signal.throwIfAborted();
  let wake = () => {};
  const watcher = port.watch(request, () => wake());
  const stopListening = onAbort(signal, () => wake());
  try {
    for (;;) {
      signal.throwIfAborted();
      const taken = watcher.take();
      if (taken?.type === 'compacted') return;
      if (taken?.type === 'denied') throw taken.error;
      if (taken === undefined) await new Promise<void>((resolve) => (wake = resolve));
      else yield taken.batch;
    }
  } finally {
    stopListening();
    watcher.cancel();
  }
}
