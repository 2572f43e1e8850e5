import { assert } from '../base/assert.js';
import { ConfigurationHistory } from './configuration-history.js';
import { Durability } from './durability.js';
import { Log } from './log.js';
import type { RaftOptions } from './options.js';
import { Outbox } from './outbox.js';
import { isVoter } from './quorum.js';
import {
  type Configuration,
  type Entry,
  type HardState,
  type MemberId,
  type Message,
  NO_MEMBER,
  type ReadState,
  type Role,
  type SnapshotPosition,
} from './types.js';

/** A message without its envelope. */
export type Content = Message extends infer M ? (M extends Message ? Omit<M, 'from' | 'to' | 'term'> : never) : never;

/**
 * What a member knows in every role (Ongaro 2014, figure 3.1), and the ways in which that changes. The rules when it may
 * change are where the role is: in `election.ts`, `following.ts` and `leadership.ts`.
 */
export class RaftState implements HardState {
  readonly id: MemberId;
  readonly log: Log;
  readonly configurations: ConfigurationHistory;
  readonly durability: Durability;
  readonly outbox = new Outbox();
  /** Reads that have their index and wait to be handed out. */
  readStates: ReadState[] = [];
  role: Role = 'follower';
  /** The leader of the present term, where it is known. */
  leader: MemberId | undefined;
  #term: number;
  #votedFor: MemberId;
  #commitIndex: number;
  #appliedIndex: number;
  /** The last entry that was handed out to be applied. */
  #handedIndex: number;

