import { unreachable } from '../base/assert.js';
import {
  EmptyKeyError,
  InvalidArgumentError,
  LeaseProvidedError,
  TooManyOperationsError,
  ValueProvidedError,
} from '../base/errors.js';
import { NO_LEASE } from '../base/key-value.js';
import { LIMITS } from '../base/limits.js';
import type {
  Compare,
  DeleteRequest,
  Operation,
  PutRequest,
  RangeRequest,
  SortOrder,
  SortTarget,
  TxnRequest,
} from '../base/operation.js';
import { assertNoDuplicateKeys } from './duplicate-keys.js';

/*
 * What must hold of a request before it is proposed, so that what fails for its form never enters the log. What
 * depends on the keyspace's content fails when it is carried out.
 */

const SORT_TARGETS: readonly SortTarget[] = ['key', 'version', 'createRevision', 'modRevision', 'value'];
const SORT_ORDERS: readonly SortOrder[] = ['none', 'ascend', 'descend'];
const RANGE_NUMBERS = [
  'limit',
  'revision',
  'minModRevision',
  'maxModRevision',
  'minCreateRevision',
  'maxCreateRevision',
] as const;

/**
 * @throws {@link EmptyKeyError} if there is no key
 * @throws {@link InvalidArgumentError} if it is sorted by what does not exist, or a number is not a safe integer
 */
export function validateRange(request: RangeRequest): void {
  requireKey(request.key);
  requireOneOf('sortOrder', request.sortOrder, SORT_ORDERS);
  requireOneOf('sortTarget', request.sortTarget, SORT_TARGETS);
  for (const field of RANGE_NUMBERS) requireSafe(field, request[field] ?? 0);
}

/**
 * @throws {@link EmptyKeyError} if there is no key
 * @throws {@link ValueProvidedError}, {@link LeaseProvidedError} if what shall be kept is given too
 */
export function validatePut(request: PutRequest): void {
  requireKey(request.key);
  if (request.ignoreValue && request.value.length > 0) throw new ValueProvidedError(request.value);
  const lease = request.lease ?? NO_LEASE;
  if (request.ignoreLease && lease !== NO_LEASE) throw new LeaseProvidedError(lease);
}

/** @throws {@link EmptyKeyError} if there is no key */
export function validateDelete(request: DeleteRequest): void {
  requireKey(request.key);
}

/**
 * @throws {@link TooManyOperationsError} if it, with what it nests, is larger than the limit
 * @throws {@link DuplicateKeyError} if one branch changes a key twice (see `duplicate-keys.ts`)
 * @throws what its operations throw alone
 */
export function validateTxn(request: TxnRequest): void {
  requireWithinBudget(request, LIMITS.txnOperations);
  // Only after the size is known to be small: this takes the square of it.
  assertNoDuplicateKeys(request.success);
  assertNoDuplicateKeys(request.failure);
}

/** A transaction's size is its longest list; what that leaves of the limit is the limit of those it nests. */
function requireWithinBudget(request: TxnRequest, budget: number): void {
  const size = Math.max(request.compares.length, request.success.length, request.failure.length);
  if (size > budget) throw new TooManyOperationsError('operations', size, budget);
  request.compares.forEach(requireCompare);
  for (const operation of request.success) requireOperation(operation, budget - size);
  for (const operation of request.failure) requireOperation(operation, budget - size);
}

function requireOperation(operation: Operation, budget: number): void {
  switch (operation.type) {
    case 'range':
      return validateRange(operation);
    case 'put':
      return validatePut(operation);
    case 'delete':
      return validateDelete(operation);
    case 'txn':
      return requireWithinBudget(operation, budget);
    default:
      return unreachable(operation);
  }
}

function requireCompare(compare: Compare): void {
  requireKey(compare.key);
  if (typeof compare.operand === 'number') requireSafe(compare.target, compare.operand);
}

function requireKey(key: Uint8Array): void {
  if (key.length === 0) throw new EmptyKeyError();
}

function requireSafe(field: string, value: number): void {
  if (!Number.isSafeInteger(value)) throw new InvalidArgumentError(field, value, 'a whole number within 53 bits');
}

function requireOneOf<T>(field: string, value: T | undefined, allowed: readonly T[]): void {
  if (value !== undefined && !allowed.includes(value)) {
    throw new InvalidArgumentError(field, value, `one of ${allowed.join(', ')}`);
  }
}
