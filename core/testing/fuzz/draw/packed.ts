/** Several things in one input: each after a byte that says what it is, and its length. */
export interface Part {
  readonly kind: number;
  readonly bytes: Buffer;
}

const HEADER_BYTES = 3;
/** The longest that a part may be: its length has two bytes. */
export const PART_BYTES_MAX = 65_535;

export function packParts(parts: readonly { readonly kind: number; readonly bytes: Uint8Array }[]): Buffer {
  return Buffer.concat(
    parts.map(({ kind, bytes }) => {
      const header = Buffer.of(kind, 0, 0);
      header.writeUInt16BE(bytes.length, 1);
      return Buffer.concat([header, bytes]);
    }),
  );
}

/** As far as it makes sense; the last part may be cut short. */
export function unpackParts(input: Buffer): readonly Part[] {
  const parts: Part[] = [];
  for (let at = 0; at + HEADER_BYTES <= input.length;) {
    const end = at + HEADER_BYTES + input.readUInt16BE(at + 1);
    parts.push({ kind: input[at] as number, bytes: input.subarray(at + HEADER_BYTES, end) });
    at = end;
  }
  return parts;
}
