import { toMapKey } from '../base/bytes.js';
import { contains } from '../base/key-range.js';
import type { KeyRange, KeyValue } from '../base/key-value.js';
import type { KeyEntry, KeyIndex } from './key-index.js';
import type { KeyVersion } from './key-version.js';
import { loadKeyValue, type Reading } from './reading.js';
import type { RecordStore } from './record-store.js';

/** One change of a revision in the making. A version of 0 makes it a deletion. */
export interface Change {
  readonly key: string;
  readonly kv: KeyValue;
  /** The key's entry in the index, where it is known. */
  readonly entry: KeyEntry | undefined;
}

/**
 * The changes of a revision that is not finished, over the keyspace as it is. Reads through it see both; nothing else
 * sees the changes, so dropping it undoes them.
 */
export class Staging implements Reading {
  readonly #changes: readonly Change[];
  readonly #index: KeyIndex;
  readonly #records: RecordStore;
  readonly #base: number;
  /** The last change of each key. Brought up to date when it is read. */
  readonly #latest = new Map<string, KeyVersion>();
  #latestUpTo = 0;

  /** @param changes - to which more may be added */
  constructor(index: KeyIndex, records: RecordStore, base: number, changes: readonly Change[]) {
    this.#index = index;
    this.#records = records;
    this.#base = base;
    this.#changes = changes;
  }

  /** A key as the changes so far leave it, given its entry in the index. */
  current(key: string, entry: KeyEntry | undefined): KeyVersion | undefined {
    const version = this.#upToDate().get(key) ?? entry;
    return version && version.version > 0 ? version : undefined;
  }

  visit(target: KeyRange, visit: (version: KeyVersion) => void): void {
    if (this.#changes.length === 0) return this.#index.visit(target, this.#base, visit);
    for (const version of this.#merge(target)) visit(version);
  }

  load(version: KeyVersion): KeyValue {
    return loadKeyValue(this.#records, version);
  }

  #merge(target: KeyRange): KeyVersion[] {
    if (target.end === undefined) {
      const key = toMapKey(target.key);
      const version = this.current(key, this.#index.get(key));
      return version ? [version] : [];
    }
    const latest = this.#upToDate();
    const merged: KeyVersion[] = [];
    this.#index.visit(target, this.#base, (version) => {
      if (!latest.has(version.key)) merged.push(version);
    });
    for (const version of latest.values()) {
      if (version.kv && version.version > 0 && contains(target, version.kv.key)) merged.push(version);
    }
    return merged.sort((a, b) => (a.key < b.key ? -1 : 1));
  }

  #upToDate(): ReadonlyMap<string, KeyVersion> {
    for (; this.#latestUpTo < this.#changes.length; this.#latestUpTo += 1) {
      const { key, kv } = this.#changes[this.#latestUpTo] as Change;
      const { version, createRevision } = kv;
      this.#latest.set(key, { key, main: this.#base + 1, sub: this.#latestUpTo, version, createRevision, kv });
    }
    return this.#latest;
  }
}
