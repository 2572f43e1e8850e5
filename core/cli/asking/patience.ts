import { onAbort } from '../../base/abort.js';
import { CallError } from './call-error.js';

const PAUSE_MS = 500;

/**
 * Does something until it goes well, with pauses: for commands that go on while members come and go.
 *
 * @param signal - ends it
 * @throws what is no {@link CallError} that may pass; the signal's reason if it aborts
 */
export async function patiently<Result>(signal: AbortSignal, work: () => Promise<Result>): Promise<Result> {
  for (;;) {
    signal.throwIfAborted();
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof CallError && error.isPassing)) throw error;
    }
    await pause(PAUSE_MS, signal);
  }
}

/** Waits so long. @throws the signal's reason if it aborts */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      stopListening();
      resolve();
    }, ms);
    const stopListening = onAbort(signal, (reason) => {
      clearTimeout(timer);
      reject(reason instanceof Error ? reason : new Error('aborted', { cause: reason }));
    });
  });
}
