/** Requests between the port's words and etcd's messages, in both directions; server and client share them. */
import { asBuffer, EMPTY_BYTES } from '../base/bytes.js';
import { InvalidArgumentError, KeyNotFoundError } from '../base/errors.js';
import type { KeyRange } from '../base/key-value.js';
import type {
  Compare,
  CompareResult,
  DeleteRequest,
  Operation,
  PutRequest,
  RangeRequest,
  SortOrder,
  SortTarget,
  TxnRequest,
} from '../base/operation.js';
import type * as pb from './gen/kv.js';
import { fromInt64, toInt64, toLeaseInt64 } from './int64.js';

const SORT_ORDERS: readonly SortOrder[] = ['none', 'ascend', 'descend'];
const SORT_TARGETS: readonly SortTarget[] = ['key', 'version', 'createRevision', 'modRevision', 'value'];
const COMPARE_RESULTS: readonly CompareResult[] = ['equal', 'greater', 'less', 'notEqual'];
const COMPARE_TARGETS: readonly Compare['target'][] = ['version', 'createRevision', 'modRevision', 'value', 'lease'];

const NOTHING = Buffer.alloc(0);

// --- Ranges of keys -----------------------------------------------------------------------------------------------

/** One key or a range, as the two fields that every request has for it. */
export function toRangeFields(target: KeyRange): { key: Buffer; rangeEnd: Buffer } {
  const key = asBuffer(target.key);
  if (target.end === undefined) return { key, rangeEnd: NOTHING };
  // On the wire no end means one key. A range that ends before every key holds none, and so does [key, key).
  return { key, rangeEnd: target.end.length === 0 ? key : asBuffer(target.end) };
}

/** The range that the two fields say. */
export function fromRangeFields(message: { key: Uint8Array; rangeEnd: Uint8Array }): KeyRange {
  return message.rangeEnd.length === 0 ? { key: message.key } : { key: message.key, end: message.rangeEnd };
}

// --- Range --------------------------------------------------------------------------------------------------------

/** @throws {@link InvalidArgumentError} if a number is not whole and safe */
export function toRangeMessage(request: RangeRequest): pb.RangeRequest {
  return {
    ...toRangeFields(request),
    limit: toInt64('limit', request.limit),
    revision: toInt64('revision', request.revision),
    sortOrder: toEnum('sortOrder', SORT_ORDERS, request.sortOrder),
    sortTarget: toEnum('sortTarget', SORT_TARGETS, request.sortTarget),
    serializable: request.serializable ?? false,
    keysOnly: request.keysOnly ?? false,
    countOnly: request.countOnly ?? false,
    minModRevision: toInt64('minModRevision', request.minModRevision),
    maxModRevision: toInt64('maxModRevision', request.maxModRevision),
    minCreateRevision: toInt64('minCreateRevision', request.minCreateRevision),
    maxCreateRevision: toInt64('maxCreateRevision', request.maxCreateRevision),
  };
}

/** @throws {@link InvalidArgumentError} if the sort order or target is none of etcd's */
export function fromRangeMessage(message: pb.RangeRequest): RangeRequest {
  return {
    type: 'range',
    ...fromRangeFields(message),
    limit: fromInt64(message.limit),
    revision: fromInt64(message.revision),
    sortOrder: fromEnum('sortOrder', SORT_ORDERS, message.sortOrder),
    sortTarget: fromEnum('sortTarget', SORT_TARGETS, message.sortTarget),
    serializable: message.serializable,
    keysOnly: message.keysOnly,
    countOnly: message.countOnly,
    minModRevision: fromInt64(message.minModRevision),
    maxModRevision: fromInt64(message.maxModRevision),
    minCreateRevision: fromInt64(message.minCreateRevision),
    maxCreateRevision: fromInt64(message.maxCreateRevision),
  };
}

// --- Put and delete -----------------------------------------------------------------------------------------------

/** @throws {@link InvalidArgumentError} if the lease's id is not of 64 bits */
export function toPutMessage(request: PutRequest): pb.PutRequest {
  return {
    key: asBuffer(request.key),
    value: asBuffer(request.value),
    lease: toLeaseInt64(request.lease),
    prevKv: request.previous ?? false,
    ignoreValue: request.ignoreValue ?? false,
    ignoreLease: request.ignoreLease ?? false,
  };
}

/** What a client asked to put. */
export function fromPutMessage(message: pb.PutRequest): PutRequest {
  return {
    type: 'put',
    key: message.key,
    value: message.value,
    lease: message.lease,
    previous: message.prevKv,
    ignoreValue: message.ignoreValue,
    ignoreLease: message.ignoreLease,
  };
}

