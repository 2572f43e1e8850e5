import { assert } from '../base/assert.js';
import { compareBytes } from '../base/bytes.js';
import type { Event, KeyRange, KeyValue } from '../base/key-value.js';
import type { Keyspace } from '../mvcc/keyspace.js';
import { PrefixKeys } from './prefix-keys.js';

/** What there is under a prefix at present. */
export interface Usage {
  readonly keys: number;
  /** Of keys and values. */
  readonly bytes: number;
}

class Tally {
  readonly under: PrefixKeys;
  keys = 0;
  bytes = 0;

  constructor(prefix: string) {
    this.under = new PrefixKeys(prefix);
  }

  add(keys: number, bytes: number): void {
    this.keys += keys;
    this.bytes += bytes;
  }
}

/** Bytes of values that one step of counting holds at a time. */
const STEP_BYTES_MAX = 2 ** 20;

/**
 * How many keys exist under each of some prefixes, and how large they are with their values. What was there is counted a
 * step at a time, in the order of keys; what is written meanwhile counts at once where the counting has passed, and where
 * it has not it will be found. So there is nothing to be remembered of the time in between.
 *
 * It is no part of the state: each member counts for itself.
 */
export class PrefixUsage {
  readonly #keyspace: Keyspace;
  readonly #tallies: ReadonlyMap<string, Tally>;
  /** What is still to be counted: parts that have no key in common, in order. */
  readonly #uncounted: KeyRange[];

  /** @param prefixes - each once */
  constructor(keyspace: Keyspace, prefixes: readonly string[]) {
    this.#keyspace = keyspace;
    this.#tallies = new Map(prefixes.map((prefix) => [prefix, new Tally(prefix)]));
    const all = [...this.#tallies.values()].map(({ under }) => under);
    const outermost = all.filter((under) => !all.some((other) => other !== under && other.covers(under.range)));
    this.#uncounted = outermost.map(({ range }) => range).sort((a, b) => compareBytes(a.key, b.key));
  }

  /** Whether all that there is was counted. Until then there is at least as much as is said. */
  get isCounted(): boolean {
    return this.#uncounted.length === 0;
  }

  /** What there is under one of the prefixes, as far as it is counted. */
  of(prefix: string): Usage {
    const tally = this.#tallies.get(prefix);
    assert(tally !== undefined, 'only what was asked for is counted');
    return tally;
  }

  /** Counts at most `keysMax` keys. @returns whether more are left */
  count(keysMax: number): boolean {
    const [part] = this.#uncounted;
    if (part === undefined) return false;
    const { kvs, next } = this.#keyspace.rangePage({
      ...part,
      revision: 0,
      serializable: true,
      keysOnly: false,
      keysMax,
      bytesMax: STEP_BYTES_MAX,
      visitsMax: keysMax,
    });
    for (const kv of kvs) this.#add(kv.key, 1, sizeOf(kv));
    if (next === undefined) this.#uncounted.shift();
    else this.#uncounted[0] = { ...part, key: next };
    return !this.isCounted;
  }

  /** Counts what a revision has changed. To be told of each one, before the next one and before a compaction. */
  applied(events: readonly Event[]): void {
    for (const { type, kv } of events) {
      if (!this.#isPassed(kv.key)) continue;
      const isFirst = type === 'put' && kv.version === 1;
      const before = isFirst ? undefined : this.#keyspace.previous(kv.key, kv.modRevision);
      assert(isFirst || before !== undefined, 'what was changed can be read as it was before');
      const [keys, bytes] = type === 'put' ? [1, sizeOf(kv)] : [0, 0];
      this.#add(kv.key, keys - (before ? 1 : 0), bytes - (before ? sizeOf(before) : 0));
    }
  }

  #add(key: Uint8Array, keys: number, bytes: number): void {
    for (const tally of this.#tallies.values()) if (tally.under.holds(key)) tally.add(keys, bytes);
  }

  /** Whether it is counted, and the counting has come past it. */
  #isPassed(key: Uint8Array): boolean {
    const [part] = this.#uncounted;
    if (part !== undefined && compareBytes(key, part.key) >= 0) return false;
    for (const { under } of this.#tallies.values()) if (under.holds(key)) return true;
    return false;
  }
}

/** As quotas reckon it. */
export function sizeOf({ key, value }: Pick<KeyValue, 'key' | 'value'>): number {
  return key.length + value.length;
}
