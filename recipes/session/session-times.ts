import type { Duration } from '../../core/base/duration.js';

/** A session's TTL unless its options say otherwise. */
export const SESSION_TTL: Duration = '15s';

/** How much slower than the store's our clock may run. */
const DRIFT = 0.1;
/** What noticing and stopping may take. */
const STOPPING_MS = 500;
const RETRY_MAX_MS = 5_000;

export interface SessionTimes {
  /** From sending a renewal to the deadline that its acknowledgement sets. */
  readonly safeMs: number;
  /** From one renewal to the next while all goes well. */
  readonly renewalMs: number;
  /** From a renewal that is not acknowledged to the next. */
  readonly retryMs: number;
}

/**
 * The times of a session, from the TTL the store granted.
 *
 * | TTL | safe for | renewed every | tried again after |
 * | --- | --- | --- | --- |
 * | 2 s | 1.3 s | 0.67 s | 0.17 s |
 * | 15 s | 13 s | 5 s | 1.25 s |
 * | 60 s | 53.5 s | 20 s | 5 s |
 *
 * The margin is a tenth of the TTL, for clocks that do not run at one rate, and half a second for stopping; at most half
 * the TTL.
 */
export function sessionTimes(ttlMs: number): SessionTimes {
  const marginMs = Math.min(DRIFT * ttlMs + STOPPING_MS, ttlMs / 2);
  return { safeMs: ttlMs - marginMs, renewalMs: ttlMs / 3, retryMs: Math.min(ttlMs / 12, RETRY_MAX_MS) };
}
