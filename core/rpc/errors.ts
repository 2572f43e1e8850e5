/**
 * etcd's errors on the wire: their texts, which clients of every language match on, and their gRPC codes. The one table
 * of them, read in both directions.
 *
 * @remarks Source: etcd v3.7.1, `api/v3rpc/rpctypes/error.go`.
 */
import { status } from '@grpc/grpc-js';
import { CoordinationError, InvalidArgumentError } from '../base/errors.js';

/** An error as it travels: a gRPC status and etcd's text. */
export interface WireError {
  readonly grpc: status;
  readonly text: string;
}

/** Every error of etcd's that we know, by what it means. */
export const ERRORS = {
  EMPTY_KEY: { grpc: status.INVALID_ARGUMENT, text: 'etcdserver: key is not provided' },
  KEY_NOT_FOUND: { grpc: status.INVALID_ARGUMENT, text: 'etcdserver: key not found' },
  VALUE_PROVIDED: { grpc: status.INVALID_ARGUMENT, text: 'etcdserver: value is provided' },
  LEASE_PROVIDED: { grpc: status.INVALID_ARGUMENT, text: 'etcdserver: lease is provided' },
  TOO_MANY_OPERATIONS: { grpc: status.INVALID_ARGUMENT, text: 'etcdserver: too many operations in txn request' },
  DUPLICATE_KEY: { grpc: status.INVALID_ARGUMENT, text: 'etcdserver: duplicate key given in txn request' },
  INVALID_SORT: { grpc: status.INVALID_ARGUMENT, text: 'etcdserver: invalid sort option' },
  REQUEST_TOO_LARGE: { grpc: status.INVALID_ARGUMENT, text: 'etcdserver: request is too large' },
  COMPACTED: { grpc: status.OUT_OF_RANGE, text: 'etcdserver: mvcc: required revision has been compacted' },
  FUTURE_REVISION: { grpc: status.OUT_OF_RANGE, text: 'etcdserver: mvcc: required revision is a future revision' },
  LEASE_TTL_TOO_LARGE: { grpc: status.OUT_OF_RANGE, text: 'etcdserver: too large lease TTL' },
  NO_SPACE: { grpc: status.RESOURCE_EXHAUSTED, text: 'etcdserver: mvcc: database space exceeded' },
  CORRUPT: { grpc: status.DATA_LOSS, text: 'etcdserver: corrupt cluster' },
  WRONG_DOWNGRADE_VERSION: {
    grpc: status.INVALID_ARGUMENT,
    text: 'etcdserver: wrong downgrade target version format',
  },
  INVALID_DOWNGRADE_TARGET: { grpc: status.INVALID_ARGUMENT, text: 'etcdserver: invalid downgrade target version' },
  // etcd has this one in no table.
  UNKNOWN_METHOD: { grpc: status.UNKNOWN, text: 'etcdserver: unknown method' },
  LEASE_NOT_FOUND: { grpc: status.NOT_FOUND, text: 'etcdserver: requested lease not found' },
  LEASE_EXISTS: { grpc: status.FAILED_PRECONDITION, text: 'etcdserver: lease already exists' },
  NO_LEADER: { grpc: status.UNAVAILABLE, text: 'etcdserver: no leader' },
  LEADER_CHANGED: { grpc: status.UNAVAILABLE, text: 'etcdserver: leader changed' },
  MEMBER_NOT_LEADER: { grpc: status.FAILED_PRECONDITION, text: 'etcdserver: not leader' },
  BAD_LEADER_TRANSFEREE: { grpc: status.FAILED_PRECONDITION, text: 'etcdserver: bad leader transferee' },
  LEARNER_REFUSES: { grpc: status.FAILED_PRECONDITION, text: 'etcdserver: rpc not supported for learner' },
  MEMBER_NOT_FOUND: { grpc: status.NOT_FOUND, text: 'etcdserver: member not found' },
  PEER_URL_EXISTS: { grpc: status.FAILED_PRECONDITION, text: 'etcdserver: Peer URLs already exists' },
  INVALID_PEER_URLS: { grpc: status.INVALID_ARGUMENT, text: 'etcdserver: given member URLs are invalid' },
  MEMBER_NOT_LEARNER: { grpc: status.FAILED_PRECONDITION, text: 'etcdserver: can only promote a learner member' },
  LEARNER_NOT_READY: {
    grpc: status.FAILED_PRECONDITION,
    text: 'etcdserver: can only promote a learner member which is in sync with leader',
  },
  TOO_MANY_LEARNERS: { grpc: status.FAILED_PRECONDITION, text: 'etcdserver: too many learner members in cluster' },
  UNHEALTHY_CLUSTER: { grpc: status.UNAVAILABLE, text: 'etcdserver: unhealthy cluster' },
  USER_NAME_EMPTY: { grpc: status.INVALID_ARGUMENT, text: 'etcdserver: user name is empty' },
  ROLE_NAME_EMPTY: { grpc: status.INVALID_ARGUMENT, text: 'etcdserver: role name is empty' },
  AUTHENTICATION_FAILED: {
    grpc: status.INVALID_ARGUMENT,
    text: 'etcdserver: authentication failed, invalid user ID or password',
  },
  PERMISSION_NOT_GIVEN: { grpc: status.INVALID_ARGUMENT, text: 'etcdserver: permission not given' },
  INVALID_AUTH_MANAGEMENT: { grpc: status.INVALID_ARGUMENT, text: 'etcdserver: invalid auth management' },
  AUTH_REVISION_OLD: { grpc: status.INVALID_ARGUMENT, text: 'etcdserver: revision of auth store is old' },
  INVALID_AUTH_TOKEN: { grpc: status.UNAUTHENTICATED, text: 'etcdserver: invalid auth token' },
  PERMISSION_DENIED: { grpc: status.PERMISSION_DENIED, text: 'etcdserver: permission denied' },
  AUTH_NOT_ENABLED: { grpc: status.FAILED_PRECONDITION, text: 'etcdserver: authentication is not enabled' },
  ROOT_USER_MISSING: { grpc: status.FAILED_PRECONDITION, text: 'etcdserver: root user does not exist' },
  ROOT_ROLE_MISSING: { grpc: status.FAILED_PRECONDITION, text: 'etcdserver: root user does not have root role' },
  USER_EXISTS: { grpc: status.FAILED_PRECONDITION, text: 'etcdserver: user name already exists' },
  USER_NOT_FOUND: { grpc: status.FAILED_PRECONDITION, text: 'etcdserver: user name not found' },
  ROLE_EXISTS: { grpc: status.FAILED_PRECONDITION, text: 'etcdserver: role name already exists' },
  ROLE_NOT_FOUND: { grpc: status.FAILED_PRECONDITION, text: 'etcdserver: role name not found' },
  ROLE_NOT_GRANTED: { grpc: status.FAILED_PRECONDITION, text: 'etcdserver: role is not granted to the user' },
  PERMISSION_NOT_GRANTED: {
    grpc: status.FAILED_PRECONDITION,
    text: 'etcdserver: permission is not granted to the role',
  },
  // etcd has this one in no table, so that it arrives as it is.
  NO_PASSWORD_USER: {
    grpc: status.UNKNOWN,
    text: 'auth: authentication failed, password was given for no password user',
  },
  // etcd maps these two to a client's error, which gRPC cannot turn into a status; so they arrive as UNKNOWN.
  TOO_MANY_REQUESTS: { grpc: status.UNKNOWN, text: 'etcdserver: too many requests' },
  NOT_ENOUGH_STARTED_MEMBERS: {
    grpc: status.UNKNOWN,
    text: 'etcdserver: re-configuration failed due to not enough started members',
  },
  REQUEST_TIMED_OUT: { grpc: status.UNAVAILABLE, text: 'etcdserver: request timed out' },
  SERVER_STOPPED: { grpc: status.UNAVAILABLE, text: 'etcdserver: server stopped' },
} as const satisfies Record<string, WireError>;

