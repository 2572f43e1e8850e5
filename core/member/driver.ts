import type { Clock } from '../base/clock.js';
import { Durations } from '../base/durations.js';
import type { Logger } from '../base/logger.js';
import type { Raft } from '../raft/raft.js';
import type { Append, Entry, Message, Ready } from '../raft/types.js';
import type { DurableLog } from './durable-log.js';
import type { Outbox } from './outbox.js';
import type { Reads } from './reads.js';
import type { State } from './state-store.js';
import type { Waiters } from './waiters.js';

export interface DriverParts {
  readonly raft: Raft;
  readonly log: DurableLog;
  /** The state in force; a snapshot that is installed puts another in its place. */
  readonly state: () => State;
  readonly waiters: Waiters;
  readonly reads: Reads;
  readonly outbox: Outbox;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly slowSyncMs: number;
  /** Called at the beginning of each turn: what waits for raft is given to it. */
  readonly onTurn: () => void;
  /** Called with entries that are about to become durable. */
  readonly onAppend: (entries: readonly Entry[]) => void;
  /** Puts the snapshot that was received in force, durably, and lets the log begin anew behind it. */
  readonly install: (append: Append & Required<Pick<Append, 'snapshot'>>) => Promise<void>;
  /** Called with followers that need a snapshot. */
  readonly onSnapshotsWanted: (followers: Ready['snapshotsWanted']) => void;
  /** Called with what was applied. */
  readonly onApplied: (entries: readonly Entry[]) => void;
  /** Called at the end of each turn, before what it has to send leaves. */
  readonly onTurned: () => void;
  /** Called once, with the reason, if a turn fails. The driver does nothing more then. */
  readonly onFailure: (error: Error) => void;
}

/**
 * The only loop of a member: it carries out what raft decides. Group commit falls out of its shape. While one append is
 * on its way to the disk, proposals gather in raft; the next append takes them all. A lone caller waits for nobody.
 *
 * A turn never waits. What the disk works on, an append or an engine that is overfull, goes on beside the turns, so that
 * a slow disk keeps neither heartbeats nor votes nor reads.
 */
export class Driver {
  /** How long appends took to become durable. */
  readonly appendDurations = new Durations();
  readonly #parts: DriverParts;
  #isAwake = false;
  #isTurning = false;
  #stopped = false;
  /** The append under way, and since when. */
  #appending: Promise<void> | undefined;
  #appendingSinceMs = 0;
  #isSlowReported = false;
  /** Committed entries that wait for room in the engine. */
  #toApply: Entry[] = [];
  #draining: Promise<void> | undefined;
  /** The last index that was handed to the log or to another member. What was proposed later certainly is nowhere else. */
  #lastIndexHandedOver: number;

  constructor(parts: DriverParts) {
    this.#parts = parts;
    this.#lastIndexHandedOver = parts.raft.lastIndex;
  }

  get lastIndexHandedOver(): number {
    return this.#lastIndexHandedOver;
  }

