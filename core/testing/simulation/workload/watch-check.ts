import { toText } from '../../../base/bytes.js';
import type { CompactedError } from '../../../base/errors.js';
import type { Event, KeyRange } from '../../../base/key-value.js';
import type { WatchBatch } from '../../../base/operation.js';
import { isSameKey } from '../invariants/applied-states.js';
import type { Chronicle } from '../invariants/chronicle.js';

/** What a stream was asked for. */
export interface WatchAsked {
  readonly target: KeyRange;
  /** The first revision that it shall tell. */
  readonly from: number;
  readonly only?: Event['type'];
  readonly previous?: boolean;
}

/**
 * One stream of events against the committed log: each batch tells all that happened to its keys since the one before up
 * to its own revision, whole, once, in order, and nothing else. So an empty one promises that nothing happened.
 */
export class WatchCheck {
  readonly #chronicle: Chronicle;
  readonly #asked: WatchAsked;
  #next: number;
  #told = 0;
  eventCount = 0;

  constructor(chronicle: Chronicle, asked: WatchAsked) {
    this.#chronicle = chronicle;
    this.#asked = asked;
    this.#next = asked.from;
  }

  /** The first revision of which it has told nothing yet. */
  get next(): number {
    return this.#next;
  }

  /** Whether it has told all that happened up to a revision. */
  hasTold(revision: number): boolean {
    return this.#expected(revision).length === 0;
  }

  /** @returns what is wrong with a batch */
  take({ revision, events }: WatchBatch): string | undefined {
    // A watch from the future may be told that nothing came before that; no more follows from it.
    if (events.length === 0 && revision === this.#asked.from - 1) return undefined;
    if (revision > this.#chronicle.revision) return `it tells of revision ${revision}, which does not exist`;
    if (revision < this.#told) return `it tells of revision ${revision} after ${this.#told}`;
    const expected = this.#expected(revision);
    this.#told = revision;
    this.#next = Math.max(this.#next, revision + 1);
    this.eventCount += events.length;
    for (let at = 0; at < Math.max(events.length, expected.length); at += 1) {
      const [event, right] = [events[at], expected[at]];
      if (event === undefined) return `up to revision ${revision} it does not tell of ${shown(right as Event)}`;
      if (right === undefined) return `up to revision ${revision} it tells of ${shown(event)}, which is not to come`;
      if (!isSameEvent(event, right)) return `it tells of ${shown(event)} in the place of ${shown(right)}`;
      const wrong = this.#asked.previous ? this.#wrongInPrevious(event) : undefined;
      if (wrong !== undefined) return wrong;
    }
    return undefined;
  }

  /** @returns what is wrong with its end, which is said to be because of compaction */
  compacted({ compactRevision }: CompactedError): string | undefined {
    if (compactRevision > this.#chronicle.compactRevision) return `nobody compacted at ${compactRevision}`;
    if (this.#next < compactRevision) return undefined;
    return `it gave up at revision ${this.#next}, which is there: ${compactRevision} was compacted`;
  }

  #expected(revision: number): readonly Event[] {
    const { target, only } = this.#asked;
    const events = this.#chronicle.eventsBetween(target, this.#next, revision);
    return only === undefined ? events : events.filter(({ type }) => type === only);
  }

  #wrongInPrevious({ kv, previous }: Event): string | undefined {
    const right = this.#chronicle.keyAt(kv.key, kv.modRevision - 1);
    const isForgotten = kv.modRevision - 1 < this.#chronicle.compactRevision;
    if (previous === undefined && (right === undefined || isForgotten)) return undefined;
    if (previous !== undefined && right !== undefined && isSameKey(previous, right)) return undefined;
    return `before ${kv.modRevision}, ${toText(kv.key)} was ${right?.modRevision}, and not ${previous?.modRevision}`;
  }
}

function isSameEvent(one: Event, other: Event): boolean {
  return one.type === other.type && isSameKey(one.kv, other.kv);
}

function shown({ type, kv }: Event): string {
  return `${type} ${toText(kv.key)} at ${kv.modRevision}`;
}
