import { toText } from '../../core/base/bytes.js';
import { prefix } from '../../core/base/key-range.js';
import type { KeyValue } from '../../core/base/key-value.js';
import type { Store } from '../../core/store.js';
import { createRevision, remove } from '../../core/txn.js';
import type { Layout } from './layout.js';
import type { Producer, PutAnswer } from './producer.js';
import { parseDead } from './records.js';

/** An item that was handed out as often as the queue allows, or that nobody could read. */
export interface DeadLetter {
  readonly id: string;
  /** The round it was in. */
  readonly round: number;
  /** As it was put; not checked again. */
  readonly item: unknown;
  readonly attempts: number;
  /** Why it was last given back. */
  readonly reason: string;
  /** Wall time at which it was put here, ISO 8601, by the clock of whoever did. For display only. */
  readonly since: string;
  /** Identifies this letter: an item can die more than once. */
  readonly createRevision: number;
}

/** The items that are kept for people to look at. */
export class DeadLetters {
  readonly #store: Store;
  readonly #layout: Layout;
  readonly #producer: Producer;

  constructor(store: Store, layout: Layout, producer: Producer) {
    this.#store = store;
    this.#layout = layout;
    this.#producer = producer;
  }

  /** The oldest ones. */
  async list(limit: number, signal: AbortSignal): Promise<readonly DeadLetter[]> {
    const { kvs } = await this.#store.range(prefix(this.#layout.dead), {
      limit,
      sortTarget: 'createRevision',
      sortOrder: 'ascend',
      signal,
    });
    return kvs.map((kv) => this.#letterOf(kv));
  }

  /** Puts the item into the round that gathers, as new, and removes the letter, in one transaction. */
  async redrive(letter: DeadLetter, signal: AbortSignal): Promise<PutAnswer | undefined> {
    const key = this.#layout.deadLetter(letter);
    return this.#producer.put(
      {
        id: letter.id,
        item: letter.item,
        alsoWhen: [createRevision(key).equals(letter.createRevision)],
        alsoDo: [remove(key)],
      },
      signal,
    );
  }

  async discard(letter: DeadLetter, signal: AbortSignal): Promise<boolean> {
    const key = this.#layout.deadLetter(letter);
    const isThere = createRevision(key).equals(letter.createRevision);
    const { succeeded } = await this.#store.txn().when(isThere).do(remove(key)).commit({ signal });
    return succeeded;
  }

  #letterOf(kv: KeyValue): DeadLetter {
    const slot = this.#layout.parseDead(toText(kv.key));
    return { ...slot, ...parseDead(kv.value), createRevision: kv.createRevision };
  }
}
