/** What may come of a request. */
import { CoordinationError, show } from './coordination-error.js';

// --- What the caller gave ---------------------------------------------------------------------------------------

/** An argument is of the wrong form or outside its limit. Nothing was changed. */
export class InvalidArgumentError extends CoordinationError {
  readonly code: string = 'INVALID_ARGUMENT';
  readonly retry = 'never';
  constructor(
    readonly field: string,
    readonly value: unknown,
    readonly limit: string,
  ) {
    super(`${field} is ${show(value)}; it must be ${limit}`);
  }
}

/** A key is missing or empty (etcd: "key is not provided"). */
export class EmptyKeyError extends InvalidArgumentError {
  override readonly code = 'EMPTY_KEY';
  constructor(field = 'key') {
    super(field, '', 'at least one byte long');
  }
}

/** A range ends at or before its start where it must not be empty. */
export class EmptyRangeError extends InvalidArgumentError {
  override readonly code = 'EMPTY_RANGE';
  constructor(key: Uint8Array, end: Uint8Array) {
    super('range', `[${show(key)}, ${show(end)})`, 'a range whose end is after its start');
  }
}

/** A value came with `ignoreValue` (etcd: "value is provided"). */
export class ValueProvidedError extends InvalidArgumentError {
  override readonly code = 'VALUE_PROVIDED';
  constructor(value: Uint8Array) {
    super('value', value, 'empty when ignoreValue is set');
  }
}

/** A lease came with `ignoreLease` (etcd: "lease is provided"). */
export class LeaseProvidedError extends InvalidArgumentError {
  override readonly code = 'LEASE_PROVIDED';
  constructor(lease: bigint) {
    super('lease', lease, 'absent when ignoreLease is set');
  }
}

/** `ignoreValue` or `ignoreLease` was set for a key that does not exist (etcd: "key not found"). */
export class KeyNotFoundError extends CoordinationError {
  readonly code = 'KEY_NOT_FOUND';
  readonly retry = 'never';
  constructor(readonly key: Uint8Array) {
    super(`key ${show(key)} does not exist, so there is no value or lease to keep`);
  }
}

/** A transaction has more compares or operations than the limit allows. */
export class TooManyOperationsError extends InvalidArgumentError {
  override readonly code = 'TOO_MANY_OPERATIONS';
  constructor(field: string, count: number, limit: number) {
    super(field, count, `at most ${limit} in one transaction (nested ones share what the outer leaves)`);
  }
}

/** One branch of a transaction puts a key twice, or puts a key that it also deletes. */
export class DuplicateKeyError extends InvalidArgumentError {
  override readonly code = 'DUPLICATE_KEY';
  constructor(readonly key: Uint8Array) {
    super('key', key, 'put at most once in one branch of a transaction, and not deleted there too');
  }
}

/** A request is larger than the limit. */
export class RequestTooLargeError extends InvalidArgumentError {
  override readonly code = 'REQUEST_TOO_LARGE';
  constructor(bytes: number, limitBytes: number) {
    super('request', `${bytes} bytes`, `at most ${limitBytes} bytes`);
  }
}

/** A lease's TTL is above the limit. */
export class LeaseTtlTooLargeError extends InvalidArgumentError {
  override readonly code = 'LEASE_TTL_TOO_LARGE';
  constructor(ttlSeconds: number, limitSeconds: number) {
    super('ttl', `${ttlSeconds} s`, `at most ${limitSeconds} s`);
  }
}

// --- What the store holds ---------------------------------------------------------------------------------------

/** The revision asked for was compacted away. Read again at the present, and go on from there. */
export class CompactedError extends CoordinationError {
  readonly code = 'COMPACTED';
  readonly retry = 'never';
  constructor(
    readonly requestedRevision: number,
    /** The oldest revision that can still be read. */
    readonly compactRevision: number,
  ) {
    super(`revision ${requestedRevision} was compacted; the oldest readable is ${compactRevision}`);
  }
}

/** The revision asked for does not exist yet. */
export class FutureRevisionError extends CoordinationError {
  readonly code = 'FUTURE_REVISION';
  readonly retry = 'never';
  constructor(
    readonly requestedRevision: number,
    readonly currentRevision: number,
  ) {
    super(`revision ${requestedRevision} is in the future; the store is at ${currentRevision}`);
  }
}

/** The lease does not exist: never granted, revoked, or expired. */
export class LeaseNotFoundError extends CoordinationError {
  readonly code = 'LEASE_NOT_FOUND';
  readonly retry = 'never';
  constructor(readonly lease: bigint) {
    super(`lease ${lease.toString(16)} does not exist: it expired, was revoked, or was never granted`);
  }
}

