import { range } from '../../core/base/key-range.js';
import type { KeyRange, KeyValue } from '../../core/base/key-value.js';
import type { Store } from '../../core/store.js';

export interface ListOptions {
  /** Keys asked for at once. */
  readonly pageKeys: number;
  readonly signal: AbortSignal;
  /** Called after each page but the last: the store answers. */
  readonly onPage: () => void;
}

/**
 * Every key of a range as of one revision, read in pages: the first page names the revision, the others ask for it.
 *
 * @throws {@link CompactedError} if that revision was compacted before the last page; list again
 */
export async function listAll(
  store: Store,
  target: KeyRange,
  options: ListOptions,
): Promise<{ revision: number; kvs: readonly KeyValue[] }> {
  const { pageKeys: limit, signal } = options;
  let page = await store.range(target, { limit, signal });
  const { revision } = page;
  const kvs = [...page.kvs];
  while (page.more && target.end !== undefined) {
    options.onPage();
    const last = kvs[kvs.length - 1] as KeyValue;
    page = await store.range(range(keyAfter(last.key), target.end), { limit, signal, revision });
    for (const kv of page.kvs) kvs.push(kv);
  }
  return { revision, kvs };
}

/** The first key after this one: the same bytes and a zero byte. */
function keyAfter(key: Uint8Array): Uint8Array {
  const after = new Uint8Array(key.length + 1);
  after.set(key);
  return after;
}
