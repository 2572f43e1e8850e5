import { BadLeaderTransfereeError } from '../base/errors.js';
import { isVoter } from './quorum.js';
import type { Replication } from './replication.js';
import type { RaftState } from './state.js';
import type { MemberId } from './types.js';

/**
 * How a leader hands over (Ongaro 2014, section 3.10): it takes no more proposals, brings the other one's log up to its
 * own, and tells it to campaign at once. If that has not come about within an election timeout, it leads on.
 */
export class Transfer {
  readonly #state: RaftState;
  readonly #replication: Replication;
  readonly #electionTicks: number;
  #to: MemberId | undefined;
  #ticks = 0;
  #isTold = false;

  constructor(state: RaftState, replication: Replication, electionTicks: number) {
    this.#state = state;
    this.#replication = replication;
    this.#electionTicks = electionTicks;
  }

  /** To whom leadership is being handed. */
  get to(): MemberId | undefined {
    return this.#to;
  }

  /**
   * Begins to hand over; another handover that is under way is given up. To the leader itself there is nothing to do.
   *
   * @throws {@link BadLeaderTransfereeError} if that member does not vote
   */
  begin(to: MemberId): void {
    if (!this.#state.configuration.voters.includes(to)) throw new BadLeaderTransfereeError(to);
    if (to === this.#to) return;
    this.#to = to === this.#state.id ? undefined : to;
    this.#ticks = 0;
    this.#isTold = false;
    this.proceed();
  }

  tick(): void {
    if (this.#to === undefined) return;
    this.#ticks += 1;
    if (this.#ticks >= this.#electionTicks) this.#to = undefined;
  }

  /** Whoever takes over may have got everything meanwhile, or may have ceased to vote. */
  proceed(): void {
    if (this.#to === undefined || this.#isTold) return;
    if (!isVoter(this.#state.configuration, this.#to)) this.#to = undefined;
    else if (this.#replication.progressOf(this.#to)?.matchedIndex === this.#state.log.lastIndex) this.#tell(this.#to);
  }

  /** Tells the one with the most of the log to campaign: for a leader that resigns and cannot wait. */
  giveUp(): void {
    const { configuration } = this.#state;
    let best: { id: MemberId; matchedIndex: number } | undefined;
    for (const { id, progress } of this.#replication.followers) {
      if (!configuration.voters.includes(id) || !this.#replication.isActive(progress)) continue;
      if (best === undefined || progress.matchedIndex > best.matchedIndex)
        best = { id, matchedIndex: progress.matchedIndex };
    }
    if (best !== undefined) this.#tell(best.id);
  }

  #tell(to: MemberId): void {
    this.#isTold = true;
    this.#state.send(to, { type: 'timeoutNow' });
  }
}
