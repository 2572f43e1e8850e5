import type { StandardSchemaV1 } from '@standard-schema/spec';
import { CoordinationError, InvalidArgumentError } from '../../core/base/errors.js';
import type { TxnAnswer } from '../../core/txn.js';

/** An item has something in it that JSON would lose or change. Nothing was put. */
export class ItemNotJsonError extends InvalidArgumentError {
  override readonly code = 'ITEM_NOT_JSON';
  constructor(
    /** Where in the item, such as `item.lines[2].price`. */
    readonly path: string,
    value: unknown,
  ) {
    super(
      path,
      value,
      'null, a boolean, a finite number, a text, or an array or plain object of these without a cycle, nested at most 999 deep: items travel as JSON',
    );
  }
}

/** An item is not what the queue's schema asks for. Nothing was put. */
export class ItemInvalidError extends CoordinationError {
  readonly code = 'ITEM_INVALID';
  readonly retry = 'never';
  constructor(
    readonly queue: string,
    readonly issues: readonly StandardSchemaV1.Issue[],
  ) {
    super(`the item is not one of queue ${queue}: ${issues.map(describeIssue).join('; ')}`);
  }
}

/**
 * The conditions of the transaction given to `ack` did not hold, so neither its operations nor the acknowledgement were
 * carried out; its `otherwise` branch was. The delivery still stands: acknowledge it again, or give it back.
 */
export class AckRefusedError extends CoordinationError {
  readonly code = 'ACK_REFUSED';
  readonly retry = 'never';
  constructor(
    readonly what: string,
    /** What the `otherwise` branch answered. */
    readonly answer: TxnAnswer,
  ) {
    super(`${what} was not acknowledged: the conditions of the transaction did not hold`);
  }
}

function describeIssue(issue: StandardSchemaV1.Issue): string {
  const path = (issue.path ?? []).map((part) => String(typeof part === 'object' ? part.key : part)).join('.');
  return path === '' ? issue.message : `${path}: ${issue.message}`;
}