/** What a text of etcd's means: the `code` of one of our errors where there is one for it. */
export type Meaning = keyof typeof ERRORS;

const MEANINGS = new Map<string, Meaning>(
  Object.entries(ERRORS).map(([meaning, wire]) => [wire.text, meaning as Meaning]),
);

/** etcd's texts that name a cause as well. They mean the same to a caller, and are only read here. */
for (const cause of [
  'possibly due to previous leader failure',
  'possibly due to connection lost',
  'waiting for the applied index took too long',
]) {
  MEANINGS.set(`${ERRORS.REQUEST_TIMED_OUT.text}, ${cause}`, 'REQUEST_TIMED_OUT');
}

/** What a status of etcd's or Conclave's means; undefined if the table does not know its text. */
export function meaningOf(text: string): Meaning | undefined {
  return MEANINGS.get(text);
}

/** Our own codes that mean the same to a client as one of etcd's. */
const ALIASES: Readonly<Record<string, Meaning>> = {
  TIMEOUT: 'REQUEST_TIMED_OUT',
  OUTCOME_UNKNOWN: 'REQUEST_TIMED_OUT',
  UNAVAILABLE: 'REQUEST_TIMED_OUT',
  CLOSED: 'SERVER_STOPPED',
  MEMBER_STOPPED: 'SERVER_STOPPED',
};

