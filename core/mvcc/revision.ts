/**
 * The key of a history record: the revision that made it, and its place among the changes of that revision, both as
 * 8 bytes big-endian, so that byte order is the order of events.
 *
 * A transaction that puts a, then deletes b and c, as revision 7, leaves 7.0 (a), 7.1 (b), 7.2 (c).
 */
export const REVISION_KEY_BYTES = 16;

const TWO_POW_32 = 2 ** 32;

export function encodeRevision(main: number, sub: number): Uint8Array {
  return writeRevision(Buffer.allocUnsafe(REVISION_KEY_BYTES), main, sub);
}

/** Writes the key over 16 bytes that are used again and again. */
export function writeRevision(bytes: Uint8Array, main: number, sub: number): Uint8Array {
  writeUint64(bytes, 0, main);
  writeUint64(bytes, 8, sub);
  return bytes;
}

export function mainOf(revisionKey: Uint8Array): number {
  return readUint64(revisionKey, 0);
}

export function subOf(revisionKey: Uint8Array): number {
  return readUint64(revisionKey, 8);
}

// By hand, because Buffer's own methods take a bigint for 64 bits.
function writeUint64(bytes: Uint8Array, offset: number, value: number): void {
  const high = Math.floor(value / TWO_POW_32);
  const low = value >>> 0;
  bytes[offset] = high >>> 24;
  bytes[offset + 1] = high >>> 16;
  bytes[offset + 2] = high >>> 8;
  bytes[offset + 3] = high;
  bytes[offset + 4] = low >>> 24;
  bytes[offset + 5] = low >>> 16;
  bytes[offset + 6] = low >>> 8;
  bytes[offset + 7] = low;
}

function readUint64(bytes: Uint8Array, offset: number): number {
  return readUint32(bytes, offset) * TWO_POW_32 + readUint32(bytes, offset + 4);
}

function readUint32(bytes: Uint8Array, offset: number): number {
  const [a, b, c, d] = [bytes[offset], bytes[offset + 1], bytes[offset + 2], bytes[offset + 3]] as number[];
  return (((a as number) << 24) | ((b as number) << 16) | ((c as number) << 8) | (d as number)) >>> 0;
}
