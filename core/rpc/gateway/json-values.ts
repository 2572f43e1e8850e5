import { status } from '@grpc/grpc-js';
import { InvalidArgumentError } from '../../base/errors.js';
import { Refusal, tooLarge } from './answers.js';

/** What bounds the JSON that a client sends. */
export interface JsonLimits {
  /** Bytes of one value. */
  readonly bytesMax: number;
  /** Objects and arrays within each other. */
  readonly depthMax: number;
}

/** Integers of more digits are not exact as JavaScript's numbers; proto3's JSON may have them as numbers all the same. */
const EXACT_DIGITS = 15;
/** Characters of a reason; a longer one repeats what the client sent. */
const REASON_CHARACTERS_MAX = 300;
/** What a JSON value may begin with. */
const BEGINS_VALUES = /["{[\-0-9tfn]/;
/** Begins the text of an integer that had no quotes. */
const LONG_INTEGER = '\u0000';

const [QUOTE, BACKSLASH, MINUS] = [0x22, 0x5c, 0x2d];
const OPENING = new Set([0x7b, 0x5b]);
const CLOSING = new Set([0x7d, 0x5d]);
const SPACES = new Set([0x20, 0x09, 0x0a, 0x0d]);
/** What numbers are made of beside digits. */
const OF_NUMBERS = new Set([MINUS, 0x2b, 0x2e, 0x45, 0x65]);

/** A value's place in what has arrived, and the integers in it that JavaScript would round. */
interface Found {
  readonly bytes: Buffer;
  readonly longIntegers: readonly (readonly [start: number, end: number])[];
}

/**
 * Cuts a stream of bytes into JSON values, one after the other, whatever stands between them. It looks at quotes and
 * brackets only; whether a value is JSON shows when it is read.
 */
export class JsonValues {
  readonly #limits: JsonLimits;
  #pending: Buffer = Buffer.alloc(0);
  /** How much of `#pending` has been looked at. */
  #at = 0;
  #depth = 0;
  #isInString = false;
  #isEscaped = false;
  /** Where a number without quotes begins. */
  #numberStart: number | undefined;
  #longIntegers: (readonly [number, number])[] = [];

  constructor(limits: JsonLimits) {
    this.#limits = limits;
  }

  /** Bytes of a value that has not ended. */
  get pendingBytes(): number {
    return this.#pending.length;
  }

  /**
   * Takes what has arrived, and gives the values that are complete with it. Each is read when it is asked for.
   *
   * @throws {@link Refusal}, {@link InvalidArgumentError} if one is larger or deeper than its limit, or is not JSON
   */
  *push(chunk: Buffer): Generator<unknown, void, undefined> {
    this.#pending = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk]);
    for (let found = this.#next(); found !== undefined; found = this.#next()) yield parse(found);
    this.#assertFits(this.#pending.length);
  }

  /** Gives the last value, if the bytes end with one that nothing but their end completes. @throws as {@link push} */
  *end(): Generator<unknown, void, undefined> {
    if (this.#pending.length === 0) return;
    if (this.#depth > 0 || this.#isInString) throw notJson('unexpected EOF');
    yield parse(this.#take(this.#pending.length));
  }

  #next(): Found | undefined {
    while (this.#at < this.#pending.length) {
      const at = this.#at;
      const byte = this.#pending[at] as number;
      this.#at += 1;
      if (this.#isInString) this.#inString();
      else if (this.#depth === 0 && SPACES.has(byte)) {
        if (at > 0) return this.#take(at);
        this.#skip();
      } else if (this.#outOfString(byte, at)) return this.#take(at + 1);
    }
    return undefined;
  }

  /** To the end of the string, or of what has arrived of it. */
  #inString(): void {
    if (this.#isEscaped) {
      this.#isEscaped = false;
      return;
    }
    const start = this.#at - 1;
    const quote = this.#pending.indexOf(QUOTE, start);
    const end = quote === -1 ? this.#pending.length : quote;
    const backslash = this.#pending.subarray(start, end).indexOf(BACKSLASH);
    if (backslash >= 0) {
      this.#at = start + backslash + 1;
      this.#isEscaped = true;
    } else {
      this.#at = Math.min(end + 1, this.#pending.length);
      this.#isInString = quote === -1;
    }
  }

  /** @returns whether a value ends here */
  #outOfString(byte: number, at: number): boolean {
    const isOfNumber = isDigit(byte) || OF_NUMBERS.has(byte);
    if (isOfNumber) this.#numberStart ??= at;
    else this.#numberEnds(at);
    if (byte === QUOTE) this.#isInString = true;
    else if (OPENING.has(byte)) this.#deeper();
    else if (CLOSING.has(byte)) {
      this.#depth -= 1;
      return this.#depth <= 0;
    }
    return false;
  }

  #deeper(): void {
    this.#depth += 1;
    const { depthMax } = this.#limits;
    if (this.#depth > depthMax) {
      throw new InvalidArgumentError('JSON', `more than ${depthMax} levels deep`, `at most ${depthMax} levels deep`);
    }
  }

  #numberEnds(at: number): void {
    const start = this.#numberStart;
    this.#numberStart = undefined;
    if (start === undefined || at - start <= EXACT_DIGITS) return;
    const digits = this.#pending.subarray(this.#pending[start] === MINUS ? start + 1 : start, at);
    if (digits.length > EXACT_DIGITS && digits.every(isDigit)) this.#longIntegers.push([start, at]);
  }

  #take(length: number): Found {
    this.#numberEnds(length);
    const found = { bytes: this.#pending.subarray(0, length), longIntegers: this.#longIntegers };
    this.#pending = this.#pending.subarray(length);
    this.#assertFits(length);
    this.#at = 0;
    this.#depth = 0;
    this.#isInString = false;
    this.#isEscaped = false;
    this.#longIntegers = [];
    return found;
  }

  #assertFits(bytes: number): void {
    const { bytesMax } = this.#limits;
    if (bytes > bytesMax) throw new Refusal(tooLarge('a JSON value', bytesMax));
  }

  #skip(): void {
    this.#pending = this.#pending.subarray(1);
    this.#at = 0;
  }
}

