import { UnavailableError } from '../../../core/base/errors.js';
import type { WatchBatch } from '../../../core/base/operation.js';
import type { Store, Target, WatchOptions, WatchStream } from '../../../core/store.js';
import { FaultyStore, type Method } from '../../testing/faulty-store.js';

/** A store that can go away as a whole and come back, and whose watches can go deaf: neither deliver nor end. */
export class WaywardStore extends FaultyStore {
  /** New watches are deaf, too. */
  isDeaf = false;
  /** Every watch that was begun. */
  watchesBegun = 0;
  #isAway = false;
  #deafUpTo = 0;

  readonly #way: { to: Store };

  constructor(inner: Store) {
    const way = { to: inner };
    super(followed(way));
    this.#way = way;
  }

  /** From now on another store answers, as if this one had been lost and set up again. */
  leadTo(other: Store): void {
    this.#way.to = other;
  }

  /** Nothing reaches the store any more, and every watch breaks. */
  goAway(): void {
    this.#isAway = true;
    this.onCall = () => ({ kind: 'fail', error: away() });
    this.breakWatches(away());
  }

  comeBack(): void {
    this.#isAway = false;
    this.onCall = () => undefined;
  }

  /** The watches that are open now will deliver nothing any more. */
  silence(): void {
    this.#deafUpTo = this.watchesBegun;
  }

  countOf(method: Method): number {
    return this.calls.filter((call) => call.method === method).length;
  }

  override watch(target: Target, options: WatchOptions = {}): WatchStream {
    this.watchesBegun += 1;
    const number = this.watchesBegun;
    const stream = super.watch(target, this.#isAway ? { ...options, signal: AbortSignal.abort(away()) } : options);
    const isDeaf = () => this.isDeaf || number <= this.#deafUpTo;
    return {
      created: stream.created,
      [Symbol.asyncIterator]: () => heard(stream, isDeaf),
      [Symbol.asyncDispose]: () => stream[Symbol.asyncDispose](),
    };
  }
}

async function* heard(stream: WatchStream, isDeaf: () => boolean): AsyncGenerator<WatchBatch, void> {
  for await (const batch of stream) if (!isDeaf()) yield batch;
}

function followed(way: { readonly to: Store }): Store {
  return new Proxy({} as Store, {
    get(_, name) {
      const value = Reflect.get(way.to, name, way.to) as unknown;
      return typeof value === 'function' ? (value.bind(way.to) as unknown) : value;
    },
  });
}

function away(): UnavailableError {
  return new UnavailableError('the store is away');
}
