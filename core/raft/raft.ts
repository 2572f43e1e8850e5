import { assert } from '../base/assert.js';
import { NoLeaderError, MemberNotLeaderError } from '../base/errors.js';
import type { WantedConfiguration } from './configuration-change.js';
import type { Proposed } from './leadership.js';
import { checkOptions, type RaftOptions } from './options.js';
import type { FollowerProgress } from './progress.js';
import { Roles } from './roles.js';
import { RaftState } from './state.js';
import type { Append, Configuration, MemberId, Message, Ready, Role, SnapshotPosition } from './types.js';

/**
 * Consensus as a pure state machine: ticks, messages and proposals go in, {@link Ready} comes out. It has no clock, no
 * disk and no network; whoever drives it carries out each Ready, and tells it of appends that are durable (`appended`)
 * and of entries that are applied (`applied`). One append at a time; what arrives meanwhile gathers for the next one.
 *
 * What a member knows is in `state.ts`; who does what with a message is decided in `roles.ts`; how it is done is where
 * the paper's word for it is: `election.ts`, `following.ts`, and `leadership.ts` with `replication.ts`, `read-only.ts`,
 * `transfer.ts` and `configuration-change.ts`.
 */
export class Raft {
  readonly #state: RaftState;
  readonly #roles: Roles;

  /** @throws {@link InvalidArgumentError} naming the option that is outside its limit */
  constructor(options: RaftOptions) {
    checkOptions(options);
    this.#state = new RaftState(options);
    this.#roles = new Roles(this.#state, options);
  }

  get term(): number {
    return this.#state.term;
  }

  get role(): Role {
    return this.#state.role;
  }

  /** The leader of the present term, where it is known. */
  get leader(): MemberId | undefined {
    return this.#state.leader;
  }

  get commitIndex(): number {
    return this.#state.commitIndex;
  }

  /** The last entry that is known to be applied. */
  get appliedIndex(): number {
    return this.#state.appliedIndex;
  }

  /** The first entry that is not compacted. */
  get firstIndex(): number {
    return this.#state.log.firstIndex;
  }

  get lastIndex(): number {
    return this.#state.log.lastIndex;
  }

  /** The configuration in force: the last one in the log, committed or not (Ongaro 2014, section 4.1). */
  get configuration(): Configuration {
    return this.#state.configuration;
  }

  /** Whether a change of the configuration is under way: it is not committed yet, or joint. */
  get hasPendingConfiguration(): boolean {
    const { configuration, configurations, commitIndex } = this.#state;
    return configurations.index > commitIndex || configuration.outgoing !== undefined;
  }

  /** Whether this member is the only one that votes. */
  get isSoleVoter(): boolean {
    return this.#state.isSoleVoter;
  }

  /** The snapshot that is to be installed, from when it was announced until it is durable. */
  get pendingSnapshot(): SnapshotPosition | undefined {
    return this.#state.durability.snapshot;
  }

  /** To whom this member, which leads, is handing over. */
  get transferee(): MemberId | undefined {
    return this.#roles.leadership?.transfer.to;
  }

  // --- What goes in -----------------------------------------------------------------------------------------------

  /**
   * A unit of time has passed. A sole voter that leads needs none: it has no leader to wait for, nobody to send heartbeats
   * to, and nobody to make room for while its disk is slow.
   */
  tick(): void {
    this.#state.durability.tick();
    this.#roles.tick();
  }

  /** Takes a message from another member. What cannot be true, or does not concern this member, is ignored. */
  step(message: Message): void {
    this.#roles.step(message);
  }

