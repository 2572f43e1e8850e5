/** Whole numbers up to 2^53 - 1 in eight bytes, little endian, with no bigint on the way. */
const TWO_32 = 2 ** 32;

export function writeUint64(bytes: Buffer, value: number, at: number): void {
  bytes.writeUInt32LE(value % TWO_32, at);
  bytes.writeUInt32LE(Math.floor(value / TWO_32), at + 4);
}

/** Above 2^53 - 1 it is not exact: check with `Number.isSafeInteger` what was not written by {@link writeUint64}. */
export function readUint64(bytes: Buffer, at: number): number {
  return bytes.readUInt32LE(at + 4) * TWO_32 + bytes.readUInt32LE(at);
}
