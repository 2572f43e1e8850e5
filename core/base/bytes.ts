/** Text or bytes, where a user may give either. Text means its UTF-8 bytes. */
export type BytesLike = string | Uint8Array;

export const EMPTY_BYTES: Uint8Array = new Uint8Array(0);

/** The bytes of a text; bytes are passed through, not copied. */
export function toBytes(value: BytesLike): Uint8Array {
  return typeof value === 'string' ? Buffer.from(value, 'utf8') : value;
}

/** The text that the bytes encode as UTF-8. */
export function toText(bytes: Uint8Array): string {
  return asBuffer(bytes).toString('utf8');
}

/** Byte order, the only order of keys in the store: negative, zero or positive. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  return Buffer.compare(a, b);
}

export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && Buffer.compare(a, b) === 0;
}

/** The first bytes that come after these in byte order. */
export function bytesAfter(bytes: Uint8Array): Uint8Array {
  const next = new Uint8Array(bytes.length + 1);
  next.set(bytes);
  return next;
}

/** A Buffer over the same memory. */
export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** One character a byte, so that bytes can key a `Map` and text order equals byte order. */
export function toMapKey(bytes: Uint8Array): string {
  return asBuffer(bytes).toString('latin1');
}

/** The bytes behind a {@link toMapKey}. */
export function fromMapKey(key: string): Uint8Array {
  return Buffer.from(key, 'latin1');
}
