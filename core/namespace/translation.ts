/** What is asked within a namespace, as the store is asked it; and what the store answers, as it is seen within. */
import { DuplicateKeyError, hasCode, KeyNotFoundError } from '../base/errors.js';
import type { Operation, OperationResult, TxnRequest } from '../base/operation.js';
import type { KeyPrefix } from './key-prefix.js';

/** @throws {@link EmptyKeyError} if one of its keys is empty */
export function ontoTxn(prefix: KeyPrefix, { compares, success, failure }: TxnRequest): TxnRequest {
  return {
    type: 'txn',
    compares: compares.map((compare) => prefix.ontoRange(compare)),
    success: success.map((operation) => ontoOperation(prefix, operation)),
    failure: failure.map((operation) => ontoOperation(prefix, operation)),
  };
}

function ontoOperation(prefix: KeyPrefix, operation: Operation): Operation {
  switch (operation.type) {
    case 'range':
    case 'delete':
      return prefix.ontoRange(operation);
    case 'put':
      return { ...operation, key: prefix.onto(operation.key) };
    case 'txn':
      return ontoTxn(prefix, operation);
  }
}

export function offResult(prefix: KeyPrefix, result: OperationResult): OperationResult {
  switch (result.type) {
    case 'range':
      return { ...result, kvs: result.kvs.map((kv) => prefix.offKeyValue(kv)) };
    case 'put':
      return result.previous === undefined ? result : { ...result, previous: prefix.offKeyValue(result.previous) };
    case 'delete':
      return { ...result, previous: result.previous.map((kv) => prefix.offKeyValue(kv)) };
    case 'txn':
      return { ...result, responses: result.responses.map((response) => offResult(prefix, response)) };
  }
}

/** An error that names a key names it as the caller does. */
export function offError(prefix: KeyPrefix, error: unknown): unknown {
  if (!hasCode(error, 'KEY_NOT_FOUND') && !hasCode(error, 'DUPLICATE_KEY')) return error;
  const { key, code } = error as KeyNotFoundError | DuplicateKeyError;
  if (!prefix.isOn(key)) return error;
  const named = prefix.off(key);
  return code === 'KEY_NOT_FOUND' ? new KeyNotFoundError(named) : new DuplicateKeyError(named);
}
