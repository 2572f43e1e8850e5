/** A lease's id: an opaque 64-bit number. 0 means none. */
export type LeaseId = bigint;

export const NO_LEASE: LeaseId = 0n;

/** A key as it stood at some revision. */
export interface KeyValue {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
  /** The revision that created the key (since it was last deleted). */
  readonly createRevision: number;
  /** The revision that last changed it. */
  readonly modRevision: number;
  /** How often it was put since it was created, from 1. */
  readonly version: number;
  /** The lease it lives by, 0 if none. */
  readonly lease: LeaseId;
}

/** What one revision did to one key. A deletion's `kv` has only its key and `modRevision`. */
export interface Event {
  readonly type: 'put' | 'delete';
  readonly kv: KeyValue;
  /** The key as it was before, if it was asked for, existed and is not compacted. */
  readonly previous?: KeyValue;
}

/**
 * One key, or the keys in `[key, end)`. An `end` of one zero byte means "no end", as on etcd's wire.
 * Made by `key()`, `prefix()`, `range()`, `fromKey()` and `everything()`.
 */
export interface KeyRange {
  readonly key: Uint8Array;
  /** Absent: only `key` itself. */
  readonly end?: Uint8Array;
}
