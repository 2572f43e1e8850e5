import { DataDirError, LogDamagedError } from '../base/errors.js';
import type { Entry, HardState } from '../raft/types.js';
import { FORMAT_VERSION, GROUP_ALIGNMENT, saltOf, SEGMENT_HEADER_BYTES } from './format.js';
import { decodeGroupHeader, decodePayload, type GroupHeader, isPayloadWhole, lengthOf } from './group.js';
import { decodeSegmentHeader, parseSegmentName, segmentName, type SegmentHeader } from './segment-header.js';

/** A segment as it was read. */
export interface SegmentBytes {
  readonly path: string;
  readonly name: string;
  readonly bytes: Buffer;
  readonly isLast: boolean;
}

/** The log in memory, and what the next group and the next segment must have to go on from it. */
export interface LogState {
  readonly logId: bigint;
  readonly hardState: HardState;
  /** The first entry that is kept; where none is, the one that comes next. */
  readonly firstIndex: number;
  /** The term of the entry before it. */
  readonly previousTerm: number;
  readonly lastIndex: number;
  readonly lastTerm: number;
  readonly nextSegment: number;
  readonly nextGroup: number;
  /** The checksum to which the next group links. */
  readonly link: number;
  readonly entries: readonly Entry[];
}

/** Where the last segment ends, and what follows there. */
export interface Tail {
  /** Where the last group begins; 0 if the segment has none. */
  readonly lastGroupOffset: number;
  /** Where the next group goes. */
  readonly endOffset: number;
  /** Bytes after that which are no zeros, counted up to the last such byte: what a torn write left. */
  readonly tornBytes: number;
}

/**
 * The log, as its segments are read in order. It stops at the first group that is not whole, and then decides by what
 * comes after it:
 *
 * ```
 * [ 41 ][ 42 ][ ## ]              torn: the crash came while 43 was written; nobody was told that 43 is durable
 * [ 41 ][ 42 ][ ## ][ 44 ]        damaged: 44 was begun after 43 was durable, and 43 may have been acknowledged
 * [ 41 ][ 42 ][ ## ] | segment    damaged: a segment is begun after all of the one before it was durable
 * ```
 *
 * It holds because one append is under way at a time. For the proof a header of a later group is enough, whole or not.
 */
export class Replay {
  #hardState: HardState;
  #firstIndex: number;
  #previousTerm: number;
  #lastIndex: number;
  readonly #entries: Entry[] = [];
  readonly #logId: bigint;
  readonly #salt: number;
  #nextSegment: number;
  /** The number that the next group must have, and the checksum that it must link to. */
  #nextGroup: number;
  #link: number;
  #lastTerm: number;
  /** Where the segment before ends. */
  #end: { readonly file: string; readonly offset: number } | undefined;

  /** @param first - the header of the oldest segment that is kept */
  constructor(first: SegmentHeader) {
    this.#logId = first.logId;
    this.#salt = saltOf(first.logId);
    this.#nextSegment = first.sequence;
    this.#hardState = first.hardState;
    this.#firstIndex = first.firstIndex;
    this.#previousTerm = first.previousTerm;
    this.#lastTerm = first.previousTerm;
    this.#lastIndex = first.firstIndex - 1;
    this.#nextGroup = first.firstGroup;
    this.#link = first.link;
  }

  /** What was read, and where the log goes on. */
  get state(): LogState {
    return {
      logId: this.#logId,
      hardState: this.#hardState,
      firstIndex: this.#firstIndex,
      previousTerm: this.#previousTerm,
      lastIndex: this.#lastIndex,
      lastTerm: this.#lastTerm,
      nextSegment: this.#nextSegment,
      nextGroup: this.#nextGroup,
      link: this.#link,
      entries: this.#entries,
    };
  }

  /** @throws {@link LogDamagedError}, {@link DataDirError} if it cannot be what was once durable */
  readSegment(segment: SegmentBytes): Tail {
    const file = segment.path;
    this.#follow(segment);
    let lastGroupOffset = 0;
    let endOffset = SEGMENT_HEADER_BYTES;
    for (;;) {
      const header = this.#wholeGroupAt(segment.bytes, endOffset);
      if (header === undefined) break;
      this.#take(header, segment.bytes, endOffset, file);
      lastGroupOffset = endOffset;
      endOffset += lengthOf(header);
    }
    this.#rejectLaterGroup(segment.bytes, endOffset, file);
    this.#end = { file, offset: endOffset };
    const tornBytes = segment.isLast ? bytesUpToLastNonZero(segment.bytes, endOffset) : 0;
    return { lastGroupOffset, endOffset, tornBytes };
  }

