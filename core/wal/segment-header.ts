import { assert } from '../base/assert.js';
import type { HardState } from '../raft/types.js';
import { checksum, FORMAT_VERSION, isExact, readHardState, SEGMENT_HEADER_BYTES, writeHardState } from './format.js';
import { readUint64, writeUint64 } from './integers.js';

/** What a segment says of itself, and of the log before it, so that the segments before it can be removed. */
export interface SegmentHeader {
  readonly logId: bigint;
  readonly sequence: number;
  /** The index that follows the log's last one as the segment was made. */
  readonly firstIndex: number;
  /** The term of the entry before `firstIndex`; 0 if there is none. */
  readonly previousTerm: number;
  /** The number of the segment's first group. */
  readonly firstGroup: number;
  /** The header checksum of the group before that; 0 if there is none. */
  readonly link: number;
  /** As it was when the segment was made. */
  readonly hardState: HardState;
  /** Whether the log begins anew with this segment, after a snapshot, so that the ones before it count no more. */
  readonly beginsAnew: boolean;
}

const MAGIC = Buffer.from('conclog\0', 'latin1');
const BEGINS_ANEW = 1;
const CHECKSUM_AT = SEGMENT_HEADER_BYTES - 4;

export function encodeSegmentHeader(header: SegmentHeader): { readonly bytes: Buffer; readonly checksum: number } {
  const bytes = Buffer.alloc(SEGMENT_HEADER_BYTES);
  MAGIC.copy(bytes, 0);
  bytes.writeUInt32LE(FORMAT_VERSION, 8);
  bytes.writeUInt32LE(checksum(bytes.subarray(0, 12)), 12);
  bytes.writeBigUInt64LE(header.logId, 16);
  writeUint64(bytes, header.sequence, 24);
  writeUint64(bytes, header.firstIndex, 32);
  writeUint64(bytes, header.previousTerm, 40);
  writeUint64(bytes, header.firstGroup, 48);
  bytes.writeUInt32LE(header.link, 56);
  bytes.writeUInt32LE(header.beginsAnew ? BEGINS_ANEW : 0, 60);
  writeHardState(bytes, header.hardState, 64);
  bytes.writeUInt32LE(checksum(bytes.subarray(0, CHECKSUM_AT)), CHECKSUM_AT);
  return { bytes, checksum: bytes.readUInt32LE(CHECKSUM_AT) };
}

/** What became of reading a segment's header. */
export type DecodedSegmentHeader =
  | { readonly state: 'valid'; readonly header: SegmentHeader; readonly checksum: number }
  | { readonly state: 'newer'; readonly version: number }
  | { readonly state: 'damaged'; readonly why: string };

export function decodeSegmentHeader(bytes: Buffer): DecodedSegmentHeader {
  if (bytes.length < SEGMENT_HEADER_BYTES) return { state: 'damaged', why: 'the segment is shorter than its header' };
  if (!bytes.subarray(0, MAGIC.length).equals(MAGIC))
    return { state: 'damaged', why: 'it does not begin as a segment' };
  if (bytes.readUInt32LE(12) !== checksum(bytes.subarray(0, 12)))
    return { state: 'damaged', why: 'the checksum of the format version is wrong' };
  const version = bytes.readUInt32LE(8);
  if (version > FORMAT_VERSION) return { state: 'newer', version };
  const expected = bytes.readUInt32LE(CHECKSUM_AT);
  if (expected !== checksum(bytes.subarray(0, CHECKSUM_AT)))
    return { state: 'damaged', why: 'the checksum of the segment header is wrong' };
  const header = readFields(bytes);
  const { sequence, firstIndex, previousTerm, firstGroup } = header;
  if (![sequence, firstIndex, previousTerm, firstGroup].every(Number.isSafeInteger) || !isExact(header.hardState))
    return { state: 'damaged', why: 'a number in the segment header is none that can be' };
  return { state: 'valid', header, checksum: expected };
}

function readFields(bytes: Buffer): SegmentHeader {
  return {
    logId: bytes.readBigUInt64LE(16),
    sequence: readUint64(bytes, 24),
    firstIndex: readUint64(bytes, 32),
    previousTerm: readUint64(bytes, 40),
    firstGroup: readUint64(bytes, 48),
    link: bytes.readUInt32LE(56),
    beginsAnew: bytes.readUInt32LE(60) === BEGINS_ANEW,
    hardState: readHardState(bytes, 64),
  };
}

const NAME = /^([0-9a-f]{16})-([0-9a-f]{16})\.wal$/;
const UNFINISHED_SUFFIX = '.new';

/** The name of a segment's file. */
export function segmentName(sequence: number, firstIndex: number): string {
  return `${hexadecimal(sequence)}-${hexadecimal(firstIndex)}.wal`;
}

/** The name that a segment's file has until its header is durable. */
export function unfinishedName(segment: string): string {
  return segment + UNFINISHED_SUFFIX;
}

/** What a name says, or `undefined` if it is not a segment's. */
export function parseSegmentName(name: string): { readonly sequence: number; readonly firstIndex: number } | undefined {
  const parts = NAME.exec(name);
  return parts ? { sequence: parseInt(parts[1]!, 16), firstIndex: parseInt(parts[2]!, 16) } : undefined;
}

/** Whether the file was to become a segment, and the process ended before. */
export function isUnfinished(name: string): boolean {
  return name.endsWith(UNFINISHED_SUFFIX) && NAME.test(name.slice(0, -UNFINISHED_SUFFIX.length));
}

function hexadecimal(value: number): string {
  assert(Number.isSafeInteger(value), 'segment numbers and indexes are safe integers');
  return value.toString(16).padStart(16, '0');
}
