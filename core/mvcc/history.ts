import { assert } from '../base/assert.js';
import { CompactedError } from '../base/errors.js';
import { contains } from '../base/key-range.js';
import type { Event, KeyRange } from '../base/key-value.js';
import type { KeyspaceState } from './keyspace-state.js';
import { RecordReader } from './record.js';

/** What one revision changed, whole, of what was asked for. */
export interface RevisionEvents {
  readonly revision: number;
  readonly events: readonly Event[];
}

export interface HistoryOptions {
  readonly fromRevision: number;
  /** How many revisions are looked through, matching or not; at least one. */
  readonly revisionsMax: number;
  readonly target: KeyRange;
}

export interface History {
  /** In order; without those that changed nothing in the target. */
  readonly batches: readonly RevisionEvents[];
  /** The first revision that was not looked at. Past the store's revision: history was read to its end. */
  readonly nextRevision: number;
}

export function readHistory(state: KeyspaceState, { fromRevision, revisionsMax, target }: HistoryOptions): History {
  assert(revisionsMax >= 1, 'reading history advances');
  if (fromRevision < state.compactRevision) throw new CompactedError(fromRevision, state.compactRevision);
  const batches: RevisionEvents[] = [];
  let events: Event[] = [];
  let revision = 0;
  let revisionCount = 0;
  for (const [main, record] of state.records.scan(fromRevision)) {
    if (main !== revision) {
      if (revisionCount === revisionsMax) return { batches, nextRevision: main };
      revisionCount += 1;
      revision = main;
      events = [];
    }
    const reader = new RecordReader(main, record);
    if (!contains(target, reader.key)) continue;
    if (events.length === 0) batches.push({ revision, events });
    events.push({ type: reader.isTombstone ? 'delete' : 'put', kv: reader.keyValue });
  }
  return { batches, nextRevision: Math.max(fromRevision, state.revision + 1) };
}
