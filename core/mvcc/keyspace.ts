import { toMapKey } from '../base/bytes.js';
import { CompactedError, FutureRevisionError } from '../base/errors.js';
import type { KeyValue, LeaseId } from '../base/key-value.js';
import type {
  RangePage,
  RangePageRequest,
  RangeRequest,
  RangeResult,
  TxnRequest,
  TxnResult,
} from '../base/operation.js';
import { assert, InvariantError } from '../base/assert.js';
import type { Backend, Batch } from '../backend/backend.js';
import { compact, readCompactRevision, scrub } from './compaction.js';
import { type History, type HistoryOptions, readHistory } from './history.js';
import { KeyIndex } from './key-index.js';
import type { KeyspaceState } from './keyspace-state.js';
import { evaluatePage } from './page.js';
import { evaluateRange } from './range.js';
import { loadKeyValue, RevisionReading } from './reading.js';
import { RecordReader } from './record.js';
import { RecordStore } from './record-store.js';
import { encodeRevision, mainOf, subOf } from './revision.js';
import { isReadOnly } from './txn-plan.js';
import { type KeyspaceWriter, RevisionWriter } from './writer.js';

/** The revision of a store to which nothing was ever written. */
export const FIRST_REVISION = 1;

/**
 * The keys and values, with the history of every one, as etcd's v3 keyspace has it: each write makes one revision,
 * the past stays readable until it is compacted. An index in memory says which revisions each key has; what they hold
 * is in the backend's table `history`, in order of revision.
 *
 * @remarks Source: etcd documentation, "Data model" and "KV API guarantees".
 */
export class Keyspace {
  readonly #state: KeyspaceState;
  readonly #backend: Backend;
  /** No record before this revision has a lease. */
  readonly #leasedFrom: number;

  private constructor(backend: Backend, state: KeyspaceState, leasedFrom: number) {
    this.#backend = backend;
    this.#state = state;
    this.#leasedFrom = leasedFrom;
  }

  /** Reads what the backend holds; a fresh one is at revision 1. Takes time in proportion to its history. */
  static open(backend: Backend): Keyspace {
    const compactRevision = readCompactRevision(backend);
    const index = new KeyIndex();
    let revision = Math.max(FIRST_REVISION, compactRevision);
    let leasedFrom = Number.POSITIVE_INFINITY;
    for (const [key, record] of backend.scan('history')) {
      revision = Math.max(revision, mainOf(key));
      const reader = new RecordReader(mainOf(key), record);
      if (reader.isLeased) leasedFrom = Math.min(leasedFrom, reader.modRevision);
      index.record(reader.keyText, { main: mainOf(key), sub: subOf(key) }, reader, undefined);
    }
    const state = { index, records: new RecordStore(backend), revision, compactRevision };
    return new Keyspace(backend, state, Math.min(leasedFrom, revision + 1));
  }

  /** The newest revision. */
  get revision(): number {
    return this.#state.revision;
  }

  /** Keys with a history, those that were deleted included until they are forgotten. */
  get keyCount(): number {
    return this.#state.index.size;
  }

  /** The oldest revision that can be read; 0 if there never was a compaction. */
  get compactRevision(): number {
    return this.#state.compactRevision;
  }

  /**
   * @throws {@link CompactedError} if the revision was compacted
   * @throws {@link FutureRevisionError} if there is no such revision yet
   */
  range(request: RangeRequest): RangeResult {
    return evaluateRange(request, this.#readingAt(request.revision), this.revision);
  }

  /** A part of a range: as much as the request allows. @throws as {@link Keyspace.range} */
  rangePage(request: RangePageRequest): RangePage {
    return evaluatePage(request, this.#readingAt(request.revision), this.revision);
  }

  /**
   * Answers a transaction that only reads.
   *
   * @throws {@link CompactedError}, {@link FutureRevisionError} as {@link Keyspace.range}
   */
  readTxn(request: TxnRequest): TxnResult {
    assert(isReadOnly(request), 'a transaction that is only read writes nothing');
    return new RevisionWriter(this.#state, NO_BATCH, undefined).txn(request);
  }

  /**
   * Starts the one write of a revision. Nothing is visible outside before its `finish()`; then the batch must be
   * written. Later writes in the same batch see it.
   *
   * @param leaseExists - asked for each lease that a put names; a lease that does not exist fails the put
   */
  begin(batch: Batch, leaseExists?: (lease: LeaseId) => boolean): KeyspaceWriter {
    return new RevisionWriter(this.#state, batch, leaseExists);
  }

  /**
   * What happened from a revision on, for watchers that catch up.
   *
   * @throws {@link CompactedError} if `fromRevision` was compacted
   */
  history(options: HistoryOptions): History {
    return readHistory(this.#state, options);
  }

  /** A key as it was just before a revision; `undefined` if it did not exist or that is compacted. */
  previous(key: Uint8Array, beforeRevision: number): KeyValue | undefined {
    const { index, records, compactRevision } = this.#state;
    if (beforeRevision - 1 < compactRevision) return undefined;
    const version = index.get(toMapKey(key))?.at(beforeRevision - 1);
    return version && loadKeyValue(records, version);
  }

  /**
   * Makes the revisions before this one unreadable, at once; {@link Keyspace.scrub} frees them.
   *
   * @throws {@link CompactedError} if it is not after the last compaction
   * @throws {@link FutureRevisionError} if there is no such revision yet
   */
  compact(revision: number, batch: Batch): void {
    compact(this.#state, revision, batch);
  }

  /** Frees at most `max` records that compaction left unreadable; true while more is left. */
  scrub(batch: Batch, max: number): boolean {
    return scrub(this.#state, batch, max);
  }

  /** The keys that live by a lease, with it. Takes time in proportion to the history: meant for when it is opened. */
  *leasedKeys(): Generator<readonly [key: Uint8Array, lease: LeaseId]> {
    for (const [key, record] of this.#backend.scan('history', { from: encodeRevision(this.#leasedFrom, 0) })) {
      const reader = new RecordReader(mainOf(key), record);
      if (!reader.isLeased) continue;
      const newest = this.#state.index.get(reader.keyText);
      if (newest?.main === mainOf(key) && newest.sub === subOf(key)) yield [reader.key, reader.lease];
    }
  }

  /** @param wanted - 0 or less: the newest revision */
  #readingAt(wanted: number | undefined): RevisionReading {
    const { index, records, revision, compactRevision } = this.#state;
    const asked = wanted && wanted > 0 ? wanted : revision;
    if (asked > revision) throw new FutureRevisionError(asked, revision);
    if (asked < compactRevision) throw new CompactedError(asked, compactRevision);
    return new RevisionReading(index, records, asked);
  }
}

const NO_BATCH: Batch = { put: refuse, delete: refuse };

function refuse(): never {
  throw new InvariantError('broken invariant: a read changes nothing');
}
