/**
 * What can be asked of the keyspace and what it answers, as plain data. The port, the machine and the wire's codecs all
 * speak of these. Field names follow etcd's API reference (KV service); the meaning is exactly etcd's.
 */
import type { Event, KeyRange, KeyValue, LeaseId } from './key-value.js';

export type SortTarget = 'key' | 'version' | 'createRevision' | 'modRevision' | 'value';
export type SortOrder = 'none' | 'ascend' | 'descend';

export interface RangeRequest extends KeyRange {
  readonly type: 'range';
  /** At most so many keys; 0 or less means all. */
  readonly limit?: number;
  /** Read as of this revision; 0 or less means the latest. */
  readonly revision?: number;
  readonly sortTarget?: SortTarget;
  readonly sortOrder?: SortOrder;
  /** Answer from this member's own state, which may be behind. */
  readonly serializable?: boolean;
  readonly keysOnly?: boolean;
  readonly countOnly?: boolean;
  /** Filters on revisions, inclusive; 0 means off. */
  readonly minModRevision?: number;
  readonly maxModRevision?: number;
  readonly minCreateRevision?: number;
  readonly maxCreateRevision?: number;
}

export interface RangeResult {
  readonly type: 'range';
  /** The store's revision when the read was made (not the one asked for). */
  readonly revision: number;
  readonly kvs: readonly KeyValue[];
  /** Keys in the range at that revision, before `limit` and the filters. */
  readonly count: number;
  /** Whether `limit` cut some off. */
  readonly more: boolean;
}

/** Asks for the next part of a range, so that a large one can be read without holding anybody up. */
export interface RangePageRequest extends KeyRange {
  /** Read as of this revision; 0 or less means the latest. */
  readonly revision: number;
  /** Answer from this member's own state, which may be behind. */
  readonly serializable: boolean;
  readonly keysOnly: boolean;
  /** At most so many keys are told. 0: they are only counted. */
  readonly keysMax: number;
  /** At most so many bytes of keys and values, but always one key. */
  readonly bytesMax: number;
  /** At most so many keys are looked at, those included that did not exist at the revision. At least 1. */
  readonly visitsMax: number;
  /** Goes on with a range whose first part was read before: it is no call of its own to whoever counts calls. */
  readonly isContinued?: boolean;
}

/** A part of a range. */
export interface RangePage {
  /** The store's revision when the part was read. */
  readonly revision: number;
  readonly kvs: readonly KeyValue[];
  /** Keys in this part, whether told or only counted. */
  readonly count: number;
  /** The first key that was not looked at. Absent: this is the last part. */
  readonly next?: Uint8Array;
}

export interface PutRequest {
  readonly type: 'put';
  readonly key: Uint8Array;
  readonly value: Uint8Array;
  readonly lease?: LeaseId;
  readonly previous?: boolean;
  /** Keep the value the key has. */
  readonly ignoreValue?: boolean;
  /** Keep the lease the key has. */
  readonly ignoreLease?: boolean;
}

export interface PutResult {
  readonly type: 'put';
  readonly revision: number;
  readonly previous?: KeyValue;
}

export interface DeleteRequest extends KeyRange {
  readonly type: 'delete';
  readonly previous?: boolean;
}

export interface DeleteResult {
  readonly type: 'delete';
  readonly revision: number;
  readonly deleted: number;
  readonly previous: readonly KeyValue[];
}

export type CompareResult = 'equal' | 'greater' | 'less' | 'notEqual';

/** A condition on one key, or on every key of a range. */
export type Compare = KeyRange & { readonly result: CompareResult } & (
    | { readonly target: 'version' | 'createRevision' | 'modRevision'; readonly operand: number }
    | { readonly target: 'lease'; readonly operand: LeaseId }
    | { readonly target: 'value'; readonly operand: Uint8Array }
  );

export interface TxnRequest {
  readonly type: 'txn';
  readonly compares: readonly Compare[];
  readonly success: readonly Operation[];
  readonly failure: readonly Operation[];
}

export interface TxnResult {
  readonly type: 'txn';
  readonly revision: number;
  readonly succeeded: boolean;
  /** One answer for each operation of the branch that was taken, in order. */
  readonly responses: readonly OperationResult[];
}

export type Operation = RangeRequest | PutRequest | DeleteRequest | TxnRequest;
export type OperationResult = RangeResult | PutResult | DeleteResult | TxnResult;

/** The events of one whole revision or more; never a part of one. None: a progress notification. */
export interface WatchBatch {
  /** Everything up to here has been delivered. */
  readonly revision: number;
  readonly events: readonly Event[];
}

export interface LeaseStatus {
  readonly id: LeaseId;
  /** What it was granted for. */
  readonly grantedTtlSeconds: number;
  /** What is left; below 0 if the lease does not exist. */
  readonly remainingTtlSeconds: number;
  /** The keys that live by it, where they were asked for. */
  readonly keys: readonly Uint8Array[];
}
