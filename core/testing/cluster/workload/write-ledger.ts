import type { Verdict } from './verdict.js';

/** Writes whose fate is open at one time; past it a run says nothing any more about what it forgot, so it ends. */
const OPEN_MAX = 100_000;
const REFUSED_KEPT_MAX = 1_000;

interface Open {
  readonly key: string;
  outcome: 'underWay' | 'acknowledged' | 'unknown';
  /** At which it was acknowledged. */
  revision?: number;
  /** At which the history shows it. */
  seenAt?: number;
}

/**
 * Every write by an id of its own, from its beginning until both its outcome and the history have been heard. An
 * acknowledged write is in the history once, at its revision; one whose outcome is unknown, at most once; one that
 * was refused, never. What is settled is forgotten, so the memory is that of what is open.
 */
export class WriteLedger {
  readonly #verdict: Verdict;
  readonly #open = new Map<string, Open>();
  /** Only so that a finding can say more. */
  readonly #refused: string[] = [];
  readonly #acknowledgedAt = new Map<string, number>();
  #seenRevision = 0;
  #acknowledgedRevision = 0;
  #lastAcknowledgedMs = performance.now();
  #longestGapMs = 0;
  #isMeasuring = false;
  acknowledgedCount = 0;
  refusedCount = 0;
  unknownCount = 0;

  constructor(verdict: Verdict) {
    this.#verdict = verdict;
  }

  /** The highest revision that anybody was told of. A linearizable read that begins now answers at least this. */
  get acknowledgedRevision(): number {
    return this.#acknowledgedRevision;
  }

  /** Writes that are under way, or unknown and not in the history so far. */
  get openCount(): number {
    return this.#open.size;
  }

  /** The longest time in which nothing was acknowledged to anybody, in milliseconds. */
  get longestGapMs(): number {
    return this.#isMeasuring
      ? Math.max(this.#longestGapMs, performance.now() - this.#lastAcknowledgedMs)
      : this.#longestGapMs;
  }

  /** Since when nothing has been acknowledged to anybody, in milliseconds. */
  get gapMs(): number {
    return this.#isMeasuring ? performance.now() - this.#lastAcknowledgedMs : 0;
  }

  /** Begins to measure gaps, or ends it, so that what comes after is not counted. */
  measureGaps(isMeasuring: boolean): void {
    if (!isMeasuring) this.#longestGapMs = this.longestGapMs;
    this.#isMeasuring = isMeasuring;
    this.#lastAcknowledgedMs = performance.now();
  }

  /** The highest revision at which a write of this key was acknowledged. */
  acknowledgedAt(key: string): number {
    return this.#acknowledgedAt.get(key) ?? 0;
  }

  begun(id: string, key: string): void {
    if (this.#open.size >= OPEN_MAX) this.#verdict.violation(`${OPEN_MAX} writes are open: the run is void`);
    this.#open.set(id, { key, outcome: 'underWay' });
  }

  acknowledged(id: string, revision: number): void {
    this.acknowledgedCount += 1;
    const nowMs = performance.now();
    this.#longestGapMs = this.longestGapMs;
    this.#lastAcknowledgedMs = nowMs;
    this.#acknowledgedRevision = Math.max(this.#acknowledgedRevision, revision);
    const open = this.#open.get(id) as Open;
    this.#acknowledgedAt.set(open.key, Math.max(this.acknowledgedAt(open.key), revision));
    open.outcome = 'acknowledged';
    open.revision = revision;
    this.#settle(id, open);
  }

  /** It was certainly not carried out. */
  refused(id: string): void {
    this.refusedCount += 1;
    const open = this.#open.get(id) as Open;
    this.#open.delete(id);
    this.#refused.push(id);
    if (this.#refused.length > REFUSED_KEPT_MAX) this.#refused.shift();
    if (open.seenAt !== undefined) this.#verdict.violation(`write ${id} was refused, and is there at ${open.seenAt}`);
  }

  /** Nobody can say whether it was, or will be, carried out. */
  unknown(id: string): void {
    this.unknownCount += 1;
    const open = this.#open.get(id) as Open;
    open.outcome = 'unknown';
    this.#settle(id, open);
  }

  /** The history shows this write. */
  seen(id: string, revision: number): void {
    const open = this.#open.get(id);
    if (!open) {
      const why = this.#refused.includes(id) ? 'though it was refused' : 'a second time, or though nobody wrote it';
      return this.#verdict.violation(`write ${id} is there at revision ${revision}, ${why}`);
    }
    if (open.seenAt !== undefined) {
      return this.#verdict.violation(`write ${id} is there twice, at revisions ${open.seenAt} and ${revision}`);
    }
    open.seenAt = revision;
    this.#settle(id, open);
  }

  /** The history has been heard up to here. */
  seenUpTo(revision: number): void {
    this.#seenRevision = revision;
  }

  /** Looks for what was acknowledged and is not in the history. */
  sweep(): void {
    for (const [id, open] of this.#open) {
      if (open.outcome === 'acknowledged') this.#settle(id, open);
    }
  }

  #settle(id: string, open: Open): void {
    const { outcome, revision, seenAt } = open;
    if (outcome === 'unknown' && seenAt !== undefined) this.#open.delete(id);
    if (outcome !== 'acknowledged') return;
    if (seenAt === undefined) {
      if ((revision as number) > this.#seenRevision) return;
      this.#verdict.violation(`write ${id}, acknowledged at revision ${revision}, is lost`);
    } else if (seenAt !== revision) {
      this.#verdict.violation(`write ${id}, acknowledged at revision ${revision}, is there at ${seenAt}`);
    }
    this.#open.delete(id);
  }
}
