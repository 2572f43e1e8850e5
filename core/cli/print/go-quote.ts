/** As Go prints: scripts that read etcdctl's output find the same here. */

const SHORT: Readonly<Record<string, string>> = {
  '"': '\\"',
  '\\': '\\\\',
  '\u0007': '\\a',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
};

const PRINTABLE = /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]$/u;
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * Bytes in double quotes: printable characters as they are, others and what is no UTF-8 with a backslash.
 *
 * @remarks Source: Go's `strconv.Quote`, which is `%q`.
 */
export function goQuote(bytes: Uint8Array | string): string {
  const all = typeof bytes === 'string' ? Buffer.from(bytes) : bytes;
  let quoted = '';
  for (let at = 0; at < all.length;) {
    const length = characterLength(all, at);
    quoted += length === 0 ? escapedByte(all[at] as number) : escaped(decoder.decode(all.subarray(at, at + length)));
    at += length || 1;
  }
  return `"${quoted}"`;
}

/** How many bytes the character has that begins here; 0 if none does. */
function characterLength(bytes: Uint8Array, at: number): number {
  const first = bytes[at] as number;
  const length = first < 0x80 ? 1 : first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;
  if (length === 0 || at + length > bytes.length) return 0;
  try {
    decoder.decode(bytes.subarray(at, at + length));
    return length;
  } catch {
    return 0;
  }
}

function escaped(character: string): string {
  const short = SHORT[character];
  if (short !== undefined) return short;
  if (PRINTABLE.test(character)) return character;
  const point = character.codePointAt(0) as number;
  if (point < 0x80) return escapedByte(point);
  return point < 0x1_0000 ? `\\u${hex(point, 4)}` : `\\U${hex(point, 8)}`;
}

function escapedByte(byte: number): string {
  return `\\x${hex(byte, 2)}`;
}

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, '0');
}
