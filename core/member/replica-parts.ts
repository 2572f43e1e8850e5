import type { Clock } from '../base/clock.js';
import type { CoordinationError } from '../base/errors.js';
import type { Logger } from '../base/logger.js';
import type { Prng } from '../base/prng.js';
import type { Command, CommandResult } from '../machine/types.js';
import type { Raft } from '../raft/raft.js';
import type { Entry, MemberId, SnapshotPosition } from '../raft/types.js';
import type { DurableLog } from './durable-log.js';
import type { MemberSettings } from './settings.js';
import type { State } from './state-store.js';

/** A command without the caller for whom it is proposed. */
export type PlainCommand = Exclude<Command, { type: 'callers' }>;

/** What a command answers if it succeeds. */
export type ResultOf<C extends PlainCommand> = Extract<CommandResult, { type: C['type'] }>;

export interface ReplicaParts {
  readonly memberId: MemberId;
  readonly raft: Raft;
  readonly log: DurableLog;
  /** The state as it was found; a snapshot may put another in its place. */
  readonly state: State;
  readonly clock: Clock;
  readonly prng: Prng;
  readonly logger: Logger;
  readonly settings: MemberSettings;
}

/** What others do along with the replica. All of it is synchronous. */
export interface ReplicaHooks {
  /** At the beginning of each turn: what has gathered is given to raft or sent. */
  readonly onTurn: () => void;
  /** Raft's time has moved on, so that what is sent now leaves with its heartbeats. */
  readonly onTick: () => void;
  /** Entries are about to become durable. */
  readonly onAppend: (entries: readonly Entry[]) => void;
  /** Entries have been applied. */
  readonly onApplied: (entries: readonly Entry[]) => void;
  readonly onSnapshotsWanted: (followers: readonly MemberId[]) => void;
  /** A snapshot that was received is to be put in force: the state behind it. */
  readonly install: (position: SnapshotPosition, current: State) => Promise<State>;
  /** Another state is in force. */
  readonly onState: (state: State) => void;
  /** Some time has passed; see {@link Sweeps}. */
  readonly onSweep: () => void;
  /** It is about to end: who waits is to be told, and what runs is to stop. */
  readonly onEnd: (reason: CoordinationError) => void;
  /** What is known of why nobody leads. */
  readonly whyLeaderless: () => string | undefined;
}
