import { MemberNotLeaderError, TooManyRequestsError } from '../base/errors.js';
import type { LeaseId } from '../base/key-value.js';
import type { RemainingRequest, RenewRequest } from '../peer/types.js';
import type { MemberId } from '../raft/types.js';
import type { LeaderDesk, Question } from './leader-desk.js';
import type { LeaseKeeper } from './lease-keeper.js';
import { refusalOf } from './refusals.js';
import type { Replica } from './replica.js';

interface Renewal {
  readonly id: LeaseId;
  readonly resolve: (ttlSeconds: number) => void;
  readonly reject: (error: Error) => void;
}

/** Leases in one message to the leader. */
const RENEWALS_A_MESSAGE = 4_096;

/**
 * Renewals of leases, and questions for what is left of them, at any member: the leader alone knows. All renewals of one
 * turn of the event loop are one question.
 */
export class Renewals {
  readonly #replica: Replica;
  readonly #desk: LeaderDesk;
  readonly #keeper: LeaseKeeper;
  readonly #renewalsMax: number;
  #gathering: Renewal[] = [];
  #count = 0;

  constructor(replica: Replica, desk: LeaderDesk, keeper: LeaseKeeper, renewalsMax: number) {
    this.#replica = replica;
    this.#desk = desk;
    this.#keeper = keeper;
    this.#renewalsMax = renewalsMax;
  }

  /**
   * Renews a lease to its full TTL.
   *
   * @returns its TTL in seconds; 0 if it does not exist any more
   * @throws {@link NoLeaderError}, {@link TimeoutError} if no leader answered; {@link TooManyRequestsError}
   */
  keepAlive(id: LeaseId): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#replica.assertRunning();
      if (this.#count >= this.#renewalsMax) throw new TooManyRequestsError('renewals waiting', this.#renewalsMax);
      this.#count += 1;
      this.#gathering.push({ id, resolve, reject });
      this.#replica.wake();
    });
  }

  /** As {@link LeaseKeeper.remainingMs}, at any member. */
  remainingMs(lease: LeaseId): Promise<number> {
    return this.#desk.ask({
      message: (request) => ({ type: 'askRemaining', request, lease }),
      here: () => this.#keeper.remainingMs(lease),
    });
  }

  /** Asks for what has gathered. Once in every turn. */
  flush(): void {
    while (this.#gathering.length > 0) void this.#ask(this.#gathering.splice(0, RENEWALS_A_MESSAGE));
  }

  /** A follower asks this member. One that leads, but has still to apply what came before, answers when it has. */
  onRenew(from: MemberId, { request, leases }: RenewRequest): void {
    this.#ifLeading(() => this.#desk.ask(this.#renewal(leases)))
      .then(
        (ttls) => ({ ttls }),
        (error: unknown) => ({ ttls: [], refusal: refusalOf(error) }),
      )
      .then((answer) => this.#replica.send(from, { type: 'renewed', request, ...answer }), this.#replica.fail);
  }

  /** As {@link onRenew}. */
  onAskRemaining(from: MemberId, { request, lease }: RemainingRequest): void {
    this.#ifLeading(() => this.remainingMs(lease))
      .then(
        (remainingMs) => ({ remainingMs }),
        (error: unknown) => ({ remainingMs: 0, refusal: refusalOf(error) }),
      )
      .then((answer) => this.#replica.send(from, { type: 'remaining', request, ...answer }), this.#replica.fail);
  }

  #ifLeading<T>(work: () => Promise<T>): Promise<T> {
    return this.#replica.raft.role === 'leader' ? work() : Promise.reject(new MemberNotLeaderError());
  }

  #renewal(leases: readonly LeaseId[]): Question<readonly number[]> {
    return {
      message: (request) => ({ type: 'renew', request, leases }),
      here: () => this.#keeper.keepAlive(leases),
    };
  }

  async #ask(renewals: readonly Renewal[]): Promise<void> {
    try {
      const ttls = await this.#desk.ask(this.#renewal(renewals.map(({ id }) => id)));
      renewals.forEach(({ resolve }, i) => resolve(ttls[i] ?? 0));
    } catch (error) {
      for (const { reject } of renewals) reject(error as Error);
    } finally {
      this.#count -= renewals.length;
    }
  }
}
