import { between, type Prng, seededPrng } from '../../base/prng.js';

/** Numbers at which code is likely to be wrong: the ends of every width, and one to either side. */
const EDGES: readonly number[] = [7, 8, 14, 16, 21, 28, 30, 31, 32, 40, 48, 50, 53].flatMap((bits) => [
  2 ** bits - 1,
  2 ** bits,
]);
const SAFE_EDGES = [0, 1, 2, ...EDGES].filter(Number.isSafeInteger);

/** Pieces of text that decoders of text stumble over. */
const WORDS = ['', 'a', '/', '%', '%2F', '\u0000', '\ufffd', 'é', '😀', '__proto__', 'constructor', 'http://a:1', '-1'];

/** What is drawn to make an input: everything follows from one seed. */
export class Chance {
  readonly #prng: Prng;

  constructor(prng: Prng) {
    this.#prng = prng;
  }

  /** The stream of one input of one target, whatever others draw. */
  static of(target: string, seed: number, number: number): Chance {
    let mixed = seed | 0;
    for (const unit of `${target} ${number}`) mixed = Math.imul(mixed ^ unit.charCodeAt(0), 0x01000193);
    return new Chance(seededPrng(mixed));
  }

  /** A whole number in [least, most]. */
  between(least: number, most: number): number {
    return between(this.#prng, least, most);
  }

  /** Whether something happens that does so once in so many times. */
  oneIn(times: number): boolean {
    return this.#prng.next() * times < 1;
  }

  pick<T>(all: readonly T[]): T {
    return all[this.between(0, all.length - 1)] as T;
  }

  /** Up to so many of something; mostly few. */
  list<T>(most: number, draw: () => T): T[] {
    const count = this.oneIn(4) ? this.between(0, most) : this.between(0, Math.min(3, most));
    return Array.from({ length: count }, draw);
  }

  /** Either it, or nothing. */
  maybe<T>(draw: () => T): T | undefined {
    return this.oneIn(2) ? draw() : undefined;
  }

  /** A whole number that is exact, 0 or more: small, any, or at an edge. */
  count(): number {
    if (this.oneIn(3)) return this.pick(SAFE_EDGES);
    return this.oneIn(2) ? this.between(0, 300) : Math.floor(this.#prng.next() * 2 ** this.between(1, 53));
  }

  /** The same, of either sign. */
  integer(): number {
    const count = this.count();
    return this.oneIn(3) && count !== 0 ? -count : count;
  }

  /** 64 bits, unsigned. */
  id(): bigint {
    if (this.oneIn(4)) return this.pick([0n, 1n, 2n ** 31n, 2n ** 53n, 2n ** 63n - 1n, 2n ** 63n, 2n ** 64n - 1n]);
    return (BigInt(this.between(0, 2 ** 32 - 1)) << 32n) | BigInt(this.between(0, 2 ** 32 - 1));
  }

  /** 64 bits, signed. */
  signedId(): bigint {
    return BigInt.asIntN(64, this.id());
  }

  /** Bytes, up to so many. */
  bytes(most = 40): Buffer {
    const bytes = Buffer.alloc(this.oneIn(8) ? this.between(0, most) : this.between(0, Math.min(8, most)));
    for (let at = 0; at < bytes.length; at += 1) bytes[at] = this.between(0, 255);
    return bytes;
  }

  text(): string {
    const words = this.list(6, () => this.pick(WORDS));
    return words.join('') + (this.oneIn(2) ? this.between(0, 2 ** 31).toString(36) : '');
  }
}
