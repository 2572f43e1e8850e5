import { toMapKey } from '../base/bytes.js';
import { DuplicateKeyError } from '../base/errors.js';
import { equalBytes, compareBytes } from '../base/bytes.js';
import type { DeleteRequest, Operation, TxnRequest } from '../base/operation.js';

/** What a list of operations puts and deletes, nested ones included. */
interface Touched {
  /** Map keys to keys. */
  readonly puts: Map<string, Uint8Array>;
  readonly deletes: DeleteRequest[];
}

/**
 * Refuses a branch in which a key is put twice, or put and deleted, since it could have but one revision's worth of
 * meaning. The rules are etcd's, its inconsistencies included, so that what works there works here:
 *
 * - the two branches of one nested transaction exclude each other, so both may put the same key;
 * - deletes may overlap;
 * - a delete from a key on, without an end, collides with no put;
 * - a put in a nested transaction collides with deletes beside that transaction, and with those in nested
 *   transactions before it, but not with those in nested transactions after it.
 *
 * @throws {@link DuplicateKeyError}
 */
export function assertNoDuplicateKeys(operations: readonly Operation[]): void {
  collect(operations);
}

function collect(operations: readonly Operation[]): Touched {
  const touched: Touched = { puts: new Map(), deletes: operations.filter((operation) => operation.type === 'delete') };
  for (const operation of operations) {
    if (operation.type === 'txn') addNested(touched, operation);
  }
  for (const operation of operations) {
    if (operation.type === 'put') addPut(touched, toMapKey(operation.key), operation.key);
  }
  return touched;
}

function addNested(touched: Touched, { success, failure }: TxnRequest): void {
  const onSuccess = collect(success);
  const onFailure = collect(failure);
  for (const [mapKey, key] of onSuccess.puts) addPut(touched, mapKey, key);
  for (const [mapKey, key] of onFailure.puts) {
    if (!onSuccess.puts.has(mapKey)) addPut(touched, mapKey, key);
  }
  touched.deletes.push(...onSuccess.deletes, ...onFailure.deletes);
}

function addPut({ puts, deletes }: Touched, mapKey: string, key: Uint8Array): void {
  if (puts.has(mapKey)) throw new DuplicateKeyError(key);
  if (deletes.some((target) => covers(target, key))) throw new DuplicateKeyError(key);
  puts.set(mapKey, key);
}

/** Whether a delete reaches a key, by its bytes as they stand: an open end, a zero byte, is taken for a small key. */
function covers({ key: start, end }: DeleteRequest, key: Uint8Array): boolean {
  if (end === undefined) return equalBytes(start, key);
  return compareBytes(start, key) <= 0 && compareBytes(key, end) < 0;
}
