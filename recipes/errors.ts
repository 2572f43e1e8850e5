/** What can go wrong in a recipe, beside what the store itself reports (`core/base/errors.ts`). */
import { CoordinationError } from '../core/base/errors.js';
import type { LeaseId } from '../core/base/key-value.js';

/**
 * Why a session ended: its safe `deadline` passed without a renewal, the store said that the lease is `gone`, it was
 * `closed` by its own process, or that closed the whole store (`storeClosed`).
 */
export type SessionEnd = 'deadline' | 'gone' | 'closed' | 'storeClosed';

const SESSION_END: Readonly<Record<SessionEnd, string>> = {
  deadline: 'no renewal was acknowledged in time',
  gone: 'the store no longer has its lease',
  closed: 'it was closed',
  storeClosed: 'its store was closed',
};

/**
 * The session under a recipe has ended, and with it everything that was held or waited for through it. Nothing is left in
 * the store once the lease has ended there. Call again: a recipe with its own session opens a new one.
 */
export class SessionLostError extends CoordinationError {
  readonly code = 'SESSION_LOST';
  readonly retry = 'safe';
  constructor(
    readonly lease: LeaseId,
    readonly why: SessionEnd,
    options?: ErrorOptions,
  ) {
    super(`the session with lease ${lease.toString(16)} has ended: ${SESSION_END[why]}`, options);
  }
}

/**
 * What was held is no longer held, or can no longer be relied on: somebody else may hold it. Stop the work; a write that
 * was guarded by the hold has been rejected by the store.
 */
export class HoldLostError extends CoordinationError {
  readonly code = 'HOLD_LOST';
  readonly retry = 'never';
  constructor(
    /** The name of what was held. */
    readonly what: string,
    readonly fencingToken: number,
    options?: ErrorOptions,
  ) {
    super(`${what} is no longer held (fencing token ${fencingToken})`, options);
  }
}

/** Nothing is held here: it was released by its own holder, or the code does not run under a lock. */
export class NotHeldError extends CoordinationError {
  readonly code = 'NOT_HELD';
  readonly retry = 'never';
  constructor(what: string) {
    super(`${what} is not held`);
  }
}

/** Somebody removed our place in a waiting line although our session lives: an operator, usually. Call again to queue anew. */
export class PlaceLostError extends CoordinationError {
  readonly code = 'PLACE_LOST';
  readonly retry = 'safe';
  constructor(
    readonly what: string,
    readonly key: string,
  ) {
    super(`our place in line for ${what} was removed from outside (key ${key})`);
  }
}
