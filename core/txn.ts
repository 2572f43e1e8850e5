/** The words of a transaction, the same for every store: `store.txn().when(...).do(...).otherwise(...).commit()`. */
import { type BytesLike, toBytes } from './base/bytes.js';
import { type CoordinationError, InvalidArgumentError } from './base/errors.js';
import { key as oneKey } from './base/key-range.js';
import { type KeyRange, type LeaseId, NO_LEASE } from './base/key-value.js';
import type {
  Compare,
  CompareResult,
  DeleteRequest,
  Operation,
  OperationResult,
  PutRequest,
  RangeRequest,
  TxnRequest,
  TxnResult,
} from './base/operation.js';
import type { CallOptions, DeleteOptions, Lease, PutOptions, RangeOptions, Target } from './store.js';

export interface TxnAnswer {
  readonly succeeded: boolean;
  /** One answer for each operation of the branch that was taken, in order. */
  readonly responses: readonly OperationResult[];
  readonly revision: number;
}

/**
 * A transaction under construction; each word gives a new one. All conditions are read, and all operations of one
 * branch carried out, in one revision.
 */
export class Txn {
  readonly #execute: (request: TxnRequest, options: CallOptions) => Promise<TxnResult>;
  readonly #request: TxnRequest;
  readonly #guards: readonly Guard[];

  constructor(
    execute: (request: TxnRequest, options: CallOptions) => Promise<TxnResult>,
    request: TxnRequest = { type: 'txn', compares: [], success: [], failure: [] },
    guards: readonly Guard[] = [],
  ) {
    this.#execute = execute;
    this.#request = request;
    this.#guards = guards;
  }

  /** Adds conditions; all of them, on every key of their ranges, must hold. */
  when(...compares: readonly Compare[]): Txn {
    return this.#with({ compares: [...this.#request.compares, ...compares] });
  }

  /** Adds operations for when all conditions hold. */
  do(...operations: readonly Operation[]): Txn {
    return this.#with({ success: [...this.#request.success, ...operations] });
  }

  /** Adds operations for when a condition does not hold. */
  otherwise(...operations: readonly Operation[]): Txn {
    return this.#with({ failure: [...this.#request.failure, ...operations] });
  }

  /**
   * Adds a condition without which the transaction must not even be considered: if it does not hold, neither branch is
   * taken and `commit` throws. `Held.guard()` uses it to have stale holders rejected by the store.
   */
  guard(compares: readonly Compare[], rejected: () => CoordinationError): Txn {
    return new Txn(this.#execute, this.#request, [...this.#guards, { compares, rejected }]);
  }

  /**
   * Carries it out.
   *
   * @throws the error of the first guard that did not hold; nothing was done
   * @throws {@link OutcomeUnknownError} if the answer was lost: it may have been carried out
   */
  async commit(options: CallOptions = {}): Promise<TxnAnswer> {
    const outermost = await this.#execute(this.#guarded(), options);
    let result = outermost;
    for (const guard of this.#guards) {
      if (!result.succeeded) throw guard.rejected();
      result = result.responses[0] as TxnResult;
    }
    // etcd tells the revision with the outermost answer only.
    return { ...result, revision: outermost.revision };
  }

  /**
   * The transaction as an operation of another one.
   *
   * @throws {@link InvalidArgumentError} if it is guarded: guard the outer one
   */
  asOperation(): TxnRequest {
    if (this.#guards.length > 0)
      throw new InvalidArgumentError('transaction', 'guarded', 'without a guard to be nested');
    return this.#request;
  }

  /** Each guard is the condition of a transaction whose only operation is the one it protects. */
  #guarded(): TxnRequest {
    return this.#guards.reduceRight<TxnRequest>(
      (inner, guard) => ({ type: 'txn', compares: guard.compares, success: [inner], failure: [] }),
      this.#request,
    );
  }

  #with(part: Partial<TxnRequest>): Txn {
    return new Txn(this.#execute, { ...this.#request, ...part }, this.#guards);
  }
}

interface Guard {
  readonly compares: readonly Compare[];
  readonly rejected: () => CoordinationError;
}

// --- Operations ---------------------------------------------------------------------------------------------------

export function toRange(target: Target): KeyRange {
  return typeof target === 'string' || target instanceof Uint8Array ? oneKey(target) : target;
}

/** Reads a key or a range. */
export function get(target: Target, options: Omit<RangeOptions, 'signal'> = {}): RangeRequest {
  return { ...options, type: 'range', ...toRange(target) };
}

export function put(key: BytesLike, value: BytesLike, options: Omit<PutOptions, 'signal'> = {}): PutRequest {
  const { lease, ...rest } = options;
  return { ...rest, type: 'put', key: toBytes(key), value: toBytes(value), lease: toLeaseId(lease) };
}

/** Deletes a key or a range. */
export function remove(target: Target, options: Omit<DeleteOptions, 'signal'> = {}): DeleteRequest {
  return { ...options, type: 'delete', ...toRange(target) };
}

/** @throws {@link InvalidArgumentError} if it is neither an id nor a lease */
export function toLeaseId(lease: LeaseId | Pick<Lease, 'id'> | undefined): LeaseId {
  if (lease === undefined) return NO_LEASE;
  const id = typeof lease === 'object' && lease !== null ? lease.id : lease;
  if (typeof id === 'bigint') return id;
  throw new InvalidArgumentError('lease', id, 'a lease, or its id as a bigint');
}

// --- Conditions ---------------------------------------------------------------------------------------------------

/** What a condition can say of the thing it is about. A range must satisfy it with every key it has. */
export interface Condition<V> {
  equals(operand: V): Compare;
  differs(operand: V): Compare;
  isGreaterThan(operand: V): Compare;
  isLessThan(operand: V): Compare;
}

/** The revision that created a key; 0 for a key that does not exist, so `equals(0)` means "is absent". */
export const createRevision = (target: Target) => condition<number>(target, 'createRevision');

/** The revision that last changed a key; 0 for a key that does not exist. */
export const modRevision = (target: Target) => condition<number>(target, 'modRevision');

/** How often a key was put since it was created; 0 for a key that does not exist. */
export const version = (target: Target) => condition<number>(target, 'version');

/** The lease a key lives by; 0 for none. */
export const leaseOf = (target: Target) => condition<LeaseId>(target, 'lease');

/** A key's value. Every condition on the value of a key that does not exist is false, `differs` too. */
export const value = (target: Target) => condition<BytesLike>(target, 'value', toBytes);

function condition<V>(
  target: Target,
  of: Compare['target'],
  convert: (operand: V) => unknown = (operand) => operand,
): Condition<V> {
  const compare = (result: CompareResult) => (operand: V) =>
    ({ ...toRange(target), target: of, result, operand: convert(operand) }) as Compare;
  return {
    equals: compare('equal'),
    differs: compare('notEqual'),
    isGreaterThan: compare('greater'),
    isLessThan: compare('less'),
  };
}
