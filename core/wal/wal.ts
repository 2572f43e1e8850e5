import { assert } from '../base/assert.js';
import { ClosedError, InvalidArgumentError } from '../base/errors.js';
import type { Logger } from '../base/logger.js';
import type { Entry, HardState } from '../raft/types.js';
import { beginLogAnew, type LogPosition } from './begin-anew.js';
import type { Disk } from './disk.js';
import { toLogError } from './failure.js';
import { saltOf } from './format.js';
import { groupBytes, GroupEncoder } from './group.js';
import { type Dropped, recover, type Recovered } from './recovery.js';
import type { LogState } from './replay.js';
import { ActiveSegment, type Place, removeSegments, type SealedSegment } from './segment.js';

/** Enough that a segment is begun seldom, and little enough that old ones go soon and a restart reads them quickly. */
const SEGMENT_BYTES = 16 * 1024 * 1024;

export interface WalOptions {
  readonly disk: Disk;
  /** The log's directory; it is made if it does not exist, its parent must. */
  readonly path: string;
  /** Bytes after which a new segment is begun. Default: 16 MiB. A larger group than this has a segment to itself. */
  readonly segmentBytes?: number;
  readonly logger: Logger;
  /**
   * The last entry that is known, from elsewhere, to have been durable: that the state machine's own storage says was
   * applied. A log that ends before it is damaged, though its end looks torn. Default: none is known.
   */
  readonly durableIndex?: number;
  /** The term of that entry: a log whose end was lost may still have an older entry there, which was overwritten. */
  readonly durableTerm?: number;
  /**
   * The last entry that the snapshot holds which the state machine was last given. A log that does not reach it, or has
   * another term there, is from before, and begins anew after it. Default: there was none.
   */
  readonly snapshot?: LogPosition | undefined;
  /** Draws the identity of a log that is begun, at random. */
  readonly newLogId: () => bigint;
}

/** What was read back. With `entries`, it is the `log` of a raft that starts. */
export interface OpenedWal {
  readonly wal: Wal;
  readonly hardState: HardState;
  /** The first entry that is kept; where none is, the one that comes next. */
  readonly firstIndex: number;
  /** The term of the entry before `firstIndex`; 0 if there never was one. */
  readonly previousTerm: number;
  readonly entries: readonly Entry[];
  /** What a crash left half written at the end; it had not been acknowledged, and is gone. */
  readonly dropped?: Dropped;
}

/**
 * The durable log: what raft must not forget, in segments on a disk. One append is one write and one sync, whatever it
 * holds. `format.ts` draws the bytes.
 *
 * After any failure of the disk the log takes nothing more: a failed sync may have dropped the very pages that a second
 * one would report as durable (Rebello et al. 2020). Opening it again finds out what is there.
 */
export class Wal {
  readonly #place: Place;
  readonly #logId: bigint;
  readonly #encoder: GroupEncoder;
  readonly #sealed: SealedSegment[];
  #active: ActiveSegment;
  #hardState!: HardState;
  #lastIndex!: number;
  #lastTerm!: number;
  #nextSegment!: number;
  #nextGroup!: number;
  #link!: number;
  #isAppending = false;
  /** Ends when the last compaction that was asked for has ended. */
  #compaction: Promise<void> = Promise.resolve();
  #failure: Error | undefined;
  #isClosed = false;

  /**
   * Opens the log, or begins one. What a crash tore at its end is cut off and reported; what is missing where it was
   * durable is an error.
   *
   * @throws {@link LogDamagedError} if something that was durable cannot be read back; nothing was changed
   * @throws {@link DataDirError} if the directory cannot be used, or a later version wrote it
   * @throws {@link LogFailedError} if the disk fails
   */
  static async open(options: WalOptions): Promise<OpenedWal> {
    const { disk, path, segmentBytes = SEGMENT_BYTES, newLogId } = options;
    if (!(segmentBytes >= 1)) throw new InvalidArgumentError('wal.segmentBytes', segmentBytes, 'at least 1');
    const place = { disk, path, segmentBytes };
    const { durableIndex = 0, durableTerm, snapshot } = options;
    const known = { durableIndex, durableTerm, snapshot };
    const recovered = await recover(place, newLogId, known).catch((error: unknown) => {
      throw toLogError(path, error);
    });
    const { state, dropped } = recovered;
    if (dropped) options.logger.warn(dropped, 'the end of the log was torn by a crash and is cut off');
    return {
      wal: new Wal(place, recovered),
      hardState: state.hardState,
      firstIndex: state.firstIndex,
      previousTerm: state.previousTerm,
      entries: state.entries,
      ...(dropped && { dropped }),
    };
  }

  private constructor(place: Place, { state, sealed, active }: Recovered) {
    this.#place = place;
    this.#logId = state.logId;
    this.#encoder = new GroupEncoder(saltOf(state.logId));
    this.#sealed = [...sealed];
    this.#active = active;
    this.#goOnFrom(state);
  }

