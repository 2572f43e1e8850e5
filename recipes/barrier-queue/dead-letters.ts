import { prefix } from '../../core/base/key-range.js';
import type { KeyValue } from '../../core/base/key-value.js';
import type { Store } from '../../core/store.js';
import { createRevision, remove } from '../../core/txn.js';
import { ForeignReport } from '../foreign.js';
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
  readonly #foreign: ForeignReport;

  constructor(store: Store, layout: Layout, producer: Producer) {
    this.#store = store;
    this.#layout = layout;
    this.#producer = producer;
    this.#foreign = new ForeignReport(store.logger, `dead letters in ${layout.dead}`);
  }

  /** The oldest ones. */
  async list(limit: number, signal: AbortSignal): Promise<readonly DeadLetter[]> {
    const oldestFirst = { sortTarget: 'createRevision', sortOrder: 'ascend', signal } as const;
    const page = await this.#store.range(prefix(this.#layout.dead), { ...oldestFirst, limit });
    const letters = this.#lettersOf(page.kvs);
    if (letters.length === page.kvs.length || !page.more) return letters;
    // Foreign keys took the place of letters that are there.
    const { kvs } = await this.#store.range(prefix(this.#layout.dead), oldestFirst);
    return this.#lettersOf(kvs).slice(0, limit);
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

  #lettersOf(kvs: readonly KeyValue[]): readonly DeadLetter[] {
    return kvs.flatMap((kv) => {
      const [slot, record] = [this.#layout.parseDead(kv.key), parseDead(kv.value)];
      if (slot && record) return { ...slot, ...record, createRevision: kv.createRevision };
      this.#foreign.found(kv.key);
      return [];
    });
  }
}
