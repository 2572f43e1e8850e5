import { crc32 } from 'node:zlib';

/** What one step of a world was about: a name or a number, kept as it is until somebody wants to read it. */
export type Noted = string | number | bigint;
/** More about it, for people: it is shown, and does not count for the hash. */
export type Fields = Readonly<Record<string, unknown>>;

/** How many strings' hashes are remembered; words repeat, values do not. */
const WORDS_MAX = 10_000;

/**
 * What happened in a world: a hash of all of it, and the last of it as text. Two runs of one seed have the same hash, or
 * something beside the seed decides. Noting costs a few multiplications; text is made only when it is asked for.
 */
export class Trace {
  readonly #nowMs: () => number;
  readonly #kept: readonly Step[];
  readonly #words = new Map<string, number>();
  readonly #float = new Float64Array(1);
  readonly #halves = new Uint32Array(this.#float.buffer);
  #low = 0x811c9dc5 | 0;
  #high = 0x1b873593 | 0;
  #count = 0;

  /** @param keptMax - how many of the last steps can be read */
  constructor(nowMs: () => number, keptMax = 200) {
    this.#nowMs = nowMs;
    this.#kept = Array.from({ length: keptMax }, () => ({ atMs: 0, what: '', about: '', detail: '' }));
  }

  /** Notes that something happened, now. @param about - who or what it was about */
  note(what: string, about: Noted = '', detail: Noted | Fields = ''): void {
    const atMs = this.#nowMs();
    this.#mixNumber(atMs);
    this.#mix(this.#wordOf(what));
    if (about !== '') this.#mixNoted(about);
    if (detail !== '' && typeof detail !== 'object') this.#mixNoted(detail);
    const step = this.#kept[this.#count % this.#kept.length];
    this.#count += 1;
    if (step !== undefined) Object.assign(step, { atMs, what, about, detail });
  }

  /** For the scheduler: an event of a process, at a time. It counts, but it is not kept as text. */
  event(atUs: number, lane: number): void {
    this.#mix(atUs | 0);
    this.#mix(lane);
  }

  /** For the network: so these very bytes were sent. They count, too, for what is said may differ where no time does. */
  bytes(bytes: Uint8Array): void {
    this.#mix(bytes.length);
    this.#mix(crc32(bytes));
  }

  /** Of everything so far, as hexadecimal digits. */
  get hash(): string {
    return hexOf(this.#high) + hexOf(this.#low);
  }

  /** The last steps, oldest first: `    12.345 ms  m1  the power was cut`. */
  last(): readonly string[] {
    const length = Math.min(this.#count, this.#kept.length);
    return Array.from({ length }, (_, i) => shown(this.#kept[(this.#count - length + i) % this.#kept.length] as Step));
  }

  #mixNoted(noted: Noted): void {
    if (typeof noted === 'string') this.#mix(this.#wordOf(noted));
    else this.#mixNumber(Number(noted));
  }

  #mixNumber(number: number): void {
    this.#float[0] = number;
    this.#mix(this.#halves[0] as number);
    this.#mix(this.#halves[1] as number);
  }

  #mix(word: number): void {
    this.#low = Math.imul(this.#low ^ word, 0x01000193);
    this.#low ^= this.#low >>> 15;
    this.#high = Math.imul(this.#high ^ (word + this.#low), 0x85ebca6b);
    this.#high ^= this.#high >>> 13;
  }

  #wordOf(text: string): number {
    let hash = this.#words.get(text);
    if (hash !== undefined) return hash;
    hash = 0;
    for (let at = 0; at < text.length; at += 1) hash = (Math.imul(hash, 31) + text.charCodeAt(at)) | 0;
    if (this.#words.size >= WORDS_MAX) this.#words.clear();
    this.#words.set(text, hash);
    return hash;
  }
}

interface Step {
  atMs: number;
  what: string;
  about: Noted;
  detail: Noted | Fields;
}

function shown({ atMs, what, about, detail }: Step): string {
  const words = [`${atMs.toFixed(3).padStart(10)} ms`, textOf(about), what, textOf(detail)];
  return words.filter((word) => word !== '').join('  ');
}

function textOf(noted: unknown): string {
  if (typeof noted === 'bigint') return noted.toString(16);
  if (noted instanceof Error) return noted.message;
  if (typeof noted !== 'object' || noted === null) return String(noted);
  return Object.entries(noted)
    .map(([name, value]) => `${name}: ${textOf(value)}`)
    .join(', ');
}

function hexOf(word: number): string {
  return (word >>> 0).toString(16).padStart(8, '0');
}
