import type { Operation, TxnRequest } from '../base/operation.js';
import { holds } from './compare.js';
import type { Reading } from './reading.js';

/** Which way a transaction goes. */
export interface TxnPlan {
  readonly succeeded: boolean;
  /** The operations of the branch taken. */
  readonly operations: readonly Operation[];
  /** The plans of the transactions among them, in order. */
  readonly nested: readonly TxnPlan[];
}

/**
 * Decides every condition on the way, those of nested transactions too, before anything is carried out: no operation
 * of a transaction can influence its conditions.
 */
export function planTxn(request: TxnRequest, reading: Reading): TxnPlan {
  const succeeded = request.compares.every((compare) => holds(compare, reading));
  const operations = succeeded ? request.success : request.failure;
  const nested: TxnPlan[] = [];
  for (const operation of operations) {
    if (operation.type === 'txn') nested.push(planTxn(operation, reading));
  }
  return { succeeded, operations, nested };
}

/** Whether a transaction can change nothing, whichever branch it takes. One that nests another counts as a write. */
export function isReadOnly({ success, failure }: TxnRequest): boolean {
  const isRange = (operation: Operation) => operation.type === 'range';
  return success.every(isRange) && failure.every(isRange);
}

/** Whether a transaction that only reads asks for no more than what one member has: every range of it says so. */
export function isSerializable({ success, failure }: TxnRequest): boolean {
  const operations = [...success, ...failure];
  return operations.length > 0 && operations.every((each) => each.type === 'range' && each.serializable === true);
}