/** Statuses of our own errors for which etcd has no text. */
const OWN_TEXTS: Readonly<Record<string, status>> = {
  CONFIGURATION_CHANGE_REFUSED: status.UNAVAILABLE,
  // etcd says it in a text without its usual beginning, which ours has word by word.
  UNSUPPORTED_RANGE: status.UNIMPLEMENTED,
  RATE_LIMITED: status.RESOURCE_EXHAUSTED,
  PREFIX_QUOTA_EXCEEDED: status.RESOURCE_EXHAUSTED,
  // Of gRPC's health service.
  UNKNOWN_SERVICE: status.NOT_FOUND,
};

/** The status that answers an error. What etcd has no text for keeps our own. */
export function toWireError(error: unknown): WireError {
  if (!(error instanceof CoordinationError)) return { grpc: status.INTERNAL, text: 'internal error' };
  if (error instanceof InvalidArgumentError && error.field.startsWith('sort')) return ERRORS.INVALID_SORT;
  const meaning = error.code in ERRORS ? (error.code as Meaning) : ALIASES[error.code];
  if (meaning !== undefined) return ERRORS[meaning];
  const other = error instanceof InvalidArgumentError ? status.INVALID_ARGUMENT : status.UNKNOWN;
  return { grpc: OWN_TEXTS[error.code] ?? other, text: wellFormed(error.message) };
}

/** A text cut within a character would throw in the carrier, which encodes texts as URIs. */
function wellFormed(text: string): string {
  return Buffer.from(text, 'utf8').toString('utf8');
}

/** What becomes of {@link status}'s names in Go, whose client library prints errors so. */
const GO_NAMES: Partial<Record<status, string>> = {
  [status.PERMISSION_DENIED]: 'PermissionDenied',
  [status.INVALID_ARGUMENT]: 'InvalidArgument',
  [status.UNAUTHENTICATED]: 'Unauthenticated',
};

/**
 * Why a watch did not begin, or does not go on, for its caller's sake: etcd sends its error as Go prints it. Undefined if
 * the error is not about the caller.
 */
export function callerReasonOf(error: unknown): string | undefined {
  if (!(error instanceof CoordinationError) || !ABOUT_CALLERS.has(error.code)) return undefined;
  const { grpc, text } = toWireError(error);
  return `rpc error: code = ${GO_NAMES[grpc]} desc = ${text}`;
}

const ABOUT_CALLERS = new Set(['PERMISSION_DENIED', 'USER_NAME_EMPTY', 'INVALID_AUTH_TOKEN', 'AUTH_REVISION_OLD']);

/** Why a watch did not begin, or ended; etcd sends these as text within the stream. */
export const WATCH_REASONS = {
  emptyRange: 'mvcc: watcher range is empty',
  duplicateId: 'mvcc: duplicate watch ID provided on the WatchStream',
} as const;
