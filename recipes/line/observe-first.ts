import { sleep } from '../../core/base/clock.js';
import { toMapKey } from '../../core/base/bytes.js';
import { hasCode } from '../../core/base/errors.js';
import { prefix as prefixRange } from '../../core/base/key-range.js';
import type { KeyValue } from '../../core/base/key-value.js';
import type { WatchBatch } from '../../core/base/operation.js';
import type { Store } from '../../core/store.js';
import { isTransient, persist } from '../retry.js';
import { linkSignals } from '../wait.js';
import { isPlace } from './place.js';
import { RECHECK_MS } from './until-gone.js';

const PAUSE_MS = 100;

/**
 * Who is first in a line, now and whenever that or its value changes; `undefined` while nobody is in line.
 *
 * Goes on through compaction, broken and silent watches and an absent store: it then reads the line anew, and reports what
 * differs. It ends only by throwing, or when its reader leaves.
 *
 * @throws the signal's reason; an error of the store that waiting cannot mend
 */
export async function* observeFirst(
  store: Store,
  prefix: string,
  signal: AbortSignal,
): AsyncGenerator<KeyValue | undefined, never> {
  let told: KeyValue | undefined | 'nothing' = 'nothing';
  for (;;) {
    const { kvs, revision } = await persist(store.clock, signal, () => store.range(prefixRange(prefix), { signal }));
    const line = new Line(prefix, kvs);
    if (told === 'nothing' || differs(told, line.first)) yield (told = line.first);
    for await (const batch of watchFor(store, prefix, revision + 1, signal)) {
      line.apply(batch);
      if (differs(told, line.first)) yield (told = line.first);
    }
    // A watch that ends again and again must not turn into a busy loop.
    await sleep(store.clock, PAUSE_MS, signal);
  }
}

/** A watch that ends, rather than throws, when it broke, or when it has been trusted for long enough. */
async function* watchFor(
  store: Store,
  prefix: string,
  from: number,
  signal: AbortSignal,
): AsyncGenerator<WatchBatch, void> {
  const watching = linkSignals(signal);
  const recheck = store.clock.after(RECHECK_MS, () => watching.abort(new Error('time to look')));
  try {
    yield* store.watch(prefixRange(prefix), { from, signal: watching.signal });
  } catch (error) {
    signal.throwIfAborted();
    if (!watching.signal.aborted && !hasCode(error, 'COMPACTED') && !isTransient(error)) throw error;
  } finally {
    recheck.cancel();
    watching.unlink();
  }
}

/** The places of a line, by key, and the first of them. */
class Line {
  readonly #prefix: string;
  readonly #places = new Map<string, KeyValue>();
  #first: KeyValue | undefined;

  constructor(prefix: string, kvs: readonly KeyValue[]) {
    this.#prefix = prefix;
    for (const kv of kvs) if (isPlace(prefix, kv)) this.#places.set(toMapKey(kv.key), kv);
    this.#first = this.#earliest();
  }

  get first(): KeyValue | undefined {
    return this.#first;
  }

  apply(batch: WatchBatch): void {
    for (const { type, kv } of batch.events) {
      if (type === 'put' && isPlace(this.#prefix, kv)) this.#places.set(toMapKey(kv.key), kv);
      else this.#places.delete(toMapKey(kv.key));
    }
    if (batch.events.length > 0) this.#first = this.#earliest();
  }

  #earliest(): KeyValue | undefined {
    let first: KeyValue | undefined;
    for (const kv of this.#places.values()) {
      if (first === undefined || kv.createRevision < first.createRevision) first = kv;
    }
    return first;
  }
}

function differs(one: KeyValue | undefined | 'nothing', other: KeyValue | undefined): boolean {
  if (one === 'nothing' || one === undefined || other === undefined) return one !== other;
  return one.createRevision !== other.createRevision || one.modRevision !== other.modRevision;
}
