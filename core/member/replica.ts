import type { Caller } from '../auth/types.js';
import {
  ClosedError,
  type CoordinationError,
  hasCode,
  LeaderChangedError,
  MemberStoppedError,
  MemberNotLeaderError,
  OutcomeUnknownError,
  RequestTooLargeError,
} from '../base/errors.js';
import type { Durations } from '../base/durations.js';
import { between } from '../base/prng.js';
import { encodeCommand } from '../machine/codec.js';
import type { CallerCommand, Command, CommandResult } from '../machine/types.js';
import type { PeerMessage, PeerTransport } from '../peer/types.js';
import type { Raft } from '../raft/raft.js';
import type { Entry, MemberId } from '../raft/types.js';
import { CatchUps } from './catch-ups.js';
import { Driver } from './driver.js';
import { Leadership } from './leadership.js';
import { Outbox } from './outbox.js';
import { Proposals } from './proposals.js';
import { Reads } from './reads.js';
import type { PlainCommand, ReplicaHooks, ReplicaParts, ResultOf } from './replica-parts.js';
import { StateInForce } from './state-in-force.js';
import type { State } from './state-store.js';
import { Sweeps } from './sweeps.js';
import { Ticker } from './ticker.js';
import { type Waiter, Waiters } from './waiters.js';

/** Contexts of reads begin below this, so that they stay safe numbers however long the member runs. */
const FIRST_CONTEXT_MAX = 2 ** 51;
/** Why a proposal fails that was in order. */
const OF_THE_CLUSTER: ReadonlySet<string> = new Set([
  ...['NO_LEADER', 'TIMEOUT', 'UNAVAILABLE', 'OUTCOME_UNKNOWN', 'TOO_MANY_REQUESTS'],
]);
/** How often a member that waits for its cluster says so. */
const WAITING_TOLD_EVERY_MS = 5_000;

/**
 * The replicated state machine as something that can be asked: commands are proposed and their results awaited, reads
 * are made linearizable. It owns the log and the backend and closes them when it ends: by `close()`, or by itself when
 * it cannot keep a promise any more. Then nothing is acknowledged, and whoever waits is told.
 */
export class Replica {
  /** Resolves when it has ended: with nothing if it was closed, with the reason if it failed. */
  readonly stopped: Promise<MemberStoppedError | undefined>;
  readonly raft: Raft;
  readonly leadership: Leadership;
  readonly proposals: Proposals;
  readonly outbox: Outbox;
  readonly catchUps: CatchUps;
  /** How the others are reached, once there is a way. */
  transport: PeerTransport | undefined;

  readonly #parts: ReplicaParts;
  readonly #hooks: ReplicaHooks;
  readonly #driver: Driver;
  readonly #waiters = new Waiters();
  readonly #reads: Reads;
  readonly #sweeps: Sweeps;
  readonly #ticker: Ticker;
  readonly #held: StateInForce;
  #isAlone = false;
  #hasCaughtUp = false;
  #failedProposalCount = 0;
  #resolveStopped!: (failure: MemberStoppedError | undefined) => void;
  #failure: MemberStoppedError | undefined;
  #closing: Promise<void> | undefined;

  constructor(parts: ReplicaParts, hooks: ReplicaHooks) {
    const { raft, settings, clock, logger } = parts;
    this.#parts = parts;
    this.#hooks = hooks;
    this.raft = raft;
    this.catchUps = new CatchUps(raft, logger);
    this.#held = this.#makeStateInForce();
    this.stopped = new Promise((resolve) => (this.#resolveStopped = resolve));
    this.outbox = new Outbox(() => this.transport);
    this.leadership = new Leadership({
      raft,
      clock,
      appliedTerm: () => this.state.machine.appliedTerm,
      electionTimeoutMs: settings.electionTimeoutMs,
      why: hooks.whyLeaderless,
    });
    this.#sweeps = new Sweeps(clock, settings.readRetryMs, this.#sweep);
    this.#ticker = new Ticker({
      clock,
      logger,
      tickMs: settings.heartbeatMs,
      blockedMs: settings.electionTimeoutMs,
      onTick: this.#tick,
      onBlocked: () => raft.stepDown(),
    });
    this.#reads = this.#makeReads();
    this.proposals = this.#makeProposals();
    this.#driver = this.#makeDriver();
    this.leadership.onLeader(() => {
      this.proposals.leaderChanged();
      this.#reads.askAgain();
    });
  }

