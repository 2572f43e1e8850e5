import { EMPTY_BYTES } from '../base/bytes.js';
import { ConfigurationChangeError, NoLeaderError, TooManyRequestsError } from '../base/errors.js';
import { encodeConfiguration } from './configuration.js';
import { beginChange, endChange, type WantedConfiguration } from './configuration-change.js';
import type { RaftOptions } from './options.js';
import type { FollowerProgress } from './progress.js';
import { isQuorum } from './quorum.js';
import { ReadOnly, type RemoteRead } from './read-only.js';
import { Replication } from './replication.js';
import type { RaftState } from './state.js';
import { Transfer } from './transfer.js';
import type { Configuration, Entry } from './types.js';

/** Where a command stands in the log if it is committed. */
export interface Proposed {
  readonly index: number;
  readonly term: number;
}

/** What a member knows and does only while it leads; it begins with the term and ends with it (Ongaro 2014, chapter 3). */
export class Leadership {
  readonly replication: Replication;
  readonly transfer: Transfer;
  readonly #state: RaftState;
  readonly #options: RaftOptions;
  readonly #reads = new ReadOnly();
  /** What proposals hold in memory until they are handed out to be applied. */
  #uncommittedBytes: number;
  #ticksSinceHeartbeat = 0;

  /**
   * A leader begins with an empty entry of its own term: with it, what earlier terms left behind is committed, and the
   * leader learns what is committed at all (Ongaro 2014, sections 3.6.2 and 6.4).
   */
  constructor(state: RaftState, options: RaftOptions) {
    this.#state = state;
    this.#options = options;
    this.#uncommittedBytes = state.unhandedBytes;
    this.replication = new Replication(state, options);
    this.transfer = new Transfer(state, this.replication, options.electionTicks);
    this.#append({ index: this.#nextIndex, term: state.term, data: EMPTY_BYTES });
  }

  // --- Time -------------------------------------------------------------------------------------------------------

  /**
   * @returns whether it leads on: not if a majority was silent for an election timeout, for it may have another leader
   * (section 6.2), nor if its own disk has been busy for as long, for it could not lead the cluster anywhere
   */
  tick(): boolean {
    this.replication.tick();
    this.transfer.tick();
    if (!this.#hearsQuorum) return false;
    if (this.#isStuck) {
      this.transfer.giveUp();
      return false;
    }
    this.#ticksSinceHeartbeat += 1;
    if (this.#ticksSinceHeartbeat >= this.#options.heartbeatTicks) {
      this.#ticksSinceHeartbeat = 0;
      this.replication.sendHeartbeats(this.#reads.roundId);
    }
    return true;
  }

  get #hearsQuorum(): boolean {
    const { id: self, configuration } = this.#state;
    return isQuorum(
      configuration,
      (id) => id === self || (this.replication.progressOf(id)?.silentTicks ?? 0) < this.#options.electionTicks,
    );
  }

  get #isStuck(): boolean {
    const { durability, isSoleVoter } = this.#state;
    return !isSoleVoter && durability.writingTicks >= this.#options.electionTicks;
  }

  // --- Proposals --------------------------------------------------------------------------------------------------

  /** @see `Raft.propose` */
  propose(data: Uint8Array): Proposed {
    const { uncommittedBytesMax } = this.#options;
    if (this.transfer.to !== undefined) throw new NoLeaderError();
    if (this.#uncommittedBytes > 0 && this.#uncommittedBytes + data.length > uncommittedBytesMax)
      throw new TooManyRequestsError('bytes of uncommitted proposals', uncommittedBytesMax);
    return this.#append({ index: this.#nextIndex, term: this.#state.term, data });
  }

  /** @see `Raft.proposeConfiguration` */
  proposeConfiguration(wanted: WantedConfiguration, context: Uint8Array): Proposed {
    const { configuration, configurations, commitIndex, hasCommittedInTerm } = this.#state;
    if (this.transfer.to !== undefined) throw new ConfigurationChangeError('leadership is being handed over');
    // Without an entry of its own term a leader may not know of a change that an earlier one began, and the majorities
    // of the two changes need not share a member (erratum of 2015 to Ongaro 2014, section 4.1).
    if (!hasCommittedInTerm) throw new ConfigurationChangeError('the leader has committed nothing in its term yet');
    if (configurations.index > commitIndex || configuration.outgoing !== undefined)
      throw new ConfigurationChangeError('another change is under way');
    return this.#appendConfiguration(beginChange(configuration, wanted), context);
  }

  /** Entries were handed out to be applied: what they held in memory is free for proposals. */
  handedOut(entries: readonly Entry[]): void {
    for (const { data } of entries) this.#uncommittedBytes -= data.length;
  }

  get #nextIndex(): number {
    return this.#state.log.lastIndex + 1;
  }

