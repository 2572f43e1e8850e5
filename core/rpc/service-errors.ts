/** What may come of a call of a service itself, in etcd's own words. */
import { CoordinationError } from '../base/errors.js';
import { toWireError } from './errors.js';

/** A range was to be streamed in a way in which it can only be answered at once: ask for it by `Range`. */
export class UnsupportedRangeError extends CoordinationError {
  readonly code = 'UNSUPPORTED_RANGE';
  readonly retry = 'never';
  constructor(what: string) {
    super(`RangeStream does not support ${what}`);
  }
}

/** Nothing is known of the health of a service by that name: ask for that of the whole server, whose name is empty. */
export class UnknownServiceError extends CoordinationError {
  readonly code = 'UNKNOWN_SERVICE';
  readonly retry = 'never';
  constructor() {
    super('unknown service');
  }
}

/** The lease with which somebody waited for a lock ended. Take another one, and try again. */
export class LockSessionExpiredError extends CoordinationError {
  readonly code = 'LOCK_SESSION_EXPIRED';
  readonly retry = 'never';
  constructor() {
    super('mutex: session is expired');
  }
}

/** Whoever says that it leads does not, or not any more. Campaign again. */
export class ElectionNotLeaderError extends CoordinationError {
  readonly code = 'ELECTION_NOT_LEADER';
  readonly retry = 'never';
  constructor() {
    super('election: not leader');
  }
}

/** Nobody leads. Observe the election to hear of the next leader. */
export class ElectionNoLeaderError extends CoordinationError {
  readonly code = 'ELECTION_NO_LEADER';
  readonly retry = 'never';
  constructor() {
    super('election: no leader');
  }
}

/** A request does not say who leads: give what the campaign answered. */
export class LeaderKeyMissingError extends CoordinationError {
  readonly code = 'LEADER_KEY_MISSING';
  readonly retry = 'never';
  constructor() {
    super('"leader" field must be provided');
  }
}

/**
 * An error of the store behind the Lock and Election services. In etcd these are clients of its own, so that what they are
 * told arrives without its code.
 */
export class PassedOnError extends CoordinationError {
  readonly code = 'PASSED_ON';
  readonly retry = 'never';
  constructor(cause: CoordinationError) {
    super(toWireError(cause).text, { cause });
  }
}

/** What such a service answers for an error. What must not happen stays what it is. */
export function passedOn(error: unknown): unknown {
  return error instanceof CoordinationError ? new PassedOnError(error) : error;
}
