/**
 * What goes into consensus and what comes out of it, as plain data. Names follow Ongaro 2014 ("Consensus: bridging
 * theory and practice"), figures and sections of which the code cites as "Ongaro 2014".
 */

/** A member's id: an opaque 64-bit number. 0 means none. */
export type MemberId = bigint;

export const NO_MEMBER: MemberId = 0n;

/** One entry of the replicated log. */
export interface Entry {
  readonly index: number;
  readonly term: number;
  /**
   * A command of the state machine; empty: no command, only a mark that a term has begun. Of a configuration: what
   * `encodeConfiguration` gave.
   */
  readonly data: Uint8Array;
  /** Absent: a command. A configuration is in force from when it is appended (Ongaro 2014, section 4.1). */
  readonly kind?: 'configuration';
}

/** What a member must not forget. Term and vote bind it; the commit index only spares it waiting after a restart. */
export interface HardState {
  readonly term: number;
  /** Whom the member voted for in that term; {@link NO_MEMBER} if nobody. */
  readonly votedFor: MemberId;
  readonly commitIndex: number;
}

/** The hard state of a member that has never run. */
export const INITIAL_HARD_STATE: HardState = { term: 0, votedFor: NO_MEMBER, commitIndex: 0 };

/** The log as it was read back: the entries from `firstIndex` on, with nothing missing between them. */
export interface StoredLog {
  /** The index of the first entry that is kept; where none is, the index that the next one will have. */
  readonly firstIndex: number;
  /** The term of the entry before `firstIndex`; 0 if there never was one. */
  readonly previousTerm: number;
  readonly entries: readonly Entry[];
}

export type Role = 'follower' | 'preCandidate' | 'candidate' | 'leader';

/** The answer to `readIndex`: a state that has applied `index` is fresh enough for the reads behind `context`. */
export interface ReadState {
  readonly context: number;
  readonly index: number;
}

/** Which members vote and which only receive the log. `outgoing` is there while a joint configuration is in force. */
export interface Configuration {
  /** Those who vote; while the configuration is joint, the ones that will vote (Ongaro 2014, section 4.3: Cnew). */
  readonly voters: readonly MemberId[];
  /** While the configuration is joint: those who voted before it (Cold). Every decision needs a majority of both. */
  readonly outgoing?: readonly MemberId[];
  /** A voter that becomes a learner stands here and in `outgoing`, and still votes with the latter. */
  readonly learners: readonly MemberId[];
}

/** The last entry that a snapshot holds, and the configuration in force there. */
export interface SnapshotPosition {
  readonly index: number;
  readonly term: number;
  readonly configuration: Configuration;
}

/**
 * What is to be made durable. One at a time is under way. Install `snapshot`, if there is one, and make `hardState` and
 * `entries` durable behind it, in one step; then send `messages`, and call `appended` with the very same object.
 */
export interface Append {
  /** Replaces the state machine and the whole log; the log goes on behind it. The state is there: it was received. */
  readonly snapshot?: SnapshotPosition;
  readonly hardState?: HardState;
  /** Entries of the log from the first one's index on are thereby overwritten. */
  readonly entries: readonly Entry[];
  /** True only once all this is durable: votes, acknowledgements, and whatever is said in a term that is not durable. */
  readonly messages: readonly Message[];
}

/** What is to be done next. It may be asked for at any time; while an append is under way it has no other one. */
export interface Ready {
  /** To be sent at once; they wait for no disk. */
  readonly messages: readonly Message[];
  readonly append?: Append;
  /**
   * To be applied, in order; then call `applied` with the last index. All of it is durable here, so it may be applied
   * while an append is under way.
   */
  readonly committed: readonly Entry[];
  readonly readStates: readonly ReadState[];
  /** Followers that need a snapshot, each named once per need; the sending ends with `reportSnapshot`. */
  readonly snapshotsWanted: readonly MemberId[];
}

interface Envelope {
  readonly from: MemberId;
  readonly to: MemberId;
  /** The sender's term; that of a pre-vote is the one it would campaign in. */
  readonly term: number;
}

/** Asks for a vote, or whether one would be given (Ongaro 2014, figure 3.1 and section 9.6). */
export interface VoteRequest extends Envelope {
  readonly type: 'requestPreVote' | 'requestVote';
  readonly lastIndex: number;
  readonly lastTerm: number;
  /** Asked for by a leader that hands over, so that it is heard while that leader is still known (section 4.2.3). */
  readonly transfer: boolean;
}

export interface VoteAnswer extends Envelope {
  readonly type: 'preVoteAnswer' | 'voteAnswer';
  readonly granted: boolean;
}

/** Ongaro 2014, figure 3.1. */
export interface AppendEntriesRequest extends Envelope {
  readonly type: 'appendEntries';
  readonly previousIndex: number;
  readonly previousTerm: number;
  readonly entries: readonly Entry[];
  readonly commitIndex: number;
}

export type AppendEntriesAnswer = Envelope & { readonly type: 'appendEntriesAnswer' } & (
    | { readonly accepted: true; readonly matchedIndex: number }
    | {
        readonly accepted: false;
        /** The `previousIndex` that did not match. */
        readonly previousIndex: number;
        /** Where the leader may look next: the last index and term here that can still agree with it. */
        readonly hintIndex: number;
        readonly hintTerm: number;
      }
  );

/** Keeps followers from campaigning, tells them what is committed, and confirms leadership for reads. */
export interface HeartbeatRequest extends Envelope {
  readonly type: 'heartbeat';
  readonly commitIndex: number;
  /** The round of reads that an answer confirms; 0 if none (section 6.4). */
  readonly readRound: number;
}

export interface HeartbeatAnswer extends Envelope {
  readonly type: 'heartbeatAnswer';
  readonly readRound: number;
}

/** Announces a snapshot; its bytes travel beside, on a stream of their own. */
export interface InstallSnapshotRequest extends Envelope {
  readonly type: 'installSnapshot';
  readonly lastIndex: number;
  readonly lastTerm: number;
  readonly configuration: Configuration;
}

export interface InstallSnapshotAnswer extends Envelope {
  readonly type: 'installSnapshotAnswer';
  /** The last index that the member has now; below the snapshot's if it did not take it. */
  readonly matchedIndex: number;
}

/** Tells a follower that has everything to campaign at once (section 3.10). */
export interface TimeoutNowRequest extends Envelope {
  readonly type: 'timeoutNow';
}

/** A follower asks the leader up to where it must have applied before it may read (section 6.4). */
export interface ReadIndexRequest extends Envelope {
  readonly type: 'readIndex';
  readonly context: number;
}

export interface ReadIndexAnswer extends Envelope {
  readonly type: 'readIndexAnswer';
  readonly context: number;
  readonly index: number;
}

/** Everything that members say to each other. */
export type Message =
  | VoteRequest
  | VoteAnswer
  | AppendEntriesRequest
  | AppendEntriesAnswer
  | HeartbeatRequest
  | HeartbeatAnswer
  | InstallSnapshotRequest
  | InstallSnapshotAnswer
  | TimeoutNowRequest
  | ReadIndexRequest
  | ReadIndexAnswer;
