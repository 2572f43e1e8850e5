import { status } from '@grpc/grpc-js';
import { describe, expect, test } from '@jest/globals';
import {
  AuthenticationFailedError,
  AuthNotEnabledError,
  AuthRevisionOldError,
  BadLeaderTransfereeError,
  ClosedError,
  CompactedError,
  ConfigurationChangeError,
  type CoordinationError,
  DuplicateKeyError,
  EmptyKeyError,
  FutureRevisionError,
  InvalidArgumentError,
  InvalidAuthManagementError,
  InvalidAuthTokenError,
  InvalidPeerUrlsError,
  KeyNotFoundError,
  LeaderChangedError,
  LearnerNotReadyError,
  LearnerRefusesError,
  LeaseExistsError,
  LeaseNotFoundError,
  LeaseProvidedError,
  LeaseTtlTooLargeError,
  MemberDivergedError,
  MemberNotFoundError,
  MemberNotLearnerError,
  MemberRefusedError,
  MemberRemovedError,
  MemberStoppedError,
  NoLeaderError,
  NoPasswordUserError,
  NotEnoughStartedMembersError,
  MemberNotLeaderError,
  OutcomeUnknownError,
  PeerUrlExistsError,
  PermissionDeniedError,
  PermissionNotGivenError,
  PermissionNotGrantedError,
  RequestTooLargeError,
  RoleExistsError,
  RoleNameEmptyError,
  RoleNotFoundError,
  RoleNotGrantedError,
  RootRoleMissingError,
  RootUserMissingError,
  TimeoutError,
  TooManyLearnersError,
  TooManyOperationsError,
  TooManyRequestsError,
  UnhealthyClusterError,
  UserExistsError,
  UserNameEmptyError,
  UserNotFoundError,
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
  [new MemberRemovedError(1n), status.UNAVAILABLE, 'etcdserver: server stopped', 'SERVER_STOPPED'],
  [new MemberRefusedError('memberWiped', 'x'), status.UNAVAILABLE, 'etcdserver: server stopped', 'SERVER_STOPPED'],
  [new MemberDivergedError(1, 2), status.UNAVAILABLE, 'etcdserver: server stopped', 'SERVER_STOPPED'],
  [new LeaderChangedError(), status.UNAVAILABLE, 'etcdserver: leader changed', 'LEADER_CHANGED'],
  [new MemberNotLeaderError(), status.FAILED_PRECONDITION, 'etcdserver: not leader', 'MEMBER_NOT_LEADER'],
  [
    new BadLeaderTransfereeError(1n),
    status.FAILED_PRECONDITION,
    'etcdserver: bad leader transferee',
    'BAD_LEADER_TRANSFEREE',
  ],
  [
    new LearnerRefusesError(),
    status.FAILED_PRECONDITION,
    'etcdserver: rpc not supported for learner',
    'LEARNER_REFUSES',
  ],
  [new MemberNotFoundError(1n), status.NOT_FOUND, 'etcdserver: member not found', 'MEMBER_NOT_FOUND'],
  [
    new PeerUrlExistsError('http://a:1'),
    status.FAILED_PRECONDITION,
    'etcdserver: Peer URLs already exists',
    'PEER_URL_EXISTS',
  ],
  [
    new InvalidPeerUrlsError([]),
    status.INVALID_ARGUMENT,
    'etcdserver: given member URLs are invalid',
    'INVALID_PEER_URLS',
  ],
  [
    new MemberNotLearnerError(1n),
    status.FAILED_PRECONDITION,
    'etcdserver: can only promote a learner member',
    'MEMBER_NOT_LEARNER',
  ],
  [
    new LearnerNotReadyError(1n),
    status.FAILED_PRECONDITION,
    'etcdserver: can only promote a learner member which is in sync with leader',
    'LEARNER_NOT_READY',
  ],
  [
    new TooManyLearnersError(1),
    status.FAILED_PRECONDITION,
    'etcdserver: too many learner members in cluster',
    'TOO_MANY_LEARNERS',
  ],
  [
    new NotEnoughStartedMembersError(1, 2),
    status.UNKNOWN,
    'etcdserver: re-configuration failed due to not enough started members',
    'NOT_ENOUGH_STARTED_MEMBERS',
  ],
  ...(
    [
      [new UserNameEmptyError(), status.INVALID_ARGUMENT, 'user name is empty'],
      [new RoleNameEmptyError(), status.INVALID_ARGUMENT, 'role name is empty'],
      [new AuthenticationFailedError(), status.INVALID_ARGUMENT, 'authentication failed, invalid user ID or password'],
      [new PermissionNotGivenError(), status.INVALID_ARGUMENT, 'permission not given'],
      [new InvalidAuthManagementError('user', 'root', 'another'), status.INVALID_ARGUMENT, 'invalid auth management'],
      [new AuthRevisionOldError({ token: 1, changed: 2 }), status.INVALID_ARGUMENT, 'revision of auth store is old'],
      [new InvalidAuthTokenError(), status.UNAUTHENTICATED, 'invalid auth token'],
      [new PermissionDeniedError(), status.PERMISSION_DENIED, 'permission denied'],
      [new AuthNotEnabledError(), status.FAILED_PRECONDITION, 'authentication is not enabled'],
      [new RootUserMissingError(), status.FAILED_PRECONDITION, 'root user does not exist'],
      [new RootRoleMissingError(), status.FAILED_PRECONDITION, 'root user does not have root role'],
      [new UserExistsError('u'), status.FAILED_PRECONDITION, 'user name already exists'],
      [new UserNotFoundError('u'), status.FAILED_PRECONDITION, 'user name not found'],
      [new RoleExistsError('r'), status.FAILED_PRECONDITION, 'role name already exists'],
      [new RoleNotFoundError('r'), status.FAILED_PRECONDITION, 'role name not found'],
      [new RoleNotGrantedError('u', 'r'), status.FAILED_PRECONDITION, 'role is not granted to the user'],
      [new PermissionNotGrantedError('r', KEY), status.FAILED_PRECONDITION, 'permission is not granted to the role'],
    ] as const
  ).map(([error, grpc, text]) => [error, grpc, `etcdserver: ${text}`, error.code] as const),
  [
    new NoPasswordUserError(),
    status.UNKNOWN,
    'auth: authentication failed, password was given for no password user',
    'NO_PASSWORD_USER',
  ],
  [new UnhealthyClusterError(1, 2), status.UNAVAILABLE, 'etcdserver: unhealthy cluster', 'UNHEALTHY_CLUSTER'],
];

describe('the table of errors', () => {
  test.each(TABLE.map(([error, grpc, text, meaning]) => ({ code: error.code, error, grpc, text, meaning })))(
    '$code is "$text" on the wire, and that text means $meaning',
    ({ error, grpc, text, meaning }) => {
      expect(toWireError(error)).toEqual({ grpc, text });
      expect(meaningOf(text)).toBe(meaning);
    },
  );

  test.each([
    'etcdserver: request timed out, possibly due to previous leader failure',
    'etcdserver: request timed out, possibly due to connection lost',
    'etcdserver: request timed out, waiting for the applied index took too long',
  ])('"%s" means what the short text does', (text) => {
    expect(meaningOf(text)).toBe('REQUEST_TIMED_OUT');
  });

  test('a change of members that cannot begin now is worth another try, and keeps our own text', () => {
    expect(toWireError(new ConfigurationChangeError('another one is under way'))).toEqual({
      grpc: status.UNAVAILABLE,
      text: 'the members cannot be changed now: another one is under way',
    });
  });

  test('a text of nobody means nothing', () => {
    expect(meaningOf('etcdserver: no such thing')).toBeUndefined();
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
