import { toText } from './bytes.js';

/**
 * Whether the same call may be tried again: `never` helps, it is `safe` because nothing was done, or it is right only
 * `if-idempotent`, because it may have been done.
 */
export type Retry = 'never' | 'safe' | 'if-idempotent';

/**
 * The family of everything that can go wrong in operation. Match on `code`, which never changes; texts may.
 */
export abstract class CoordinationError extends Error {
  abstract readonly code: string;
  abstract readonly retry: Retry;

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
  }
}

/** Whether something thrown is of Conclave's family, across copies of the package. */
export function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && (error as { code?: unknown }).code === code;
}

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

// --- Whether the store can answer ---------------------------------------------------------------------------------

/** The store cannot answer at present; nothing was done. Try again. */
export class UnavailableError extends CoordinationError {
  readonly code: string = 'UNAVAILABLE';
  readonly retry = 'safe';
}

/** There is no leader at present. Nothing was done. */
export class NoLeaderError extends UnavailableError {
  override readonly code = 'NO_LEADER';
  /** @param why - where something is known of it */
  constructor(why?: string) {
    super(`the member knows no leader at present${why === undefined ? '' : `: ${why}`}`);
  }
}

/** More proposals are under way than the member takes. Nothing was done; try again a little later. */
export class TooManyRequestsError extends UnavailableError {
  override readonly code = 'TOO_MANY_REQUESTS';
  constructor(what: string, limit: number) {
    super(`too many requests: ${what} reached its limit of ${limit}`);
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

/** This store does not do what was asked, by choice. Nothing was changed. */
export class NotImplementedError extends CoordinationError {
  readonly code = 'NOT_IMPLEMENTED';
  readonly retry = 'never';
  constructor(what: string) {
    super(`${what} is not implemented`);
  }
}

// --- The members of a cluster -----------------------------------------------------------------------------------------

/** The cluster removed this member. It never comes back under its id; add a new one. */
export class MemberRemovedError extends MemberStoppedError {
  override readonly reason = 'removed';
  constructor(readonly memberId: bigint) {
    super(`member ${memberId.toString(16)} was removed from the cluster; its id is never used again`);
  }
}

/** The other members will not have this one: it belongs to another cluster, or its disk was wiped. */
export class MemberRefusedError extends MemberStoppedError {
  override readonly reason = 'refused';
  constructor(
    /** Why, as the handshake between members names it: `clusterMismatch`, `memberWiped`, ... */
    readonly refusal: string,
    why: string,
  ) {
    super(`the other members refuse it: ${why}`);
  }
}

/**
 * What this member applied differs from what the others did, so what it would answer is not true. Keep its data folder
 * for whoever looks for the cause, and replace the member.
 */
export class MemberDivergedError extends MemberStoppedError {
  override readonly reason = 'diverged';
  constructor(
    /** The last index at which its state was equal. */
    readonly afterIndex: number,
    /** The first index at which it was seen to differ. */
    readonly upToIndex: number,
  ) {
    super(`its state parted from the other members' after index ${afterIndex}, by index ${upToIndex}`);
  }
}

/** The cluster has no member of this id. */
export class MemberNotFoundError extends CoordinationError {
  readonly code = 'MEMBER_NOT_FOUND';
  readonly retry = 'never';
  constructor(readonly memberId: bigint) {
    super(`the cluster has no member ${memberId.toString(16)}`);
  }
}

/** Another member has this peer URL already. */
export class PeerUrlExistsError extends CoordinationError {
  readonly code = 'PEER_URL_EXISTS';
  readonly retry = 'never';
  constructor(readonly url: string) {
    super(`a member with the peer URL ${url} exists already`);
  }
}

/** The peer URLs given for a member are none, or not URLs of `http` or `https` with a host and a port. */
export class InvalidPeerUrlsError extends InvalidArgumentError {
  override readonly code = 'INVALID_PEER_URLS';
  constructor(urls: readonly string[]) {
    super('peerUrls', urls.join(','), 'one or more URLs such as http://10.0.0.1:2380, each once');
  }
}

/** After this change, the members that have ever started would not be a majority. Nothing was changed. */
export class NotEnoughStartedMembersError extends CoordinationError {
  readonly code = 'NOT_ENOUGH_STARTED_MEMBERS';
  readonly retry = 'never';
  constructor(
    readonly startedCount: number,
    readonly neededCount: number,
  ) {
    super(`the change would leave ${startedCount} started members where a majority is ${neededCount}`);
  }
}

/** The leader has not been in touch with a majority for long enough to change the members now. Nothing was changed. */
export class UnhealthyClusterError extends UnavailableError {
  override readonly code = 'UNHEALTHY_CLUSTER';
  constructor(connectedCount: number, neededCount: number) {
    super(`only ${connectedCount} of the ${neededCount} members that the change needs are connected and active`);
  }
}

/** The change of members cannot begin now, because another one is under way or the leader is new. Nothing was changed. */
export class ConfigurationChangeError extends UnavailableError {
  override readonly code = 'CONFIGURATION_CHANGE_REFUSED';
  constructor(why: string) {
    super(`the members cannot be changed now: ${why}`);
  }
}

/** Only a learner can be promoted. */
export class MemberNotLearnerError extends CoordinationError {
  readonly code = 'MEMBER_NOT_LEARNER';
  readonly retry = 'never';
  constructor(readonly memberId: bigint) {
    super(`member ${memberId.toString(16)} is no learner, so there is nothing to promote`);
  }
}

/** The learner lags too far behind the leader to be promoted. Try again when it has caught up. */
export class LearnerNotReadyError extends CoordinationError {
  readonly code = 'LEARNER_NOT_READY';
  readonly retry = 'safe';
  constructor(readonly memberId: bigint) {
    super(`learner ${memberId.toString(16)} has not caught up with the leader yet`);
  }
}

/** The cluster has as many learners as it may. Promote or remove one first. */
export class TooManyLearnersError extends CoordinationError {
  readonly code = 'TOO_MANY_LEARNERS';
  readonly retry = 'never';
  constructor(readonly limit: number) {
    super(`the cluster has ${limit} learners already, the most it may have`);
  }
}

/** This can be asked of the leader only, and this member does not lead. */
export class MemberNotLeaderError extends CoordinationError {
  readonly code = 'MEMBER_NOT_LEADER';
  readonly retry = 'never';
  constructor() {
    super('this member does not lead the cluster');
  }
}

/** Leadership can be handed only to another voting member. */
export class BadLeaderTransfereeError extends CoordinationError {
  readonly code = 'BAD_LEADER_TRANSFEREE';
  readonly retry = 'never';
  constructor(readonly memberId: bigint) {
    super(`leadership cannot be handed to ${memberId.toString(16)}, which is no voting member of the cluster`);
  }
}

/** A learner does not answer this. Ask a voting member. */
export class LearnerRefusesError extends CoordinationError {
  readonly code = 'LEARNER_REFUSES';
  readonly retry = 'never';
  constructor() {
    super('this member is a learner and answers serializable reads and its status only');
  }
}

// --- The data folder ----------------------------------------------------------------------------------------------

/** The data folder cannot be used as it is. Nothing in it was changed. */
export class DataDirError extends CoordinationError {
  readonly retry = 'never';
  constructor(
    readonly code:
      | 'DATA_DIR_LOCKED'
      | 'DATA_DIR_READ_ONLY'
      | 'DATA_DIR_FULL'
      | 'DATA_DIR_NEWER_FORMAT'
      | 'DATA_DIR_UNREADABLE'
      | 'DATA_DIR_NOT_EMPTY',
    readonly path: string,
    why: string,
    options?: ErrorOptions,
  ) {
    super(`data folder ${path}: ${why}`, options);
  }
}

/** The log is damaged where it was once durable, so an acknowledged write may be lost. It is never cut off silently. */
export class LogDamagedError extends CoordinationError {
  readonly code = 'LOG_DAMAGED';
  readonly retry = 'never';
  constructor(
    readonly file: string,
    readonly offset: number,
    why: string,
  ) {
    super(`${file} is damaged at byte ${offset}: ${why}. Restore this member from a backup, or from the other members`);
  }
}

/** A snapshot is not as it was made: cut off, altered, or no snapshot at all. Nothing of it was put in force. */
export class SnapshotDamagedError extends CoordinationError {
  readonly code = 'SNAPSHOT_DAMAGED';
  readonly retry = 'never';
  constructor(
    /** Byte of the snapshot up to which it makes sense. */
    readonly offset: number,
    why: string,
    options?: ErrorOptions,
  ) {
    super(`the snapshot is damaged at byte ${offset}: ${why}`, options);
  }
}

/** A snapshot was written by a later version, in a format that this one does not read. */
export class SnapshotNewerError extends CoordinationError {
  readonly code = 'SNAPSHOT_NEWER_FORMAT';
  readonly retry = 'never';
  constructor(
    readonly version: number,
    readonly newestVersion: number,
  ) {
    super(`the snapshot has format ${version}; this version reads up to ${newestVersion}`);
  }
}

/** The disk failed an operation of the log; `cause` says which. What was under way may be durable or not; restart the process. */
export class LogFailedError extends CoordinationError {
  readonly code = 'LOG_FAILED';
  readonly retry = 'if-idempotent';
  constructor(
    readonly path: string,
    options: ErrorOptions,
  ) {
    super(`the log in ${path} failed and takes nothing more until the process restarts`, options);
  }
}

// --- Between members --------------------------------------------------------------------------------------------------

/** A snapshot did not arrive at another member, which keeps nothing of it. Send it again. */
export class SnapshotTransferError extends CoordinationError {
  readonly code = 'SNAPSHOT_TRANSFER';
  readonly retry = 'safe';
  constructor(
    readonly memberId: bigint,
    readonly why: string,
    options?: ErrorOptions,
  ) {
    super(`the snapshot between this member and ${memberId.toString(16)} was not taken over: ${why}`, options);
  }
}

/** A member did not tell which members its cluster has. Ask it again, or another one. */
export class PeerQueryError extends CoordinationError {
  readonly code = 'PEER_QUERY';
  readonly retry = 'safe';
  constructor(
    readonly url: string,
    readonly why: string,
    options?: ErrorOptions,
  ) {
    super(`${url} did not tell the members of its cluster: ${why}`, options);
  }
}

const SHOWN_MAX = 64;

function show(value: unknown): string {
  if (value instanceof Uint8Array) return show(toText(value.subarray(0, SHOWN_MAX + 1)));
  if (typeof value === 'string')
    return JSON.stringify(value.length > SHOWN_MAX ? `${value.slice(0, SHOWN_MAX)}…` : value);
  if (typeof value === 'bigint') return value.toString();
  return String(value);
}
