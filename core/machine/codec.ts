/**
 * Commands as bytes: what a log entry carries.
 *
 * ```text
 * command   = 1 · tag · body                            (one whose proposer is trusted)
 *           | 2 · name · auth revision · tag · body     (a user's)
 *           | 3 · tag · body                            (of a client that gave no name)
 * put       = flags · key · value · [lease]
 * delete    = flags · key · [end]
 * txn       = count · compare* · count · operation* · count · operation*
 * operation = tag · body                  (a put, delete, txn or range)
 * range     = flags · flags · key · [end] · [order] · integer for each numeric option
 * compare   = what · key · [end] · operand
 * update    = id · urls
 * publish   = id · name · urls · incarnation
 * auth      = as in auth-codec.ts
 * alarm     = what · member id            (raise or end, the kind, and a flag: a member does so by itself)
 * urls      = count · text*
 * ```
 *
 * Bytes come after their length; flags say which bracketed parts are there. What has its default value is left out, so
 * `previous: false` comes back absent. Lengths and numbers are as {@link ByteWriter} writes them.
 */
import { ALARM_KINDS } from '../base/alarm.js';
import { InvariantError, assert, unreachable } from '../base/assert.js';
import { NO_LEASE } from '../base/key-value.js';
import { LIMITS } from '../base/limits.js';
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
import type { Caller } from '../auth/types.js';
import { readAuthChange, writeAuthChange } from './auth-codec.js';
import { ByteReader } from './byte-reader.js';
import { ByteWriter } from './byte-writer.js';
import type { AlarmCommand, CallerCommand, Command } from './types.js';

/** The version of the encoding, and at the same time who proposed the command: to most it costs no byte. */
const PROPOSER = { trusted: 1, user: 2, nobody: 3 } as const;

const TAG = {
  put: 1,
  delete: 2,
  txn: 3,
  compact: 4,
  leaseGrant: 5,
  leaseRevoke: 6,
  range: 7,
  memberUpdate: 8,
  memberPublish: 9,
  auth: 10,
  alarm: 11,
} as const;

const PUT = { lease: 1, previous: 2, ignoreValue: 4, ignoreLease: 8 } as const;
const PUT_FLAGS = 15;
const DELETE = { end: 1, previous: 2 } as const;
const DELETE_FLAGS = 3;

const RANGE = { end: 1, sorted: 2, serializable: 4, keysOnly: 8, countOnly: 16 } as const;
const RANGE_FLAGS = 31;
/** The bits of a range's second byte of flags, in this order. */
const RANGE_NUMBERS = [
  'limit',
  'revision',
  'minModRevision',
  'maxModRevision',
  'minCreateRevision',
  'maxCreateRevision',
] as const;
const RANGE_NUMBERS_FLAGS = 2 ** RANGE_NUMBERS.length - 1;

const SORT_TARGETS: readonly SortTarget[] = ['key', 'version', 'createRevision', 'modRevision', 'value'];
const SORT_ORDERS: readonly SortOrder[] = ['none', 'ascend', 'descend'];
const COMPARE_TARGETS: readonly Compare['target'][] = ['version', 'createRevision', 'modRevision', 'lease', 'value'];
const COMPARE_RESULTS: readonly CompareResult[] = ['equal', 'greater', 'less', 'notEqual'];
const COMPARE_END = 0x80;

const ALARM_ACTIONS: readonly AlarmCommand['action'][] = ['raise', 'end'];
const ALARM_ENDS_ITSELF = 0x80;

/**
 * Transactions can be nested at most so deep, since each takes one operation of those its outer one leaves it. Nothing
 * deeper is written or read, so that no entry can exhaust the stack.
 */
const DEPTH_MAX = LIMITS.txnOperations;

/** Encoding is synchronous and never begins within another encoding, so one writer serves all. */
const writer = new ByteWriter();

/**
 * @throws {@link InvariantError} if a number or id does not fit its type, or transactions are nested too deep: what is
 * proposed has been validated
 */