function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39;
}

function parse(found: Found): unknown {
  try {
    if (found.longIntegers.length === 0) return JSON.parse(found.bytes.toString());
    return JSON.parse(withMarks(found), (_key, value: unknown) =>
      typeof value === 'string' && value.startsWith(LONG_INTEGER) ? toBigInt(value) : value,
    );
  } catch (error) {
    throw notJson(reasonOf(found, error as SyntaxError));
  }
}

/** In etcd's words where something that is no JSON at all was sent, else in those of whoever read it. */
function reasonOf({ bytes }: Found, { message }: SyntaxError): string {
  const [first = ''] = bytes.toString('utf8', 0, 4);
  if (BEGINS_VALUES.test(first)) return message.slice(0, REASON_CHARACTERS_MAX);
  return `invalid character '${first}' looking for beginning of value`;
}

function notJson(text: string): Refusal {
  return new Refusal({ grpc: status.INVALID_ARGUMENT, text });
}

/** The text, with long integers as texts that say what they are. */
function withMarks({ bytes, longIntegers }: Found): string {
  let text = '';
  let at = 0;
  for (const [start, end] of longIntegers) {
    text += `${bytes.toString('utf8', at, start)}"\\u0000${bytes.toString('latin1', start, end)}"`;
    at = end;
  }
  return text + bytes.toString('utf8', at);
}

/** A client's own text that looks like one of our marks stays what it is. */
function toBigInt(text: string): bigint | string {
  const digits = text.slice(LONG_INTEGER.length);
  return /^-?\d{16,}$/.test(digits) ? BigInt(digits) : text;
}
