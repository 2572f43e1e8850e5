import { type CoordinationError, OutcomeUnknownError, TimeoutError, TooManyRequestsError } from '../base/errors.js';
import type { PeerMessage, Refusal } from '../peer/types.js';
import type { MemberId } from '../raft/types.js';
import { revive, saysNotLeading } from './refusals.js';
import type { Replica } from './replica.js';
import type { MemberSettings } from './settings.js';

/** Something that only whoever leads can answer. */
export interface Question<T> {
  /** How another member is asked. */
  readonly message: (request: number) => PeerMessage;
  /** How it is answered if this member leads. Rejects with {@link MemberNotLeaderError} or {@link LeaderChangedError} if not. */
  readonly here: () => Promise<T>;
  /** Asking changes something: it is not asked again unless whoever was asked said that it did nothing. */
  readonly isOnce?: boolean;
}

interface Pending {
  readonly request: number;
  readonly question: Question<unknown>;
  readonly begunMs: number;
  isBeingAnsweredHere: boolean;
  /** Who was asked last and has not answered. */
  askedOf: MemberId | undefined;
  /** Since when it is doubtful that they will. */
  doubtfulSinceMs: number | undefined;
  resolve(answer: unknown): void;
  reject(error: Error): void;
}

/**
 * Where questions to the leader are kept until they are answered: by this member if it leads, by the one that does if
 * not, and by the next one if that one is lost. Each waits at most as long as a request may take.
 */
export class LeaderDesk {
  readonly #replica: Replica;
  readonly #nowMs: () => number;
  readonly #timeoutMs: number;
  readonly #doubtMs: number;
  readonly #questionsMax: number;
  readonly #pending = new Map<number, Pending>();
  #lastRequest = 0;

  constructor(replica: Replica, nowMs: () => number, settings: MemberSettings) {
    this.#replica = replica;
    this.#nowMs = nowMs;
    this.#timeoutMs = settings.requestTimeoutMs + 2 * settings.electionTimeoutMs;
    this.#doubtMs = settings.electionTimeoutMs;
    this.#questionsMax = settings.readsMax;
    replica.leadership.onLeader((leader) => this.#leaderChanged(leader));
    replica.leadership.onServing((isServing) => isServing && this.#askAll());
  }

  /**
   * @throws {@link NoLeaderError}, {@link TimeoutError} if nobody answered; {@link TooManyRequestsError} where as many
   * wait as may wait for reads; {@link OutcomeUnknownError} for what is asked
   * once, if the answer was lost; whatever the leader refused it with
   */
  ask<T>(question: Question<T>): Promise<T> {
    const ended = this.#replica.ended ?? this.#replica.leadership.leaderless();
    if (ended !== undefined) return Promise.reject(ended);
    if (this.#pending.size >= this.#questionsMax) {
      return Promise.reject(new TooManyRequestsError('questions to the leader', this.#questionsMax));
    }
    return new Promise((resolve, reject) => {
      const pending: Pending = {
        request: (this.#lastRequest += 1),
        question,
        begunMs: this.#nowMs(),
        isBeingAnsweredHere: false,
        askedOf: undefined,
        doubtfulSinceMs: undefined,
        resolve,
        reject,
      };
      this.#pending.set(pending.request, pending);
      this.#put(pending);
    });
  }

  /** Takes an answer from another member. One to a question that is not open any more is too late. */
  answered(from: MemberId, request: number, answer: unknown, refusal: Refusal | undefined): void {
    const pending = this.#pending.get(request);
    if (pending === undefined || pending.askedOf !== from) return;
    if (refusal === undefined) return this.#resolve(pending, answer);
    if (!saysNotLeading(refusal.code)) return this.#reject(pending, revive(refusal));
    pending.askedOf = undefined;
    pending.doubtfulSinceMs = undefined;
  }

  /** A member's process has ended, and with it what it had not answered. */
  gone(id: MemberId): void {
    for (const pending of this.#pending.values()) {
      if (pending.askedOf === id && pending.question.isOnce) this.#reject(pending, unknown());
    }
  }

  /** Gives up those whose time is over, and asks again for the others: a message may have been lost. */
  sweep(): void {
    const leaderless = this.#replica.leadership.leaderless();
    const now = this.#nowMs();
    for (const pending of this.#pending.values()) {
      const { askedOf, question, begunMs, doubtfulSinceMs = Number.POSITIVE_INFINITY } = pending;
      const isOver = begunMs + this.#timeoutMs <= now;
      if (question.isOnce && askedOf !== undefined) {
        if (isOver || doubtfulSinceMs + this.#doubtMs <= now) this.#reject(pending, unknown());
      } else if (leaderless !== undefined) this.#reject(pending, leaderless);
      else if (isOver) this.#reject(pending, new TimeoutError('the request to the leader', this.#timeoutMs));
      else this.#put(pending);
    }
  }

  rejectAll(error: Error): void {
    for (const pending of this.#pending.values()) {
      this.#reject(pending, pending.question.isOnce && pending.askedOf !== undefined ? unknown(error) : error);
    }
  }

  #askAll(): void {
    for (const pending of this.#pending.values()) this.#put(pending);
  }

  #leaderChanged(leader: MemberId | undefined): void {
    for (const pending of this.#pending.values()) {
      if (pending.askedOf !== undefined && pending.askedOf !== leader) pending.doubtfulSinceMs ??= this.#nowMs();
    }
    this.#askAll();
  }

  #put(pending: Pending): void {
    const { raft, transport } = this.#replica;
    if (pending.isBeingAnsweredHere || (pending.question.isOnce && pending.askedOf !== undefined)) return;
    if (raft.role === 'leader') return this.#answerHere(pending);
    const { leader } = raft;
    if (leader === undefined || !transport?.isConnected(leader)) return;
    pending.askedOf = leader;
    pending.doubtfulSinceMs = undefined;
    this.#replica.send(leader, pending.question.message(pending.request));
  }

  #answerHere(pending: Pending): void {
    if (!this.#replica.leadership.isServing) return;
    pending.isBeingAnsweredHere = true;
    pending.question.here().then(
      (answer) => this.#resolve(pending, answer),
      (error: CoordinationError) => {
        pending.isBeingAnsweredHere = false;
        if (!saysNotLeading(error.code) || this.#replica.ended !== undefined) this.#reject(pending, error);
      },
    );
  }

  #resolve(pending: Pending, answer: unknown): void {
    if (this.#pending.delete(pending.request)) pending.resolve(answer);
  }

  #reject(pending: Pending, error: Error): void {
    if (this.#pending.delete(pending.request)) pending.reject(error);
  }
}

function unknown(cause?: Error): OutcomeUnknownError {
  return new OutcomeUnknownError('the change', cause && { cause });
}
