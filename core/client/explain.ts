import {
  AuthenticationFailedError,
  AuthRevisionOldError,
  CompactedError,
  type CoordinationError,
  CorruptClusterError,
  DuplicateKeyError,
  EmptyKeyError,
  FutureRevisionError,
  InvalidArgumentError,
  InvalidAuthTokenError,
  KeyNotFoundError,
  LeaseExistsError,
  LeaseNotFoundError,
  LeaseProvidedError,
  LeaseTtlTooLargeError,
  NoLeaderError,
  NoPasswordUserError,
  NoSpaceError,
  PermissionDeniedError,
  PrefixQuotaExceededError,
  RateLimitedError,
  RequestTooLargeError,
  ServerError,
  TooManyOperationsError,
  TooManyRequestsError,
  UserNameEmptyError,
  ValueProvidedError,
} from '../base/errors.js';
import { EMPTY_BYTES, toMapKey } from '../base/bytes.js';
import { contains } from '../base/key-range.js';
import { type LeaseId, NO_LEASE } from '../base/key-value.js';
import { LIMITS } from '../base/limits.js';
import type { DeleteRequest, Operation, PutRequest, RangeRequest, TxnRequest } from '../base/operation.js';
import type { CallFailure } from './call-failure.js';

/** What a caller asked for: etcd's texts name neither field nor value, so the errors take them from here. */
export interface Asked {
  /** In words, such as "put". */
  readonly what: string;
  readonly operation?: Operation;
  readonly revision?: number;
  readonly lease?: LeaseId;
  readonly ttlSeconds?: number;
}

const LARGER_THAN_MAX = /larger than max \((\d+) vs\.? (\d+)\)/;

/** The typed error that the server's answer stands for; undefined if it is one that may pass. */
export function explain(failure: CallFailure, asked: Asked): CoordinationError | undefined {
  switch (failure.meaning) {
    case 'EMPTY_KEY':
      return new EmptyKeyError();
    case 'KEY_NOT_FOUND':
      return new KeyNotFoundError(
        putOf(asked, (put) => Boolean(put.ignoreValue || put.ignoreLease))?.key ?? EMPTY_BYTES,
      );
    case 'VALUE_PROVIDED':
      return new ValueProvidedError(putOf(asked, (put) => Boolean(put.ignoreValue))?.value ?? EMPTY_BYTES);
    case 'LEASE_PROVIDED':
      return new LeaseProvidedError(leaseOf(asked, (put) => Boolean(put.ignoreLease)));
    case 'TOO_MANY_OPERATIONS':
      return tooManyOperations(asked);
    case 'DUPLICATE_KEY':
      return new DuplicateKeyError(duplicateOf(asked) ?? EMPTY_BYTES);
    case 'INVALID_SORT':
      return new InvalidArgumentError('sortTarget', sortOf(asked), 'a target and an order that the server knows');
    case 'REQUEST_TOO_LARGE':
      return requestTooLarge(asked);
    case 'COMPACTED': {
      const revision = revisionOf(asked);
      return new CompactedError(revision, revision + 1);
    }
    case 'FUTURE_REVISION': {
      const revision = revisionOf(asked);
      return new FutureRevisionError(revision, revision - 1);
    }
    case 'LEASE_TTL_TOO_LARGE':
      return new LeaseTtlTooLargeError(asked.ttlSeconds ?? 0, LIMITS.leaseTtlMaxSeconds);
    case 'LEASE_NOT_FOUND':
      return new LeaseNotFoundError(asked.lease ?? leaseOf(asked, (put) => (put.lease ?? NO_LEASE) !== NO_LEASE));
    case 'LEASE_EXISTS':
      return new LeaseExistsError(asked.lease ?? NO_LEASE);
    case 'AUTHENTICATION_FAILED':
      return new AuthenticationFailedError({ cause: failure });
    case 'NO_PASSWORD_USER':
      return new NoPasswordUserError();
    case 'PERMISSION_DENIED':
      return new PermissionDeniedError(`make this call: ${asked.what}`);
    case 'INVALID_AUTH_TOKEN':
      return new InvalidAuthTokenError();
    case 'AUTH_REVISION_OLD':
      return new AuthRevisionOldError();
    case 'USER_NAME_EMPTY':
      return new UserNameEmptyError();
    case 'NO_SPACE':
      return new NoSpaceError();
    case 'CORRUPT':
      return new CorruptClusterError();
    case 'NO_LEADER':
      return new NoLeaderError(undefined, failure.endpoint);
    case 'TOO_MANY_REQUESTS':
      return new TooManyRequestsError("the server's proposals", 5_000);
    case 'REQUEST_TIMED_OUT':
    case 'SERVER_STOPPED':
    case 'LEADER_CHANGED':
    case 'LEARNER_REFUSES':
      return undefined;
    default:
      // What no call of a store is answered with, such as refusals of changes of the cluster, keeps the server's text.
      return explainText(failure, asked);
  }
}

