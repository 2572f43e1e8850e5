import type { RaftOptions } from './options.js';
import { Progress } from './progress.js';
import { membersOf, quorumIndex } from './quorum.js';
import type { RaftState } from './state.js';
import type { AppendEntriesAnswer, InstallSnapshotAnswer, MemberId } from './types.js';

interface Follower {
  readonly id: MemberId;
  readonly progress: Progress;
  /**
   * It is no member any more. Until the entry that removed it is committed, and an election timeout beyond, it receives
   * the log all the same, so that it learns of its removal; it counts for nothing.
   */
  departed: { readonly index: number; ticks: number } | undefined;
}

/**
 * How a leader brings its log to the others (Ongaro 2014, section 3.5). Nothing is sent when something happens, but when
 * a Ready is asked for: everything that came until then leaves in as few messages as its bytes allow.
 */
export class Replication {
  readonly #state: RaftState;
  readonly #options: RaftOptions;
  readonly #followers = new Map<MemberId, Follower>();
  #snapshotsWanted: MemberId[] = [];

  constructor(state: RaftState, options: RaftOptions) {
    this.#state = state;
    this.#options = options;
    this.adoptConfiguration();
  }

  get followers(): Iterable<Follower> {
    return this.#followers.values();
  }

  progressOf(id: MemberId): Progress | undefined {
    return this.#followers.get(id)?.progress;
  }

  /** Whether a follower was heard from within an election timeout. */
  isActive({ wasHeard, silentTicks }: Progress): boolean {
    return wasHeard && silentTicks < this.#options.electionTicks;
  }

  /** The configuration in force is another one: its members are those who receive the log. */
  adoptConfiguration(): void {
    const { id: self, configuration, configurations, log } = this.#state;
    const members = membersOf(configuration);
    for (const id of members) {
      const known = this.#followers.get(id);
      if (known !== undefined) known.departed = undefined;
      else if (id !== self) {
        const progress = new Progress(log.lastIndex + 1, {
          messagesMax: this.#options.inflightMessagesMax,
          bytesMax: this.#options.inflightBytesMax,
        });
        this.#followers.set(id, { id, progress, departed: undefined });
      }
    }
    for (const follower of this.#followers.values())
      if (!members.has(follower.id)) follower.departed ??= { index: configurations.index, ticks: 0 };
  }

  tick(): void {
    for (const { id, progress, departed } of this.#followers.values()) {
      progress.silentTicks += 1;
      if (departed === undefined || departed.index > this.#state.commitIndex) continue;
      departed.ticks += 1;
      if (departed.ticks > this.#options.electionTicks) this.#followers.delete(id);
    }
  }

  /** The last index that enough voters hold durably; whether it may be committed is another question. */
  get quorumIndex(): number {
    const { id: self, configuration, durability } = this.#state;
    return quorumIndex(configuration, (id) =>
      id === self ? durability.index : (this.#followers.get(id)?.progress.matchedIndex ?? 0),
    );
  }

  // --- What goes out ----------------------------------------------------------------------------------------------

  get hasWork(): boolean {
    if (this.#snapshotsWanted.length > 0) return true;
    const { log, commitIndex } = this.#state;
    for (const { progress } of this.#followers.values()) if (progress.wants(log.lastIndex, commitIndex)) return true;
    return false;
  }

  /** Sends everybody what there is for them, as far as their windows allow. */
  send(): void {
    for (const follower of this.#followers.values())
      while (follower.progress.wants(this.#state.log.lastIndex, this.#state.commitIndex)) this.#sendAppend(follower);
  }

  sendHeartbeats(readRound: number): void {
    const { commitIndex } = this.#state;
    for (const { id, progress } of this.#followers.values()) {
      // It is told of nothing that it has not acknowledged: only up to there its log is known to be the leader's.
      const known = Math.min(progress.matchedIndex, commitIndex);
      this.#state.send(id, { type: 'heartbeat', commitIndex: known, readRound });
    }
  }

  takeSnapshotsWanted(): readonly MemberId[] {
    if (this.#snapshotsWanted.length === 0) return NOBODY;
    const taken = this.#snapshotsWanted;
    this.#snapshotsWanted = [];
    return taken;
  }

  #sendAppend(follower: Follower): void {
    const { log, commitIndex } = this.#state;
    const { id, progress } = follower;
    const previousIndex = progress.nextIndex - 1;
    if (previousIndex < log.firstIndex - 1) return this.#wantSnapshot(follower);
    const { entries, bytes } = progress.takesEntries
      ? log.entriesWithin({ fromIndex: progress.nextIndex, bytesMax: this.#options.appendBytesMax })
      : NOTHING;
    const previousTerm = log.termAt(previousIndex);
    this.#state.send(id, { type: 'appendEntries', previousIndex, previousTerm, entries, commitIndex });
    progress.sent(previousIndex + entries.length, bytes, commitIndex);
  }

  #wantSnapshot({ id, progress, departed }: Follower): void {
    progress.needsSnapshot();
    if (departed === undefined) this.#snapshotsWanted.push(id);
    else this.#followers.delete(id);
  }

  // --- What comes back --------------------------------------------------------------------------------------------

  /** A follower answered; what it acknowledged may make something committed. */
  appendAnswered(message: AppendEntriesAnswer): void {
    const progress = this.progressOf(message.from);
    const { log } = this.#state;
    if (progress === undefined) return;
    progress.heard();
    if (!message.accepted) {
      const { hintIndex, hintTerm, previousIndex } = message;
      progress.rejected(previousIndex, log.lastIndexUpTo({ index: hintIndex, term: hintTerm }));
    } else if (message.matchedIndex <= log.lastIndex) progress.accepted(message.matchedIndex, log.firstIndex);
  }

  snapshotAnswered({ from, matchedIndex }: InstallSnapshotAnswer): void {
    const progress = this.progressOf(from);
    const { log } = this.#state;
    if (progress === undefined || matchedIndex > log.lastIndex) return;
    progress.heard();
    progress.accepted(matchedIndex, log.firstIndex);
  }

  heartbeatAnswered(from: MemberId, readRound: number): void {
    const progress = this.progressOf(from);
    if (progress === undefined) return;
    progress.heard();
    progress.heartbeatAnswered(this.#state.log.lastIndex);
    progress.confirmedRound = Math.max(progress.confirmedRound, readRound);
  }

  /** Messages to it were lost. A member that has left is let go. */
  unreachable(id: MemberId): void {
    const follower = this.#followers.get(id);
    if (follower?.departed === undefined) follower?.progress.unreachable();
    else this.#followers.delete(id);
  }

  /**
   * A snapshot that has arrived ends where the log still goes on, or did when it was made; whether it was installed, and
   * how far its receiver is, comes with its own answer, or is found by asking from the first entry that is kept.
   */
  snapshotEnded(id: MemberId, outcome: 'installed' | 'failed'): void {
    const progress = this.progressOf(id);
    progress?.snapshotEnded(outcome === 'installed' ? this.#state.log.firstIndex : progress.matchedIndex + 1);
  }
}

const NOBODY: readonly MemberId[] = [];
const NOTHING = { entries: [], bytes: 0 };
