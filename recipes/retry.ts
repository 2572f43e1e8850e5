import { type Clock, sleep } from '../core/base/clock.js';
import { hasCode } from '../core/base/errors.js';

const FIRST_PAUSE_MS = 50;
const PAUSE_MAX_MS = 1_000;

/**
 * Repeats an idempotent call until the store has answered it. Pauses double from 50 ms to one second.
 *
 * @param until - ends the attempts; it is their only bound
 * @param again - which errors are worth another attempt
 * @throws the signal's reason once it aborted; else the first error that repeating cannot help
 */
export async function persist<T>(
  clock: Clock,
  until: AbortSignal,
  attempt: () => Promise<T>,
  again: (error: unknown) => boolean = isTransient,
): Promise<T> {
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, PAUSE_MAX_MS)) {
    until.throwIfAborted();
    try {
      return await attempt();
    } catch (error) {
      until.throwIfAborted();
      if (!again(error)) throw error;
    }
    await sleep(clock, pauseMs, until);
  }
}

/** Whether a call that may be repeated should be: the store is away, or an answer was lost. */
export function isTransient(error: unknown): boolean {
  if (!(error instanceof Error) || hasCode(error, 'MEMBER_STOPPED')) return false;
  const { retry } = error as { retry?: unknown };
  return retry === 'safe' || retry === 'if-idempotent';
}
