import type { Writable } from 'node:stream';
import type { Clock } from '../base/clock.js';
import { TimeoutError } from '../base/errors.js';

/**
 * Writes everything to a stream, no faster than it is taken at the other end: nothing is asked of `messages` while the
 * stream is full. Whatever way it ends, `messages` is told that no more is wanted.
 *
 * @param pace - signal: the stream has ended; stallMs: how long it may stay full
 * @throws {@link TimeoutError} if it stays full for longer
 * @throws what `messages` throws
 */
export async function sendAll<T>(
  stream: Writable,
  messages: AsyncIterable<T>,
  pace: { readonly clock: Clock; readonly stallMs: number; readonly signal: AbortSignal },
): Promise<void> {
  for await (const message of messages) {
    if (pace.signal.aborted) return;
    if (!stream.write(message)) await drained(stream, pace);
    if (pace.signal.aborted) return;
  }
}

function drained(
  stream: Writable,
  { clock, stallMs, signal }: { readonly clock: Clock; readonly stallMs: number; readonly signal: AbortSignal },
): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (error?: TimeoutError) => {
      timer.cancel();
      stream.off('drain', onDrain);
      signal.removeEventListener('abort', onDrain);
      if (error) reject(error);
      else resolve();
    };
    const onDrain = () => settle();
    const timer = clock.after(stallMs, () => settle(new TimeoutError('taking the next message', stallMs)));
    stream.once('drain', onDrain);
    signal.addEventListener('abort', onDrain, { once: true });
  });
}
