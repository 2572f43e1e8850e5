import { type BytesLike, toBytes, toMapKey, toText } from '../../core/base/bytes.js';
import type { KeyValue } from '../../core/base/key-value.js';
import type { WatchBatch } from '../../core/base/operation.js';
import type { RangeAnswer } from '../../core/store.js';
import { changeBetween, type MirrorChange, type MirrorDiff, type MirrorEntry } from './diff.js';

interface Slot<T> {
  readonly modRevision: number;
  /** Absent for a key that does not belong here: it counts, but is not shown. */
  readonly entry?: MirrorEntry<T>;
}

/** What the store says of a replica: it is as new; it lacks something; the store is another one than before. */
export type Verdict = 'agrees' | 'behind' | 'replaced';

/** The copied keys and how they change: what a mirror has, without how it gets it. */
export class Replica<T> {
  readonly #decode: (kv: KeyValue) => T | undefined;
  readonly #onUnreadable: (key: string, error: unknown) => void;
  readonly #slots = new Map<string, Slot<T>>();
  #sorted: readonly MirrorEntry<T>[] | undefined;
  #revision = 0;

  constructor(decode: (kv: KeyValue) => T | undefined, onUnreadable: (key: string, error: unknown) => void) {
    this.#decode = decode;
    this.#onUnreadable = onUnreadable;
  }

  get revision(): number {
    return this.#revision;
  }

  /** Every entry, in key order. */
  entries(): readonly MirrorEntry<T>[] {
    this.#sorted ??= [...this.#slots].sort(([a], [b]) => (a < b ? -1 : 1)).flatMap(([, slot]) => slot.entry ?? []);
    return this.#sorted;
  }

  get(key: BytesLike): MirrorEntry<T> | undefined {
    return this.#slots.get(toMapKey(toBytes(key)))?.entry;
  }

  /** Becomes what was listed at this revision. */
  become(revision: number, kvs: readonly KeyValue[]): MirrorDiff<T> | undefined {
    // The revision goes back only if the store is another one than before, and then equal revisions mean nothing.
    const isSameStore = revision >= this.#revision;
    const updates = new Map<string, Slot<T> | undefined>();
    for (const id of this.#slots.keys()) updates.set(id, undefined);
    for (const kv of kvs) {
      const id = toMapKey(kv.key);
      if (isSameStore && this.#slots.get(id)?.modRevision === kv.modRevision) updates.delete(id);
      else updates.set(id, this.#slotOf(kv));
    }
    return this.#commit(revision, updates);
  }

  /** Takes over what the watch delivered. */
  take(batch: WatchBatch): MirrorDiff<T> | undefined {
    const updates = new Map<string, Slot<T> | undefined>();
    for (const { type, kv } of batch.events) {
      // A check may have shown the state to be that of a later revision than these, which then cancel each other out.
      if (kv.modRevision <= this.#revision) continue;
      updates.set(toMapKey(kv.key), type === 'put' ? this.#slotOf(kv) : undefined);
    }
    return this.#commit(Math.max(this.#revision, batch.revision), updates);
  }

  /**
   * Judges by a range read that asked for one key changed after our revision, and for the count. If none was changed and
   * there are as many as we have, they are the same: a new one would be changed, one that is gone would be missing.
   */
  judge(answer: RangeAnswer): Verdict {
    if (answer.revision < this.#revision) return 'replaced';
    return answer.kvs.length > 0 || answer.count !== this.#slots.size ? 'behind' : 'agrees';
  }

  /** Notes that the state is that of this later revision too, because nothing changed up to it. */
  confirm(revision: number): void {
    this.#revision = Math.max(this.#revision, revision);
  }

  #commit(revision: number, updates: ReadonlyMap<string, Slot<T> | undefined>): MirrorDiff<T> | undefined {
    const changes: MirrorChange<T>[] = [];
    for (const [id, slot] of updates) {
      const previous = this.#slots.get(id)?.entry;
      if (slot) this.#slots.set(id, slot);
      else this.#slots.delete(id);
      const change = changeBetween(previous?.key ?? slot?.entry?.key ?? '', previous, slot?.entry);
      if (change) changes.push(change);
    }
    this.#revision = revision;
    if (changes.length === 0) return undefined;
    this.#sorted = undefined;
    return { revision, changes };
  }

  #slotOf(kv: KeyValue): Slot<T> {
    const { createRevision, modRevision, lease } = kv;
    const key = toText(kv.key);
    try {
      const value = this.#decode(kv);
      if (value !== undefined) return { modRevision, entry: { key, value, createRevision, modRevision, lease } };
    } catch (error) {
      this.#onUnreadable(key, error);
    }
    return { modRevision };
  }
}