export function encodeCommand(command: Command): Uint8Array {
  // What an encoding that failed left behind is forgotten.
  writer.reset();
  if (command.type === 'callers') {
    writeCaller(command.caller);
    writeCommand(command.command);
  } else {
    writer.byte(PROPOSER.trusted);
    writeCommand(command);
  }
  return writer.finish();
}

function writeCaller(caller: Caller): void {
  if (caller === 'nobody') return writer.byte(PROPOSER.nobody);
  writer.byte(PROPOSER.user);
  writer.text(caller.name);
  writer.integer(caller.revision);
}

function writeCommand(command: Exclude<Command, { type: 'callers' }>): void {
  writer.byte(TAG[command.type]);
  switch (command.type) {
    case 'compact':
      writer.integer(command.revision);
      break;
    case 'leaseGrant':
      writer.id(command.id);
      writer.integer(command.ttlSeconds);
      break;
    case 'leaseRevoke':
      writer.id(command.id);
      break;
    case 'memberUpdate':
      writer.unsignedId(command.id);
      writer.texts(command.peerUrls);
      break;
    case 'memberPublish':
      writer.unsignedId(command.id);
      writer.text(command.name);
      writer.texts(command.clientUrls);
      writer.unsignedId(command.incarnation);
      break;
    case 'auth':
      writeAuthChange(writer, command.change);
      break;
    case 'alarm':
      writeAlarm(command);
      break;
    default:
      writeBody(command, 0);
  }
}

/**
 * The keys and values of the command are views of `bytes`.
 *
 * @throws {@link InvariantError} if the bytes are not a whole command of a version that this program knows
 */
export function decodeCommand(bytes: Uint8Array): Command {
  const reader = new ByteReader(bytes);
  const caller = readProposer(reader);
  const command = readCommand(reader, reader.byte());
  reader.end();
  if (caller === undefined) return command;
  assert(isCallers(command), 'a command of a caller is one that callers may ask for');
  return { type: 'callers', caller, command };
}

/** Undefined: a trusted one. */
function readProposer(reader: ByteReader): Caller | undefined {
  switch (reader.byte()) {
    case PROPOSER.trusted:
      return undefined;
    case PROPOSER.nobody:
      return 'nobody';
    case PROPOSER.user:
      return { name: reader.text(), revision: reader.integer() };
    default:
      throw new InvariantError('a command has a version that this program knows');
  }
}

/** What members propose themselves, whoever has asked them to. */
const NOT_CALLERS: ReadonlySet<Command['type']> = new Set<Command['type']>([
  ...(['callers', 'memberUpdate', 'memberPublish', 'alarm'] as const),
]);

function isCallers(command: Command): command is CallerCommand {
  return !NOT_CALLERS.has(command.type);
}

function readCommand(reader: ByteReader, tag: number): Exclude<Command, { type: 'callers' }> {
  switch (tag) {
    case TAG.compact:
      return { type: 'compact', revision: reader.integer() };
    case TAG.leaseGrant:
      return { type: 'leaseGrant', id: reader.id(), ttlSeconds: reader.integer() };
    case TAG.leaseRevoke:
      return { type: 'leaseRevoke', id: reader.id() };
    case TAG.memberUpdate:
      return { type: 'memberUpdate', id: reader.unsignedId(), peerUrls: reader.texts() };
    case TAG.memberPublish:
      return {
        type: 'memberPublish',
        id: reader.unsignedId(),
        name: reader.text(),
        clientUrls: reader.texts(),
        incarnation: reader.unsignedId(),
      };
    case TAG.auth:
      return { type: 'auth', change: readAuthChange(reader) };
    case TAG.alarm:
      return readAlarm(reader);
    default: {
      const operation = readBody(reader, tag, 0);
      if (operation.type === 'range') throw new InvariantError('a range alone is no command: it changes nothing');
      return operation;
    }
  }
}

function writeAlarm({ action, alarm, endsItself }: AlarmCommand): void {
  writeChoices(ALARM_KINDS.indexOf(alarm.kind), ALARM_ACTIONS.indexOf(action), endsItself ? ALARM_ENDS_ITSELF : 0);
  writer.unsignedId(alarm.memberId);
}

