import { setMaxListeners } from 'node:events';

/**
 * Calls back once when the signal aborts. Any number may listen to one signal, as when one session's signal ends all of
 * its calls; Node would take more than ten for a leak, and say so on the terminal.
 *
 * @returns stops listening
 */
export function onAbort(signal: AbortSignal | undefined, listener: () => void): () => void {
  if (!signal) return doNothing;
  setMaxListeners(Number.POSITIVE_INFINITY, signal);
  signal.addEventListener('abort', listener, { once: true });
  return () => signal.removeEventListener('abort', listener);
}

function doNothing(): void {}
