import { createHash } from 'node:crypto';
import { toText } from '../../../base/bytes.js';
import type { Event } from '../../../base/key-value.js';
import type { WatchBatch } from '../../../base/operation.js';
import type { Verdict } from './verdict.js';

/** Revisions of history that are compared together. */
const SEGMENT = 500;
const SEGMENTS_KEPT = 2_000;
/** Of the latest segments it is known event by event what was seen, to tell where others saw something else. */
const SEGMENTS_IN_FULL = 16;
const VALUE_SHOWN = 40;

interface Seen {
  readonly hash: string;
  readonly by: string;
  events?: readonly string[];
}

/** What each stretch of history looked like to those who have seen it: it must be the same to all. */
export class HistoryBoard {
  readonly #verdict: Verdict;
  readonly #seen = new Map<number, Seen>();
  readonly #inFull: Seen[] = [];
  comparisonCount = 0;

  constructor(verdict: Verdict) {
    this.#verdict = verdict;
  }

  /** Told by each who has seen a whole segment, event by event. */
  post(segment: number, events: readonly string[], by: string): void {
    const hash = createHash('sha1').update(events.join('\n')).digest('hex');
    const known = this.#seen.get(segment);
    if (known === undefined) return this.#keep(segment, { hash, by, events });
    this.comparisonCount += 1;
    if (known.hash === hash) return;
    const span = `${segment * SEGMENT} to ${(segment + 1) * SEGMENT - 1}`;
    const where = firstDifference(known, { hash, by, events });
    this.#verdict.violation(`${by} and ${known.by} saw different events in revisions ${span}${where}`);
  }

  #keep(segment: number, seen: Seen): void {
    this.#seen.set(segment, seen);
    const oldest = this.#seen.keys().next().value as number;
    if (this.#seen.size > SEGMENTS_KEPT) this.#seen.delete(oldest);
    this.#inFull.push(seen);
    if (this.#inFull.length > SEGMENTS_IN_FULL) delete this.#inFull.shift()?.events;
  }
}

function firstDifference(known: Seen, other: Seen): string {
  const [one, two] = [known.events, other.events];
  if (one === undefined || two === undefined) return '';
  const at = one.findIndex((event, place) => event !== two[place]);
  const place = at < 0 ? one.length : at;
  const shown = ({ by, events = [] }: Seen) => `${by}: ${events.slice(Math.max(0, place - 1), place + 2).join('; ')}`;
  return `, first at event ${place} of ${one.length} and ${two.length}: ${shown(known)} | ${shown(other)}`;
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
  #events: string[] = [];
  /** A segment of which this one has not seen the beginning is not told of. */
  #isWhole = false;

  /** @param fromRevision - the first revision that it shall see */
  constructor(name: string, { fromRevision, verdict, board }: Parts) {
    this.#name = name;
    this.#verdict = verdict;
    this.#board = board;
    this.#revision = fromRevision - 1;
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
    if (this.#isWhole) this.#board.post(revision / SEGMENT - 1, this.#events, this.#name);
    this.#events = [];
    this.#isWhole = true;
  }

  #add({ type, kv }: Event): void {
    if (this.#isWhole) this.#events.push(described(type, kv));
  }
}

function described(type: Event['type'], kv: Event['kv']): string {
  const { key, value, createRevision, modRevision, version, lease } = kv;
  const content = value.length <= VALUE_SHOWN ? toText(value) : createHash('sha1').update(value).digest('hex');
  return `${type} ${toText(key)} at ${modRevision} (created ${createRevision}, version ${version}, lease ${lease}): ${content}`;
}

interface Parts {
  readonly fromRevision: number;
  readonly verdict: Verdict;
  readonly board: HistoryBoard;
}