  #append(entry: Entry): Proposed {
    this.#state.append(entry);
    this.#uncommittedBytes += entry.data.length;
    return entry;
  }

  #appendConfiguration(configuration: Configuration, context: Uint8Array): Proposed {
    const data = encodeConfiguration(configuration, context);
    const entry = this.#append({ index: this.#nextIndex, term: this.#state.term, data, kind: 'configuration' });
    this.replication.adoptConfiguration();
    this.proceed();
    return entry;
  }

  // --- Commit -----------------------------------------------------------------------------------------------------

  /** Whether this member has no vote any more, and that is committed: it has led the others as far as it had to. */
  get isOver(): boolean {
    const { isVoter, configurations, commitIndex } = this.#state;
    return !isVoter && configurations.index <= commitIndex;
  }

  /** Something became durable here or elsewhere, or a follower answered: goes on with whatever waited for it. */
  proceed(): void {
    this.#commit();
    this.#endRound();
    this.transfer.proceed();
  }

  /** The last words of a leader that is over: everybody learns what is committed, and one of them takes over. */
  handOver(): void {
    this.replication.send();
    this.transfer.giveUp();
  }

  /**
   * Only entries of our own term are committed by counting copies; older ones follow with them (Ongaro 2014, section
   * 3.6.2, figure 3.7). Without this a later leader could undo a commit.
   */
  #commit(): void {
    const index = this.replication.quorumIndex;
    if (index <= this.#state.commitIndex || this.#state.log.termAt(index) !== this.#state.term) return;
    this.#state.commitTo(index);
    const { configuration, configurations } = this.#state;
    // Every leader ends the joint configuration that it finds committed, whoever began it (section 4.3).
    if (configuration.outgoing !== undefined && configurations.index <= index)
      this.#appendConfiguration(endChange(configuration), EMPTY_BYTES);
  }

  // --- Reads ------------------------------------------------------------------------------------------------------

  /** @see `Raft.readIndex` */
  readIndex(context: number): void {
    this.#reads.add(context);
    // A sole voter needs no round to know that it leads: its reads have the index of the moment they were asked.
    if (this.#state.isSoleVoter) this.#beginRound();
  }

  /** A follower or a learner asks for its own reads. */
  readIndexFor(read: RemoteRead): void {
    if (this.replication.progressOf(read.from) !== undefined) this.#reads.addRemote(read);
  }

  /** Before something of its term is committed, a leader may not know all that earlier ones committed: reads wait. */
  get #hasRoundToBegin(): boolean {
    return this.#reads.hasWaiting && this.#state.hasCommittedInTerm;
  }

  #beginRound(): void {
    if (!this.#hasRoundToBegin) return;
    this.#reads.beginRound(this.#state.commitIndex);
    if (!this.#state.isSoleVoter) this.replication.sendHeartbeats(this.#reads.roundId);
    this.#endRound();
  }

  #endRound(): void {
    const { id: self, configuration } = this.#state;
    const { roundId } = this.#reads;
    const isConfirmed = (id: bigint) => (this.replication.progressOf(id)?.confirmedRound ?? 0) >= roundId;
    if (roundId === 0 || !isQuorum(configuration, (id) => id === self || isConfirmed(id))) return;
    const { index, local, remote } = this.#reads.endRound();
    for (const read of local) this.#state.readStates.push(read);
    for (const { from, context } of remote) this.#state.send(from, { type: 'readIndexAnswer', context, index });
  }

  // --- What is to be sent -----------------------------------------------------------------------------------------

  get hasWork(): boolean {
    return this.#hasRoundToBegin || this.replication.hasWork;
  }

  /** A Ready is being made: everything that gathered for the others leaves. */
  send(): void {
    this.#beginRound();
    this.replication.send();
  }

  /** What is known of the others; of those that left, nothing. */
  progress(): readonly FollowerProgress[] {
    const { learners, outgoing = [] } = this.#state.configuration;
    return [...this.replication.followers]
      .filter(({ departed }) => departed === undefined)
      .map(({ id, progress }) => ({
        id,
        matchedIndex: progress.matchedIndex,
        state: progress.state,
        isActive: this.replication.isActive(progress),
        isLearner: learners.includes(id) && !outgoing.includes(id),
      }));
  }
}
