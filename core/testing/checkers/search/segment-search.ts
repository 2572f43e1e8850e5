import { seededPrng } from '../../../base/prng.js';
import type { Item, Segment } from './item.js';
import { Memo } from './memo.js';
import type { States } from './states.js';

/** What may be spent on a partition, by all its segments together. */
export interface Budget {
  stepsLeft: number;
  nodesLeft: number;
  /** In milliseconds of `performance.now()`; Infinity for none. */
  readonly deadlineMs: number;
}

/** The budget is spent. */
export class SpentError extends Error {}

/** A state that may have been reached, and the optional operations that were used to reach it. */
export interface Possibility {
  readonly state: number;
  readonly used: Uint32Array;
}

/** One operation that was carried out, and how to go on without it. */
interface Frame {
  /** The call's entry; -1 for an optional operation. */
  readonly entry: number;
  readonly optional: number;
  readonly stateBefore: number;
}

const HEAD = 0;
const DEADLINE_LOOKED_AT_EVERY = 1 << 12;

/**
 * The search of Wing and Gong with Lowe's memo: carries out one operation after another, any that was called before the
 * first return of those not yet carried out, and takes the last one back where that leads nowhere.
 *
 * Calls and returns are entries of a doubly linked list, in order of time; an operation that was carried out is lifted out
 * of it. Optional operations stand beside the list and are tried last, only where they change something.
 *
 * @remarks Source: Wing and Gong 1993; Lowe 2017, "Testing for linearizability"; Horn and Kroening 2015.
 */
export class SegmentSearch {
  readonly #states: States<unknown>;
  readonly #segment: Segment;
  readonly #optionals: readonly Optional[];
  readonly #budget: Budget;
  readonly #memo: Memo;
  /** By entry: 0 is the head, then each call and return. */
  readonly #next: Int32Array;
  readonly #previous: Int32Array;
  readonly #times: Float64Array;
  /** By entry: the operation if it is a call, -1 - operation if it is a return. */
  readonly #what: Int32Array;
  readonly #returnOf: Int32Array;
  readonly #done: Uint32Array;
  readonly #used: Uint32Array;
  #hashHigh = 0;
  #hashLow = 0;
  readonly #words: Uint32Array;
  readonly #frames: Frame[] = [];
  readonly #starts: Possibility[] = [];
  #state = 0;
  #deepest = 0;

  constructor(states: States<unknown>, segment: Segment, optionals: readonly Optional[], budget: Budget) {
    this.#states = states;
    this.#segment = segment;
    this.#optionals = optionals;
    this.#budget = budget;
    this.#done = new Uint32Array(wordsFor(segment.length));
    this.#used = new Uint32Array(wordsFor(optionals.length));
    this.#memo = new Memo(this.#done.length, this.#used.length);
    this.#words = randomWords(segment.length);
    const entryCount = 2 * segment.length + 1;
    this.#next = new Int32Array(entryCount);
    this.#previous = new Int32Array(entryCount);
    this.#times = new Float64Array(entryCount);
    this.#what = new Int32Array(entryCount);
    this.#returnOf = new Int32Array(segment.length);
    this.#link();
  }

  /** Of the operation that could not be carried out in time, whatever was tried. */
  get stuck(): Item {
    return this.#segment[-1 - (this.#what[this.#deepest] as number)] as Item;
  }

  /** From where this was entered. */
  get starts(): readonly Possibility[] {
    return this.#starts;
  }

