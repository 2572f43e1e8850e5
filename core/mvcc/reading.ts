import type { KeyRange, KeyValue } from '../base/key-value.js';
import type { KeyIndex } from './key-index.js';
import type { KeyVersion } from './key-version.js';
import { RecordReader } from './record.js';
import type { RecordStore } from './record-store.js';

/** The keyspace at one moment, as ranges and compares read it. */
export interface Reading {
  /** Visits the keys that exist in a range, in key order. */
  visit(target: KeyRange, visit: (version: KeyVersion) => void): void;
  load(version: KeyVersion): KeyValue;
}

/** The finished keyspace as of a revision. */
export class RevisionReading implements Reading {
  constructor(
    readonly index: KeyIndex,
    readonly records: RecordStore,
    readonly revision: number,
  ) {}

  visit(target: KeyRange, visit: (version: KeyVersion) => void): void {
    this.index.visit(target, this.revision, visit);
  }

  load(version: KeyVersion): KeyValue {
    return loadKeyValue(this.records, version);
  }
}

export function loadKeyValue(records: RecordStore, version: KeyVersion): KeyValue {
  return version.kv ?? new RecordReader(version.main, records.get(version.main, version.sub)).keyValue;
}
