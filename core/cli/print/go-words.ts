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

const ESCAPE = /\\(?:([abfnrtv\\"])|x([0-9a-f]{2})|([0-7]{3})|u([0-9a-f]{4})|U([0-9a-f]{8}))|([^\\])/giuy;

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

/** The words of a line; those in quotes without them. */
export function wordsOf(line: string): string[] {
  return [...line.matchAll(WORD)].map(([word]) => {
    if (word.length > 1 && word.startsWith("'") && word.endsWith("'")) return word.slice(1, -1);
    return goUnquote(word)?.toString() ?? word;
  });
}
