import type { Prng } from '../../../base/prng.js';

/**
 * What a link does with what is sent over it. `cut`: nothing passes, as behind a firewall that drops; who connects waits
 * in vain. `halfOpen`: the same for what is said on a connection, but new ones seem to come about, as through a proxy
 * whose back is gone. `refuse`: connections break, and new ones are refused.
 */
export type LinkMode = 'open' | 'cut' | 'halfOpen' | 'refuse';

/** What befalls a link, unless it is told otherwise. */
export interface LinkConditions {
  /** The least that anything takes from one end to the other. */
  readonly minDelayMs: number;
  /** What it takes on the average; sometimes ten times as long. */
  readonly meanDelayMs: number;
  /** The chance that a packet is lost. */
  readonly loss: number;
  /** The chance that a message of raft arrives twice; for what is not sent in order (see `isFifo`) alone. */
  readonly duplicate: number;
  /**
   * Whether raft's messages travel on the connection, in order, as they do over TCP. Otherwise each is a datagram of its
   * own, which may overtake others, be lost and be doubled: raft must bear that, and it explores more in less time.
   * Everything else that members tell each other relies on the connection and stays on it.
   */
  readonly isFifo: boolean;
}

/** A network in one room. */
export const LOCAL_NETWORK: LinkConditions = { minDelayMs: 0.1, meanDelayMs: 0.6, loss: 0, duplicate: 0, isFifo: true };

const TAIL_CHANCE = 0.01;
const TAIL_FACTOR = 10;
/** Quantiles of an exponential distribution with a mean of 1, so that nothing is computed from chance but products. */
const QUANTILES = Float64Array.from({ length: 1_024 }, (_, i) => -Math.log(1 - (i + 0.5) / 1_024));

/** Who is told when a link changes. */
export interface LinkEvents {
  /** What it lets through has changed. */
  onChange(link: Link): void;
  /** A fault had an effect. */
  onEffect(kind: string): void;
  nowUs(): number;
}

/** The way from one process to another. What is set on it holds for the one direction only. */
export class Link implements LinkConditions {
  readonly from: string;
  readonly to: string;
  loss: number;
  duplicate: number;
  isFifo: boolean;
  /** The answer of a call is lost: what was asked for is done, and the connection breaks instead of telling so. */
  loseReplies = false;
  readonly #prng: Prng;
  readonly #events: LinkEvents;
  readonly #usual: LinkConditions;
  #minDelayMs: number;
  #meanDelayMs: number;
  #mode: LinkMode = 'open';
  #clogEndUs = 0;
  /** Faults that hold and have not had an effect. */
  #isModeUnfelt = false;
  #isClogUnfelt = false;
  #isDelayUnfelt = false;

  constructor(from: string, to: string, conditions: LinkConditions, prng: Prng, events: LinkEvents) {
    this.from = from;
    this.to = to;
    this.#prng = prng;
    this.#events = events;
    this.#usual = conditions;
    this.#minDelayMs = conditions.minDelayMs;
    this.#meanDelayMs = conditions.meanDelayMs;
    this.loss = conditions.loss;
    this.duplicate = conditions.duplicate;
    this.isFifo = conditions.isFifo;
  }

  get minDelayMs(): number {
    return this.#minDelayMs;
  }

  set minDelayMs(ms: number) {
    if (ms === this.#minDelayMs) return;
    this.#minDelayMs = ms;
    this.#delayChanged();
  }

  get meanDelayMs(): number {
    return this.#meanDelayMs;
  }

  set meanDelayMs(ms: number) {
    if (ms === this.#meanDelayMs) return;
    this.#meanDelayMs = ms;
    this.#delayChanged();
  }

  get mode(): LinkMode {
    return this.#mode;
  }

  set mode(mode: LinkMode) {
    if (mode === this.#mode) return;
    this.#mode = mode;
    this.#isModeUnfelt = mode !== 'open';
    this.#events.onChange(this);
  }

  /** Whether what is said on a connection passes. */
  get passes(): boolean {
    return this.#mode === 'open';
  }

  /** Holds everything back until a time of the world; then all of it arrives at once. */
  clog(untilMs: number): void {
    this.#clogEndUs = Math.ceil(untilMs * 1_000);
    this.#isClogUnfelt = true;
    this.#events.onChange(this);
  }

  /** When it passes again, in the world's microseconds; past, if it is not clogged. */
  get clogEndUs(): number {
    return this.#clogEndUs;
  }

  get isClogged(): boolean {
    return this.#clogEndUs > this.#events.nowUs();
  }

  /** How long the next packet takes, in microseconds. */
  drawDelayUs(): number {
    const spread = this.#meanDelayMs - this.#minDelayMs;
    let delayMs = this.#minDelayMs;
    if (this.#isDelayUnfelt) this.#feltDelay();
    if (spread > 0) {
      const drawn = this.#prng.next() * QUANTILES.length;
      const index = Math.floor(drawn);
      delayMs += spread * (QUANTILES[index] as number);
      // The part behind the point is as good as another draw.
      if (drawn - index < TAIL_CHANCE) delayMs *= TAIL_FACTOR;
    }
    return Math.ceil(delayMs * 1_000);
  }

  /** Whether something of a given chance happens to the next packet. */
  draws(chance: number): boolean {
    return chance > 0 && this.#prng.next() < chance;
  }

  /** A number in [0, most), whole. */
  drawUpTo(most: number): number {
    return Math.floor(this.#prng.next() * most);
  }

  /** What is set on it changed what happened. */
  feltMode(): void {
    if (!this.#isModeUnfelt) return;
    this.#isModeUnfelt = false;
    this.#events.onEffect(this.#mode);
  }

  feltClog(): void {
    if (!this.#isClogUnfelt) return;
    this.#isClogUnfelt = false;
    this.#events.onEffect('clog');
  }

  felt(kind: 'loss' | 'duplicate' | 'reorder' | 'lost reply' | 'broken connection'): void {
    this.#events.onEffect(kind);
  }

  #delayChanged(): void {
    this.#isDelayUnfelt = this.#minDelayMs > this.#usual.minDelayMs || this.#meanDelayMs > this.#usual.meanDelayMs;
  }

  #feltDelay(): void {
    this.#isDelayUnfelt = false;
    this.#events.onEffect('delay');
  }

  /** As it was before any fault. */
  heal(): void {
    Object.assign(this, this.#usual);
    this.loseReplies = false;
    this.mode = 'open';
    if (this.isClogged) this.clog(0);
  }
}