  /** The state in force. Not to be looked at while {@link Replica.installing}. */
  get state(): State {
    return this.#held.state;
  }

  /** While a snapshot is being put in force: resolves when it is. */
  get installing(): Promise<void> | undefined {
    return this.#held.installing;
  }

  /** Whether no other member receives the log. */
  get isAlone(): boolean {
    return this.#isAlone;
  }

  /** How long appends to the log took to become durable. */
  get appendDurations(): Durations {
    return this.#driver.appendDurations;
  }

  /** Proposals that were refused or lost for a reason that lies in the cluster, not in what was proposed. */
  get failedProposalCount(): number {
    return this.#failedProposalCount;
  }

  /** Why it ended or is about to, if it has. */
  get ended(): CoordinationError | undefined {
    return this.#failure ?? (this.#closing === undefined ? undefined : new ClosedError('the member'));
  }

  /** Begins to take part in the cluster. */
  start(): void {
    this.#lookAtOthers();
    this.#sweeps.start();
    this.wake();
  }

  /**
   * Resolves once everything that was committed before is applied, as a leader confirmed. That may take as long as it
   * takes others to come. Rejects with what `stopped` says if this member ends meanwhile.
   */
  async caughtUp(): Promise<void> {
    const { clock, logger } = this.#parts;
    let toldMs = clock.now();
    for (;;) {
      const confirmed = this.#reads.linearizable(() => undefined);
      const error = await Promise.race([confirmed.then(undefined, (reason: Error) => reason), this.stopped]);
      this.assertRunning();
      if (error === undefined) break;
      if (!hasCode(error, 'NO_LEADER') && !hasCode(error, 'TIMEOUT')) throw error;
      if (clock.now() - toldMs < WAITING_TOLD_EVERY_MS) continue;
      toldMs = clock.now();
      logger.info({ reason: error.message }, 'the member waits for its cluster before it serves');
    }
    this.#hasCaughtUp = true;
    this.scrub();
  }

