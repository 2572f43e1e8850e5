import { setMaxListeners } from 'node:events';
import type { Clock, Timer } from '../../core/base/clock.js';
import { type Duration, toMilliseconds } from '../../core/base/duration.js';
import { hasCode, InvalidArgumentError } from '../../core/base/errors.js';
import type { LeaseId } from '../../core/base/key-value.js';
import { randomId } from '../../core/base/prng.js';
import type { Lease, Store } from '../../core/store.js';
import { Emitter } from '../emitter.js';
import { type SessionEnd, SessionLostError } from '../errors.js';
import { isTransient, persist } from '../retry.js';
import { linkSignals } from '../wait.js';
import { SESSION_TTL, sessionTimes, type SessionTimes } from './session-times.js';

export interface SessionOptions {
  /** The lease's time to live, at least a second; the store may raise it. Default: `'15s'`. */
  readonly ttl?: Duration;
  /** Calls the opening off. It has no say in the session once that is open. */
  readonly signal?: AbortSignal;
}

/**
 * - `alive`: the last renewal was acknowledged
 * - `atRisk`: one was missed; more are being tried until the deadline
 * - `expired`: the deadline passed, or the store no longer has the lease
 * - `closed`: by {@link Session.close}
 */
export type SessionState = 'alive' | 'atRisk' | 'expired' | 'closed';

export interface SessionEvents {
  /** A renewal was missed; unless one succeeds, the session ends at `safeUntilMs`. */
  atRisk: (safeUntilMs: number) => void;
  /** A renewal succeeded after one was missed. */
  recovered: () => void;
  /** The session ended by itself. Comes once, after `signal` aborted; never after `close`. */
  lost: (error: SessionLostError) => void;
}

const GRANT_ATTEMPTS = 3;
/** The least time that closing tries to reach the store. */
const REVOKE_LEAST_MS = 1_000;

/**
 * A lease that is kept alive, with a deadline of its own: {@link signal} aborts before the store can have ended the lease,
 * so work that stops at the signal never overlaps with that of whoever comes next.
 *
 * The deadline is counted from the moment of *sending* the last renewal that was acknowledged. The store counts from when it
 * received it, which is later, so whatever the network did, the deadline comes first by the margin
 * (see {@link sessionTimes}). It is measured on `store.clock`, never on wall time.
 */
export class Session extends Emitter<SessionEvents> implements AsyncDisposable {
  /** The lease all keys of this session live by. */
  readonly lease: LeaseId;
  /** The TTL the store granted. */
  readonly ttlMs: number;
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #handle: Pick<Lease, 'keepAlive' | 'revoke'>;
  readonly #times: SessionTimes;
  readonly #ended = new AbortController();
  /** The renewals under way. */
  #renewals = new AbortController();
  #unacknowledged = 0;
  /** Why the last renewal failed, while none has been acknowledged since. */
  #missedBecause: unknown;
  #renewedMs: number;
  #state: SessionState = 'alive';
  #deadline: Timer | undefined;
  #nextRenewal: Timer | undefined;
  #closing: Promise<void> | undefined;

  /**
   * Grants a lease and begins to renew it.
   *
   * @throws {@link InvalidArgumentError} if `ttl` is below a second; whatever the store throws if it cannot grant the
   * lease (a lease whose grant was not acknowledged ends by itself); the signal's reason
   */
  static async open(store: Store, options: SessionOptions = {}): Promise<Session> {
    const ttlMs = toMilliseconds(options.ttl ?? SESSION_TTL, 'ttl');
    if (ttlMs < 1_000) throw new InvalidArgumentError('ttl', options.ttl, 'at least one second');
    const sentMs = store.clock.now();
    const { id, ttlSeconds } = await grant(store, ttlMs, options.signal);
    return new Session(store, id, ttlSeconds * 1_000, sentMs);
  }

  private constructor(store: Store, lease: LeaseId, ttlMs: number, sentMs: number) {
    super(store.logger);
    this.#store = store;
    this.#clock = store.clock;
    this.lease = lease;
    this.ttlMs = ttlMs;
    this.#handle = store.lease(lease);
    this.#times = sessionTimes(ttlMs);
    this.#renewedMs = sentMs;
    // All that works under this session listens to its end.
    setMaxListeners(Infinity, this.#ended.signal);
    this.#schedule();
  }

  /** Where it stands now, by the clock, even if the process was too busy to notice before. */
  get state(): SessionState {
    this.#endIfDue();
    return this.#state;
  }

  /** Aborts with {@link SessionLostError} when the session ends, by whatever cause. */
  get signal(): AbortSignal {
    return this.#ended.signal;
  }

  /** The deadline, in milliseconds of `store.clock`. A renewal moves it on. */
  get safeUntilMs(): number {
    return this.#renewedMs + this.#times.safeMs;
  }

  /**
   * Checks the clock, not only the signal: after the process was blocked for long, the timer that aborts the signal may not
   * have fired yet.
   *
   * @throws {@link SessionLostError} if the session has ended
   */
  assertAlive(): void {
    this.#endIfDue();
    this.#ended.signal.throwIfAborted();
  }

  /**
   * For recipes: the store answered that the lease does not exist. Ends the session.
   *
   * @returns what to throw
   */
  reportGone(cause: unknown): SessionLostError {
    this.#end('gone', cause);
    return this.#ended.signal.reason as SessionLostError;
  }

  /**
   * Ends the session and its lease, so that others need not wait for the lease to run out. Aborts `signal` first. Never
   * rejects: if the store cannot be reached, the lease runs out by itself. Idempotent.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  // --- Renewals ---------------------------------------------------------------------------------------------------

  /** Sets both timers by the last acknowledged renewal. */
  #schedule(): void {
    const now = this.#clock.now();
    this.#deadline?.cancel();
    this.#deadline = this.#clock.after(this.safeUntilMs - now, () => this.#endIfDue());
    this.#renewAt(this.#renewedMs + this.#times.renewalMs);
  }

