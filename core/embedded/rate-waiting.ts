import { type Clock, sleep } from '../base/clock.js';
import { RateLimitedError } from '../base/errors.js';
import type { Prng } from '../base/prng.js';

export interface RateWaitingParts {
  readonly clock: Clock;
  readonly prng: Prng;
  /** Milliseconds after which a call is not made again. */
  readonly mostMs: number;
  /** Ends the waiting; its reason is thrown. */
  readonly signal: AbortSignal;
}

/** What is waited beside the time that was told, at the first refusal; it doubles with each one, up to the bound. */
const FIRST_SPREAD_MS = 5;
const SPREAD_MAX_MS = 500;

/**
 * Makes a call again that came too fast, after the time that was told: nothing was done. Those who were told the same time
 * come at different ones.
 *
 * @throws {@link RateLimitedError} if its time is past the bound, and what the call throws beside it
 */
export async function waitingForRate<T>(parts: RateWaitingParts, call: () => Promise<T>): Promise<T> {
  const { clock, prng, mostMs, signal } = parts;
  const deadlineMs = clock.now() + mostMs;
  for (let spreadMs = FIRST_SPREAD_MS; ; spreadMs = Math.min(2 * spreadMs, SPREAD_MAX_MS)) {
    try {
      return await call();
    } catch (error) {
      if (!(error instanceof RateLimitedError)) throw error;
      const pauseMs = error.retryAfterMs + spreadMs * prng.next();
      if (clock.now() + pauseMs >= deadlineMs) throw error;
      await sleep(clock, pauseMs, signal);
    }
  }
}