  /**
   * Has a command carried out, and answers its result.
   *
   * @param check - throws if the command must not be proposed
   * @param caller - for whom it is proposed: it is carried out only if they may have it carried out then. Absent: whoever
   * proposes it is trusted
   * @throws {@link RequestTooLargeError}, {@link TooManyRequestsError}, {@link NoLeaderError}, {@link TimeoutError},
   * {@link UnavailableError}: nothing was done
   * @throws {@link OutcomeUnknownError} if the leader's answer was lost, or did not come in time, or the member fails
   * meanwhile: it may or may not be carried out
   */
  propose<C extends PlainCommand>(command: C, check?: (command: C) => void): Promise<ResultOf<C>>;
  propose<C extends CallerCommand>(
    command: C,
    check: ((command: C) => void) | undefined,
    caller: Caller | undefined,
  ): Promise<ResultOf<C>>;
  propose<C extends PlainCommand>(command: C, check?: (command: C) => void, caller?: Caller): Promise<ResultOf<C>> {
    return new Promise((resolve, reject) => {
      check?.(command);
      const proposed: Command =
        caller === undefined ? command : { type: 'callers', caller, command: command as CallerCommand };
      this.proposals.propose(this.#encode(proposed), resolve as Waiter['resolve'], (error) => {
        if (OF_THE_CLUSTER.has((error as CoordinationError).code)) this.#failedProposalCount += 1;
        reject(error);
      });
    });
  }

  /** As {@link propose}, but only as the leader, and never refused because many others wait. */
  proposeHere(command: Command): Promise<CommandResult> {
    return new Promise((resolve, reject) => this.proposals.proposeHere(this.#encode(command), resolve, reject));
  }

  /** What comes of the entry that stands at a place of the log. */
  outcomeOf(place: { readonly index: number; readonly term: number }): Promise<CommandResult> {
    return new Promise((resolve, reject) => this.proposals.awaitEntry(place, resolve, reject));
  }

  /**
   * Calls `read` on a state that holds every write acknowledged by now, and answers what it returns or throws.
   *
   * @throws {@link NoLeaderError}, {@link TimeoutError} if that could not be confirmed
   */
  read<T>(read: (state: State) => T): Promise<T> {
    const ended = this.ended ?? this.leadership.leaderless();
    return ended === undefined ? this.#reads.linearizable(() => read(this.state)) : Promise.reject(ended);
  }

  /** Calls `read` on the state as it is here. */
  async readHere<T>(read: (state: State) => T): Promise<T> {
    while (this.installing !== undefined) await this.installing;
    this.assertRunning();
    return read(this.state);
  }

  /**
   * Calls `work` in a round of ReadIndex, that is if a majority confirmed, after this call, that this member leads, and
   * it has led in one term all along.
   *
   * @throws {@link MemberNotLeaderError}, {@link LeaderChangedError} otherwise
   */
  asLeader<T>(work: (state: State) => T): Promise<T> {
    const { term } = this.raft;
    if (!this.leadership.isServing) return Promise.reject(new MemberNotLeaderError());
    return this.read((state) => {
      if (!this.leadership.isServing || this.raft.term !== term) throw new LeaderChangedError();
      return work(state);
    });
  }

  /** Begins to free what was compacted. */
  scrub(): void {
    this.#held.scrub();
  }

  /** Frees what was compacted; resolves once that is done and durable. */
  async scrubbed(): Promise<void> {
    try {
      await this.#held.scrubbed();
    } catch (error) {
      this.fail(error as Error);
      throw this.#failure as Error;
    }
  }

  /** Throws if it has ended or is about to. */
  assertRunning(): void {
    const { ended } = this;
    if (ended !== undefined) throw ended;
  }

  /** Tells it that there may be something to do. */
  readonly wake = (): void => this.#driver.wake();

  /** Sends a message at the end of this turn. */
  send(to: MemberId, message: PeerMessage): void {
    this.outbox.add(to, message);
    this.wake();
  }

  /** Answers whoever waits, makes everything durable, and ends. Closing twice, or after a failure, does no harm. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /** What cannot be made durable must not be believed: from here on, nothing is acknowledged. */
  readonly fail = (cause: Error): void => {
    if (this.#failure !== undefined) return;
    const failure = cause instanceof MemberStoppedError ? cause : new MemberStoppedError(cause.message, { cause });
    this.#failure = failure;
    this.#parts.logger.error({ error: cause }, 'the member stops by itself');
    this.#rejectAll(failure);
    void this.#driver.stop();
    this.#resolveStopped(failure);
    void this.close();
  };

  #encode(command: Command): Uint8Array {
    this.assertRunning();
    const data = encodeCommand(command);
    const { requestBytesMax } = this.#parts.settings;
    if (data.length > requestBytesMax) throw new RequestTooLargeError(data.length, requestBytesMax);
    return data;
  }

  // --- Turns and time ---------------------------------------------------------------------------------------------

  readonly #beginReads = (): void => this.#reads.begin();

  readonly #beginTurn = (): void => {
    this.#hooks.onTurn();
    this.proposals.flush();
    this.#reads.begin();
  };

  readonly #endTurn = (): void => {
    this.#lookAtOthers();
    this.leadership.check();
  };

  readonly #tick = (): void => {
    this.raft.tick();
    this.#hooks.onTick();
    this.wake();
  };

  readonly #sweep = (): void => {
    this.#driver.watchDisk();
    this.proposals.sweep();
    const leaderless = this.leadership.leaderless();
    this.#reads.expire(leaderless && (() => leaderless));
    this.#reads.askAgain();
    this.#held.sweep();
    this.#hooks.onSweep();
    this.wake();
  };

  /**
   * Time is counted where there is somebody to hear of it; and by a member that is left alone before it leads: it is time
   * that ends its wait for the leader that has gone.
   */
  #lookAtOthers(): void {
    const { configuration, isSoleVoter, role } = this.raft;
    this.#isAlone = isSoleVoter && configuration.learners.length === 0;
    if (this.#isAlone && role === 'leader') this.#ticker.stop();
    else this.#ticker.start();
  }

  #applied(entries: readonly Entry[]): void {
    this.#held.applied(entries);
    this.#hooks.onApplied(entries);
  }

  // --- The end ----------------------------------------------------------------------------------------------------

  #rejectAll(failure: CoordinationError): void {
    const { lastIndexHandedOver } = this.#driver;
    this.#waiters.rejectAll(({ index, term }) => {
      // What this leader has told nobody of is gone with it; all else may be in somebody's log.
      const isUntold = this.raft.role === 'leader' && term === this.raft.term && index > lastIndexHandedOver;
      return isUntold ? failure : new OutcomeUnknownError('the write', { cause: failure });
    });
    this.proposals.rejectAll(failure);
    this.#reads.rejectAll(failure);
    this.#hooks.onEnd(failure);
  }

  async #close(): Promise<void> {
    // Alone, the disk decides when all are answered. Among others, that may be never; and before it served, nobody waits.
    if (this.#isAlone || this.#failure !== undefined) await this.#answered();
    else if (this.#hasCaughtUp) await this.#within(this.#answered());
    this.#rejectAll(this.#failure ?? new ClosedError('the member'));
    this.#ticker.stop();
    this.#sweeps.stop();
    await this.#driver.stop();
    await this.#held.hold();
    await this.transport?.close();
    // Closing the backend flushes it. Where that fails, the log still has everything that was acknowledged.
    for (const part of [this.state.backend, this.#parts.log]) await part.close().catch(this.fail);
    this.#resolveStopped(this.#failure);
  }

  async #answered(): Promise<void> {
    await this.proposals.emptied();
    await Promise.all([this.#waiters.emptied(), this.#reads.emptied()]);
  }

  #within(done: Promise<void>): Promise<void> {
    const { clock, settings } = this.#parts;
    return new Promise((resolve) => {
      const timer = clock.after(settings.electionTimeoutMs, resolve);
      void done.then(() => {
        timer.cancel();
        resolve();
      });
    });
  }

  // --- Parts ------------------------------------------------------------------------------------------------------

  #makeStateInForce(): StateInForce {
    return new StateInForce({
      ...this.#parts,
      catchUps: this.catchUps,
      isAlone: () => this.#isAlone,
      idle: () => this.#driver.applied(),
      install: this.#hooks.install,
      onReplaced: (state, position) => {
        this.#waiters.skipTo(position);
        this.#hooks.onState(state);
      },
      onFailure: this.fail,
    });
  }

  #makeReads(): Reads {
    const { prng, settings } = this.#parts;
    return new Reads({
      askIndex: (context) => {
        this.raft.readIndex(context);
        this.#driver.hurry();
      },
      appliedIndex: () => (this.installing !== undefined ? -1 : this.state.machine.appliedIndex),
      // Alone, a whole turn of the event loop, so that who reads without a pause leaves room for timers and sockets. Among
      // others, a turn of the driver is one already, and what is asked shares a frame with all else.
      schedule: () => (this.raft.isSoleVoter ? this.#parts.clock.soon(this.#beginReads) : this.wake()),
      onBroken: this.fail,
      readsMax: settings.readsMax,
      firstContext: between(prng, 1, FIRST_CONTEXT_MAX),
      sweeps: this.#sweeps,
      timeoutMs: settings.requestTimeoutMs + 2 * settings.electionTimeoutMs,
    });
  }

  #makeProposals(): Proposals {
    return new Proposals({
      raft: this.raft,
      waiters: this.#waiters,
      leadership: this.leadership,
      sweeps: this.#sweeps,
      settings: this.#parts.settings,
      appliedIndex: () => this.state.machine.appliedIndex,
      isConnected: (id) => this.transport?.isConnected(id) ?? false,
      send: (to, message) => this.outbox.add(to, message),
      wake: this.wake,
    });
  }

  #makeDriver(): Driver {
    const { raft, log, clock, logger, settings } = this.#parts;
    return new Driver({
      raft,
      log,
      state: () => this.state,
      waiters: this.#waiters,
      reads: this.#reads,
      outbox: this.outbox,
      clock,
      logger,
      slowSyncMs: settings.slowSyncMs,
      onTurn: this.#beginTurn,
      onAppend: this.#hooks.onAppend,
      install: (append) => this.#held.install(append),
      onSnapshotsWanted: this.#hooks.onSnapshotsWanted,
      onApplied: (entries) => this.#applied(entries),
      onTurned: this.#endTurn,
      onFailure: this.fail,
    });
  }
}
