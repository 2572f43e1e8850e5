import type { KeyValue } from '../base/key-value.js';

/**
 * A key as it stood at some revision, as far as that is known without reading its record. `version` 0 means that
 * version and create revision stand only in the record, as they do for every version of a key but its newest.
 */
export interface KeyVersion {
  /** One character a byte, as `toMapKey` gives it. */
  readonly key: string;
  readonly main: number;
  readonly sub: number;
  readonly createRevision: number;
  readonly version: number;
  /** All of it, where it has been read, or was put by a transaction that is not finished. */
  readonly kv?: KeyValue;
}
