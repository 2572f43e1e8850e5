/** Words of a line as etcdctl reads them: Go's quoting, both ways. */

const ESCAPES: Readonly<Record<string, string>> = {
  a: '\u0007',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '\\': '\\',
  '"': '"',
};

const ESCAPE = /\\(?:([abfnrtv\\"])|x([0-9a-fA-F]{2})|([0-7]{3})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8}))|([^\\])/guy;

/**
 * What a text in double quotes stands for.
 *
 * @returns undefined if it is none
 * @remarks Source: Go's `strconv.Unquote`.
 */
export function goUnquote(quoted: string): Buffer | undefined {
  if (quoted.length < 2 || !quoted.startsWith('"') || !quoted.endsWith('"')) return undefined;
  const inner = quoted.slice(1, -1);
  const parts: Buffer[] = [];
  ESCAPE.lastIndex = 0;
  while (ESCAPE.lastIndex < inner.length) {
    const match = ESCAPE.exec(inner);
    if (match === null) return undefined;
    const [, short, byte, octal, small, large, plain] = match;
    const code = byte === undefined ? octal && Number.parseInt(octal, 8) : Number.parseInt(byte, 16);
    if (typeof code === 'number') parts.push(Buffer.of(code));
    else parts.push(Buffer.from(characterOf(short, small ?? large) ?? (plain as string)));
  }
  return Buffer.concat(parts);
}

function characterOf(short: string | undefined, hex: string | undefined): string | undefined {
  if (short !== undefined) return ESCAPES[short];
  if (hex === undefined) return undefined;
  const point = Number.parseInt(hex, 16);
  return point > 0x10_ffff ? '\ufffd' : String.fromCodePoint(point);
}

const WORD = /"(?:[^"\\]|\\.)*"|'[^']*'|\S+/g;

/**
 * The words of a line; those in quotes without them. They are texts, for the parser of flags takes nothing else: a byte
 * that is no UTF-8 is a lone surrogate, which {@link bytesOfWord} turns back.
 */
export function wordsOf(line: string): string[] {
  return [...line.matchAll(WORD)].map(([word]) => {
    if (word.length > 1 && word.startsWith("'") && word.endsWith("'")) return word.slice(1, -1);
    const bytes = goUnquote(word);
    return bytes === undefined ? word : wordOfBytes(bytes);
  });
}

/** Where the surrogates begin that stand for bytes. */
const BYTES_FROM = 0xdc00;

function wordOfBytes(bytes: Buffer): string {
  const text = bytes.toString();
  if (Buffer.from(text).equals(bytes)) return text;
  return Array.from(bytes, (byte) => String.fromCharCode(byte < 0x80 ? byte : BYTES_FROM + byte)).join('');
}

/** The bytes of a word of {@link wordsOf}. */
export function bytesOfWord(word: string): Buffer {
  return Buffer.concat(
    Array.from(word, (character) => {
      const code = character.length === 1 ? character.charCodeAt(0) - BYTES_FROM : -1;
      return code >= 0x80 && code <= 0xff ? Buffer.of(code) : Buffer.from(character);
    }),
  );
}