function explainText(failure: CallFailure, asked: Asked): CoordinationError | undefined {
  const { text = '' } = failure;
  const limited = RateLimitedError.ofText(text) ?? PrefixQuotaExceededError.ofText(text);
  if (limited) return limited;
  const sizes = LARGER_THAN_MAX.exec(text);
  if (sizes) return new RequestTooLargeError(Number(sizes[1]), Number(sizes[2]));
  if (failure.isPassing) return undefined;
  return new ServerError(`the server refused ${asked.what}: ${failure.message}`, { cause: failure });
}

function requestTooLarge(asked: Asked): RequestTooLargeError {
  let bytes = 0;
  for (const put of putsIn(asked.operation)) bytes += put.key.length + put.value.length;
  return new RequestTooLargeError(bytes, Math.min(LIMITS.requestBytes, bytes));
}

/** The server counts, and its limit may be turned; what is known is that the largest list was over it. */
function tooManyOperations({ operation }: Asked): TooManyOperationsError {
  const longest = Math.max(0, ...txnsIn(operation).map(sizeOf));
  return new TooManyOperationsError('transaction', longest, Math.min(LIMITS.txnOperations, longest - 1));
}

function sizeOf({ compares, success, failure }: TxnRequest): number {
  return Math.max(compares.length, success.length, failure.length);
}

function revisionOf({ revision, operation }: Asked): number {
  if (revision !== undefined) return revision;
  const ranges = operationsIn(operation).filter((inner): inner is RangeRequest => inner.type === 'range');
  return ranges.find((range) => (range.revision ?? 0) !== 0)?.revision ?? 0;
}

function leaseOf(asked: Asked, matches: (put: PutRequest) => boolean): LeaseId {
  return putOf(asked, matches)?.lease ?? NO_LEASE;
}

function putOf({ operation }: Asked, matches: (put: PutRequest) => boolean): PutRequest | undefined {
  return putsIn(operation).find(matches);
}

function sortOf({ operation }: Asked): string {
  const range = operationsIn(operation).find((inner): inner is RangeRequest => inner.type === 'range');
  return `${range?.sortTarget ?? 'key'} ${range?.sortOrder ?? 'none'}`;
}

/** The first key that some branch, with all nested in it, puts twice, or puts and deletes. */
function duplicateOf({ operation }: Asked): Uint8Array | undefined {
  for (const txn of txnsIn(operation)) {
    for (const branch of [txn.success, txn.failure]) {
      const operations = branch.flatMap(operationsIn);
      const deletes = operations.filter((inner): inner is DeleteRequest => inner.type === 'delete');
      const seen = new Set<string>();
      for (const put of operations.filter((inner): inner is PutRequest => inner.type === 'put')) {
        const key = toMapKey(put.key);
        if (seen.has(key) || deletes.some((range) => contains(range, put.key))) return put.key;
        seen.add(key);
      }
    }
  }
  return undefined;
}

function putsIn(operation: Operation | undefined): PutRequest[] {
  return operationsIn(operation).filter((inner): inner is PutRequest => inner.type === 'put');
}

function txnsIn(operation: Operation | undefined): TxnRequest[] {
  return operationsIn(operation).filter((inner): inner is TxnRequest => inner.type === 'txn');
}

/** An operation and all that are nested in it. */
function operationsIn(operation: Operation | undefined): Operation[] {
  if (operation === undefined) return [];
  if (operation.type !== 'txn') return [operation];
  return [operation, ...operation.success.flatMap(operationsIn), ...operation.failure.flatMap(operationsIn)];
}
