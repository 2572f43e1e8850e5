import { assert } from '../base/assert.js';
import { decodeConfiguration } from './configuration.js';
import type { Configuration, Entry } from './types.js';

interface Standing {
  readonly index: number;
  readonly configuration: Configuration;
}

/**
 * The configurations that the log holds, as far as they still matter: the last committed one, and those after it. The
 * last one is in force, committed or not; if its entry is cut off, the one before it is in force again (Ongaro 2014,
 * section 4.1).
 */
export class ConfigurationHistory {
  #standings: Standing[];

  constructor(first: Standing) {
    this.#standings = [{ index: first.index, configuration: first.configuration }];
  }

  get inForce(): Configuration {
    return this.#last.configuration;
  }

  /** The index of the entry that the configuration in force came with; at most the snapshot's if it came with that. */
  get index(): number {
    return this.#last.index;
  }

  /** The last configuration that is committed, and all after it: any of them may turn out to be the one that holds. */
  possible(commitIndex: number): readonly Configuration[] {
    const from = Math.max(0, this.#lastCommitted(commitIndex));
    return this.#standings.slice(from).map(({ configuration }) => configuration);
  }

  /** Takes note of an entry that is appended; what was superseded by `commitIndex` is forgotten. */
  append(entry: Entry, commitIndex: number): void {
    if (entry.kind !== 'configuration') return;
    this.#standings.splice(0, this.#lastCommitted(commitIndex));
    this.#standings.push({ index: entry.index, configuration: decodeConfiguration(entry.data).configuration });
  }

  /** The entries from `index` on are cut off. */
  truncateFrom(index: number): void {
    while (this.#last.index >= index) this.#standings.pop();
  }

  /** A snapshot took the place of the log. */
  restartAt(first: Standing): void {
    this.#standings = [{ index: first.index, configuration: first.configuration }];
  }

  #lastCommitted(commitIndex: number): number {
    return this.#standings.findLastIndex(({ index }) => index <= commitIndex);
  }

  get #last(): Standing {
    const last = this.#standings.at(-1);
    assert(last !== undefined, 'a committed configuration is never cut off');
    return last;
  }
}
