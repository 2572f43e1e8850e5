import { toText } from '../../../base/bytes.js';
import { everything, fromKey, range } from '../../../base/key-range.js';
import type { KeyRange, KeyValue } from '../../../base/key-value.js';
import type { Compare, Operation as Request, OperationResult } from '../../../base/operation.js';
import type { Store } from '../../../store.js';
import { createRevision, get, modRevision, put, remove, value, version } from '../../../txn.js';
import { foundAnswer, type History } from '../history/history.js';
import type { Comparison, FoundKey, PartAnswer, StoreCall, Value } from '../history/operation.js';

const APPEND_TRIES_MAX = 100;

/** Asks a store for an operation, as one request each; an append is a read and a conditional write, again if need be. */
export async function perform(store: Store, call: StoreCall, signal?: AbortSignal): Promise<PartAnswer> {
  const options = signal ? { signal } : {};
  switch (call.op) {
    case 'get':
    case 'range': {
      const { serializable = false, atRevision: revision = 0 } = call;
      const answer = await store.range(targetOf(call), { ...options, serializable, revision });
      const found = call.op === 'get' ? foundAnswer(answer.kvs[0]) : { kvs: answer.kvs.map(foundKey) };
      return { ...found, revision: answer.revision };
    }
    case 'put': {
      const { revision } = await store.put(call.key, call.value, { ...options, ...leaseOf(call) });
      return { revision };
    }
    case 'delete': {
      const { revision, deleted } = await store.delete(targetOf(call), options);
      return { revision, deleted };
    }
    case 'append':
      return append(store, call, options);
    case 'revoke':
      // The port does not tell the revision of it.
      await store.lease(BigInt(call.lease)).revoke(options);
      return {};
    case 'cas':
    case 'casRevision':
    case 'create':
    case 'txn': {
      const { compares, then, otherwise } = branchesOf(call);
      const answer = await store
        .txn()
        .when(...compares)
        .do(...then)
        .otherwise(...otherwise)
        .commit(options);
      const { revision, succeeded: result } = answer;
      return { revision, result, ...(call.op === 'txn' ? { responses: answer.responses.map(partAnswer) } : {}) };
    }
  }
}

/** Asks, and records it. */
export function performRecorded(
  history: History,
  { store, client }: { readonly store: Store; readonly client: string | number },
  call: StoreCall,
  signal?: AbortSignal,
): Promise<PartAnswer> {
  return history.track(client, call, { work: () => perform(store, call, signal), answerOf: (answer) => answer });
}

async function append(
  store: Store,
  { key, value: text }: StoreCall & { op: 'append' },
  options: { readonly signal?: AbortSignal },
): Promise<PartAnswer> {
  for (let tries = 0; tries < APPEND_TRIES_MAX; tries += 1) {
    const before = await store.get(key, options);
    const { succeeded, revision } = await store
      .txn()
      .when(modRevision(key).equals(before?.modRevision ?? 0))
      .do(put(key, `${before ? toText(before.value) : ''}${text}`, before ? { lease: before.lease } : {}))
      .commit(options);
    if (succeeded) return { revision };
  }
  throw new Error(`${key} was changed by others ${APPEND_TRIES_MAX} times in a row`);
}

interface Branches {
  readonly compares: readonly Compare[];
  readonly then: readonly Request[];
  readonly otherwise: readonly Request[];
}

function branchesOf(call: StoreCall & { op: 'cas' | 'casRevision' | 'create' | 'txn' }): Branches {
  switch (call.op) {
    case 'cas':
      return { compares: [holds(call.key, call.expected)], then: [write(call.key, call.value)], otherwise: [] };
    case 'casRevision':
      return {
        compares: [modRevision(call.key).equals(call.expectedRevision)],
        then: [put(call.key, call.value)],
        otherwise: [],
      };
    case 'create':
      return {
        compares: [createRevision(call.key).equals(0)],
        then: [put(call.key, call.value, leaseOf(call))],
        otherwise: [],
      };
    case 'txn':
      return {
        compares: call.compares.map(condition),
        then: call.then.map(request),
        otherwise: call.else.map(request),
      };
  }
}

/** An operation as a part of a transaction. */
function request(call: StoreCall): Request {
  switch (call.op) {
    case 'get':
    case 'range':
      return get(targetOf(call));
    case 'put':
      return put(call.key, call.value, leaseOf(call));
    case 'delete':
      return remove(targetOf(call));
    case 'cas':
    case 'casRevision':
    case 'create':
    case 'txn': {
      const { compares, then, otherwise } = branchesOf(call);
      return { type: 'txn', compares, success: then, failure: otherwise };
    }
    default:
      throw new Error(`${call.op} cannot be a part of a transaction`);
  }
}

function write(key: string, to: Value): Request {
  return to === null ? remove(key) : put(key, to);
}

function holds(key: string, expected: Value): Compare {
  return expected === null ? createRevision(key).equals(0) : value(key).equals(expected);
}

const TARGETS = { value, version, createRevision, modRevision };
const WORDS = { equal: 'equals', notEqual: 'differs', greater: 'isGreaterThan', less: 'isLessThan' } as const;

function condition({ key, target, is, operand }: Comparison): Compare {
  const about = TARGETS[target](key) as ReturnType<typeof version>;
  return about[WORDS[is]](operand as number);
}

function partAnswer(result: OperationResult): PartAnswer {
  switch (result.type) {
    case 'range':
      // Whether it was one key or a range that was asked for, whoever asked knows; both are told.
      return { ...(result.kvs.length <= 1 ? foundAnswer(result.kvs[0]) : {}), kvs: result.kvs.map(foundKey) };
    case 'put':
      return {};
    case 'delete':
      return { deleted: result.deleted };
    case 'txn':
      return { result: result.succeeded, responses: result.responses.map(partAnswer) };
  }
}

function targetOf(call: { readonly key: string; readonly end?: string }): KeyRange | string {
  if (call.end === undefined) return call.key;
  if (call.end !== '\0') return range(call.key, call.end);
  return call.key === '' ? everything() : fromKey(call.key);
}

function leaseOf({ lease }: { readonly lease?: string }): { readonly lease?: bigint } {
  return lease === undefined ? {} : { lease: BigInt(lease) };
}

function foundKey(kv: KeyValue): FoundKey {
  const { createRevision: created, modRevision: modified, version: version_, value: bytes } = kv;
  return {
    key: toText(kv.key),
    value: toText(bytes),
    createRevision: created,
    modRevision: modified,
    version: version_,
  };
}
