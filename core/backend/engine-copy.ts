import { bytesAfter, compareBytes } from '../base/bytes.js';
import { type Clock, turn } from '../base/clock.js';
import { type Table, TABLES } from './backend.js';
import type { Engine } from './engine.js';
import { Overlay } from './overlay.js';
import { RecordedBatch } from './recorded-batch.js';

/** What one step reads and writes at most, where it is not a single entry. */
export interface CopyStep {
  readonly entries: number;
  readonly bytes: number;
}

/** So little that nobody waits long for their turn. */
export const COPY_STEP: CopyStep = { entries: 1_000, bytes: 1024 * 1024 };

/** So many entries are copied for each that is written meanwhile, so that the copy reaches an end that moves away from it. */
const PACE = 2;

/**
 * Copies an engine into an empty one while the first goes on being written. It goes through the tables in key order; a
 * transaction is carried out in the copy, too, as far as it is about what has been copied, and the rest is met later:
 *
 * ```text
 *   copied             not yet           written meanwhile: 2, 5, 7
 *   1  2  3  |  4  5  6                  at once in the copy: 2; as it comes there: 5, 7
 * ```
 *
 * It may meet a change twice, which does no harm: a transaction says what a key has, not how that came.
 */
export class EngineCopy {
  readonly #from: Engine;
  readonly #to: Engine;
  readonly #clock: Clock;
  readonly #stepMax: CopyStep;
  /** Which of the tables is being copied; all of them are when it is past the last. */
  #tableAt = 0;
  /** The first key of that table that may not be copied yet. Undefined: none is. */
  #next: Uint8Array | undefined;
  #isEnded = false;
  /** Settles with the last transaction of the copy; once one has failed, nothing more is written. */
  #written: Promise<void> = Promise.resolve();

  /** @param to - an empty one, which nobody else writes to */
  constructor(from: Engine, to: Engine, clock: Clock, stepMax: CopyStep) {
    this.#from = from;
    this.#to = to;
    this.#clock = clock;
    this.#stepMax = stepMax;
  }

  /**
   * Copies everything. From when it resolves until it ends, the copy has whatever the engine has, with {@link settled}.
   *
   * @param check - called before each step; throws to end it
   */
  async run(check: () => void): Promise<void> {
    while (!this.#isWhole) {
      check();
      await turn(this.#clock);
      await this.#step();
    }
  }

  /**
   * Takes note of a transaction of the engine, which is durable there. Resolves when the copy has it, as far as it needs it,
   * or has failed, which {@link settled} tells.
   */
  async follow(overlay: Overlay): Promise<void> {
    try {
      await this.#write(this.#copied(overlay));
      for (let left = PACE * overlay.size; left > 0 && !this.#isWhole && !this.#isEnded;) left -= await this.#step();
    } catch {
      // Whoever runs the copy is told; the engine itself is well.
    }
  }

  /** Resolves when the copy has all that it was told of, durably. Rejects if it could not be written. */
  settled(): Promise<void> {
    return this.#written;
  }

  /** Writes nothing more; resolves when nothing is being written. */
  async end(): Promise<void> {
    this.#isEnded = true;
    await this.#written.catch(() => undefined);
  }

  get #isWhole(): boolean {
    return this.#tableAt === TABLES.length;
  }

  /** @returns how far it came: the number of entries, 1 for a table's end */
  async #step(): Promise<number> {
    // Whoever follows a transaction may have come to the end meanwhile.
    if (this.#isWhole) return 1;
    const overlay = this.#read();
    await this.#write(overlay);
    return Math.max(1, overlay.size);
  }

  /** The next entries, which count as copied from now on. */
  #read(): Overlay {
    const table = TABLES[this.#tableAt] as Table;
    const batch = new RecordedBatch();
    let [count, bytes] = [0, 0];
    let last: Uint8Array | undefined;
    for (const [key, value] of this.#from.scan(table, this.#next === undefined ? {} : { from: this.#next })) {
      batch.put(table, key, value);
      count += 1;
      bytes += key.length + value.length;
      if (count < this.#stepMax.entries && bytes < this.#stepMax.bytes) continue;
      last = key;
      break;
    }
    if (last === undefined) this.#tableAt += 1;
    this.#next = last && bytesAfter(last);
    return overlayOf(batch);
  }

  /** Behind what is being written. */
  #write(overlay: Overlay): Promise<void> {
    if (overlay.size === 0 || this.#isEnded) return this.#written;
    this.#written = this.#written.then(() => this.#to.commit(overlay));
    // Whoever waits for it is told; a transaction that nobody waits for is no rejection that nobody handles.
    this.#written.catch(() => undefined);
    return this.#written;
  }

  /** The part of a transaction that is about what has been copied. */
  #copied(overlay: Overlay): Overlay {
    if (this.#isWhole) return overlay;
    const batch = new RecordedBatch();
    overlay.forEach((table, key, value) => {
      if (!this.#isCopied(table, key)) return;
      if (value === null) batch.delete(table, key);
      else batch.put(table, key, value);
    });
    return overlayOf(batch);
  }

  #isCopied(table: Table, key: Uint8Array): boolean {
    const at = TABLES.indexOf(table);
    if (at !== this.#tableAt) return at < this.#tableAt;
    return this.#next !== undefined && compareBytes(key, this.#next) < 0;
  }
}

function overlayOf(batch: RecordedBatch): Overlay {
  const overlay = new Overlay();
  overlay.add(batch);
  return overlay;
}