function readAlarm(reader: ByteReader): AlarmCommand {
  const what = reader.byte();
  const kind = chosen(ALARM_KINDS, what & 0x0f);
  const action = chosen(ALARM_ACTIONS, (what & ~ALARM_ENDS_ITSELF) >> 4);
  const endsItself = (what & ALARM_ENDS_ITSELF) !== 0;
  return { type: 'alarm', action, alarm: { memberId: reader.unsignedId(), kind }, endsItself };
}

// --- Operations, alone or in a transaction ------------------------------------------------------------------------

function writeBody(operation: Operation, depth: number): void {
  switch (operation.type) {
    case 'put':
      return writePut(operation);
    case 'delete':
      return writeDelete(operation);
    case 'txn':
      return writeTxn(operation, depth);
    case 'range':
      return writeRange(operation);
    default:
      return unreachable(operation);
  }
}

function readBody(reader: ByteReader, tag: number, depth: number): Operation {
  switch (tag) {
    case TAG.put:
      return readPut(reader);
    case TAG.delete:
      return readDelete(reader);
    case TAG.txn:
      return readTxn(reader, depth);
    case TAG.range:
      return readRange(reader);
    default:
      throw new InvariantError(`a command has an unknown tag: ${tag}`);
  }
}

function writePut(put: PutRequest): void {
  const lease = put.lease ?? NO_LEASE;
  let flags = 0;
  if (lease !== NO_LEASE) flags |= PUT.lease;
  if (put.previous) flags |= PUT.previous;
  if (put.ignoreValue) flags |= PUT.ignoreValue;
  if (put.ignoreLease) flags |= PUT.ignoreLease;
  writer.byte(flags);
  writer.bytes(put.key);
  writer.bytes(put.value);
  if (flags & PUT.lease) writer.id(lease);
}

function readPut(reader: ByteReader): PutRequest {
  const flags = readFlags(reader, PUT_FLAGS);
  const key = reader.bytes();
  const value = reader.bytes();
  if (flags === 0) return { type: 'put', key, value };
  const put: Writable<PutRequest> = { type: 'put', key, value };
  if (flags & PUT.lease) put.lease = reader.id();
  if (flags & PUT.previous) put.previous = true;
  if (flags & PUT.ignoreValue) put.ignoreValue = true;
  if (flags & PUT.ignoreLease) put.ignoreLease = true;
  return put;
}

function writeDelete(remove: DeleteRequest): void {
  let flags = 0;
  if (remove.end !== undefined) flags |= DELETE.end;
  if (remove.previous) flags |= DELETE.previous;
  writer.byte(flags);
  writer.bytes(remove.key);
  if (remove.end !== undefined) writer.bytes(remove.end);
}

function readDelete(reader: ByteReader): DeleteRequest {
  const flags = readFlags(reader, DELETE_FLAGS);
  const remove: Writable<DeleteRequest> = { type: 'delete', key: reader.bytes() };
  if (flags & DELETE.end) remove.end = reader.bytes();
  if (flags & DELETE.previous) remove.previous = true;
  return remove;
}

function writeRange(range: RangeRequest): void {
  const sortTarget = SORT_TARGETS.indexOf(range.sortTarget ?? 'key');
  const sortOrder = SORT_ORDERS.indexOf(range.sortOrder ?? 'none');
  let flags = 0;
  if (range.end !== undefined) flags |= RANGE.end;
  if (sortTarget !== 0 || sortOrder !== 0) flags |= RANGE.sorted;
  if (range.serializable) flags |= RANGE.serializable;
  if (range.keysOnly) flags |= RANGE.keysOnly;
  if (range.countOnly) flags |= RANGE.countOnly;
  writer.byte(flags);
  writer.byte(RANGE_NUMBERS.reduce((set, name, bit) => (range[name] ? set | (1 << bit) : set), 0));
  writer.bytes(range.key);
  if (range.end !== undefined) writer.bytes(range.end);
  if (flags & RANGE.sorted) writeChoices(sortTarget, sortOrder, 0);
  for (const name of RANGE_NUMBERS) if (range[name]) writer.integer(range[name]);
}

