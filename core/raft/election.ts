import { between, type Prng } from '../base/prng.js';
import { isQuorum, votersOf } from './quorum.js';
import type { RaftOptions } from './options.js';
import type { RaftState } from './state.js';
import { type MemberId, NO_MEMBER, type VoteAnswer, type VoteRequest } from './types.js';

/** What a member that campaigns has come to. */
export type Outcome = 'undecided' | 'won' | 'lost';

/**
 * When a member campaigns, for whom it votes, and whether it has won (Ongaro 2014, sections 3.4, 3.6.1, 4.2.3 and 9.6).
 *
 * ```
 *            no leader for an                 a majority                    a majority
 *            election timeout                 would vote                    has voted
 * follower ───────────────────► preCandidate ────────────► candidate ─────────────────► leader
 *                                               ▲  its own vote must be durable first
 *                            told to take over ─┘
 * ```
 */
export class Election {
  readonly #state: RaftState;
  readonly #prng: Prng;
  readonly #electionTicks: number;
  readonly #heartbeatTicks: number;
  /** Since the leader was last heard from, a vote was given, or a campaign begun. */
  #waitedTicks = 0;
  #timeoutTicks = 0;
  /** While above 0, the leader is known to be gone: timeouts are short, and everybody has one of their own. */
  #hurryTicks = 0;
  /** While above 0, the leader hands over: this member is to campaign as soon as no append is under way. */
  #takeOverTicks = 0;
  readonly #granted = new Set<MemberId>();
  readonly #refused = new Set<MemberId>();

  constructor(state: RaftState, { prng, electionTicks, heartbeatTicks }: RaftOptions) {
    this.#state = state;
    this.#prng = prng;
    this.#electionTicks = electionTicks;
    this.#heartbeatTicks = heartbeatTicks;
    this.wait();
  }

  // --- Waiting ----------------------------------------------------------------------------------------------------

