import type { Values } from './messages.js';
import { type Int, Matcher } from './rule.js';

let worldsMade = 0;
let idsMade = 0;

/** Ids of a case's own: large enough that no server hands them out by itself. */
const OWN_IDS = 0x5ca1_ab1e_0000_0000n;

/** What the words of one case stand for while it runs: its keys, the revision it began at, and names. */
export class World implements Values {
  readonly #names = new Map<string, bigint>();
  readonly #texts = new Map<string, string>();
  /** What every key of the case begins with: `~`. */
  readonly prefix: string;
  /** The end of the range of all of them: `^`. */
  readonly end: string;
  /** The revision at the case's start: `r`. */
  revision = 0n;

  constructor() {
    worldsMade += 1;
    this.prefix = `case-${worldsMade}/`;
    this.end = `case-${worldsMade}0`;
  }

  /** `~` at the beginning is the case's prefix, `^` alone its end, `{$lease}` a number in hexadecimal digits, `{@token}` a text that has arrived. */
  text(written: string): string {
    if (written === '^') return this.end;
    const whole = written.startsWith('~') ? this.prefix + written.slice(1) : written;
    return whole
      .replace(/\{(\$\w+)\}/g, (_, name: string) => BigInt.asUintN(64, this.int(name as Int)).toString(16))
      .replace(/\{@(\w+)\}/g, (_, name: string) => this.#texts.get(name) ?? '');
  }

  /** The number that is written; a name that is not bound is bound to a number of its own. */
  int(written: Int): bigint {
    if (written instanceof Matcher) throw new Error('a request needs a number');
    if (typeof written !== 'string') return BigInt(written);
    if (written.startsWith('r')) return this.revision + BigInt(written.slice(1) || 0);
    const bound = this.#names.get(written) ?? OWN_IDS + BigInt((idsMade += 1));
    this.#names.set(written, bound);
    return bound;
  }

  /** Whether a number that arrived is the one that is written. Binds a name. */
  isInt(written: Int, arrived: bigint): boolean {
    if (typeof written === 'string' && written.startsWith('$') && !this.#names.has(written)) {
      this.#names.set(written, arrived);
      return true;
    }
    return this.int(written) === arrived;
  }

  nameText(name: string, arrived: string): void {
    this.#texts.set(name, arrived);
  }

  /** All the numbers that have names. */
  get named(): readonly bigint[] {
    return [...this.#names.values()];
  }

  /** How a text is written in the table. */
  shownText(text: string): string {
    if (text === this.end) return '^';
    return text.startsWith(this.prefix) ? `~${text.slice(this.prefix.length)}` : text;
  }

  /** How a number that is unlike the expected one is best understood. */
  shownInt(arrived: bigint): string | number | bigint {
    for (const [name, value] of this.#names) if (value === arrived) return name;
    const since = arrived - this.revision;
    if (arrived > 0n && since >= -200n && since <= 2_000n) return since < 0n ? `r${since}` : `r+${since}`;
    return BigInt.asIntN(53, arrived) === arrived ? Number(arrived) : arrived;
  }
}
