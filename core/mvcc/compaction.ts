import { assert } from '../base/assert.js';
import { CompactedError, FutureRevisionError } from '../base/errors.js';
import type { Batch, View } from '../backend/backend.js';
import type { KeyspaceState } from './keyspace-state.js';
import { encodeRevision, mainOf, REVISION_KEY_BYTES } from './revision.js';

/** Under which key of the table `meta` the compact revision is kept. */
const COMPACT_REVISION_KEY: Uint8Array = Buffer.from('mvcc.compactRevision');

/** @throws {@link InvariantError} if the record holds no revision */
export function readCompactRevision(view: View): number {
  const stored = view.get('meta', COMPACT_REVISION_KEY);
  if (stored === undefined) return 0;
  assert(stored.length === REVISION_KEY_BYTES, 'the compact revision is 16 bytes long');
  const revision = mainOf(stored);
  assert(Number.isSafeInteger(revision), 'the compact revision is exact');
  return revision;
}

/** Makes everything before a revision unreadable. Freeing it is {@link scrub}'s matter. */
export function compact(state: KeyspaceState, revision: number, batch: Batch): void {
  // etcd counts a store that was never compacted as compacted at -1, so that a compaction to 0 passes there, and does
  // nothing.
  const last = state.compactRevision === 0 ? -1 : state.compactRevision;
  if (revision <= last) throw new CompactedError(revision, state.compactRevision);
  if (revision > state.revision) throw new FutureRevisionError(revision, state.revision);
  state.compactRevision = revision;
  batch.put('meta', COMPACT_REVISION_KEY, encodeRevision(revision, 0));
}

/**
 * Frees records that compaction left unreadable, at most `max` of them, oldest first. It may be stopped anywhere:
 * what is left is found again when the keyspace is opened.
 *
 * @returns whether more is left
 */
export function scrub(state: KeyspaceState, batch: Batch, max: number): boolean {
  state.records.use(batch);
  for (let freed = 0; freed < max; freed += 1) {
    const revision = state.index.free(state.compactRevision);
    if (!revision) return false;
    batch.delete('history', encodeRevision(revision.main, revision.sub));
  }
  return state.index.hasGarbage(state.compactRevision);
}
