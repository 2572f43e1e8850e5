import { toText } from '../../core/base/bytes.js';
import { prefix as prefixRange } from '../../core/base/key-range.js';
import type { KeyValue } from '../../core/base/key-value.js';
import type { Compare, RangeResult } from '../../core/base/operation.js';
import type { RangeOptions, Store } from '../../core/store.js';
import { createRevision, get, leaseOf, modRevision, put, type Txn, type TxnAnswer } from '../../core/txn.js';
import { acquisitionKey, newAcquisitionId } from '../keys.js';
import { type Metadata, type Owner, ownerHere, toJson } from '../metadata.js';
import { persist } from '../retry.js';
import type { Session } from '../session/session.js';
import { isPlace } from './place.js';
import type { Incarnation } from './until-gone.js';

const LATEST_FIRST: Omit<RangeOptions, 'signal'> = {
  sortTarget: 'createRevision',
  sortOrder: 'descend',
  keysOnly: true,
};

/** A place that has come first. `createRevision` is its fencing token. */
export interface Grant extends Incarnation {
  /** A revision at which it was first. */
  readonly revision: number;
  /** What the key's value says of us. */
  readonly owner: Owner;
  /** An earlier request for the same key may still be on its way, and create the key again once it is deleted. */
  readonly inDoubt: boolean;
}

/** What one look at the line said. */
export interface Asked {
  readonly revision: number;
  readonly granted?: Grant;
  readonly ownStands: boolean;
  /** The place before ours; absent if that was not read or is foreign: ask again. */
  readonly before?: Incarnation;
  readonly passedOver: readonly KeyValue[];
}

/** One acquisition: its id, its key, and what is known of whether that is in the store. */
export class Attempt {
  readonly session: Session;
  readonly signal: AbortSignal;
  readonly key: string;
  readonly #store: Store;
  readonly #prefix: string;
  readonly #owner: Owner;
  readonly #value: Uint8Array;
  #created: number | undefined;
  /** An earlier request to create the key was not answered: it may have been, or may yet be, carried out. */
  #inDoubt = false;
  #passOver = false;

  /**
   * @param signal - calls off whatever the attempt asks of the store
   * @throws {@link InvalidArgumentError} if JSON cannot hold `fields`
   */
  constructor(store: Store, prefix: string, session: Session, fields: Metadata, signal: AbortSignal) {
    const acquisitionId = newAcquisitionId(store.prng);
    this.#store = store;
    this.#prefix = prefix;
    this.session = session;
    this.signal = signal;
    this.key = acquisitionKey(prefix, session.lease, acquisitionId);
    this.#owner = ownerHere(store, acquisitionId, fields);
    this.#value = toJson(this.#owner, 'metadata');
  }

  get mayHaveLeft(): boolean {
    return this.#created !== undefined || this.#inDoubt;
  }

  get leftover(): { key: string; createRevision?: number } {
    return this.#created === undefined ? { key: this.key } : { key: this.key, createRevision: this.#created };
  }

