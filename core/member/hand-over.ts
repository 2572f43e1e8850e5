import type { Clock } from '../base/clock.js';
import { BadLeaderTransfereeError, MemberNotLeaderError, TimeoutError } from '../base/errors.js';
import type { MemberId } from '../raft/types.js';
import type { Replica } from './replica.js';

/**
 * Hands leadership over to another voter (Ongaro 2014, section 3.10). Meanwhile proposals wait, and go to whoever leads
 * then.
 */
export class HandOver {
  readonly #replica: Replica;
  readonly #clock: Clock;
  readonly #memberId: MemberId;
  readonly #electionTimeoutMs: number;

  constructor(replica: Replica, clock: Clock, memberId: MemberId, electionTimeoutMs: number) {
    this.#replica = replica;
    this.#clock = clock;
    this.#memberId = memberId;
    this.#electionTimeoutMs = electionTimeoutMs;
  }

  /**
   * Resolves when another member leads.
   *
   * @throws {@link MemberNotLeaderError}, {@link BadLeaderTransfereeError}; {@link TimeoutError} if this member leads on
   */
  async to(id: MemberId): Promise<void> {
    // Raft gives up after one election timeout; the other's first heartbeat may take a little longer.
    await this.#to(id, 2 * this.#electionTimeoutMs);
  }

  /** Hands over to the voter that has the most of the log, if there is one in touch. Takes an election timeout at most, and never fails. */
  async toBest(): Promise<boolean> {
    const { raft, transport } = this.#replica;
    const [best] = raft
      .progress()
      .filter(({ id, isActive, isLearner }) => isActive && !isLearner && transport?.isConnected(id))
      .sort((a, b) => b.matchedIndex - a.matchedIndex);
    if (best === undefined) return false;
    return this.#to(best.id, this.#electionTimeoutMs).then(
      () => true,
      () => false,
    );
  }

  async #to(id: MemberId, waitMs: number): Promise<void> {
    const { raft, leadership, wake } = this.#replica;
    if (raft.role !== 'leader') throw new MemberNotLeaderError();
    if (id === this.#memberId) return;
    if (!raft.configuration.voters.includes(id)) throw new BadLeaderTransfereeError(id);
    leadership.isHandingOver = true;
    try {
      raft.transferLeadership(id);
      wake();
      await this.#anotherLeads(waitMs);
    } finally {
      leadership.isHandingOver = false;
      wake();
    }
  }

  #anotherLeads(waitMs: number): Promise<void> {
    const { leadership, stopped } = this.#replica;
    return new Promise((resolve, reject) => {
      const end = (settle: () => void) => {
        timer.cancel();
        stopListening();
        settle();
      };
      const timer = this.#clock.after(waitMs, () =>
        end(() => reject(new TimeoutError('handing over leadership', waitMs))),
      );
      const stopListening = leadership.onLeader((leader) => {
        if (leader !== undefined && leader !== this.#memberId) end(resolve);
      });
      void stopped.then(() => end(resolve));
    });
  }
}
