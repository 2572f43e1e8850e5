import { assert } from '../base/assert.js';
import { EMPTY_BYTES } from '../base/bytes.js';
import { ConfigurationChangeError, NoLeaderError, NotLeaderError, TooManyRequestsError } from '../base/errors.js';
import { decodeConfiguration, encodeConfiguration } from './configuration.js';
import { Log } from './log.js';
import { checkOptions, type RaftOptions } from './options.js';
import { isMajority, majorityIndex } from './quorum.js';
import { ReadOnly } from './read-only.js';
import type { FollowerProgress } from './progress.js';
import type { Append, Configuration, Entry, HardState, MemberId, Message, Ready, Role } from './types.js';

/**
 * Consensus as a pure state machine: ticks, messages and proposals go in, {@link Ready} comes out. It has no clock, no
 * disk and no network; whoever drives it carries out each Ready, and tells it of appends that are durable (`appended`)
 * and of entries that are applied (`applied`). One append at a time; what arrives meanwhile gathers for the next one.
 *
 * This version runs a configuration of one voter. It is its own majority, so it campaigns the moment it is made, and
 * what it holds durably is committed. All else is as in a larger configuration: a vote counts only once it is durable,
 * a term begins with an empty entry, and only entries of the present term are committed by counting.
 *
 * ```
 * made ──► candidate ──(own vote durable)──► leader ──(empty entry durable)──► reads and writes are answered
 * ```
 */
export class Raft {
  readonly #id: MemberId;
  #configuration: Configuration;
  #configurationIndex: number;
  readonly #uncommittedBytesMax: number;
  readonly #log: Log;
  readonly #readOnly = new ReadOnly();

  #term: number;
  #votedFor: MemberId;
  #role: Role = 'follower';
  #leader: MemberId | undefined;
  #commitIndex: number;
  #appliedIndex: number;
  /** The last entry that was handed out to be applied; from `appliedIndex` on to here a Ready is under way. */
  #handedIndex: number;
  /** Bytes of the entries after `handedIndex`: what proposals hold in memory until they are committed. */
  #uncommittedBytes = 0;
  /** The hard state that is known to be durable. */
  #durableHardState: HardState;
  /** The highest index that each voter is known to hold durably. */
  readonly #matchedIndex = new Map<MemberId, number>();
  /** Who granted their vote in this term. */
  readonly #votes = new Set<MemberId>();
  /** The append under way. */
  #append: Append | undefined;