  constructor({ id, hardState, log, appliedIndex, configuration }: RaftOptions) {
    this.id = id;
    this.log = new Log(log);
    this.durability = new Durability(hardState, this.log.lastIndex);
    // A snapshot is put in force before the log behind it begins. If the member stopped in between, its log may end in a
    // term that it has not entered; it enters it now, and has voted for nobody in it.
    const isBehindSnapshot = log.entries.length === 0 && log.previousTerm > hardState.term;
    this.#term = isBehindSnapshot ? log.previousTerm : hardState.term;
    this.#votedFor = isBehindSnapshot ? NO_MEMBER : hardState.votedFor;
    // What was applied had been committed; the stored commit index may lag behind, for it is written in passing.
    this.#commitIndex = Math.max(hardState.commitIndex, appliedIndex);
    this.#appliedIndex = appliedIndex;
    this.#handedIndex = appliedIndex;
    assert(appliedIndex >= this.log.firstIndex - 1, 'every entry that is not applied is in the log');
    assert(this.#commitIndex <= this.log.lastIndex, 'the log reaches everything committed and applied');
    assert(this.log.lastTerm <= this.#term, 'the term of an entry was entered before the entry was written');
    this.configurations = new ConfigurationHistory({ index: appliedIndex, configuration });
    for (const entry of this.#unhanded(this.log.lastIndex)) this.configurations.append(entry, this.#commitIndex);
  }

  get term(): number {
    return this.#term;
  }

  get votedFor(): MemberId {
    return this.#votedFor;
  }

  get commitIndex(): number {
    return this.#commitIndex;
  }

  get appliedIndex(): number {
    return this.#appliedIndex;
  }

  get configuration(): Configuration {
    return this.configurations.inForce;
  }

  /** Whether this member has a vote. */
  get isVoter(): boolean {
    return isVoter(this.configuration, this.id);
  }

  /**
   * Whether this member may be needed as a leader: it has a vote, or would have one if a configuration that is not
   * committed yet came to nothing. Perhaps nobody else has that very entry (Ongaro 2014, section 4.2.2).
   */
  get mayLead(): boolean {
    return this.configurations.possible(this.#commitIndex).some((configuration) => isVoter(configuration, this.id));
  }

  /** Whether this member is the only one that votes. */
  get isSoleVoter(): boolean {
    const { voters, outgoing } = this.configuration;
    return outgoing === undefined && voters.length === 1 && voters[0] === this.id;
  }

  /** Whether something of the present term is committed: then everything that was committed before is known to be. */
  get hasCommittedInTerm(): boolean {
    return this.log.termAt(this.#commitIndex) === this.#term;
  }

  // --- Term and vote ----------------------------------------------------------------------------------------------

  enterTerm(term: number): void {
    assert(term > this.#term, 'terms never fall');
    this.#term = term;
    this.#votedFor = NO_MEMBER;
    this.leader = undefined;
    this.outbox.dropDeferred();
  }

  voteFor(candidate: MemberId): void {
    assert(this.#votedFor === NO_MEMBER || this.#votedFor === candidate, 'a member votes once in a term');
    this.#votedFor = candidate;
  }

  // --- Log --------------------------------------------------------------------------------------------------------

  append(entry: Entry): void {
    this.log.append(entry);
    this.configurations.append(entry, this.#commitIndex);
  }

  truncateFrom(index: number): void {
    assert(index > this.#commitIndex, 'what is committed is never cut off');
    this.log.truncateFrom(index);
    this.configurations.truncateFrom(index);
    this.durability.truncatedFrom(index);
  }

  /** A snapshot takes the place of the log and of the state machine. */
  restartAt(snapshot: SnapshotPosition): void {
    assert(snapshot.index > this.#commitIndex, 'a snapshot never takes back what is committed');
    this.log.restartAfter(snapshot);
    this.configurations.restartAt(snapshot);
    this.durability.replaced(snapshot);
    this.#commitIndex = snapshot.index;
    this.#handedIndex = snapshot.index;
  }

  commitTo(index: number): void {
    assert(index <= this.log.lastIndex, 'what is committed is in the log');
    this.#commitIndex = Math.max(this.#commitIndex, index);
  }

  // --- Applying ---------------------------------------------------------------------------------------------------

  get hasCommitted(): boolean {
    return Math.min(this.#commitIndex, this.durability.index) > this.#handedIndex;
  }

  /** What is committed, durable here, and not yet handed out. */
  takeCommitted(): readonly Entry[] {
    const toIndex = Math.min(this.#commitIndex, this.durability.index);
    const committed = this.#unhanded(toIndex);
    this.#handedIndex = Math.max(this.#handedIndex, toIndex);
    return committed;
  }

  applied(index: number): void {
    assert(index <= this.#handedIndex, 'what is applied was handed out to be applied');
    this.#appliedIndex = Math.max(this.#appliedIndex, index);
  }

  takeReadStates(): readonly ReadState[] {
    if (this.readStates.length === 0) return NO_READS;
    const taken = this.readStates;
    this.readStates = [];
    return taken;
  }

  /** The entries after those that were handed out. */
  #unhanded(toIndex: number): readonly Entry[] {
    return this.log.entries({ fromIndex: this.#handedIndex + 1, toIndex });
  }

  /** Bytes of the entries that were not handed out yet. */
  get unhandedBytes(): number {
    return this.#unhanded(this.log.lastIndex).reduce((sum, { data }) => sum + data.length, 0);
  }

  // --- Messages ---------------------------------------------------------------------------------------------------

  /** Says something in the present term, as soon as term and vote, and the log up to `durableIndex`, are durable. */
  send(to: MemberId, content: Content, durableIndex = 0): void {
    const message = { ...content, from: this.id, to, term: this.#term } as Message;
    if (this.#isTrue(durableIndex)) this.outbox.send(message);
    else this.outbox.defer({ message, index: durableIndex });
  }

  /** Says something of a term that is not entered by saying it. */
  sendOfTerm(to: MemberId, term: number, content: Content): void {
    this.outbox.send({ ...content, from: this.id, to, term });
  }

  /** What was deferred and has become true may be sent. */
  releaseDeferred(): void {
    this.outbox.release((index) => this.#isTrue(index));
  }

  #isTrue(index: number): boolean {
    return this.durability.holdsVote(this) && (index === 0 || this.durability.holds(index));
  }
}

const NO_READS: readonly ReadState[] = [];
