/**
 * A snapshot, byte by byte: what a member sends to another, what `conclave snapshot save` writes, what is restored.
 * `docs/internals/snapshot-format.md` tells why it is so.
 *
 * ```
 * header                                      then, for each record, ascending by table and key
 *   0  "conclsnp"                   8           table: 1 history, 2 lease, 3 meta   1
 *   8  format version               4           bytes of the key                    2
 *  12  index of the last entry      number      bytes of the value                  4
 *  20  its term                     number      key
 *  28  running hash after it        number      value
 *  36  revision of the store        number    then
 *  44  bytes of the configuration   2           0: no more records                  1
 *  46  configuration                            how many there were                 number
 *                                               zeros, up to a multiple of 512
 *                                               SHA-256 of all before               32
 * ```
 *
 * Numbers are big endian; a "number" is a double of eight bytes, whole and exact. The configuration is as in the log,
 * without a context. The first 12 bytes are the same in every version.
 */
import { TABLES, type Table } from '../backend/backend.js';
import { encodeConfiguration } from '../raft/configuration.js';
import type { SnapshotPosition } from '../raft/types.js';

export const FORMAT_VERSION = 1;
export const MAGIC: Uint8Array = Buffer.from('conclsnp', 'latin1');
/** The part of the header that is the same in every version. */
export const PREAMBLE_BYTES = 12;
/** The header without its configuration. */
export const FIXED_HEADER_BYTES = 46;
/** Three groups of at most 255 ids, and the counts before them. */
export const CONFIGURATION_BYTES_MAX = 4 + 3 * 255 * 8;
export const RECORD_HEADER_BYTES = 7;
/** More than any command may have, whatever an operator sets. */
export const VALUE_BYTES_MAX = 2 ** 28;
export const CHECKSUM_BYTES = 32;
export const END_MARK = 0;
/** The end mark, and how many records there were. */
const END_BYTES = 1 + 8;
/** etcd's tools take a file for one with a hash if it is 32 bytes longer than a multiple of this. */
const ALIGNMENT = 512;

/** Bytes from the end mark, at `offset`, to the hash. */
export function endBytes(offset: number): number {
  return Math.ceil((offset + END_BYTES) / ALIGNMENT) * ALIGNMENT - offset;
}

/** What a snapshot says of itself before its records. */
export interface SnapshotHeader {
  readonly position: SnapshotPosition;
  /** The running hash of what was applied up to the position. */
  readonly hash: number;
  /** The store's revision. */
  readonly revision: number;
}

export function encodeHeader({ position, hash, revision }: SnapshotHeader): Uint8Array {
  const configuration = encodeConfiguration(position.configuration, new Uint8Array(0));
  const bytes = Buffer.alloc(FIXED_HEADER_BYTES + configuration.length);
  bytes.set(MAGIC, 0);
  bytes.writeUInt32BE(FORMAT_VERSION, 8);
  [position.index, position.term, hash, revision].forEach((value, at) => bytes.writeDoubleBE(value, 12 + 8 * at));
  bytes.writeUInt16BE(configuration.length, 44);
  bytes.set(configuration, FIXED_HEADER_BYTES);
  return bytes;
}

export function encodeRecordHeader(table: Table, key: Uint8Array, value: Uint8Array): Uint8Array {
  const bytes = Buffer.allocUnsafe(RECORD_HEADER_BYTES);
  bytes[0] = TABLES.indexOf(table) + 1;
  bytes.writeUInt16BE(key.length, 1);
  bytes.writeUInt32BE(value.length, 3);
  return bytes;
}

/** The end, but for the hash. @param offset - where it begins */
export function encodeEnd(recordCount: number, offset: number): Uint8Array {
  const bytes = Buffer.alloc(endBytes(offset));
  bytes[0] = END_MARK;
  bytes.writeDoubleBE(recordCount, 1);
  return bytes;
}
