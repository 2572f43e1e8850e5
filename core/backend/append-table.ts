import { compareBytes, fromMapKey, toMapKey } from '../base/bytes.js';
import type { ScanOptions } from './backend.js';
import { SortedTable } from './sorted-table.js';

type Bounds = Omit<ScanOptions, 'limit'>;
type Entry<V> = readonly [key: Uint8Array, value: V];

/**
 * A table in memory to whose end keys are added, but for a few: a store's history. They are appended to arrays; the
 * others go to a {@link SortedTable} beside them.
 *
 * ```text
 *   set 7, 8, 9, then 3 and 8      appended 7 8 9      others 3
 * ```
 */
export class AppendTable<V> {
  #keys: string[] = [];
  #values: V[] = [];
  /** No key is in both. */
  #others = new SortedTable<V>();

  get size(): number {
    return this.#keys.length + this.#others.size;
  }

  get(key: string): V | undefined {
    const at = this.#find(key);
    return at < 0 ? this.#others.get(key) : this.#values[at];
  }

  /** @returns the value that was replaced */
  set(key: string, value: V): V | undefined {
    const last = this.#keys.at(-1);
    if (last === undefined || key > last) {
      this.#keys.push(key);
      this.#values.push(value);
      return undefined;
    }
    const at = this.#find(key);
    if (at < 0) return this.#others.set(key, value);
    const replaced = this.#values[at];
    this.#values[at] = value;
    return replaced;
  }

  /** A copy; later changes to either are not seen by the other. */
  clone(): AppendTable<V> {
    const copy = new AppendTable<V>();
    copy.#keys = this.#keys.slice();
    copy.#values = this.#values.slice();
    copy.#others = this.#others.clone();
    return copy;
  }

  scan(bounds: Bounds): Iterable<Entry<V>> {
    const appended = this.#scanAppended(bounds);
    if (this.#others.size === 0) return appended;
    return interleave(appended, this.#others.scan(bounds), bounds.reverse ?? false);
  }

  *#scanAppended({ from, to, reverse }: Bounds): Generator<Entry<V>> {
    const start = from ? this.#firstNotBefore(toMapKey(from)) : 0;
    const end = to ? this.#firstNotBefore(toMapKey(to)) : this.#keys.length;
    for (let step = 0; step < end - start; step += 1) {
      const at = reverse ? end - 1 - step : start + step;
      yield [fromMapKey(this.#keys[at] as string), this.#values[at] as V];
    }
  }

  /** @returns where a key is among the appended, -1 if it is not */
  #find(key: string): number {
    const at = this.#firstNotBefore(key);
    return this.#keys[at] === key ? at : -1;
  }

  #firstNotBefore(key: string): number {
    let low = 0;
    let high = this.#keys.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#keys[middle] as string) < key) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** One scan of two that have no key in common and go in the same direction. */
function* interleave<V>(a: Generator<Entry<V>>, b: Generator<Entry<V>>, reverse: boolean): Generator<Entry<V>> {
  let [nextA, nextB] = [a.next(), b.next()];
  while (!nextA.done && !nextB.done) {
    const isFirstA = compareBytes(nextA.value[0], nextB.value[0]) < 0 !== reverse;
    yield isFirstA ? nextA.value : nextB.value;
    if (isFirstA) nextA = a.next();
    else nextB = b.next();
  }
  for (; !nextA.done; nextA = a.next()) yield nextA.value;
  for (; !nextB.done; nextB = b.next()) yield nextB.value;
}
