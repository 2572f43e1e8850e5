import { abortable as untilAborted, onAbort } from '../base/abort.js';

export { onAbort };

/** Begins something unless the signal has aborted, and stops waiting for it when the signal does. */
export async function abortable<T>(signal: AbortSignal, begin: () => Promise<T>): Promise<T> {
  signal.throwIfAborted();
  return untilAborted(begin(), signal);
}