  /**
   * Appends a command to the log. It is committed when a later Ready hands it out to be applied; if the member stops or
   * loses its leadership before that, it may yet be committed, or lost.
   *
   * @returns where it stands in the log if it is committed
   * @throws {@link NoLeaderError} if this member does not lead or is just handing over; nothing was done
   * @throws {@link TooManyRequestsError} if uncommitted proposals would exceed `uncommittedBytesMax`; a proposal that
   * is larger by itself is taken when no other waits, for it could never be taken otherwise
   */
  propose(data: Uint8Array): Proposed {
    if (this.#roles.leadership === undefined) throw new NoLeaderError();
    return this.#roles.leadership.propose(data);
  }

  /**
   * Begins a change of the members; it is over when `hasPendingConfiguration` is false again. If more than one voter
   * comes or goes, a joint configuration is appended first, and the leader of that time ends it when it is committed, by
   * an entry with an empty context. From when it is appended, a configuration is in force.
   *
   * @param context - goes into the entry, for whoever applies it
   * @throws {@link MemberNotLeaderError} if this member does not lead
   * @throws {@link ConfigurationChangeError} if another change or a handover is under way, or the leader has committed
   * nothing in its term yet; nothing was done, try again a little later
   * @throws {@link InvalidArgumentError} if nobody would vote, or a member stands in it twice
   */
  proposeConfiguration(wanted: WantedConfiguration, context: Uint8Array): Proposed {
    if (this.#roles.leadership === undefined) throw new MemberNotLeaderError();
    const proposed = this.#roles.leadership.proposeConfiguration(wanted, context);
    this.#roles.resignIfOver();
    return proposed;
  }

  /**
   * Asks up to where a state must have been applied so that a read of it, begun now, is linearizable. A later Ready
   * answers with a {@link ReadState} of this `context`; unless the leader changes before, then nothing does, and whoever
   * still wants to read asks again.
   *
   * @throws {@link NoLeaderError} if no leader is known
   * @throws {@link TooManyRequestsError} if too many wait already
   */
  readIndex(context: number): void {
    const { leadership, forwardedReads } = this.#roles;
    if (leadership !== undefined) leadership.readIndex(context);
    else if (this.leader !== undefined) forwardedReads.add(context);
    else throw new NoLeaderError();
  }

  /**
   * Hands leadership over to another voter. Until it has it, proposals are refused; if it does not get it within an
   * election timeout, this member leads on. To hand over to itself does nothing.
   *
   * @throws {@link MemberNotLeaderError} if this member does not lead
   * @throws {@link BadLeaderTransfereeError} if the other one does not vote
   */
  transferLeadership(to: MemberId): void {
    if (this.#roles.leadership === undefined) throw new MemberNotLeaderError();
    this.#roles.leadership.transfer.begin(to);
  }

  /** The process of this member has ended, as its closed and refused connections show. If it led, nobody waits for it. */
  leaderGone(leader: MemberId): void {
    this.#roles.leaderGone(leader);
  }

  /** Gives leadership up: for whoever drives a member and was blocked for so long that another one may lead by now. */
  stepDown(): void {
    this.#roles.stepDown();
  }

  /** Messages to this member were lost. */
  reportUnreachable(id: MemberId): void {
    this.#roles.leadership?.replication.unreachable(id);
  }

  /** What became of the snapshot that was sent to this member. */
  reportSnapshot(id: MemberId, outcome: 'installed' | 'failed'): void {
    this.#roles.leadership?.replication.snapshotEnded(id, outcome);
  }

  /** What a leader knows of the others; nothing if this member does not lead. */
  progress(): readonly FollowerProgress[] {
    return this.#roles.leadership?.progress() ?? [];
  }

  // --- What comes out ---------------------------------------------------------------------------------------------

  /** Whether `ready()` would have anything to do. */
  hasReady(): boolean {
    const { log, durability, outbox, readStates, hasCommitted } = this.#state;
    return (
      hasCommitted ||
      durability.hasNext(log, this.#state) ||
      outbox.hasMessages ||
      readStates.length > 0 ||
      this.#roles.hasWork
    );
  }

  /** Hands over what is to be done next. */
  ready(): Ready {
    const { log, durability, outbox } = this.#state;
    this.#roles.send();
    const append = durability.hasNext(log, this.#state)
      ? durability.next(log, this.#state, outbox.takeDeferred())
      : undefined;
    const committed = this.#state.takeCommitted();
    this.#roles.leadership?.handedOut(committed);
    return {
      messages: outbox.takeNow(),
      ...(append && { append }),
      committed,
      readStates: this.#state.takeReadStates(),
      snapshotsWanted: this.#roles.leadership?.replication.takeSnapshotsWanted() ?? NOBODY,
    };
  }

  /** The append was carried out: what is in it is durable. */
  appended(append: Append): void {
    this.#state.durability.done(append);
    if (append.snapshot !== undefined) this.#state.applied(append.snapshot.index);
    this.#state.releaseDeferred();
    this.#roles.appended();
  }

  /** The entries up to `index` were applied. */
  applied(index: number): void {
    this.#state.applied(index);
  }

  /** Lets go of entries up to `index` in memory; they must have been applied. */
  compactTo(index: number): void {
    assert(index <= this.appliedIndex, 'an entry is applied before it is compacted');
    this.#state.log.compactTo(index);
  }
}

const NOBODY: readonly MemberId[] = [];