  /** The leader was heard from. */
  heardFromLeader(): void {
    this.#hurryTicks = 0;
    if (this.#timeoutTicks < this.#electionTicks) this.wait();
    this.#waitedTicks = 0;
  }

  /** Begins to wait anew, for a while that is drawn anew, so that members do not campaign in step (section 3.4). */
  wait(): void {
    this.#waitedTicks = 0;
    this.#takeOverTicks = 0;
    const voters = votersOf(this.#state.configuration);
    this.#timeoutTicks =
      this.#hurryTicks > 0
        ? voters.length * this.#heartbeatTicks
        : between(this.#prng, this.#electionTicks, 2 * this.#electionTicks - 1);
  }

  tick(): void {
    this.#waitedTicks += 1;
    this.#hurryTicks = Math.max(0, this.#hurryTicks - 1);
    this.#takeOverTicks = Math.max(0, this.#takeOverTicks - 1);
  }

  /** Whether the wait is over: whoever led does not any more, as far as this member can tell. */
  get hasTimedOut(): boolean {
    return this.#waitedTicks >= this.#timeoutTicks;
  }

  /**
   * Whether this member may campaign now. Not while its disk is at work: a member whose disk hangs would only disturb.
   */
  get mayCampaign(): boolean {
    const { mayLead, durability } = this.#state;
    return mayLead && !durability.isWriting && durability.snapshot === undefined;
  }

  get takesOver(): boolean {
    return this.#takeOverTicks > 0;
  }

  /** The leader hands over to this member, and waits for that no longer than an election timeout. */
  takeOver(): void {
    this.#takeOverTicks = this.#electionTicks;
  }

  /**
   * The process of the leader has ended, so nobody need wait for it. The voters take turns, by the order of their ids and
   * a heartbeat apart, for if all began at once, their votes would split. A turn comes again until one has won, for the
   * others may notice later; after an election timeout all is as usual.
   */
  hurry(goneLeader: MemberId): void {
    const voters = votersOf(this.#state.configuration).filter((voter) => voter !== goneLeader);
    this.#hurryTicks = this.#electionTicks;
    this.#waitedTicks = 0;
    this.#timeoutTicks = Math.max(0, voters.indexOf(this.#state.id)) * this.#heartbeatTicks;
  }

  /**
   * Whether a leader was heard from within an election timeout, and the leader itself is one. Such a member does not
   * help others to depose it: neither one that was cut off, nor one that was removed (sections 4.2.3 and 9.6).
   */
  get isLoyal(): boolean {
    const { role, leader } = this.#state;
    return role === 'leader' || (leader !== undefined && this.#waitedTicks < this.#electionTicks);
  }

  // --- Campaigning ------------------------------------------------------------------------------------------------

  /** Asks whether the others would vote, without entering a term (section 9.6). */
  preCampaign(): void {
    const { id, term } = this.#state;
    this.#begin('preCandidate');
    this.#granted.add(id);
    this.#askForVotes((voter, last) =>
      this.#state.sendOfTerm(voter, term + 1, { type: 'requestPreVote', ...last, transfer: false }),
    );
  }

  /** Enters the next term and asks for votes in it; they are asked for, and its own is counted, once it is durable. */
  campaign({ transfer }: { readonly transfer: boolean }): void {
    const { id, term, log } = this.#state;
    this.#begin('candidate');
    this.#state.enterTerm(term + 1);
    this.#state.voteFor(id);
    this.#askForVotes((voter, last) =>
      this.#state.send(voter, { type: 'requestVote', ...last, transfer }, log.lastIndex),
    );
  }

  /**
   * A candidate's own vote binds only from when it is durable: were it counted before, a member that forgot it in a crash
   * could vote again in the same term (section 3.8).
   */
  countOwnVote(): void {
    if (this.#granted.has(this.#state.id) || !this.#state.durability.holdsVote(this.#state)) return;
    this.#granted.add(this.#state.id);
    // Only now are the others asked; the disk may have taken its time.
    this.wait();
  }

  /** Whether an answer is to the campaign that is under way. Of a pre-vote, a yes is of the term that was asked for. */
  concerns({ type, term, granted }: VoteAnswer): boolean {
    if (type === 'voteAnswer') return this.#state.role === 'candidate';
    return this.#state.role === 'preCandidate' && term === this.#state.term + (granted ? 1 : 0);
  }

  /** Counts an answer; each voter once, however often its answer arrives. */
  count({ from, granted }: VoteAnswer): void {
    (granted ? this.#granted : this.#refused).add(from);
  }

  #begin(role: 'preCandidate' | 'candidate'): void {
    this.#state.role = role;
    this.#state.leader = undefined;
    this.#granted.clear();
    this.#refused.clear();
    this.wait();
  }

  #askForVotes(ask: (voter: MemberId, last: { lastIndex: number; lastTerm: number }) => void): void {
    const { id, log, configuration } = this.#state;
    const last = { lastIndex: log.lastIndex, lastTerm: log.lastTerm };
    for (const voter of votersOf(configuration)) if (voter !== id) ask(voter, last);
  }

  /** What the answers that have been counted come to. */
  get outcome(): Outcome {
    const { configuration } = this.#state;
    if (isQuorum(configuration, (voter) => this.#granted.has(voter))) return 'won';
    return isQuorum(configuration, (voter) => !this.#refused.has(voter)) ? 'undecided' : 'lost';
  }

  // --- Voting -----------------------------------------------------------------------------------------------------

  /** A vote request in the present term. A learner votes too: the one who asks may know that it is a voter by now. */
  answerVote({ from, lastIndex, lastTerm }: VoteRequest): void {
    const { votedFor, leader } = this.#state;
    const isFree = votedFor === NO_MEMBER && leader === undefined;
    const granted = (isFree || votedFor === from) && this.#isUpToDate({ lastIndex, lastTerm });
    if (granted) {
      this.#state.voteFor(from);
      this.wait();
    }
    this.#state.send(from, { type: 'voteAnswer', granted });
  }

  /** Whether a vote would be given. A yes is of the term that was asked for; a no tells the present one. */
  answerPreVote({ from, term, lastIndex, lastTerm }: VoteRequest): void {
    if (term > this.#state.term && this.#isUpToDate({ lastIndex, lastTerm }))
      this.#state.sendOfTerm(from, term, { type: 'preVoteAnswer', granted: true });
    else this.#state.send(from, { type: 'preVoteAnswer', granted: false });
  }

  /**
   * Whether a log that ends so has everything that may be committed: it ends in a later term, or in the same and is at
   * least as long (section 3.6.1).
   */
  #isUpToDate({ lastIndex, lastTerm }: { readonly lastIndex: number; readonly lastTerm: number }): boolean {
    const { log } = this.#state;
    return lastTerm > log.lastTerm || (lastTerm === log.lastTerm && lastIndex >= log.lastIndex);
  }
}
