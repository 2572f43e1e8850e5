import { assert } from '../base/assert.js';
import { Election } from './election.js';
import { Following } from './following.js';
import { ForwardedReads } from './forwarded-reads.js';
import { Leadership } from './leadership.js';
import { isPlausible } from './message-check.js';
import type { RaftOptions } from './options.js';
import { isMember } from './quorum.js';
import type { RaftState } from './state.js';
import type { MemberId, Message } from './types.js';

/**
 * Which role a member has, and what it does with a message or a tick in that role. All decisions are here, for they
 * depend on each other; how each is carried out is elsewhere.
 *
 * ```
 *              leader not heard from           would win                 has won
 *  follower ─────────────────────► preCandidate ───────► candidate ─────────────► leader
 *      ▲                                │                    │                      │
 *      └──── a leader or a later term; lost; a majority silent; disk stuck; removed ┘
 * ```
 *
 * @remarks Source: Ongaro 2014, figure 3.3 and section 9.6.
 */
export class Roles {
  readonly forwardedReads: ForwardedReads;
  readonly #options: RaftOptions;
  readonly #state: RaftState;
  readonly #election: Election;
  readonly #following: Following;
  #leadership: Leadership | undefined;

  constructor(state: RaftState, options: RaftOptions) {
    this.#options = options;
    this.#state = state;
    this.#election = new Election(state, options);
    this.#following = new Following(state);
    this.forwardedReads = new ForwardedReads(options.prng);
    // A sole voter waits for nobody: it is its own majority.
    if (state.isSoleVoter) this.#election.campaign({ transfer: false });
  }

  /** There while this member leads. */
  get leadership(): Leadership | undefined {
    return this.#leadership;
  }

  // --- What happens -----------------------------------------------------------------------------------------------

