import { assert } from '../base/assert.js';
import { asBuffer } from '../base/bytes.js';
import type { Entry, HardState } from '../raft/types.js';
import {
  align,
  checksum,
  CONFIGURATION_BIT,
  ENTRY_HEADER_BYTES,
  GROUP_BYTES_MAX,
  GROUP_HEADER_BYTES,
  HARD_STATE_BYTES,
  isExact,
  readHardState,
  writeHardState,
} from './format.js';
import { readUint64, writeUint64 } from './integers.js';

/** What one append makes durable, and its place in the chain of groups. */
export interface Group {
  readonly sequence: number;
  /** The header checksum of what stands before it: of a group, or of the segment. */
  readonly link: number;
  readonly hardState: HardState | undefined;
  readonly entries: readonly Entry[];
}

/** A group's header, its own checksum being right. Its payload has yet to be looked at. */
export interface GroupHeader {
  readonly checksum: number;
  readonly payloadChecksum: number;
  readonly link: number;
  readonly sequence: number;
  readonly firstIndex: number;
  readonly entryCount: number;
  readonly payloadBytes: number;
  readonly hasHardState: boolean;
}

/** "CgrP" as it is read from four bytes. */
const MAGIC = 0x50726743;
const HAS_HARD_STATE = 1;
/** The largest buffer that is kept for the next group. */
const KEPT_BYTES_MAX = 2 ** 20;

/** How long a group of these will be. */
export function groupBytes(hardState: HardState | undefined, entries: readonly Entry[]): number {
  let bytes = GROUP_HEADER_BYTES + (hardState ? HARD_STATE_BYTES : 0) + entries.length * ENTRY_HEADER_BYTES;
  for (const entry of entries) bytes += entry.data.length;
  return align(bytes);
}

/** Writes groups into a buffer that it uses again and again. */
export class GroupEncoder {
  readonly #salt: number;
  #kept = Buffer.alloc(0);

  constructor(salt: number) {
    this.#salt = salt;
  }

