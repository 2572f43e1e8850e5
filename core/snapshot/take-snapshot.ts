import { createHash } from 'node:crypto';
import { type Backend, type PointInTimeView, TABLES, type View } from '../backend/backend.js';
import { assert } from '../base/assert.js';
import { bytesAfter } from '../base/bytes.js';
import { type Clock, turn } from '../base/clock.js';
import { ClosedError } from '../base/errors.js';
import { systemClock } from '../base/system-clock.js';
import { readStateFacts } from '../machine/state-facts.js';
import type { SnapshotPosition } from '../raft/types.js';
import { ChunkWriter } from './chunk-writer.js';
import { encodeEnd, encodeHeader, encodeRecordHeader, type SnapshotHeader } from './format.js';
import { isOwn } from './installed-position.js';

/** Small enough that a heartbeat waits for no more than one of them. */
export const CHUNK_BYTES = 64 * 1024;

/** The state as it was at one moment, while writes go on. It holds resources of the backend until it is closed. */
export interface Snapshot {
  /** The last entry whose effects it holds, and the configuration in force there. */
  readonly position: SnapshotPosition;
  /** The store's revision. */
  readonly revision: number;
  /** The running hash of everything that was applied up to the position. */
  readonly hash: number;
  /** About how long it is; what it takes in the backend, for nobody has counted its bytes yet. */
  readonly sizeBytes: number;
  /**
   * Its bytes, in chunks of at most {@link CHUNK_BYTES}; the same ones each time it is asked. Between two chunks the event
   * loop goes round.
   *
   * @throws {@link ClosedError} once it was closed
   */
  chunks(): AsyncIterable<Uint8Array>;
  /** Gives everything free; idempotent. */
  close(): void;
}

/**
 * Takes a snapshot of what is applied now. It takes no time to speak of: the bytes are read when they are asked for.
 *
 * @param clock - others have their turn between two chunks
 * @throws {@link ClosedError} if the backend is closed
 * @throws {@link InvariantError} if nothing was applied yet
 */
export function takeSnapshot(backend: Backend, clock: Clock = systemClock): Snapshot {
  const view = backend.view();
  const { index, term, hash, revision, membership } = readStateFacts(view);
  assert(index > 0, 'a snapshot is taken of a state to which something was applied');
  const position = { index, term, configuration: membership.configuration };
  return new ViewSnapshot(view, { position, hash, revision }, backend.sizeBytes(), clock);
}

class ViewSnapshot implements Snapshot {
  readonly position: SnapshotPosition;
  readonly revision: number;
  readonly hash: number;
  readonly #view: PointInTimeView;
  readonly #clock: Clock;
  #isClosed = false;

  constructor(
    view: PointInTimeView,
    { position, revision, hash }: SnapshotHeader,
    readonly sizeBytes: number,
    clock: Clock,
  ) {
    this.#view = view;
    this.#clock = clock;
    this.position = position;
    this.revision = revision;
    this.hash = hash;
  }

  async *chunks(): AsyncGenerator<Uint8Array> {
    const sha256 = createHash('sha256');
    const writer = new ChunkWriter(CHUNK_BYTES);
    writer.write(encodeHeader(this));
    let recordCount = 0;
    const pages = pagesOf(this.#view);
    for (;;) {
      if (this.#isClosed) throw new ClosedError('the snapshot');
      const page = pages.next();
      if (page.done) break;
      for (const piece of page.value.pieces) writer.write(piece);
      recordCount += page.value.recordCount;
      for (const chunk of writer.takeFull()) {
        sha256.update(chunk);
        yield chunk;
        await turn(this.#clock);
      }
    }
    writer.write(encodeEnd(recordCount, writer.writtenBytes));
    const rest = writer.takeRest();
    for (const chunk of rest) sha256.update(chunk);
    yield* rest;
    yield sha256.digest();
  }

  close(): void {
    this.#isClosed = true;
    this.#view.close();
  }
}

interface Page {
  readonly pieces: readonly Uint8Array[];
  readonly recordCount: number;
}

/** The records in order, about a chunk at a time. A scan is not held open from one to the next: others may write between. */
function* pagesOf(view: View): Generator<Page> {
  for (const table of TABLES) {
    for (let from: Uint8Array | undefined; ;) {
      const pieces: Uint8Array[] = [];
      let recordCount = 0;
      let bytes = 0;
      let last: Uint8Array | undefined;
      for (const [key, value] of view.scan(table, from ? { from } : {})) {
        last = key;
        if (isOwn(table, key)) continue;
        pieces.push(encodeRecordHeader(table, key, value), key, value);
        recordCount += 1;
        bytes += key.length + value.length;
        if (bytes >= CHUNK_BYTES) break;
      }
      if (recordCount > 0) yield { pieces, recordCount };
      if (last === undefined || bytes < CHUNK_BYTES) break;
      from = bytesAfter(last);
    }
  }
}