  /**
   * Goes to the end of the segment in one way after the other. One run must be over before the next is begun; what one
   * has visited, no other visits again, for all that comes of it has been seen.
   *
   * @throws SpentError
   */
  *run(start: Possibility): Generator<Possibility, void> {
    this.#state = start.state;
    this.#used.set(start.used);
    if (!this.#visit(start.state)) return;
    this.#starts.push(start);
    let entry = this.#next[HEAD] as number;
    let optional = 0;
    for (;;) {
      this.#spend();
      const what = this.#what[entry] as number;
      if (what >= 0) {
        entry = this.#next[this.#carryOut(entry, what) ? HEAD : entry] as number;
        continue;
      }
      // Nothing that must be carried out can be, before this return; or there is nothing left.
      if (entry === HEAD) yield { state: this.#state, used: this.#used.slice() };
      else this.#deepest = Math.max(this.#deepest, entry);
      if (entry !== HEAD && this.#useOptional(optional, entry)) {
        [entry, optional] = [this.#next[HEAD] as number, 0];
        continue;
      }
      const frame = this.#frames.pop();
      if (!frame) return;
      this.#takeBack(frame);
      [entry, optional] =
        frame.entry < 0 ? [this.#firstReturn(), frame.optional + 1] : [this.#next[frame.entry] as number, 0];
    }
  }

  #carryOut(entry: number, operation: number): boolean {
    const after = this.#states.step(this.#state, this.#segment[operation] as Item);
    if (after < 0) return false;
    this.#flip(operation);
    if (!this.#visit(after)) {
      this.#flip(operation);
      return false;
    }
    this.#frames.push({ entry, optional: -1, stateBefore: this.#state });
    this.#state = after;
    this.#lift(entry);
    this.#lift(this.#returnOf[operation] as number);
    return true;
  }

  /** The next optional operation that was called before this return and changes anything. */
  #useOptional(from: number, returnEntry: number): boolean {
    for (let at = from; at < this.#optionals.length; at += 1) {
      const { item, twin } = this.#optionals[at] as Optional;
      if (item.call > (this.#times[returnEntry] as number)) return false;
      if (has(this.#used, at) || (twin >= 0 && !has(this.#used, twin))) continue;
      const after = this.#states.step(this.#state, item);
      if (after < 0 || after === this.#state) continue;
      flip(this.#used, at);
      if (this.#visit(after)) {
        this.#frames.push({ entry: -1, optional: at, stateBefore: this.#state });
        this.#state = after;
        return true;
      }
      flip(this.#used, at);
    }
    return false;
  }

  #takeBack({ entry, optional, stateBefore }: Frame): void {
    this.#state = stateBefore;
    if (entry < 0) return flip(this.#used, optional);
    const operation = this.#what[entry] as number;
    this.#unlift(this.#returnOf[operation] as number);
    this.#unlift(entry);
    this.#flip(operation);
  }

  #firstReturn(): number {
    let entry = this.#next[HEAD] as number;
    while ((this.#what[entry] as number) >= 0) entry = this.#next[entry] as number;
    return entry;
  }

  #visit(state: number): boolean {
    const low = (this.#hashLow ^ Math.imul(state + 1, 0x9e3779b1)) >>> 0;
    const hash = (this.#hashHigh & 0x1fffff) * 2 ** 32 + low;
    if (!this.#memo.visit(hash, { done: this.#done, used: this.#used, state })) return false;
    this.#budget.nodesLeft -= 1;
    if (this.#budget.nodesLeft < 0) throw new SpentError('as many configurations as may be are remembered');
    return true;
  }

  #spend(): void {
    const budget = this.#budget;
    budget.stepsLeft -= 1;
    if (budget.stepsLeft < 0) throw new SpentError('the steps it may take were taken');
    if (budget.deadlineMs === Infinity || budget.stepsLeft % DEADLINE_LOOKED_AT_EVERY !== 0) return;
    if (performance.now() > budget.deadlineMs) throw new SpentError('the time it may take was taken');
  }

  #flip(operation: number): void {
    flip(this.#done, operation);
    this.#hashHigh ^= this.#words[2 * operation] as number;
    this.#hashLow ^= this.#words[2 * operation + 1] as number;
  }

  #lift(entry: number): void {
    const [previous, next] = [this.#previous[entry] as number, this.#next[entry] as number];
    this.#next[previous] = next;
    this.#previous[next] = previous;
  }

  #unlift(entry: number): void {
    this.#next[this.#previous[entry] as number] = entry;
    this.#previous[this.#next[entry] as number] = entry;
  }

  /** Entries are numbered in order of time; calls come before returns of the same time. */
  #link(): void {
    const entries = this.#segment.flatMap((item, operation) => [
      { time: item.call, what: operation },
      { time: item.return, what: -1 - operation },
    ]);
    entries.sort((a, b) =>
      a.time === b.time ? Math.sign(b.what) - Math.sign(a.what) || a.what - b.what : a.time < b.time ? -1 : 1,
    );
    this.#what[HEAD] = -1;
    for (const [at, { time, what }] of entries.entries()) {
      const entry = at + 1;
      this.#times[entry] = time;
      this.#what[entry] = what;
      if (what < 0) this.#returnOf[-1 - what] = entry;
      this.#previous[entry] = at;
      this.#next[at] = entry;
    }
    this.#next[entries.length] = HEAD;
    this.#previous[HEAD] = entries.length;
  }
}

/** An operation that may be carried out or not. */
export interface Optional {
  readonly item: Item;
  /** An earlier one that does the same, to be used first; -1 if there is none. */
  readonly twin: number;
}

function wordsFor(bits: number): number {
  return Math.ceil(bits / 32);
}

function has(bits: Uint32Array, at: number): boolean {
  return ((bits[at >>> 5] as number) & (1 << (at & 31))) !== 0;
}

function flip(bits: Uint32Array, at: number): void {
  bits[at >>> 5] = (bits[at >>> 5] as number) ^ (1 << (at & 31));
}

/** Two for each operation; the hash of a set is all of theirs, combined by exclusive or. */
function randomWords(count: number): Uint32Array {
  const prng = seededPrng(count);
  return Uint32Array.from({ length: 2 * count }, () => prng.next() * 2 ** 32);
}