function readRange(reader: ByteReader): RangeRequest {
  const flags = readFlags(reader, RANGE_FLAGS);
  const numbers = readFlags(reader, RANGE_NUMBERS_FLAGS);
  const range: Writable<RangeRequest> = { type: 'range', key: reader.bytes() };
  if (flags & RANGE.end) range.end = reader.bytes();
  if (flags & RANGE.sorted) {
    const order = reader.byte();
    range.sortTarget = chosen(SORT_TARGETS, order & 0x0f);
    range.sortOrder = chosen(SORT_ORDERS, order >> 4);
  }
  if (flags & RANGE.serializable) range.serializable = true;
  if (flags & RANGE.keysOnly) range.keysOnly = true;
  if (flags & RANGE.countOnly) range.countOnly = true;
  RANGE_NUMBERS.forEach((name, bit) => {
    if (numbers & (1 << bit)) range[name] = reader.integer();
  });
  return range;
}

// --- Transactions -------------------------------------------------------------------------------------------------

function writeTxn(txn: TxnRequest, depth: number): void {
  assertDepth(depth);
  writer.length(txn.compares.length);
  for (const compare of txn.compares) writeCompare(compare);
  writeBranch(txn.success, depth);
  writeBranch(txn.failure, depth);
}

function writeBranch(operations: readonly Operation[], depth: number): void {
  writer.length(operations.length);
  for (const operation of operations) {
    writer.byte(TAG[operation.type]);
    writeBody(operation, depth + 1);
  }
}

function readTxn(reader: ByteReader, depth: number): TxnRequest {
  assertDepth(depth);
  const compares: Compare[] = [];
  for (let left = reader.length(); left > 0; left -= 1) compares.push(readCompare(reader));
  return { type: 'txn', compares, success: readBranch(reader, depth), failure: readBranch(reader, depth) };
}

function readBranch(reader: ByteReader, depth: number): readonly Operation[] {
  const operations: Operation[] = [];
  for (let left = reader.length(); left > 0; left -= 1) operations.push(readBody(reader, reader.byte(), depth + 1));
  return operations;
}

function assertDepth(depth: number): void {
  assert(depth <= DEPTH_MAX, 'transactions are not nested deeper than their operations allow');
}

function writeCompare(compare: Compare): void {
  const target = COMPARE_TARGETS.indexOf(compare.target);
  const result = COMPARE_RESULTS.indexOf(compare.result);
  writeChoices(target, result, compare.end === undefined ? 0 : COMPARE_END);
  writer.bytes(compare.key);
  if (compare.end !== undefined) writer.bytes(compare.end);
  switch (compare.target) {
    case 'value':
      return writer.bytes(compare.operand);
    case 'lease':
      return writer.id(compare.operand);
    default:
      return writer.integer(compare.operand);
  }
}

function readCompare(reader: ByteReader): Compare {
  const what = reader.byte();
  const target = chosen(COMPARE_TARGETS, what & 0x0f);
  const result = chosen(COMPARE_RESULTS, (what & ~COMPARE_END) >> 4);
  const key = reader.bytes();
  const range = what & COMPARE_END ? { key, end: reader.bytes(), result } : { key, result };
  switch (target) {
    case 'value':
      return { ...range, target, operand: reader.bytes() };
    case 'lease':
      return { ...range, target, operand: reader.id() };
    default:
      return { ...range, target, operand: reader.integer() };
  }
}

// --- Small things -------------------------------------------------------------------------------------------------

/** Two choices in one byte: the first in the lower four bits, the second above it. */
function writeChoices(first: number, second: number, flag: number): void {
  assert(first >= 0 && second >= 0, 'a choice in a command is one of those that exist');
  writer.byte(first | (second << 4) | flag);
}

function chosen<T>(choices: readonly T[], index: number): T {
  assert(index < choices.length, 'a choice in a command is one of those that exist');
  return choices[index] as T;
}

function readFlags(reader: ByteReader, known: number): number {
  const flags = reader.byte();
  assert((flags & ~known) === 0, 'a command has only flags that this program knows');
  return flags;
}

type Writable<T> = { -readonly [P in keyof T]: T[P] };
