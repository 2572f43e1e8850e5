import { compareBytes } from '../base/bytes.js';
import type { ScanOptions } from './backend.js';
import { DELETED, type Layered } from './overlay.js';

type Entry = readonly [key: Uint8Array, value: Layered];

/**
 * One scan over several layers, each of which scans in the same direction. Where several have a key the first counts;
 * what it says was deleted is left out.
 *
 * @param layers - the newest first
 */
export function* mergeScan(
  layers: readonly Iterable<Entry>[],
  { limit = Number.POSITIVE_INFINITY, reverse = false }: Pick<ScanOptions, 'limit' | 'reverse'>,
): Generator<readonly [Uint8Array, Uint8Array]> {
  if (limit <= 0) return;
  const iterators = layers.map((layer) => layer[Symbol.iterator]());
  try {
    const heads = iterators.map(advance);
    let left = limit;
    for (;;) {
      const next = firstOf(heads, reverse);
      if (!next) return;
      skip(next[0], heads, iterators);
      if (next[1] === DELETED) continue;
      yield [next[0], next[1]];
      left -= 1;
      if (left === 0) return;
    }
  } finally {
    // Ends the engine's cursor if the scan was left before its end.
    for (const iterator of iterators) iterator.return?.();
  }
}

function advance(iterator: Iterator<Entry>): Entry | undefined {
  const result = iterator.next();
  return result.done ? undefined : result.value;
}

/** The entry that comes next; of several with the same key, that of the first layer. */
function firstOf(heads: readonly (Entry | undefined)[], reverse: boolean): Entry | undefined {
  let first: Entry | undefined;
  for (const head of heads) {
    if (!head) continue;
    const order = first ? compareBytes(head[0], first[0]) : -1;
    if (!first || (reverse ? order > 0 : order < 0)) first = head;
  }
  return first;
}

/** Goes past a key in every layer that is at it. */
function skip(key: Uint8Array, heads: (Entry | undefined)[], iterators: readonly Iterator<Entry>[]): void {
  for (const [layer, head] of heads.entries()) {
    if (head && compareBytes(head[0], key) === 0) heads[layer] = advance(iterators[layer] as Iterator<Entry>);
  }
}