  /** Tells it that raft may have something to do. The turn comes behind whatever else runs in this turn of the event loop. */
  wake(): void {
    if (this.#isAwake || this.#stopped) return;
    this.#isAwake = true;
    // A sole voter's callers wait for nothing but the disk, so it begins once those of the same turn have proposed. Where
    // there are others, all that the sockets deliver in one turn of the event loop shares a frame to each of them.
    if (this.#parts.raft.isSoleVoter) void Promise.resolve().then(this.#turn);
    else this.#parts.clock.soon(this.#turn);
  }

  /**
   * As {@link wake}, for what raft was asked: a sole voter, whom nobody else keeps waiting, takes the turn before this
   * returns; and a turn that is being taken comes to it by itself.
   */
  hurry(): void {
    if (this.#isTurning) return;
    if (this.#parts.raft.isSoleVoter && !this.#isAwake) this.#turn();
    else this.wake();
  }

  /** Resolves when no committed entry waits to be applied. */
  async applied(): Promise<void> {
    while (this.#draining !== undefined) await this.#draining;
  }

  /** Says so, once, if an append has been under way for too long. */
  watchDisk(): void {
    const { clock, logger, slowSyncMs } = this.#parts;
    if (this.#appending === undefined || this.#isSlowReported) return;
    const waitedMs = clock.now() - this.#appendingSinceMs;
    if (waitedMs < slowSyncMs) return;
    this.#isSlowReported = true;
    logger.warn(
      { waitedMs: Math.round(waitedMs) },
      'the disk is slow: an append to the log has not become durable yet',
    );
  }

  /** Ends after what is under way; resolves when that has ended. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#appending;
    await this.#draining;
  }

  readonly #turn = (): void => {
    this.#isAwake = false;
    if (this.#stopped) return;
    const { raft, outbox, onTurn, onTurned } = this.#parts;
    this.#isTurning = true;
    try {
      onTurn();
      while (raft.hasReady()) this.#carryOut(raft.ready());
      onTurned();
      outbox.flush();
    } catch (error) {
      this.#fail(error as Error);
    }
    this.#isTurning = false;
    if (raft.hasReady()) this.wake();
  };

  /** The order of these lines is the safety argument: nothing leaves, and nobody is answered, before it is true. */
  #carryOut(ready: Ready): void {
    this.#post(ready.messages);
    // The disk works on the new entries while those that were durable before are applied.
    if (ready.append !== undefined) this.#append(ready.append);
    if (ready.committed.length > 0) this.#apply(ready.committed);
    this.#parts.reads.release(ready.readStates);
    if (ready.snapshotsWanted.length > 0) this.#parts.onSnapshotsWanted(ready.snapshotsWanted);
  }

  #post(messages: readonly Message[]): void {
    for (const message of messages) {
      if (message.type === 'appendEntries') this.#handOver(message.entries);
      this.#parts.outbox.add(message.to, message);
    }
  }

  #append(append: Append): void {
    this.#handOver(append.entries);
    this.#appendingSinceMs = this.#parts.clock.now();
    this.#isSlowReported = false;
    const { snapshot } = append;
    if (append.entries.length > 0) this.#parts.onAppend(append.entries);
    const appended =
      snapshot === undefined
        ? this.#parts.log.append(append.hardState, append.entries)
        : this.#parts.install({ ...append, snapshot });
    this.#appending = appended.then(() => this.#appended(append), this.#fail);
  }

  #appended(append: Append): void {
    this.#appending = undefined;
    const { clock, logger, slowSyncMs, raft } = this.#parts;
    const tookMs = clock.now() - this.#appendingSinceMs;
    this.appendDurations.observe(tookMs / 1_000);
    if (tookMs >= slowSyncMs)
      logger.warn({ tookMs: Math.round(tookMs) }, 'the disk is slow: an append to the log took long');
    if (this.#stopped) return;
    try {
      this.#post(append.messages);
      raft.appended(append);
    } catch (error) {
      return this.#fail(error as Error);
    }
    // A sole voter has something to apply now, and nobody whose messages might come along.
    this.hurry();
  }

  /** Entries are applied in order: while some wait, later ones wait behind them. */
  #apply(entries: readonly Entry[]): void {
    if (this.#toApply.length === 0 && !this.#parts.state().backend.overfull) return this.#applyNow(entries);
    this.#toApply = this.#toApply.concat(entries);
    this.#draining ??= this.#drain().finally(() => (this.#draining = undefined));
  }

  async #drain(): Promise<void> {
    try {
      while (this.#toApply.length > 0 && !this.#stopped) {
        await this.#parts.state().backend.drained();
        if (!this.#stopped) this.#applyNow(this.#toApply.splice(0));
      }
      this.wake();
    } catch (error) {
      this.#fail(error as Error);
    }
  }

  #applyNow(entries: readonly Entry[]): void {
    const { raft, waiters, reads, state, onApplied } = this.#parts;
    const applied = state().machine.applyAll(entries);
    waiters.settle(entries, applied);
    raft.applied((entries.at(-1) as Entry).index);
    onApplied(entries);
    reads.release([]);
  }

  #handOver(entries: readonly Entry[]): void {
    const last = entries.at(-1);
    if (last !== undefined && last.index > this.#lastIndexHandedOver) this.#lastIndexHandedOver = last.index;
  }

  readonly #fail = (error: Error): void => {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#parts.onFailure(error);
  };
}