  /**
   * Appends a group; resolves when it is durable. One at a time. Without anything to append it resolves at once.
   *
   * Entries follow each other, and the last one; or they begin at an earlier index that is not committed, and overwrite
   * the log from there on.
   *
   * @throws {@link LogFailedError}, {@link DataDirError} (`DATA_DIR_FULL`) if the disk fails: it may be durable or not,
   * and so it is for every later append
   * @throws {@link ClosedError} once it was closed
   */
  async append(hardState: HardState | undefined, entries: readonly Entry[]): Promise<void> {
    this.#assertUsable();
    if (hardState === undefined && entries.length === 0) return;
    assert(!this.#isAppending, 'one append is under way at a time');
    if (entries.length > 0) this.#assertFollows((entries[0] as Entry).index);
    this.#isAppending = true;
    try {
      await this.#write(hardState, entries);
    } catch (error) {
      throw this.#fail(error);
    } finally {
      this.#isAppending = false;
    }
  }

  /**
   * Lets the log begin anew after a snapshot: the next entry is the one after `position`, and nothing before is kept.
   * Resolves when that is durable; a crash leaves the old log or the new one. No append may be under way.
   *
   * @param hardState - from then on, but for the commit index: all that the snapshot holds was committed, and no more is
   * known until it is appended
   * @throws {@link LogFailedError}, {@link DataDirError} (`DATA_DIR_FULL`) if the disk fails; the log takes nothing more
   * @throws {@link ClosedError} once it was closed
   */
  async reset(position: LogPosition, hardState: HardState): Promise<void> {
    this.#assertUsable();
    assert(!this.#isAppending, 'the log begins anew when nothing is being appended');
    assert(position.index > this.#hardState.commitIndex, 'only a snapshot of something later lets the log begin anew');
    this.#isAppending = true;
    const begun = this.#compaction.then(() => this.#beginAnew(position, hardState));
    this.#compaction = begun.catch(() => {});
    try {
      await begun;
    } catch (error) {
      throw this.#fail(error);
    } finally {
      this.#isAppending = false;
    }
  }

  /**
   * Removes the segments whose entries all are at or below `index`. The log may then begin anywhere up to there.
   *
   * @throws {@link LogFailedError} if the disk fails; the log takes nothing more
   */
  compactTo(index: number): Promise<void> {
    const removed = this.#compaction.then(() => this.#removeUpTo(index));
    this.#compaction = removed.catch(() => {});
    return removed;
  }

  /**
   * Lets go of the files; idempotent. No append may be under way.
   *
   * @throws {@link LogFailedError} if the disk fails; what was appended is durable all the same
   */
  async close(): Promise<void> {
    assert(!this.#isAppending, 'the log is closed when nothing is being appended');
    if (this.#isClosed) return;
    this.#isClosed = true;
    await this.#compaction;
    await this.#active.close().catch((error: unknown) => {
      throw this.#fail(error);
    });
  }

  #goOnFrom(state: Omit<LogState, 'entries'>): void {
    this.#hardState = state.hardState;
    this.#lastIndex = state.lastIndex;
    this.#lastTerm = state.lastTerm;
    this.#nextSegment = state.nextSegment;
    this.#nextGroup = state.nextGroup;
    this.#link = state.link;
  }

  #assertUsable(): void {
    if (this.#failure) throw this.#failure;
    if (this.#isClosed) throw new ClosedError('the log');
  }

  #assertFollows(index: number): void {
    assert(index <= this.#lastIndex + 1, 'an append leaves no gap in the log');
    assert(index > this.#hardState.commitIndex, 'what is committed is not overwritten');
  }

  async #write(hardState: HardState | undefined, entries: readonly Entry[]): Promise<void> {
    const lengthBytes = groupBytes(hardState, entries);
    if (!this.#active.isEmpty && this.#active.endOffset + lengthBytes > this.#place.segmentBytes) await this.#roll();
    const group = { sequence: this.#nextGroup, link: this.#link, hardState, entries };
    const { bytes, checksum } = this.#encoder.encode(group, this.#active.lengthToWrite(lengthBytes));
    await this.#active.append(bytes, lengthBytes);
    this.#nextGroup += 1;
    this.#link = checksum;
    this.#hardState = hardState ?? this.#hardState;
    const last = entries.at(-1);
    if (last === undefined) return;
    this.#lastIndex = last.index;
    this.#lastTerm = last.term;
  }

  /** Begins a new segment, which carries on what a restart needs to know of the ones before. */
  async #roll(): Promise<void> {
    const { segment, link } = await ActiveSegment.create(this.#place, {
      logId: this.#logId,
      sequence: this.#nextSegment,
      firstIndex: this.#lastIndex + 1,
      previousTerm: this.#lastTerm,
      firstGroup: this.#nextGroup,
      link: this.#link,
      hardState: this.#hardState,
      beginsAnew: false,
    });
    const sealed = this.#active;
    this.#sealed.push(sealed);
    this.#active = segment;
    this.#nextSegment += 1;
    this.#link = link;
    await sealed.close();
  }

  /** The old segments go only when they count no more. */
  async #beginAnew(position: LogPosition, hardState: HardState): Promise<void> {
    const state = { logId: this.#logId, nextSegment: this.#nextSegment, nextGroup: this.#nextGroup, link: this.#link };
    const begun = await beginLogAnew(this.#place, { ...state, hardState }, position);
    const old = [...this.#sealed.splice(0), this.#active];
    await this.#active.close();
    this.#active = begun.active;
    this.#goOnFrom(begun.state);
    await removeSegments(
      this.#place,
      old.map(({ path }) => path),
    );
  }

  async #removeUpTo(index: number): Promise<void> {
    this.#assertUsable();
    try {
      for (;;) {
        const [oldest, next = this.#active] = this.#sealed;
        if (oldest === undefined || next.firstIndex - 1 > index) return;
        await removeSegments(this.#place, [oldest.path]);
        this.#sealed.shift();
      }
    } catch (error) {
      throw this.#fail(error);
    }
  }

  #fail(error: unknown): Error {
    this.#failure ??= toLogError(this.#place.path, error);
    return this.#failure;
  }
}
