import type { KeyIndex } from './key-index.js';
import type { RecordStore } from './record-store.js';

/** What a keyspace is, shared by the parts that read and change it. */
export interface KeyspaceState {
  readonly index: KeyIndex;
  readonly records: RecordStore;
  revision: number;
  compactRevision: number;
}