/** A lease with this id exists already. */
export class LeaseExistsError extends CoordinationError {
  readonly code = 'LEASE_EXISTS';
  readonly retry = 'never';
  constructor(readonly lease: bigint) {
    super(`lease ${lease.toString(16)} exists already; leave the id out to have one chosen`);
  }
}

/** A watcher with this id exists already on the same stream. */
export class DuplicateWatchIdError extends InvalidArgumentError {
  override readonly code = 'DUPLICATE_WATCH_ID';
  constructor(watchId: number) {
    super('watchId', watchId, 'unique on its stream');
  }
}

// --- What is wrong with the store until somebody has seen to it -----------------------------------------------------

/**
 * A member has as much as its quota allows, and so nothing is taken that needs more. Delete keys and compact the history;
 * nothing was changed (etcd: "database space exceeded").
 */
export class NoSpaceError extends CoordinationError {
  readonly code = 'NO_SPACE';
  readonly retry = 'never';
  constructor() {
    super('the store is as large as its quota allows; delete keys and compact the history, or raise quotaBackendBytes');
  }
}

/**
 * Somebody has raised the alarm that members do not have the same, so nothing is changed until it is ended. Find the member
 * that is wrong by their hashes and replace it (etcd: "corrupt cluster").
 */
export class CorruptClusterError extends CoordinationError {
  readonly code = 'CORRUPT';
  readonly retry = 'never';
  constructor() {
    super('the alarm is raised that members do not have the same; nothing is changed until it is ended');
  }
}

const QUOTA_EXCEEDED = /^no room under (".*"): (\d+) of at most (\d+) (keys|bytes) are used$/s;

/**
 * The keys of a prefix are as many, or together with their values as large, as a member was told to let them become.
 * Nothing was changed. Delete some; what deletes, or makes smaller, is taken.
 */
export class PrefixQuotaExceededError extends CoordinationError {
  readonly code = 'PREFIX_QUOTA_EXCEEDED';
  readonly retry = 'never';
  constructor(
    /** How the keys begin; cut off where it is long. */
    readonly prefix: string,
    readonly unit: 'keys' | 'bytes',
    readonly used: number,
    readonly limit: number,
  ) {
    super(`no room under ${show(prefix)}: ${used} of at most ${limit} ${unit} are used`);
  }

  /** The error with this text; `undefined` if it is the text of something else. */
  static ofText(text: string): PrefixQuotaExceededError | undefined {
    const [, prefix, used, limit, unit] = QUOTA_EXCEEDED.exec(text) ?? [];
    if (prefix === undefined) return undefined;
    return new PrefixQuotaExceededError(unshown(prefix), unit as 'keys' | 'bytes', Number(used), Number(limit));
  }
}

/** What {@link show} has shown as a text in quotes. It comes from a server, which may be any. */
function unshown(quoted: string): string {
  try {
    return String(JSON.parse(quoted));
  } catch {
    return quoted;
  }
}

// --- Whether the store can answer ---------------------------------------------------------------------------------

/** The store cannot answer at present; nothing was done. Try again. */
export class UnavailableError extends CoordinationError {
  readonly code: string = 'UNAVAILABLE';
  readonly retry = 'safe';
}

/** What may be wrong with TLS between a client and a server; see {@link TlsFailedError}. */
export type TlsProblem =
  | 'EXPIRED'
  | 'NOT_YET_VALID'
  | 'REVOKED'
  | 'REVOCATION_UNKNOWN'
  | 'WRONG_HOST'
  | 'UNKNOWN_AUTHORITY'
  | 'PLAIN_TEXT_SERVER'
  | 'NOTHING_IN_COMMON'
  | 'OWN_CERTIFICATE';

/**
 * A server could be reached, and no connection came about for the certificates' sake. Nothing was sent. It helps to do what
 * the text says; then the same call may be made again.
 */
export class TlsFailedError extends UnavailableError {
  override readonly code = 'TLS_FAILED';
  constructor(
    readonly endpoint: string,
    readonly problem: TlsProblem,
    advice: string,
    options?: ErrorOptions,
  ) {
    super(`no TLS with ${endpoint}: ${advice}`, options);
  }
}

/** There is no leader at present. Nothing was done. */
export class NoLeaderError extends UnavailableError {
  override readonly code = 'NO_LEADER';
  /**
   * @param why - where something is known of it
   * @param endpoint - where the member was asked, if it was over the network
   */
  constructor(
    why?: string,
    readonly endpoint?: string,
  ) {
    const member = endpoint === undefined ? 'the member' : `the member at ${endpoint}`;
    super(`${member} knows no leader at present${why === undefined ? '' : `: ${why}`}`);
  }
}

