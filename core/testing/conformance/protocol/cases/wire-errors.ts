/** etcd's errors as they travel, written down here a second time on purpose: `core/rpc/errors.ts` is what is tested. */
import { fails } from '../notation.js';

const etcd = (code: string, text: string) => fails(code, `etcdserver: ${text}`);

export const NO_KEY = etcd('INVALID_ARGUMENT', 'key is not provided');
export const KEY_NOT_FOUND = etcd('INVALID_ARGUMENT', 'key not found');
export const VALUE_PROVIDED = etcd('INVALID_ARGUMENT', 'value is provided');
export const LEASE_PROVIDED = etcd('INVALID_ARGUMENT', 'lease is provided');
export const TOO_MANY_OPS = etcd('INVALID_ARGUMENT', 'too many operations in txn request');
export const DUPLICATE_KEY = etcd('INVALID_ARGUMENT', 'duplicate key given in txn request');
export const BAD_SORT = etcd('INVALID_ARGUMENT', 'invalid sort option');
export const TOO_LARGE = etcd('INVALID_ARGUMENT', 'request is too large');
export const COMPACTED = etcd('OUT_OF_RANGE', 'mvcc: required revision has been compacted');
export const FUTURE = etcd('OUT_OF_RANGE', 'mvcc: required revision is a future revision');
export const TTL_TOO_LARGE = etcd('OUT_OF_RANGE', 'too large lease TTL');
export const NO_SPACE = etcd('RESOURCE_EXHAUSTED', 'mvcc: database space exceeded');
export const LEASE_NOT_FOUND = etcd('NOT_FOUND', 'requested lease not found');
export const LEASE_EXISTS = etcd('FAILED_PRECONDITION', 'lease already exists');
export const MEMBER_NOT_FOUND = etcd('NOT_FOUND', 'member not found');
export const BAD_MEMBER_URLS = etcd('INVALID_ARGUMENT', 'given member URLs are invalid');
export const NOT_A_LEARNER = etcd('FAILED_PRECONDITION', 'can only promote a learner member');
export const BAD_TRANSFEREE = etcd('FAILED_PRECONDITION', 'bad leader transferee');
export const CORRUPT = etcd('DATA_LOSS', 'corrupt cluster');
export const NO_LEADER = etcd('UNAVAILABLE', 'no leader');
export const TIMED_OUT = etcd('UNAVAILABLE', 'request timed out');
export const UNHEALTHY = etcd('UNAVAILABLE', 'unhealthy cluster');
export const NO_USER_NAME = etcd('INVALID_ARGUMENT', 'user name is empty');
export const NO_ROLE_NAME = etcd('INVALID_ARGUMENT', 'role name is empty');
export const AUTH_FAILED = etcd('INVALID_ARGUMENT', 'authentication failed, invalid user ID or password');
export const NO_PERMISSION_GIVEN = etcd('INVALID_ARGUMENT', 'permission not given');
export const BAD_AUTH_MANAGEMENT = etcd('INVALID_ARGUMENT', 'invalid auth management');
export const NO_ROOT = etcd('FAILED_PRECONDITION', 'root user does not exist');
export const ROOT_WITHOUT_ROLE = etcd('FAILED_PRECONDITION', 'root user does not have root role');
export const USER_EXISTS = etcd('FAILED_PRECONDITION', 'user name already exists');
export const USER_NOT_FOUND = etcd('FAILED_PRECONDITION', 'user name not found');
export const ROLE_EXISTS = etcd('FAILED_PRECONDITION', 'role name already exists');
export const ROLE_NOT_FOUND = etcd('FAILED_PRECONDITION', 'role name not found');
export const ROLE_NOT_GRANTED = etcd('FAILED_PRECONDITION', 'role is not granted to the user');
export const PERMISSION_NOT_GRANTED = etcd('FAILED_PRECONDITION', 'permission is not granted to the role');
export const AUTH_OFF = etcd('FAILED_PRECONDITION', 'authentication is not enabled');
export const BAD_TOKEN = etcd('UNAUTHENTICATED', 'invalid auth token');
export const AUTH_REVISION_OLD = etcd('INVALID_ARGUMENT', 'revision of auth store is old');
export const PEER_URL_EXISTS = etcd('FAILED_PRECONDITION', 'Peer URLs already exists');
export const TOO_MANY_LEARNERS = etcd('FAILED_PRECONDITION', 'too many learner members in cluster');
export const LEARNER_BEHIND = etcd(
  'FAILED_PRECONDITION',
  'can only promote a learner member which is in sync with leader',
);
export const DENIED = etcd('PERMISSION_DENIED', 'permission denied');
