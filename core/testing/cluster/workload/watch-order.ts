import { createHash, type Hash } from 'node:crypto';
import type { Event } from '../../../base/key-value.js';
import type { WatchBatch } from '../../../base/operation.js';
import type { Verdict } from './verdict.js';

/** Revisions of history that are hashed together. */
const SEGMENT = 500;
const SEGMENTS_KEPT = 2_000;

/** What each stretch of history looked like to those who have seen it: it must be the same to all. */
export class HistoryBoard {
  readonly #verdict: Verdict;
  readonly #hashes = new Map<number, { readonly hash: string; readonly by: string }>();
  comparisonCount = 0;

  constructor(verdict: Verdict) {
    this.#verdict = verdict;
  }

  /** Told by each who has seen a whole segment. */
  post(segment: number, hash: string, by: string): void {
    const known = this.#hashes.get(segment);
    if (known) {
      this.comparisonCount += 1;
      if (known.hash === hash) return;
      const span = `${segment * SEGMENT} to ${(segment + 1) * SEGMENT - 1}`;
      return this.#verdict.violation(`${by} and ${known.by} saw different events in revisions ${span}`);
    }
    this.#hashes.set(segment, { hash, by });
    const oldest = this.#hashes.keys().next().value as number;
    if (this.#hashes.size > SEGMENTS_KEPT) this.#hashes.delete(oldest);
  }
}

/**
 * One watch of everything there is, from some revision on: every revision comes, whole, once, and in order; and what
 * came is what came to the others.
 */
export class WatchOrder {
  readonly #name: string;
  readonly #verdict: Verdict;
  readonly #board: HistoryBoard;
  #revision: number;
  #hash: Hash = createHash('sha1');
  /** A segment of which this one has not seen the beginning is not told of. */
  #isWhole: boolean;

  /** @param fromRevision - the first revision that it shall see */
  constructor(name: string, { fromRevision, verdict, board }: Parts) {
    this.#name = name;
    this.#verdict = verdict;
    this.#board = board;
    this.#revision = fromRevision - 1;
    this.#isWhole = fromRevision % SEGMENT === 0;
  }

  /** The latest revision that it has seen whole. */
  get revision(): number {
    return this.#revision;
  }

  /** Takes what was delivered in one go. */
  take(batch: WatchBatch): void {
    const before = this.#revision;
    for (const event of batch.events) {
      const { modRevision } = event.kv;
      // The first event of a batch begins a new revision, or the one before was delivered in two parts.
      const least = event === batch.events[0] ? before + 1 : this.#revision;
      if (modRevision < least || modRevision > this.#revision + 1) return this.#outOfOrder(modRevision, least);
      if (modRevision > this.#revision) this.#begin(modRevision);
      this.#add(event);
    }
  }

  #outOfOrder(revision: number, least: number): void {
    const how = revision < least ? 'was repeated, split, or came out of order' : 'came, and none between';
    this.#verdict.violation(`${this.#name}: after revision ${this.#revision}, revision ${revision} ${how}`);
  }

  #begin(revision: number): void {
    this.#revision = revision;
    if (revision % SEGMENT !== 0) return;
    if (this.#isWhole) this.#board.post(revision / SEGMENT - 1, this.#hash.digest('hex'), this.#name);
    this.#hash = createHash('sha1');
    this.#isWhole = true;
  }

  #add({ type, kv }: Event): void {
    const { key, value, createRevision, modRevision, version, lease } = kv;
    this.#hash.update(`${type} ${modRevision} ${createRevision} ${version} ${lease} ${key.length} ${value.length} `);
    this.#hash.update(key).update(value);
  }
}

interface Parts {
  readonly fromRevision: number;
  readonly verdict: Verdict;
  readonly board: HistoryBoard;
}
