/**
 * THE FORMAT of histories: one JSON object a line, an operation or an event of the write log, in any order.
 *
 * An operation:
 *
 * | field | meaning |
 * | --- | --- |
 * | client | who called; one operation of a client is open at a time, unless `unknown` |
 * | op | what was asked; {@link Call} has all of them with their fields |
 * | key | the key, or the name of the lock, election, queue or barrier |
 * | call, return | when it was called and had returned: whole numbers of any unit, microseconds where a TTL matters |
 * | outcome | `ok`; `fail`: certainly had no effect; `unknown`: may take effect at any later time, and has no `return` |
 * | value, result, revision, ... | what was answered; {@link Answer} has all of them. What is absent is not judged |
 *
 * `value` is text, `null` for a key that does not exist. It is what was written by a write, and what was found by a read.
 * Where one operation returns at the very time at which another is called, they count as concurrent.
 *
 * An event of the write log has `event` instead of `op`: {@link LogEvent}.
 */

/** Text, or `null` for what does not exist. */
export type Value = string | null;

/** What a transaction compares: one thing of one key with one operand. */
export interface Comparison {
  readonly key: string;
  readonly target: 'value' | 'version' | 'createRevision' | 'modRevision';
  readonly is: 'equal' | 'notEqual' | 'greater' | 'less';
  readonly operand: string | number;
}

/** Operations on keys, each carried out in one revision, or in none if it changes nothing. */
export type StoreCall =
  | { readonly op: 'get'; readonly key: string; readonly serializable?: boolean; readonly atRevision?: number }
  /** The keys in [key, end); an `end` of `\0` means no end. */
  | {
      readonly op: 'range';
      readonly key: string;
      readonly end: string;
      readonly serializable?: boolean;
      readonly atRevision?: number;
    }
  | { readonly op: 'put'; readonly key: string; readonly value: string; readonly lease?: string }
  /** Adds to the end of the value, if there is one. */
  | { readonly op: 'append'; readonly key: string; readonly value: string }
  | { readonly op: 'delete'; readonly key: string; readonly end?: string }
  /** Writes `value` (`null` deletes) if the value is `expected` (`null`: if the key does not exist). */
  | { readonly op: 'cas'; readonly key: string; readonly expected: Value; readonly value: Value }
  /** Writes `value` if the key was last changed at `expectedRevision` (0: if the key does not exist). */
  | { readonly op: 'casRevision'; readonly key: string; readonly expectedRevision: number; readonly value: string }
  | { readonly op: 'create'; readonly key: string; readonly value: string; readonly lease?: string }
  /** Carries out `then` if all comparisons hold, otherwise `else`. */
  | {
      readonly op: 'txn';
      readonly compares: readonly Comparison[];
      readonly then: readonly StoreCall[];
      readonly else: readonly StoreCall[];
    }
  /** Ends a lease and deletes its keys. */
  | { readonly op: 'revoke'; readonly lease: string };

/**
 * Locks and elections, of which one client at a time has the one that `key` names, for as long as its lease is renewed.
 * `ttl` is in the unit of `call` and `return`.
 */
export type HoldCall =
  /** Answers the fencing `token`; `result` is false if it was not obtained. */
  | { readonly op: 'acquire'; readonly key: string; readonly ttl: number; readonly value?: string }
  /** `result` tells whether it still was held. */
  | { readonly op: 'renew'; readonly key: string; readonly token: number }
  | { readonly op: 'release'; readonly key: string; readonly token: number }
  /** A write that the store must refuse unless the token is the holder's: `result`. */
  | { readonly op: 'guarded'; readonly key: string; readonly token: number; readonly value?: string }
  /**
   * Answers what the leader said of itself in `value`, and its `token`; `value` is null if nobody leads. With `isLate` it
   * was learnt from a watch, which may be late.
   */
  | { readonly op: 'observe'; readonly key: string; readonly isLate?: boolean };

/** First in, first out. */
export type QueueCall =
  | { readonly op: 'enqueue'; readonly key: string; readonly value: string }
  /** Answers the `value` it took, `null` if there was none. */
  | { readonly op: 'dequeue'; readonly key: string };

/** Nobody has entered before all of `size` clients came, and nobody has left before all of them are leaving. */
export interface BarrierCall {
  /** `enter` and `leave` wait for the others; `entered` and `left` only see that all have done it. */
  readonly op: 'enter' | 'entered' | 'leave' | 'left';
  readonly key: string;
  readonly size: number;
}

/** What was asked. */
export type Call = StoreCall | HoldCall | QueueCall | BarrierCall;

/** A key that a read found. */
export interface FoundKey {
  readonly key: string;
  readonly value: string;
  readonly createRevision?: number;
  readonly modRevision?: number;
  readonly version?: number;
}

/** What was answered. */
export interface Answer {
  /** The store's revision when this was carried out; a change's own. */
  readonly revision?: number;
  /** Whether a compare held, or a hold was had. */
  readonly result?: boolean;
  readonly createRevision?: number;
  readonly modRevision?: number;
  readonly version?: number;
  /** What a range found, in order. */
  readonly kvs?: readonly FoundKey[];
  /** How many keys were deleted. */
  readonly deleted?: number;
  /** What the operations of a transaction's branch answered, in order. */
  readonly responses?: readonly PartAnswer[];
  /** The fencing token. */
  readonly token?: number;
  /** How long after the call the lease of what was acquired surely lives, where that is not the TTL asked for. */
  readonly ttl?: number;
}

/** The answer of a read, or of a part of a transaction. */
export type PartAnswer = Answer & { readonly value?: Value };

/** The three ways in which an operation can end. */
export type Outcome = 'ok' | 'fail' | 'unknown';

interface Stamp {
  readonly client: string | number;
  readonly call: number;
  /** Absent if it is not known to have returned. */
  readonly return?: number;
  readonly outcome: Outcome;
}

/** What was found stands in `value`, except that a write's is what it wrote. */
type Found<C> = C extends { readonly value?: unknown } ? unknown : { readonly value?: Value };
type With<C> = C extends Call ? C & Found<C> & Answer & Stamp : never;

/** One operation as it was recorded. */
export type Operation = With<Call>;

/** An operation on keys as it was recorded. */
export type StoreOperation = With<StoreCall>;

/** What one revision did to one key; a revision that changed several keys has an event for each. */
export interface LogEvent {
  readonly event: 'put' | 'delete';
  readonly revision: number;
  readonly key: string;
  /** Of a put. */
  readonly value?: string;
  /** The lease the key lives by. */
  readonly lease?: string;
  readonly createRevision?: number;
  readonly version?: number;
}

const STORE_OPS = new Set<string>(
  Object.keys({
    get: 0,
    range: 0,
    put: 0,
    append: 0,
    delete: 0,
    cas: 0,
    casRevision: 0,
    create: 0,
    txn: 0,
    revoke: 0,
  } satisfies Record<StoreCall['op'], 0>),
);

/** Whether an operation is one on keys. */
export function isStoreOperation(operation: Operation): operation is StoreOperation {
  return STORE_OPS.has(operation.op);
}

/** Whether it certainly changes nothing, whatever it finds. */
export function isRead({ op }: Operation): boolean {
  return op === 'get' || op === 'range' || op === 'observe';
}

/** Whether it may answer what was, not what is. */
export function isStale(operation: Operation): boolean {
  return (operation.op === 'get' || operation.op === 'range') && operation.serializable === true;
}

/** One line for a reader. */
export function toLine(operation: Operation | LogEvent): string {
  return JSON.stringify(operation);
}
