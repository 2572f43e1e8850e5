import { status } from '@grpc/grpc-js';
import { describe, expect, test } from '@jest/globals';
import {
  ClosedError,
  CompactedError,
  type CoordinationError,
  DuplicateKeyError,
  EmptyKeyError,
  FutureRevisionError,
  InvalidArgumentError,
  KeyNotFoundError,
  LeaseExistsError,
  LeaseNotFoundError,
  LeaseProvidedError,
  LeaseTtlTooLargeError,
  MemberStoppedError,
  NoLeaderError,
  OutcomeUnknownError,
  RequestTooLargeError,
  TimeoutError,
  TooManyOperationsError,
  TooManyRequestsError,
  ValueProvidedError,
} from '../base/errors.js';
import { meaningOf, toWireError } from './errors.js';

const KEY = Buffer.from('k');

/** Every text as etcd's clients match on it. Source: etcd v3.7.1, `api/v3rpc/rpctypes/error.go`. */
const TABLE: readonly (readonly [CoordinationError, status, string, string])[] = [
  [new EmptyKeyError(), status.INVALID_ARGUMENT, 'etcdserver: key is not provided', 'EMPTY_KEY'],
  [new KeyNotFoundError(KEY), status.INVALID_ARGUMENT, 'etcdserver: key not found', 'KEY_NOT_FOUND'],
  [new ValueProvidedError(KEY), status.INVALID_ARGUMENT, 'etcdserver: value is provided', 'VALUE_PROVIDED'],
  [new LeaseProvidedError(1n), status.INVALID_ARGUMENT, 'etcdserver: lease is provided', 'LEASE_PROVIDED'],
  [
    new TooManyOperationsError('success', 129, 128),
    status.INVALID_ARGUMENT,
    'etcdserver: too many operations in txn request',
    'TOO_MANY_OPERATIONS',
  ],
  [
    new DuplicateKeyError(KEY),
    status.INVALID_ARGUMENT,
    'etcdserver: duplicate key given in txn request',
    'DUPLICATE_KEY',
  ],
  [new RequestTooLargeError(2, 1), status.INVALID_ARGUMENT, 'etcdserver: request is too large', 'REQUEST_TOO_LARGE'],
  [
    new InvalidArgumentError('sortTarget', 9, 'less'),
    status.INVALID_ARGUMENT,
    'etcdserver: invalid sort option',
    'INVALID_SORT',
  ],
  [
    new CompactedError(1, 2),
    status.OUT_OF_RANGE,
    'etcdserver: mvcc: required revision has been compacted',
    'COMPACTED',
  ],
  [
    new FutureRevisionError(2, 1),
    status.OUT_OF_RANGE,
    'etcdserver: mvcc: required revision is a future revision',
    'FUTURE_REVISION',
  ],
  [new LeaseTtlTooLargeError(2, 1), status.OUT_OF_RANGE, 'etcdserver: too large lease TTL', 'LEASE_TTL_TOO_LARGE'],
  [new LeaseNotFoundError(1n), status.NOT_FOUND, 'etcdserver: requested lease not found', 'LEASE_NOT_FOUND'],
  [new LeaseExistsError(1n), status.FAILED_PRECONDITION, 'etcdserver: lease already exists', 'LEASE_EXISTS'],
  [new NoLeaderError(), status.UNAVAILABLE, 'etcdserver: no leader', 'NO_LEADER'],
  [new TooManyRequestsError('x', 1), status.UNKNOWN, 'etcdserver: too many requests', 'TOO_MANY_REQUESTS'],
  [new TimeoutError('x', 1), status.UNAVAILABLE, 'etcdserver: request timed out', 'REQUEST_TIMED_OUT'],
  [new OutcomeUnknownError('x'), status.UNAVAILABLE, 'etcdserver: request timed out', 'REQUEST_TIMED_OUT'],
  [new ClosedError(), status.UNAVAILABLE, 'etcdserver: server stopped', 'SERVER_STOPPED'],
  [new MemberStoppedError('x'), status.UNAVAILABLE, 'etcdserver: server stopped', 'SERVER_STOPPED'],
];

describe('the table of errors', () => {
  test.each(TABLE.map(([error, grpc, text, meaning]) => ({ code: error.code, error, grpc, text, meaning })))(
    '$code is "$text" on the wire, and that text means $meaning',
    ({ error, grpc, text, meaning }) => {
      expect(toWireError(error)).toEqual({ grpc, text });
      expect(meaningOf(text)).toBe(meaning);
    },
  );

  test('a text of nobody means nothing', () => {
    expect(meaningOf('etcdserver: permission denied')).toBeUndefined();
  });

  test('an argument that etcd has no text for keeps our own', () => {
    expect(toWireError(new InvalidArgumentError('limit', 1.5, 'whole'))).toEqual({
      grpc: status.INVALID_ARGUMENT,
      text: 'limit is 1.5; it must be whole',
    });
  });

  test('what is no operating error says nothing of itself', () => {
    expect(toWireError(new Error('secret'))).toEqual({ grpc: status.INTERNAL, text: 'internal error' });
    expect(toWireError('secret')).toEqual({ grpc: status.INTERNAL, text: 'internal error' });
  });

  test('a text that was cut within a character can still be sent', () => {
    const { text } = toWireError(new InvalidArgumentError('name', 'half a \ud83d', 'whole'));

    expect(() => encodeURI(text)).not.toThrow();
  });
});