  /** Our key as it was created. */
  get incarnation(): Incarnation {
    return { key: this.key, createRevision: this.#created as number, lease: this.session.lease };
  }

  /** Puts our key, and reads in the same transaction who is before us: often nobody. */
  async enqueue(): Promise<Asked> {
    const answer = await this.#create([createRevision(this.key).equals(0)], (txn) =>
      txn.do(get(prefixRange(this.#prefix), { ...LATEST_FIRST, limit: 2 })).otherwise(get(this.key)),
    );
    const { revision, kvs } = answer;
    // A repeated attempt that finds its key knows no more than that it stands.
    if (answer.found) return { revision, ownStands: true, passedOver: [] };
    // Latest first: ours, and the one before it.
    return this.#asked(revision, kvs.slice(1));
  }

  /**
   * Puts our key if the line is empty.
   *
   * @param foreignUpTo - a revision at which there were only foreign keys in it: they are passed over, if they have not changed
   * and no other has come since
   * @returns the grant; or the foreign keys, if they are all that is in the way, and the revision at which that is so
   */
  async takeIfEmpty(
    foreignUpTo?: number,
  ): Promise<{ granted?: Grant; foreign: readonly KeyValue[]; revision: number }> {
    const all = prefixRange(this.#prefix);
    const isEmpty =
      foreignUpTo === undefined ? createRevision(all).equals(0) : modRevision(all).isLessThan(foreignUpTo + 1);
    const { revision, kvs } = await this.#create([isEmpty], (txn) =>
      txn.otherwise(get(this.key), get(all, { keysOnly: true })),
    );
    if (this.#created !== undefined) return { granted: this.#grant(revision), foreign: [], revision };
    return { foreign: kvs.some((kv) => isPlace(this.#prefix, kv)) ? [] : kvs, revision };
  }

  /**
   * Proves that we are first, or learns who is before us. The range comparison makes the store itself say that no key of the
   * prefix is older than ours.
   *
   * Keys to pass over make it fail, for they are older. Then all keys before ours are read together with ours, at one
   * revision, and it is the reading that proves.
   */
  async ask(): Promise<Asked> {
    const created = this.#created as number;
    const all = prefixRange(this.#prefix);
    const earlier = { ...LATEST_FIRST, maxCreateRevision: created - 1, ...(this.#passOver ? {} : { limit: 1 }) };
    const { succeeded, responses, revision } = await persist(this.#store.clock, this.signal, () =>
      this.#store
        .txn()
        .when(...this.#stands(created), createRevision(all).isGreaterThan(created - 1))
        .otherwise(get(this.key, { keysOnly: true }), get(all, earlier))
        .commit({ signal: this.signal }),
    );
    if (succeeded) return this.#asked(revision, []);
    const [own, before] = responses.map((response) => (response as RangeResult).kvs);
    const { lease } = this.session;
    if (own?.[0]?.createRevision !== created || own[0].lease !== lease)
      return { revision, ownStands: false, passedOver: [] };
    return this.#asked(revision, before ?? []);
  }

  /** Our key stands; `earlier` are the keys before it that were read, the latest first. */
  #asked(revision: number, earlier: readonly KeyValue[]): Asked {
    const before = earlier.find((kv) => isPlace(this.#prefix, kv));
    const passedOver = earlier.filter((kv) => !isPlace(this.#prefix, kv));
    if (before) return { revision, ownStands: true, before: toIncarnation(before), passedOver };
    if (passedOver.length === 0 || this.#passOver) {
      return { revision, ownStands: true, granted: this.#grant(revision), passedOver };
    }
    // Only the nearest key was read, and it is foreign: the next look reads them all.
    this.#passOver = true;
    return { revision, ownStands: true, passedOver };
  }

  #stands(created: number): Compare[] {
    return [createRevision(this.key).equals(created), leaseOf(this.key).equals(this.session.lease)];
  }

  #grant(revision: number): Grant {
    return { ...this.incarnation, revision, owner: this.#owner, inDoubt: this.#inDoubt };
  }

  /**
   * Puts our key under these conditions. Repeats the same transaction if an answer was lost; the key itself, which the
   * `otherwise` branch reads first, then tells that it was carried out the first time.
   */
  async #create(
    conditions: readonly Compare[],
    complete: (txn: Txn) => Txn,
  ): Promise<{ readonly revision: number; readonly found: boolean; readonly kvs: readonly KeyValue[] }> {
    const creating = put(this.key, this.#value, { lease: this.session.lease });
    const txn = complete(
      this.#store
        .txn()
        .when(...conditions)
        .do(creating),
    );
    const answer = await persist(this.#store.clock, this.signal, () => this.#commit(txn));
    const [first, second] = answer.responses;
    if (answer.succeeded) {
      this.#created = answer.revision;
      return { revision: answer.revision, found: false, kvs: second?.type === 'range' ? second.kvs : [] };
    }
    const own = (first as RangeResult).kvs[0];
    if (own) {
      this.#created = own.createRevision;
      this.#inDoubt = false;
    }
    return { revision: answer.revision, found: own !== undefined, kvs: second?.type === 'range' ? second.kvs : [] };
  }

  async #commit(txn: Txn): Promise<TxnAnswer> {
    try {
      return await txn.commit({ signal: this.signal });
    } catch (error) {
      // Only an error that says "nothing was done" leaves no doubt; being called off does not.
      const { retry } = error as { retry?: unknown };
      if (this.signal.aborted || (retry !== 'safe' && retry !== 'never')) this.#inDoubt = true;
      throw error;
    }
  }
}

function toIncarnation(kv: KeyValue): Incarnation {
  return { key: toText(kv.key), createRevision: kv.createRevision, lease: kv.lease };
}
