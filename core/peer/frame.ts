/**
 * What travels on a connection between members: from each end a preamble, which stays the same in every version, then
 * frames. Numbers are little endian.
 *
 * ```
 * preamble                          frame
 *   0  "conclave"            8        0  bytes of the body       4
 *   8  protocol version      4        4  checksum of the kind,   4
 *                                        then the body: CRC-32
 *                                     8  kind                    1
 *                                     9  body
 * ```
 */
import { crc32 } from 'node:zlib';
import { WireWriter } from './wire-writer.js';

/** Raised whenever the meaning of a byte changes. Members of different versions do not talk to each other. */
export const PROTOCOL_VERSION = 2;
export const PREAMBLE_BYTES = 12;
export const FRAME_HEADER_BYTES = 9;
export const MAGIC = Buffer.from('conclave', 'latin1');

/** What a frame is. */
export const KIND = {
  /** Dialler: who it is, whom it means, what the connection is for. */
  hello: 1,
  /** The other end: who it is. */
  welcome: 2,
  /** Either: why it will not talk; the connection ends. */
  refused: 3,
  /** Dialler: one message or more. */
  messages: 4,
  /** Either: nothing, only that it lives. */
  keepAlive: 5,
  /** Dialler: what snapshot follows. */
  announcement: 6,
  /** Dialler: some of its bytes. */
  chunk: 7,
  /** Dialler: that was all of it, with its length and SHA-256. */
  end: 8,
  /** The other end: it has the snapshot, or why not; the connection ends. */
  verdict: 9,
  /** The other end: who is in its cluster; the connection ends. */
  members: 10,
} as const;

/** Bytes over TCP's own checksum, which misses one damaged segment in some ten thousand (Stone and Partridge 2000). */
const CHECKSUM_OF_KIND = Array.from({ length: 256 }, (_, kind) => crc32(Uint8Array.of(kind)));

/** Our preamble. */
export const PREAMBLE = preambleOf(PROTOCOL_VERSION);

/** The frame that says only that its sender lives. */
export const KEEP_ALIVE = encodeFrame(KIND.keepAlive, 0, () => {});

/** What a member of some version would begin with. */
export function preambleOf(version: number): Buffer {
  const bytes = Buffer.alloc(PREAMBLE_BYTES);
  MAGIC.copy(bytes);
  bytes.writeUInt32LE(version, MAGIC.length);
  return bytes;
}

/** The checksum of a frame. */
export function checksumOf(kind: number, body: Uint8Array): number {
  return crc32(body, CHECKSUM_OF_KIND[kind]);
}

/**
 * Makes one frame, with a single allocation.
 *
 * @param bodyBytesMax - at least what `write` writes
 */
export function encodeFrame(kind: number, bodyBytesMax: number, write: (writer: WireWriter) => void): Buffer {
  const buffer = Buffer.allocUnsafe(FRAME_HEADER_BYTES + bodyBytesMax);
  const writer = new WireWriter(buffer, FRAME_HEADER_BYTES);
  write(writer);
  const body = buffer.subarray(FRAME_HEADER_BYTES, writer.at);
  writeHeader(buffer, kind, body);
  return buffer.subarray(0, writer.at);
}

/** The header of a frame whose body is sent beside it, uncopied. */
export function headerOf(kind: number, body: Uint8Array): Buffer {
  const header = Buffer.allocUnsafe(FRAME_HEADER_BYTES);
  writeHeader(header, kind, body);
  return header;
}

function writeHeader(buffer: Buffer, kind: number, body: Uint8Array): void {
  buffer.writeUInt32LE(body.length, 0);
  buffer.writeUInt32LE(checksumOf(kind, body), 4);
  buffer[8] = kind;
}