  tick(): void {
    if (this.#leadership === undefined) this.#tickWithoutLeadership();
    else if (!this.#leadership.tick()) this.stepDown();
  }

  step(message: Message): void {
    const { id, term } = this.#state;
    if (!isPlausible(message, id) || !this.#listensTo(message)) return;
    if (message.term < term) return this.#answerStale(message);
    if (message.term > term && !this.#entersTermOf(message)) return;
    this.#take(message);
  }

  /** An append has become durable. */
  appended(): void {
    if (this.#state.role === 'candidate') this.#election.countOwnVote();
    if (this.#leadership === undefined) this.#campaignIfDue();
    else this.#leadership.proceed();
    this.resignIfOver();
  }

  /** @see `Raft.leaderGone` */
  leaderGone(leader: MemberId): void {
    if (this.#leadership !== undefined || this.#state.leader !== leader) return;
    this.#becomeFollower(this.#state.term, undefined);
    this.#election.hurry(leader);
    this.#campaignIfDue();
  }

  /** @see `Raft.stepDown` */
  stepDown(): void {
    if (this.#leadership !== undefined) this.#becomeFollower(this.#state.term, undefined);
  }

  /** A leader that has no vote any more resigns once that is committed (Ongaro 2014, section 4.2.2). */
  resignIfOver(): void {
    if (this.#leadership === undefined || !this.#leadership.isOver) return;
    this.#leadership.handOver();
    this.stepDown();
  }

  // --- What is to be sent -----------------------------------------------------------------------------------------

  get hasWork(): boolean {
    return this.#leadership === undefined ? this.forwardedReads.hasWaiting : this.#leadership.hasWork;
  }

  /** A Ready is being made: what gathered for the others leaves. */
  send(): void {
    if (this.#leadership !== undefined) this.#leadership.send();
    else if (this.forwardedReads.hasWaiting) this.#forwardReads(this.forwardedReads.ask());
  }

  #forwardReads(context: number): void {
    assert(this.#state.leader !== undefined, 'reads wait only for a leader that is known');
    this.#state.send(this.#state.leader, { type: 'readIndex', context });
  }

  // --- Messages ---------------------------------------------------------------------------------------------------

  /**
   * A member that the configuration does not have may lead or stand for election all the same: this one may not have
   * heard yet that it was added. But what it answers was not asked of it. And nobody whom a sole voter does not know can
   * lead it, or was added without it; answering would only raise the term of a member that was removed or misdirected.
   */
  #listensTo({ from, type, term }: Message): boolean {
    if (isMember(this.#state.configuration, from)) return true;
    return !this.#state.isSoleVoter && (UNASKED.has(type) || term <= this.#state.term);
  }

  /** Tells whoever is behind the present term, so that a leader steps down, and a candidate catches up (etcd's #8243). */
  #answerStale({ from, type }: Message): void {
    switch (type) {
      case 'requestPreVote':
        return this.#state.send(from, { type: 'preVoteAnswer', granted: false });
      case 'requestVote':
        return this.#state.send(from, { type: 'voteAnswer', granted: false });
      case 'appendEntries':
      case 'heartbeat':
      case 'installSnapshot':
        return this.#state.send(from, { type: 'heartbeatAnswer', readRound: 0 });
      default:
        return;
    }
  }

  /** A message of a later term. Returns whether it is to be taken; its term is entered, unless it only asks for a pre-vote. */
  #entersTermOf(message: Message): boolean {
    switch (message.type) {
      case 'requestPreVote':
        return !this.#election.isLoyal;
      case 'preVoteAnswer':
        if (message.granted) return true;
        break;
      case 'requestVote':
        if (this.#election.isLoyal && !message.transfer) return false;
        break;
      case 'timeoutNow':
        return false;
      default:
    }
    this.#becomeFollower(message.term, undefined);
    return true;
  }

  #take(message: Message): void {
    switch (message.type) {
      case 'requestPreVote':
        return this.#election.answerPreVote(message);
      case 'requestVote':
        return this.#election.answerVote(message);
      case 'preVoteAnswer':
      case 'voteAnswer':
        if (!this.#election.concerns(message)) return;
        this.#election.count(message);
        return this.#campaignIfDue();
      case 'appendEntries':
        return this.#follows(message.from) ? this.#following.appendEntries(message) : undefined;
      case 'heartbeat':
        return this.#follows(message.from) ? this.#following.heartbeat(message) : undefined;
      case 'installSnapshot':
        return this.#follows(message.from) ? this.#following.installSnapshot(message) : undefined;
      case 'timeoutNow':
        if (this.#state.role !== 'follower' || this.#state.leader !== message.from) return;
        this.#election.takeOver();
        return this.#campaignIfDue();
      case 'readIndexAnswer':
        for (const read of this.forwardedReads.answered(message.context, message.index))
          this.#state.readStates.push(read);
        return;
      default:
        if (this.#leadership !== undefined) this.#lead(this.#leadership, message);
    }
  }

  /** What is said to a leader. */
  #lead(leadership: Leadership, message: Message): void {
    switch (message.type) {
      case 'appendEntriesAnswer':
        leadership.replication.appendAnswered(message);
        break;
      case 'heartbeatAnswer':
        leadership.replication.heartbeatAnswered(message.from, message.readRound);
        break;
      case 'installSnapshotAnswer':
        leadership.replication.snapshotAnswered(message);
        break;
      case 'readIndex':
        return leadership.readIndexFor(message);
      default:
        return;
    }
    leadership.proceed();
    this.resignIfOver();
  }

  /** Whether the sender leads this member. A term has one leader: whoever else says so in the same term does not. */
  #follows(sender: MemberId): boolean {
    if (this.#state.role === 'leader' || (this.#state.leader ?? sender) !== sender) return false;
    if (this.#state.role !== 'follower' || this.#state.leader === undefined)
      this.#becomeFollower(this.#state.term, sender);
    this.#election.heardFromLeader();
    return true;
  }

  // --- Roles (Ongaro 2014, figure 3.3) ------------------------------------------------------------------------------

  #tickWithoutLeadership(): void {
    this.#election.tick();
    const unanswered = this.forwardedReads.tick(2 * this.#options.heartbeatTicks);
    if (unanswered !== undefined) this.#forwardReads(unanswered);
    if (!this.#election.hasTimedOut) return;
    this.#forgetLeader();
    this.#campaignIfDue();
  }

  /** Takes the next step of a campaign, or begins one, if it is time and nothing stands in the way. */
  #campaignIfDue(): void {
    const { role, term } = this.#state;
    const { outcome, mayCampaign, takesOver, hasTimedOut } = this.#election;
    const campaigns = role === 'candidate' || role === 'preCandidate';
    if (campaigns && outcome === 'lost') return this.#becomeFollower(term, undefined);
    if (role === 'candidate' && outcome === 'won') return this.#becomeLeader();
    if (!mayCampaign) return;
    if (takesOver) return this.#campaign({ transfer: true });
    if (role === 'preCandidate' && outcome === 'won') return this.#campaign({ transfer: false });
    if (!hasTimedOut) return;
    this.#election.preCampaign();
    if (this.#election.outcome === 'won') this.#campaign({ transfer: false });
  }

  #campaign(how: { readonly transfer: boolean }): void {
    this.#forgetLeader();
    this.#election.campaign(how);
  }

  #becomeFollower(term: number, leader: MemberId | undefined): void {
    this.#forgetLeader();
    if (term > this.#state.term) this.#state.enterTerm(term);
    // Whoever stands no more asks for no votes that it has not asked for yet.
    else if (this.#state.role === 'candidate') this.#state.outbox.dropDeferred();
    this.#state.role = 'follower';
    this.#state.leader = leader;
    this.#leadership = undefined;
    this.#election.wait();
  }

  #becomeLeader(): void {
    const { durability, votedFor, id } = this.#state;
    assert(votedFor === id && durability.holdsVote(this.#state), 'a leader has voted for itself, durably');
    this.#state.role = 'leader';
    this.#state.leader = id;
    this.#election.heardFromLeader();
    this.#leadership = new Leadership(this.#state, this.#options);
  }

  /** Reads that wait for the leader's answer wait in vain: whoever still wants to read asks again. */
  #forgetLeader(): void {
    this.#state.leader = undefined;
    this.forwardedReads.drop();
  }
}

/** What a member may say to one that has not heard of it yet. */
const UNASKED: ReadonlySet<Message['type']> = new Set([
  'requestPreVote',
  'requestVote',
  'appendEntries',
  'heartbeat',
  'installSnapshot',
]);