  #renewAt(timeMs: number): void {
    this.#nextRenewal?.cancel();
    this.#nextRenewal = this.#clock.after(timeMs - this.#clock.now(), () => this.#renewNow());
  }

  /** Sends one renewal, and sees to it that another follows soon if this one is not acknowledged. */
  #renewNow(): void {
    this.#endIfDue();
    if (this.#hasEnded) return;
    const sentMs = this.#clock.now();
    // Silence is a missed renewal, too: a half-open connection reports nothing.
    if (this.#unacknowledged > 0) this.#missed();
    this.#unacknowledged += 1;
    this.#renewAt(sentMs + this.#times.retryMs);
    void this.#renew(sentMs);
  }

  async #renew(sentMs: number): Promise<void> {
    const { signal } = this.#renewals;
    try {
      await this.#handle.keepAlive({ signal });
      this.#acknowledged(sentMs);
    } catch (error) {
      if (signal.aborted) return;
      if (hasCode(error, 'LEASE_NOT_FOUND')) this.#end('gone', error);
      else if (hasCode(error, 'CLOSED')) this.#end('storeClosed', error);
      else this.#missed(error);
    }
  }

  /** An acknowledgement counts however late it comes: only a lease that never ended can be renewed. */
  #acknowledged(sentMs: number): void {
    if (this.#hasEnded || sentMs <= this.#renewedMs) return;
    this.#renewedMs = sentMs;
    this.#unacknowledged = 0;
    this.#missedBecause = undefined;
    this.#abandonRenewals();
    this.#schedule();
    if (this.#state !== 'atRisk') return;
    this.#state = 'alive';
    this.announce('recovered');
  }

  #missed(error?: unknown): void {
    this.#missedBecause = error ?? this.#missedBecause;
    if (this.#state !== 'alive') return;
    this.#state = 'atRisk';
    this.#store.logger.warn(
      { lease: this.lease.toString(16), safeForMs: this.safeUntilMs - this.#clock.now(), err: error },
      'a lease renewal was missed; trying again',
    );
    this.announce('atRisk', this.safeUntilMs);
  }

  #abandonRenewals(): void {
    this.#renewals.abort();
    this.#renewals = new AbortController();
  }

  // --- The end ----------------------------------------------------------------------------------------------------

  get #hasEnded(): boolean {
    return this.#ended.signal.aborted;
  }

  #endIfDue(): void {
    if (this.#clock.now() >= this.safeUntilMs) this.#end('deadline', this.#missedBecause);
  }

  #end(why: SessionEnd, cause?: unknown): void {
    if (this.#hasEnded) return;
    const error = new SessionLostError(this.lease, why, { cause });
    this.#state = why === 'closed' ? 'closed' : 'expired';
    this.#deadline?.cancel();
    this.#nextRenewal?.cancel();
    // First of all: whoever works under this session stops.
    this.#ended.abort(error);
    this.#renewals.abort();
    if (why === 'closed') return;
    this.#store.logger.error({ lease: this.lease.toString(16), why, err: cause }, 'the session was lost');
    this.announce('lost', error);
  }

  async #close(): Promise<void> {
    this.#end('closed');
    const leaseMs = this.#renewedMs + this.ttlMs - this.#clock.now();
    const bound = linkSignals();
    const timer = this.#clock.after(Math.max(leaseMs, REVOKE_LEAST_MS), () => bound.abort(new Error('too late')));
    try {
      await persist(this.#clock, bound.signal, () => this.#handle.revoke({ signal: bound.signal }));
    } catch (error) {
      if (!hasCode(error, 'LEASE_NOT_FOUND')) {
        this.#store.logger.debug({ lease: this.lease.toString(16), err: error }, 'the lease was left to run out');
      }
    } finally {
      timer.cancel();
    }
  }
}

/** Grants a lease under an id of our own choosing, so that a grant whose answer was lost is recognised. */
async function grant(
  store: Store,
  ttlMs: number,
  signal: AbortSignal | undefined,
): Promise<{ readonly id: LeaseId; readonly ttlSeconds: number }> {
  const id = randomId(store.prng);
  const options = signal ? { signal } : {};
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await store.grantLease(ttlMs, { ...options, id });
    } catch (error) {
      if (hasCode(error, 'LEASE_EXISTS') && attempt > 1) {
        const { grantedTtlSeconds } = await store.lease(id).timeToLive(options);
        return { id, ttlSeconds: grantedTtlSeconds };
      }
      if (signal?.aborted || !isTransient(error) || attempt === GRANT_ATTEMPTS) throw error;
    }
  }
}