  /**
   * The bytes of a group, and zeros after it up to `lengthBytes`. They are good until the next call.
   *
   * @returns with its header checksum, to which the next group links
   */
  encode(group: Group, lengthBytes: number): { readonly bytes: Buffer; readonly checksum: number } {
    assert(lengthBytes <= GROUP_BYTES_MAX, 'a group is small enough to be written at once');
    const bytes = this.#buffer(lengthBytes);
    const end = encodePayload(bytes, group);
    bytes.fill(0, end);
    bytes.writeUInt32LE(MAGIC, 0);
    bytes.writeUInt32LE(checksum(bytes.subarray(GROUP_HEADER_BYTES, align(end))), 8);
    bytes.writeUInt32LE(group.link, 12);
    writeUint64(bytes, group.sequence, 16);
    writeUint64(bytes, group.entries[0]?.index ?? 0, 24);
    bytes.writeUInt32LE(group.entries.length, 32);
    bytes.writeUInt32LE(end - GROUP_HEADER_BYTES, 36);
    bytes.writeUInt32LE(group.hardState ? HAS_HARD_STATE : 0, 40);
    bytes.writeUInt32LE(0, 44);
    const headerChecksum = checksum(bytes.subarray(8, GROUP_HEADER_BYTES), this.#salt);
    bytes.writeUInt32LE(headerChecksum, 4);
    return { bytes, checksum: headerChecksum };
  }

  #buffer(lengthBytes: number): Buffer {
    if (lengthBytes > KEPT_BYTES_MAX) return Buffer.allocUnsafeSlow(lengthBytes);
    if (this.#kept.length < lengthBytes)
      this.#kept = Buffer.allocUnsafeSlow(Math.min(KEPT_BYTES_MAX, Math.max(lengthBytes, 2 * this.#kept.length)));
    return this.#kept.subarray(0, lengthBytes);
  }
}

/** @returns where it ends */
function encodePayload(bytes: Buffer, { hardState, entries }: Group): number {
  let at = GROUP_HEADER_BYTES;
  if (hardState) {
    writeHardState(bytes, hardState, at);
    at += HARD_STATE_BYTES;
  }
  let index = entries[0]?.index ?? 0;
  for (const entry of entries) {
    assert(entry.index === index, 'entries of an append follow each other without a gap');
    writeUint64(bytes, entry.term, at);
    const kindBit = entry.kind === 'configuration' ? CONFIGURATION_BIT : 0;
    bytes.writeUInt32LE(entry.data.length + kindBit, at + 8);
    bytes.set(entry.data, at + ENTRY_HEADER_BYTES);
    at += ENTRY_HEADER_BYTES + entry.data.length;
    index += 1;
  }
  return at;
}

/** The header of a group at this place, or `undefined` if there is none whose checksum is right. */
export function decodeGroupHeader(bytes: Buffer, at: number, salt: number): GroupHeader | undefined {
  if (at + GROUP_HEADER_BYTES > bytes.length || bytes.readUInt32LE(at) !== MAGIC) return undefined;
  const headerChecksum = checksum(bytes.subarray(at + 8, at + GROUP_HEADER_BYTES), salt);
  if (bytes.readUInt32LE(at + 4) !== headerChecksum) return undefined;
  return {
    checksum: headerChecksum,
    payloadChecksum: bytes.readUInt32LE(at + 8),
    link: bytes.readUInt32LE(at + 12),
    sequence: readUint64(bytes, at + 16),
    firstIndex: readUint64(bytes, at + 24),
    entryCount: bytes.readUInt32LE(at + 32),
    payloadBytes: bytes.readUInt32LE(at + 36),
    hasHardState: bytes.readUInt32LE(at + 40) === HAS_HARD_STATE,
  };
}

/** Whether all of the payload is there, and as it was written; with the zeros that follow it. */
export function isPayloadWhole(header: GroupHeader, bytes: Buffer, at: number): boolean {
  const end = at + lengthOf(header);
  return end <= bytes.length && checksum(bytes.subarray(at + GROUP_HEADER_BYTES, end)) === header.payloadChecksum;
}

/** How long the whole group is. */
export function lengthOf(header: GroupHeader): number {
  return align(GROUP_HEADER_BYTES + header.payloadBytes);
}

/**
 * What a whole payload holds. The entries' data are views of one copy, so that a group, and not its whole segment,
 * stays in memory as long as one of its entries does.
 *
 * @returns `undefined` if its parts do not add up, though its checksum is right
 */
export function decodePayload(
  header: GroupHeader,
  segment: Buffer,
  groupAt: number,
): { readonly hardState: HardState | undefined; readonly entries: readonly Entry[] } | undefined {
  const start = groupAt + GROUP_HEADER_BYTES;
  const bytes = asBuffer(new Uint8Array(segment.subarray(start, start + header.payloadBytes)));
  if (!Number.isSafeInteger(header.firstIndex + header.entryCount)) return undefined;
  const entries: Entry[] = [];
  let at = header.hasHardState ? HARD_STATE_BYTES : 0;
  for (let index = header.firstIndex; index < header.firstIndex + header.entryCount; index += 1) {
    if (at + ENTRY_HEADER_BYTES > bytes.length) return undefined;
    const dataAt = at + ENTRY_HEADER_BYTES;
    const kindAndLength = bytes.readUInt32LE(at + 8);
    const isConfiguration = kindAndLength >= CONFIGURATION_BIT;
    // What is above both bits is a kind that this program does not know, and too long for the group either way.
    const dataEnd = dataAt + kindAndLength - (isConfiguration ? CONFIGURATION_BIT : 0);
    const entry = { index, term: readUint64(bytes, at), data: bytes.subarray(dataAt, dataEnd) };
    if (!Number.isSafeInteger(entry.term)) return undefined;
    entries.push(isConfiguration ? { ...entry, kind: 'configuration' } : entry);
    at = dataEnd;
  }
  if (at !== bytes.length) return undefined;
  const hardState = header.hasHardState ? readHardState(bytes, 0) : undefined;
  return hardState === undefined || isExact(hardState) ? { hardState, entries } : undefined;
}