/** A deletion for the wire. */
export function toDeleteMessage(request: DeleteRequest): pb.DeleteRangeRequest {
  return { ...toRangeFields(request), prevKv: request.previous ?? false };
}

/** What a client asked to delete. */
export function fromDeleteMessage(message: pb.DeleteRangeRequest): DeleteRequest {
  return { type: 'delete', ...fromRangeFields(message), previous: message.prevKv };
}

// --- Txn ----------------------------------------------------------------------------------------------------------

/** @throws {@link InvalidArgumentError} as for each operation */
export function toTxnMessage(request: TxnRequest): pb.TxnRequest {
  return {
    compare: request.compares.map(toCompareMessage),
    success: request.success.map(toOperationMessage),
    failure: request.failure.map(toOperationMessage),
  };
}

/**
 * @throws {@link InvalidArgumentError} if an enum is none of etcd's
 * @throws {@link KeyNotFoundError} if an operation is empty, as etcd answers it
 */
export function fromTxnMessage(message: pb.TxnRequest): TxnRequest {
  return {
    type: 'txn',
    compares: message.compare.map(fromCompareMessage),
    success: message.success.map(fromOperationMessage),
    failure: message.failure.map(fromOperationMessage),
  };
}

function toOperationMessage(operation: Operation): pb.RequestOp {
  switch (operation.type) {
    case 'range':
      return { request: { $case: 'requestRange', requestRange: toRangeMessage(operation) } };
    case 'put':
      return { request: { $case: 'requestPut', requestPut: toPutMessage(operation) } };
    case 'delete':
      return { request: { $case: 'requestDeleteRange', requestDeleteRange: toDeleteMessage(operation) } };
    case 'txn':
      return { request: { $case: 'requestTxn', requestTxn: toTxnMessage(operation) } };
  }
}

function fromOperationMessage({ request }: pb.RequestOp): Operation {
  switch (request?.$case) {
    case 'requestRange':
      return fromRangeMessage(request.requestRange);
    case 'requestPut':
      return fromPutMessage(request.requestPut);
    case 'requestDeleteRange':
      return fromDeleteMessage(request.requestDeleteRange);
    case 'requestTxn':
      return fromTxnMessage(request.requestTxn);
    case undefined:
      throw new KeyNotFoundError(EMPTY_BYTES);
  }
}

function toCompareMessage(compare: Compare): pb.Compare {
  return {
    ...toRangeFields(compare),
    result: toEnum('compare', COMPARE_RESULTS, compare.result),
    target: toEnum('compare', COMPARE_TARGETS, compare.target),
    targetUnion: toOperand(compare),
  };
}

function toOperand(compare: Compare): pb.Compare['targetUnion'] {
  switch (compare.target) {
    case 'version':
      return { $case: 'version', version: toInt64('version', compare.operand) };
    case 'createRevision':
      return { $case: 'createRevision', createRevision: toInt64('createRevision', compare.operand) };
    case 'modRevision':
      return { $case: 'modRevision', modRevision: toInt64('modRevision', compare.operand) };
    case 'value':
      return { $case: 'value', value: asBuffer(compare.operand) };
    case 'lease':
      return { $case: 'lease', lease: toLeaseInt64(compare.operand) };
  }
}

/** An operand that is missing, or is another target's, counts as zero or empty. */
function fromCompareMessage(message: pb.Compare): Compare {
  const range = fromRangeFields(message);
  const result = fromEnum('compare', COMPARE_RESULTS, message.result);
  const target = fromEnum('compare', COMPARE_TARGETS, message.target);
  const operand = message.targetUnion;
  switch (target) {
    case 'version':
      return { ...range, result, target, operand: operand?.$case === target ? fromInt64(operand.version) : 0 };
    case 'createRevision':
      return { ...range, result, target, operand: operand?.$case === target ? fromInt64(operand.createRevision) : 0 };
    case 'modRevision':
      return { ...range, result, target, operand: operand?.$case === target ? fromInt64(operand.modRevision) : 0 };
    case 'value':
      return { ...range, result, target, operand: operand?.$case === target ? operand.value : EMPTY_BYTES };
    case 'lease':
      return { ...range, result, target, operand: operand?.$case === target ? operand.lease : 0n };
  }
}

// --- Enums: their numbers on the wire are their places in the lists above ----------------------------------------

function toEnum<T extends string>(field: string, names: readonly T[], name: T = names[0] as T): number {
  const number = names.indexOf(name);
  if (number < 0) throw new InvalidArgumentError(field, name, `one of ${names.join(', ')}`);
  return number;
}

function fromEnum<T extends string>(field: string, names: readonly T[], number: number): T {
  const name = names[number];
  if (name === undefined) throw new InvalidArgumentError(field, number, `from 0 to ${names.length - 1}`);
  return name;
}