  /** @throws {@link InvalidArgumentError} naming the option that is outside its limit */
  constructor(options: RaftOptions) {
    checkOptions(options);
    this.#id = options.id;
    this.#configuration = options.configuration;
    this.#configurationIndex = options.appliedIndex;
    this.#uncommittedBytesMax = options.uncommittedBytesMax;
    this.#log = new Log(options.log);
    this.#term = options.hardState.term;
    this.#votedFor = options.hardState.votedFor;
    this.#durableHardState = options.hardState;
    this.#matchedIndex.set(this.#id, this.#log.lastIndex);
    // What was applied had been committed; the stored commit index may lag behind, for it is written in passing.
    this.#commitIndex = Math.max(options.hardState.commitIndex, options.appliedIndex);
    this.#appliedIndex = options.appliedIndex;
    this.#handedIndex = options.appliedIndex;
    assert(this.#appliedIndex >= this.#log.firstIndex - 1, 'every entry that is not applied is in the log');
    assert(this.#commitIndex <= this.#log.lastIndex, 'the log reaches everything committed and applied');
    assert(this.#log.lastTerm <= this.#term, 'the term of an entry was entered before the entry was written');
    for (const entry of this.#unhanded(this.#log.lastIndex)) this.#uncommittedBytes += entry.data.length;
    for (const entry of this.#unhanded(this.#log.lastIndex)) this.#adopt(entry);
    if (this.isSoleVoter) this.#campaign();
  }

  get term(): number {
    return this.#term;
  }

  get role(): Role {
    return this.#role;
  }

  /** The leader of the present term, where it is known. */
  get leader(): MemberId | undefined {
    return this.#leader;
  }

  get commitIndex(): number {
    return this.#commitIndex;
  }

  get lastIndex(): number {
    return this.#log.lastIndex;
  }

  get firstIndex(): number {
    return this.#log.firstIndex;
  }

  /** The last entry that is known to be applied. */
  get appliedIndex(): number {
    return this.#appliedIndex;
  }

  /** The configuration in force: the last one in the log. */
  get configuration(): Configuration {
    return this.#configuration;
  }

  /** Whether the configuration in force is not committed yet. */
  get hasPendingConfiguration(): boolean {
    return this.#configurationIndex > this.#commitIndex;
  }

  /** Whether this member is the only one that votes. */
  get isSoleVoter(): boolean {
    const { voters, outgoing } = this.#configuration;
    return voters.length === 1 && voters[0] === this.#id && outgoing === undefined;
  }

  /**
   * A unit of time has passed. A sole voter waits for nobody: it has no election timeout to run down while its own vote
   * is on its way to the disk, however slow that is, and no follower to send heartbeats to.
   */
  tick(): void {}

  /**
   * Takes a message from another member. A sole voter has nobody to hear: a sender that its configuration does not have
   * cannot lead it, nor give or take its vote, whatever its term; and answering would only raise the term of a member
   * that was removed or misdirected.
   */
  step(_message: Message): void {}

  /**
   * Appends a command to the log. It is committed when a later Ready hands it out to be applied; if the member stops
   * before that, it may be committed after the restart, or lost.
   *
   * @returns where it stands in the log if it is committed
   * @throws {@link NoLeaderError} if this member does not lead; nothing was done
   * @throws {@link TooManyRequestsError} if uncommitted proposals would exceed `uncommittedBytesMax`; a proposal that
   * is larger by itself is taken when no other waits, for it could never be taken otherwise
   */
  propose(data: Uint8Array): { readonly index: number; readonly term: number } {
    if (this.#role !== 'leader') throw new NoLeaderError();
    if (this.#uncommittedBytes > 0 && this.#uncommittedBytes + data.length > this.#uncommittedBytesMax)
      throw new TooManyRequestsError('bytes of uncommitted proposals', this.#uncommittedBytesMax);
    return this.#extend({ data });
  }

  /**
   * Asks up to where a state must have been applied so that a read of it, begun now, is linearizable. A later Ready
   * answers with a {@link ReadState} of this `context`.
   *
   * @throws {@link NoLeaderError} if this member does not lead
   * @throws {@link TooManyRequestsError} if too many wait already
   */
  readIndex(context: number): void {
    if (this.#role !== 'leader') throw new NoLeaderError();
    this.#readOnly.add(context);
    this.#confirmReads();
  }

  /**
   * Appends a configuration, which is in force at once.
   *
   * @throws {@link NotLeaderError} if this member does not lead
   * @throws {@link ConfigurationChangeError} if another change is not committed yet
   */
  proposeConfiguration(
    next: Pick<Configuration, 'voters' | 'learners'>,
    context: Uint8Array,
  ): { readonly index: number; readonly term: number } {
    if (this.#role !== 'leader') throw new NotLeaderError();
    if (this.hasPendingConfiguration) throw new ConfigurationChangeError('another change is under way');
    const configuration = { voters: next.voters, learners: next.learners };
    const entry = this.#extend({ data: encodeConfiguration(configuration, context), kind: 'configuration' });
    this.#adopt(entry);
    return entry;
  }

  /** Hands leadership over. */
  transferLeadership(_to: MemberId): void {
    if (this.#role !== 'leader') throw new NotLeaderError();
  }

  /** The process of the leader has ended, as the transport saw. */
  leaderGone(_leader: MemberId): void {}

  /** Whoever drives this member was blocked for longer than an election timeout. */
  stepDown(): void {}

  /** Messages to this member were lost. */
  reportUnreachable(_id: MemberId): void {}

  /** What became of the snapshot that was sent to this member. */
  reportSnapshot(_id: MemberId, _outcome: 'installed' | 'failed'): void {}

  /** What a leader knows of the others. */
  progress(): readonly FollowerProgress[] {
    return [];
  }

  /** Whether `ready()` would have anything to do. */
  hasReady(): boolean {
    return (
      (this.#append === undefined && (this.#log.lastIndex > this.#durableIndex || this.#hasNewVote())) ||
      this.#committableIndex > this.#handedIndex ||
      this.#readOnly.hasConfirmed
    );
  }

  /** Hands over what is to be done next. */
  ready(): Ready {
    const committed = this.#unhanded(this.#committableIndex);
    for (const entry of committed) this.#uncommittedBytes -= entry.data.length;
    this.#handedIndex = this.#committableIndex;
    const append = this.#append === undefined ? this.#nextAppend() : undefined;
    return {
      messages: NO_MESSAGES,
      ...(append && { append }),
      committed,
      readStates: this.#readOnly.take(),
      snapshotsWanted: NO_MEMBERS,
    };
  }

  /** The append was carried out: its hard state and entries are durable. */
  appended(append: Append): void {
    assert(append === this.#append, 'the append that was carried out is the one that was handed over');
    this.#append = undefined;
    this.#durableHardState = append.hardState ?? this.#durableHardState;
    this.#matchedIndex.set(this.#id, append.entries.at(-1)?.index ?? this.#durableIndex);
    if (this.#role === 'candidate') this.#countOwnVote();
    if (this.#role === 'leader') this.#commitByMajority();
  }

  /** The entries up to `index` were applied. */
  applied(index: number): void {
    assert(index <= this.#handedIndex, 'what is applied was handed out to be applied');
    this.#appliedIndex = Math.max(this.#appliedIndex, index);
  }

  /** Lets go of entries up to `index` in memory; they must have been applied. */
  compactTo(index: number): void {
    assert(index <= this.#appliedIndex, 'an entry is applied before it is compacted');
    this.#log.compactTo(index);
  }

  // --- Elections (Ongaro 2014, section 3.4) -----------------------------------------------------------------------

  #campaign(): void {
    this.#becomeCandidate(this.#term + 1);
  }

  #becomeCandidate(term: number): void {
    this.#role = 'candidate';
    this.#leader = undefined;
    this.#term = term;
    this.#votedFor = this.#id;
    this.#votes.clear();
  }

  /**
   * A vote binds only from when it is durable: were it counted before, a member that forgot it in a crash could vote
   * again in the same term (Ongaro 2014, section 3.8).
   */
  #countOwnVote(): void {
    if (this.#hasNewVote()) return;
    this.#votes.add(this.#id);
    if (isMajority(this.#configuration.voters, this.#votes)) this.#becomeLeader();
  }

  /**
   * A leader begins with an empty entry of its own term: with it, what earlier terms left behind is committed, and the
   * leader learns what is committed at all (Ongaro 2014, sections 3.6.2 and 6.4).
   */
  #becomeLeader(): void {
    assert(this.#votedFor === this.#id, 'a leader voted for itself');
    this.#role = 'leader';
    this.#leader = this.#id;
    this.#extend({ data: EMPTY_BYTES });
  }

  // --- Log and commit ---------------------------------------------------------------------------------------------

  #extend(content: Pick<Entry, 'data' | 'kind'>): Entry {
    const entry = { index: this.#log.lastIndex + 1, term: this.#term, ...content };
    this.#log.append(entry);
    this.#uncommittedBytes += entry.data.length;
    return entry;
  }

  #adopt(entry: Entry): void {
    if (entry.kind !== 'configuration') return;
    this.#configuration = decodeConfiguration(entry.data).configuration;
    this.#configurationIndex = entry.index;
  }

  #nextAppend(): Append | undefined {
    const entries = this.#log.entries({ fromIndex: this.#durableIndex + 1, toIndex: this.#log.lastIndex });
    const hardState = this.#hardStateWith(entries);
    if (entries.length === 0 && hardState === undefined) return undefined;
    this.#append = { ...(hardState && { hardState }), entries, messages: NO_MESSAGES };
    return this.#append;
  }

  /**
   * Only entries of our own term are committed by counting copies; older ones follow with them (Ongaro 2014, section
   * 3.6.2, figure 3.7). Without this a later leader could undo a commit.
   */
  #commitByMajority(): void {
    const index = majorityIndex(this.#configuration.voters, (voter) => this.#matchedIndex.get(voter) ?? 0);
    if (index <= this.#commitIndex || this.#log.termAt(index) !== this.#term) return;
    assert(index <= this.#durableIndex, 'what a sole voter commits is durable on it');
    this.#commitIndex = index;
    this.#confirmReads();
  }

  /**
   * A leader that has committed nothing in its term may not know all that earlier ones committed, so reads wait until
   * then. Afterwards a sole voter needs no round to confirm that it still leads (Ongaro 2014, section 6.4).
   */
  #confirmReads(): void {
    if (this.#log.termAt(this.#commitIndex) === this.#term) this.#readOnly.confirm(this.#commitIndex);
  }

  // --- What is to be done -----------------------------------------------------------------------------------------

  get #durableIndex(): number {
    return this.#matchedIndex.get(this.#id) as number;
  }

  get #committableIndex(): number {
    return Math.min(this.#commitIndex, this.#durableIndex);
  }

  #unhanded(toIndex: number): readonly Entry[] {
    return this.#log.entries({ fromIndex: this.#handedIndex + 1, toIndex });
  }

  /** Whether term or vote are not durable as they are. */
  #hasNewVote(): boolean {
    return this.#term !== this.#durableHardState.term || this.#votedFor !== this.#durableHardState.votedFor;
  }

  /**
   * A new commit index alone is not worth a write, for it is found again after a restart; where something is written
   * anyway, it goes along.
   */
  #hardStateWith(entries: readonly Entry[]): HardState | undefined {
    const goesAlong = entries.length > 0 && this.#commitIndex !== this.#durableHardState.commitIndex;
    if (!goesAlong && !this.#hasNewVote()) return undefined;
    return { term: this.#term, votedFor: this.#votedFor, commitIndex: this.#commitIndex };
  }
}

const NO_MESSAGES: readonly Message[] = [];
const NO_MEMBERS: readonly MemberId[] = [];
