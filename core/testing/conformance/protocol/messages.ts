/** Between the table's fields and messages: in the table a message has only what is not zero or empty. */
import { Permission, Permission_Type, UserAddOptions } from '../../../rpc/gen/authpb.js';
import { LeaderKey } from '../../../rpc/gen/election.js';
import {
  Compare,
  Compare_CompareResult,
  Compare_CompareTarget,
  DeleteRangeRequest,
  PutRequest,
  RangeRequest,
  RangeRequest_SortOrder,
  RangeRequest_SortTarget,
  RequestOp,
  TxnRequest,
} from '../../../rpc/gen/kv.js';
import { AlarmRequest_AlarmAction, AlarmType, DowngradeRequest_DowngradeAction } from '../../../rpc/gen/maintenance.js';
import { Event_EventType } from '../../../rpc/gen/mvcc.js';
import {
  WatchCancelRequest,
  WatchCreateRequest,
  WatchCreateRequest_FilterType,
  WatchProgressRequest,
} from '../../../rpc/gen/watch.js';
import type { Fields, Int } from './rule.js';

/** What stands for values that a case does not know itself. */
export interface Values {
  /** Text of one byte a character. */
  text(written: string): string;
  int(written: Int): bigint;
}

type Message = Record<string, unknown>;
type Enum = Readonly<Record<string, string | number>>;

/** Messages within messages, by the names of their fields, which mean the same in all requests. */
const MESSAGES: Readonly<Record<string, { decode(bytes: Uint8Array): object }>> = {
  requestRange: RangeRequest,
  requestPut: PutRequest,
  requestDeleteRange: DeleteRangeRequest,
  requestTxn: TxnRequest,
  compare: Compare,
  success: RequestOp,
  failure: RequestOp,
  createRequest: WatchCreateRequest,
  cancelRequest: WatchCancelRequest,
  progressRequest: WatchProgressRequest,
  leader: LeaderKey,
  options: UserAddOptions,
  perm: Permission,
};

const ENUMS: Readonly<Record<string, Enum>> = {
  sortOrder: RangeRequest_SortOrder,
  sortTarget: RangeRequest_SortTarget,
  result: Compare_CompareResult,
  target: Compare_CompareTarget,
  filters: WatchCreateRequest_FilterType,
  // Two enums, whose names are not the same.
  action: { ...AlarmRequest_AlarmAction, ...DowngradeRequest_DowngradeAction },
  alarm: AlarmType,
  permType: Permission_Type,
  type: Event_EventType,
  status: { 0: 'UNKNOWN', 1: 'SERVING', 2: 'NOT_SERVING', 3: 'SERVICE_UNKNOWN' },
};

/** Fields of unions that are texts. */
const UNION_TEXTS: ReadonlySet<string> = new Set(['listServices', 'fileContainingSymbol', 'fileByFilename']);

/** Fields of which a message has one. */
const UNIONS: Readonly<Record<string, readonly string[]>> = {
  request: ['requestRange', 'requestPut', 'requestDeleteRange', 'requestTxn'],
  messageRequest: ['listServices', 'fileContainingSymbol', 'fileByFilename'],
  requestUnion: ['createRequest', 'cancelRequest', 'progressRequest'],
  targetUnion: ['version', 'createRevision', 'modRevision', 'value', 'lease'],
};

/**
 * The message whose fields are given; the others are zero or empty.
 *
 * @param empty - the message without any
 * @throws if it has no such field
 */
export function toMessage(empty: object, fields: Fields, values: Values): object {
  const message = { ...empty } as Message;
  for (const [name, written] of Object.entries(fields)) {
    const union = Object.keys(message).find((field) => UNIONS[field]?.includes(name));
    if (union !== undefined) message[union] = { $case: name, [name]: toUnionValue(name, written, values) };
    else if (name in message) message[name] = toValue(name, message[name], written, values);
    else throw new Error(`the message has no field ${name}; it has ${Object.keys(message).join(', ')}`);
  }
  return message;
}

function toUnionValue(name: string, written: unknown, values: Values): unknown {
  const empty = name === 'value' ? Buffer.alloc(0) : UNION_TEXTS.has(name) ? '' : 0n;
  return toValue(name, empty, written, values);
}

function toValue(name: string, empty: unknown, written: unknown, values: Values): unknown {
  const inner = MESSAGES[name];
  if (Array.isArray(written)) return written.map((each) => toValue(name, '', each, values));
  if (inner && typeof written === 'object') return toMessage(inner.decode(Buffer.alloc(0)), written as Fields, values);
  if (typeof written === 'boolean') return written;
  const number = ENUMS[name]?.[written as string];
  if (typeof number === 'number') return number;
  if (Buffer.isBuffer(empty)) return Buffer.from(values.text(written as string), 'latin1');
  if (typeof empty === 'string' && typeof written === 'string') return values.text(written);
  const int = values.int(written as Int);
  return typeof empty === 'bigint' ? int : Number(int);
}

/** What is not zero or empty in a message; bytes as text of one byte a character, unions as the field that is there. */
export function toFields(message: object): Record<string, unknown> {
  const fields: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(message)) {
    const union = value as { readonly $case?: string } | undefined;
    const [field, content] =
      union?.$case === undefined ? [name, value as unknown] : [union.$case, (union as Message)[union.$case]];
    const shown = toField(field, content);
    if (shown !== undefined) fields[field] = shown;
  }
  return fields;
}

function toField(name: string, value: unknown): unknown {
  if (value === undefined || value === 0 || value === 0n || value === false || value === '') return undefined;
  if (Buffer.isBuffer(value)) return value.length === 0 ? undefined : value.toString('latin1');
  if (Array.isArray(value)) return value.length === 0 ? undefined : value.map((each) => toElement(name, each));
  return toElement(name, value);
}

function toElement(name: string, value: unknown): unknown {
  if (Buffer.isBuffer(value)) return value.toString('latin1');
  if (typeof value === 'object') return toFields(value as object);
  if (typeof value === 'number' && ENUMS[name]) return ENUMS[name][value] ?? value;
  return value;
}