/** More proposals are under way than the member takes. Nothing was done; try again a little later. */
export class TooManyRequestsError extends UnavailableError {
  override readonly code = 'TOO_MANY_REQUESTS';
  constructor(what: string, limit: number) {
    super(`too many requests: ${what} reached its limit of ${limit}`);
  }
}

/** Which rule was reached; see {@link RateLimitedError}. */
export interface RateLimitReached {
  readonly prefix: string;
  readonly perSecond: number;
  readonly of: 'writes' | 'reads' | 'all';
  readonly retryAfterMs: number;
}

const RATE_LIMITED =
  /^too many (writes|reads|operations) under (".*"): (\d+) a second are taken; try again in (\d+) ms$/s;

/**
 * Keys of a prefix are used more often than a member was told to take. Nothing was done; the same call can be made again
 * after `retryAfterMs` milliseconds. The client and the recipes do that by themselves.
 */
export class RateLimitedError extends UnavailableError {
  override readonly code = 'RATE_LIMITED';
  /** How the keys begin; cut off where it is long. */
  readonly prefix: string;
  /** Operations a second that are taken. */
  readonly perSecond: number;
  /** Which operations count. */
  readonly of: RateLimitReached['of'];
  /** Milliseconds after which the member would take it, if nobody else comes first. */
  readonly retryAfterMs: number;
  constructor({ prefix, perSecond, of, retryAfterMs }: RateLimitReached) {
    const what = of === 'all' ? 'operations' : of;
    super(`too many ${what} under ${show(prefix)}: ${perSecond} a second are taken; try again in ${retryAfterMs} ms`);
    this.prefix = prefix;
    this.perSecond = perSecond;
    this.of = of;
    this.retryAfterMs = retryAfterMs;
  }

  /** The error with this text; `undefined` if it is the text of something else. */
  static ofText(text: string): RateLimitedError | undefined {
    const [, what, prefix, perSecond, retryAfterMs] = RATE_LIMITED.exec(text) ?? [];
    if (what === undefined) return undefined;
    return new RateLimitedError({
      prefix: unshown(prefix as string),
      perSecond: Number(perSecond),
      of: what === 'operations' ? 'all' : (what as 'writes' | 'reads'),
      retryAfterMs: Number(retryAfterMs),
    });
  }
}

/**
 * A write may or may not have been carried out: the answer was lost. Read before repeating it, or repeat only what is
 * idempotent.
 */
export class OutcomeUnknownError extends CoordinationError {
  readonly code = 'OUTCOME_UNKNOWN';
  readonly retry = 'if-idempotent';
  constructor(operation: string, options?: ErrorOptions) {
    super(`the outcome of ${operation} is unknown: it may or may not have been carried out`, options);
  }
}

/** The wait took longer than its `timeout`. Nothing is left behind. */
export class TimeoutError extends CoordinationError {
  readonly code: string = 'TIMEOUT';
  readonly retry = 'safe';
  constructor(
    what: string,
    readonly waitedMs: number,
    options?: ErrorOptions,
  ) {
    super(`${what} took longer than ${Math.round(waitedMs)} ms`, options);
  }
}

/** This store, or what was asked of it, has been closed. */
export class ClosedError extends CoordinationError {
  readonly code = 'CLOSED';
  readonly retry = 'never';
  constructor(what = 'the store', options?: ErrorOptions) {
    super(`${what} is closed`, options);
  }
}

/**
 * The member stopped by itself because it could not keep a promise; `reason` and `cause` say why. After a failure,
 * restart the process.
 */
export class MemberStoppedError extends CoordinationError {
  readonly code = 'MEMBER_STOPPED';
  readonly retry = 'if-idempotent';
  /** What kind of end it was: a failure of the machine it runs on, or what the cluster decided about the member. */
  readonly reason: 'failed' | 'removed' | 'refused' | 'diverged' = 'failed';
  constructor(why: string, options?: ErrorOptions) {
    super(`the member stopped: ${why}`, options);
  }
}

/** Another member became leader, or this one stopped leading, while the request waited. Nothing was done; try again. */
export class LeaderChangedError extends UnavailableError {
  override readonly code = 'LEADER_CHANGED';
  constructor() {
    super('the leader changed while the request waited');
  }
}

/** The server answered with something that no other class describes; `cause` is what it sent. */
export class ServerError extends CoordinationError {
  readonly code = 'SERVER_ERROR';
  readonly retry = 'never';
}
