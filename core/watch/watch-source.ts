import type { Keyspace } from '../mvcc/keyspace.js';

/** What the hub asks of the keyspace. */
export type WatchSource = Pick<Keyspace, 'revision' | 'compactRevision' | 'history' | 'previous'>;
