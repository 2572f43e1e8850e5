/**
 * The log on disk, byte by byte. `docs/internals/wal-format.md` tells why it is so.
 *
 * A log is a directory of segments, named by their number and the first index that they may hold, both in hexadecimal:
 *
 * ```
 * 0000000000000007-000000000000a3f1.wal       groups of the log, then zeros
 * 0000000000000008-000000000000b00c.wal       the last one is being written
 * 0000000000000009-000000000000c19d.wal.new   not yet a segment: removed when the log is opened
 * ```
 *
 * A segment is a header of 512 bytes, then groups, each beginning at a multiple of 8, then zeros that were written ahead.
 * Numbers are little endian; a "number" is eight bytes of which 53 bits are used.
 *
 * ```
 * segment header                              group header, 48 bytes
 *   0  "conclog", a zero      8                 0  "CgrP"                          4
 *   8  format version         4                 4  checksum of 8 to 47, seeded     4
 *  12  checksum of 0 to 11    4                    with the log's salt
 *  16  log id                 8                 8  checksum of all after the       4
 *  24  segment's number       number               header, zeros included
 *  32  first index            number           12  link: the header checksum of    4
 *  40  term of the entry      number               the group before, or of the
 *      before first index                          segment if it is the first
 *  48  number of the first    number           16  group's number                  number
 *      group                                   24  index of the first entry        number
 *  56  link: the checksum     4                32  number of entries               4
 *      of the group before                     36  bytes of hard state, entries    4
 *  60  1 if the log begins    4                40  1 if there is a hard state      4
 *      anew here                               44  zero                            4
 *  64  hard state             24              then
 *  88  zeros                                       hard state, if there is one     24
 * 508  checksum of 0 to 507   4                    for each entry: term            number
 *                                                                  bytes of data   30 bits
 * hard state                                                       kind            2 bits
 *   0  term                   number                               data
 *   8  voted for              8                    zeros up to a multiple of 8
 *  16  commit index           number
 * ```
 *
 * An entry's kind is 0 for a command and 1 for a configuration; it stands above the 30 bits of the length. A segment with
 * which the log begins anew stands alone: those before it belong to a log that a snapshot has overtaken.
 *
 * The first 16 bytes of a segment are the same in every version, so that an older program can tell a newer format from
 * damage.
 */
import { crc32 } from 'node:zlib';
import type { HardState } from '../raft/types.js';
import { readUint64, writeUint64 } from './integers.js';

export const FORMAT_VERSION = 1;
export const SEGMENT_HEADER_BYTES = 512;
export const GROUP_HEADER_BYTES = 48;
export const HARD_STATE_BYTES = 24;
export const ENTRY_HEADER_BYTES = 12;
/** An entry's kind stands above the bits of its length, which is always below {@link GROUP_BYTES_MAX}. */
export const CONFIGURATION_BIT = 2 ** 30;
/** Groups begin at multiples of this, so that a search for them need not look at every byte. */
export const GROUP_ALIGNMENT = 8;
/** The largest group: what raft lets be uncommitted is far below. */
export const GROUP_BYTES_MAX = 2 ** 30;

/**
 * CRC-32 as zlib computes it, with `seed` as the checksum of what came before.
 *
 * @remarks Measured on 360 bytes: 0.14 µs, against 0.20 µs for the best CRC-32C that we could write in JavaScript (eight
 * tables), and 0.71 µs for the usual one; from 4 KiB on it is three times as fast as that best one.
 */
export function checksum(bytes: Uint8Array, seed = 0): number {
  return crc32(bytes, seed);
}

/** What the header checksums of a log's groups are seeded with, so that no other log's groups pass for its own. */
export function saltOf(logId: bigint): number {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(logId);
  return checksum(bytes);
}

export function align(offset: number): number {
  return Math.ceil(offset / GROUP_ALIGNMENT) * GROUP_ALIGNMENT;
}

export function writeHardState(bytes: Buffer, hardState: HardState, at: number): void {
  writeUint64(bytes, hardState.term, at);
  bytes.writeBigUInt64LE(hardState.votedFor, at + 8);
  writeUint64(bytes, hardState.commitIndex, at + 16);
}

/** Whether a hard state that was read can have been written. */
export function isExact({ term, commitIndex }: HardState): boolean {
  return Number.isSafeInteger(term) && Number.isSafeInteger(commitIndex);
}

export function readHardState(bytes: Buffer, at: number): HardState {
  return {
    term: readUint64(bytes, at),
    votedFor: bytes.readBigUInt64LE(at + 8),
    commitIndex: readUint64(bytes, at + 16),
  };
}
