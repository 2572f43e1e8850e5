import { crc32 } from 'node:zlib';
import { bytesAfter } from '../base/bytes.js';
import { type Clock, turn } from '../base/clock.js';
import { CompactedError, FutureRevisionError, hasCode } from '../base/errors.js';
import { RecordReader } from '../mvcc/record.js';
import { encodeRevision, mainOf } from '../mvcc/revision.js';
import type { State } from './state-store.js';

/** A hash of what can be read: the same at members that have the same, whatever of the unreadable each has freed already. */
export interface KvHash {
  readonly hash: number;
  /** The compaction as of which it was made; 0 if there was none. */
  readonly compactRevision: number;
  /** The last revision that went into it. */
  readonly hashRevision: number;
}

/** Records between two turns of the event loop. */
const RECORDS_A_STEP = 512;
/** A compaction in the middle makes the hash begin anew; no more often than this. */
const ATTEMPTS = 5;

/**
 * Hashes the history up to a revision, a bounded step at a time.
 *
 * @param readHere - reads the state in force
 * @param revision - 0: the newest
 * @throws {@link CompactedError}, {@link FutureRevisionError}
 */
export async function hashKv(
  readHere: <T>(read: (state: State) => T) => Promise<T>,
  revision: number,
  clock: Clock,
): Promise<KvHash> {
  for (let attempt = 1; ; attempt += 1) {
    const hashing = await readHere((state) => new Hashing(state, revision));
    try {
      while (await readHere((state) => hashing.step(state))) await turn(clock);
      return hashing.result;
    } catch (error) {
      if (attempt === ATTEMPTS || !hasCode(error, 'COMPACTED') || hashing.isStill(error)) throw error;
    }
  }
}

class Hashing {
  readonly #revision: number;
  readonly #compactRevision: number;
  readonly #state: State;
  #from: Uint8Array = encodeRevision(0, 0);
  #hash = 0;

  constructor(state: State, revision: number) {
    const { keyspace } = state.machine;
    this.#state = state;
    this.#compactRevision = keyspace.compactRevision;
    this.#revision = revision > 0 ? revision : keyspace.revision;
    if (this.#revision > keyspace.revision) throw new FutureRevisionError(revision, keyspace.revision);
    if (this.#revision < keyspace.compactRevision) throw new CompactedError(revision, keyspace.compactRevision);
  }

  get result(): KvHash {
    return { hash: this.#hash, compactRevision: this.#compactRevision, hashRevision: this.#revision };
  }

  /** Whether the error says that the revision asked for is compacted, not just that a compaction came in between. */
  isStill(error: unknown): boolean {
    return this.#revision < (error as CompactedError).compactRevision;
  }

  /** @returns whether more is left */
  step(state: State): boolean {
    const { compactRevision } = state.machine.keyspace;
    if (state !== this.#state || compactRevision !== this.#compactRevision) {
      throw new CompactedError(this.#compactRevision, compactRevision);
    }
    let count = 0;
    const bounds = { from: this.#from, to: encodeRevision(this.#revision + 1, 0), limit: RECORDS_A_STEP };
    for (const [key, record] of state.backend.scan('history', bounds)) {
      count += 1;
      this.#from = bytesAfter(key);
      if (this.#isReadable(state, mainOf(key), record)) this.#hash = crc32(record, crc32(key, this.#hash));
    }
    return count === RECORDS_A_STEP;
  }

  /** What is older than the compaction can be read only if it was the newest of its key there. */
  #isReadable({ machine }: State, main: number, record: Uint8Array): boolean {
    if (main > this.#compactRevision) return true;
    const reader = new RecordReader(main, record);
    if (reader.isTombstone) return false;
    const request = { type: 'range', key: reader.key, revision: this.#compactRevision, keysOnly: true } as const;
    return machine.keyspace.range(request).kvs[0]?.modRevision === main;
  }
}