  /** Checks that a segment goes on where the one before it ended. */
  #follow(segment: SegmentBytes): void {
    const file = segment.path;
    const { header, checksum } = readHeader(segment);
    if (header.sequence !== this.#nextSegment)
      throw new LogDamagedError(file, 0, `segment ${this.#nextSegment}, which comes before it, is missing`);
    if (header.logId !== this.#logId) throw new LogDamagedError(file, 0, 'the segment belongs to another log');
    if (
      header.firstGroup !== this.#nextGroup ||
      header.link !== this.#link ||
      header.firstIndex !== this.#lastIndex + 1
    )
      throw new LogDamagedError(
        this.#end?.file ?? file,
        this.#end?.offset ?? 0,
        `group ${this.#nextGroup} is not whole, though the next segment was begun after it`,
      );
    this.#nextSegment += 1;
    this.#link = checksum;
  }

  #wholeGroupAt(bytes: Buffer, at: number): GroupHeader | undefined {
    const header = decodeGroupHeader(bytes, at, this.#salt);
    if (header?.sequence !== this.#nextGroup || header.link !== this.#link) return undefined;
    return isPayloadWhole(header, bytes, at) ? header : undefined;
  }

  #take(header: GroupHeader, bytes: Buffer, at: number, file: string): void {
    const payload = decodePayload(header, bytes, at);
    if (payload === undefined) throw new LogDamagedError(file, at, 'the parts of the group do not add up');
    this.#hardState = payload.hardState ?? this.#hardState;
    for (const entry of payload.entries) {
      if (entry.index > this.#lastIndex + 1)
        throw new LogDamagedError(file, at, `entry ${entry.index} follows entry ${this.#lastIndex}`);
      this.#append(entry);
    }
    this.#nextGroup += 1;
    this.#link = header.checksum;
  }

  /**
   * An entry at or before the last index overwrites what follows it: a follower does so with what another leader sends.
   * It may go below the first index that is kept. Then all that is kept is overwritten, and what comes up to the first
   * index again is compacted already.
   */
  #append(entry: Entry): void {
    if (entry.index >= this.#firstIndex) {
      this.#entries.length = entry.index - this.#firstIndex;
      this.#entries.push(entry);
    } else {
      this.#entries.length = 0;
      if (entry.index === this.#firstIndex - 1) this.#previousTerm = entry.term;
    }
    this.#lastIndex = entry.index;
    this.#lastTerm = entry.term;
  }

  #rejectLaterGroup(bytes: Buffer, endOffset: number, file: string): void {
    for (let at = endOffset; at < bytes.length; at += GROUP_ALIGNMENT) {
      const header = decodeGroupHeader(bytes, at, this.#salt);
      if (header === undefined || header.sequence < this.#nextGroup) continue;
      const why = `group ${this.#nextGroup} is not whole, though group ${header.sequence} was begun after it`;
      if (header.sequence > this.#nextGroup) throw new LogDamagedError(file, endOffset, why);
      if (header.link !== this.#link)
        throw new LogDamagedError(file, endOffset, 'the group follows another log than this');
    }
  }
}

/**
 * A segment's header.
 *
 * @throws {@link LogDamagedError} if it is not whole: it was made durable before the segment got its name
 * @throws {@link DataDirError} if a later version wrote it
 */
export function readHeader({ path, name, bytes }: Pick<SegmentBytes, 'path' | 'name' | 'bytes'>): {
  readonly header: SegmentHeader;
  readonly checksum: number;
} {
  const decoded = decodeSegmentHeader(bytes);
  if (decoded.state === 'damaged') throw new LogDamagedError(path, 0, decoded.why);
  if (decoded.state === 'newer')
    throw new DataDirError(
      'DATA_DIR_NEWER_FORMAT',
      path,
      `the log has format ${decoded.version}; this version reads up to ${FORMAT_VERSION}`,
    );
  if (name !== segmentName(decoded.header.sequence, decoded.header.firstIndex))
    throw new LogDamagedError(path, 0, 'the segment says another number or first index than its name');
  return decoded;
}

/** The names of segments, in order. */
export function segmentNames(names: readonly string[]): readonly string[] {
  return names.filter((name) => parseSegmentName(name) !== undefined).sort();
}

function bytesUpToLastNonZero(bytes: Buffer, from: number): number {
  let end = bytes.length;
  while (end > from && bytes[end - 1] === 0) end -= 1;
  return end - from;
}
