import type { Backend } from '../backend/backend.js';
import {
  ClosedError,
  MemberStoppedError,
  OutcomeUnknownError,
  RequestTooLargeError,
  TooManyRequestsError,
} from '../base/errors.js';
import type { Logger } from '../base/logger.js';
import { encodeCommand } from '../machine/codec.js';
import type { Machine } from '../machine/machine.js';
import type { Command, CommandResult } from '../machine/types.js';
import type { Raft } from '../raft/raft.js';
import type { Entry } from '../raft/types.js';
import { Driver } from './driver.js';
import type { DurableLog } from './durable-log.js';
import { LogPurger } from './log-purger.js';
import { Reads } from './reads.js';
import { Scrubber } from './scrubber.js';
import type { MemberSettings } from './settings.js';
import { type Waiter, Waiters } from './waiters.js';

/** What a command answers if it succeeds. */
export type ResultOf<C extends Command> = Extract<CommandResult, { type: C['type'] }>;

export interface ReplicaParts {
  readonly raft: Raft;
  /** Whether this member is the only one that votes. */
  readonly isSoleVoter: boolean;
  readonly log: DurableLog;
  readonly backend: Backend;
  readonly machine: Machine;
  readonly logger: Logger;
  readonly settings: MemberSettings;
}

/**
 * The replicated state machine as something that can be asked: commands are proposed and their results awaited, reads
 * are made linearizable. It owns the log and the backend and closes them when it ends: by `close()`, or by itself when
 * it cannot keep a promise any more. Then nothing is acknowledged, and whoever waits is told.
 */
export class Replica {
  /** Resolves when it has ended: with nothing if it was closed, with the reason if it failed. */
  readonly stopped: Promise<MemberStoppedError | undefined>;

  readonly #parts: ReplicaParts;
  readonly #driver: Driver;
  readonly #waiters = new Waiters();
  readonly #reads: Reads;
  readonly #scrubber: Scrubber;
  readonly #purger: LogPurger;
  #resolveStopped!: (failure: MemberStoppedError | undefined) => void;
  #onCaughtUp: (() => void) | undefined;
  #failure: MemberStoppedError | undefined;
  #closing: Promise<void> | undefined;

  constructor(parts: ReplicaParts) {
    const { machine, backend, settings } = parts;
    this.#parts = parts;
    this.stopped = new Promise((resolve) => (this.#resolveStopped = resolve));
    this.#reads = new Reads({
      askIndex: (context) => this.#askIndex(context),
      appliedIndex: () => machine.appliedIndex,
      onBroken: this.#fail,
      readsMax: settings.readsMax,
    });
    this.#scrubber = new Scrubber(machine, backend, settings.scrubRecordsPerStep);
    const lot = { entries: settings.logKeptEntries, bytes: settings.logKeptBytes };
    this.#purger = new LogPurger(parts, lot, this.#fail);
    this.#driver = new Driver({
      ...parts,
      waiters: this.#waiters,
      reads: this.#reads,
      onApplied: (entries) => this.#applied(entries),
      onFailure: this.#fail,
    });
    backend.onFailure(this.#fail);
  }

  /** Resolves once everything that was committed before is applied. Rejects with what `stopped` says if that fails. */
  async start(): Promise<void> {
    const started = new Promise<void>((resolve) => (this.#onCaughtUp = resolve));
    this.#driver.wake();
    await Promise.race([started, this.stopped]);
    this.assertRunning();
    this.scrub();
  }

  /**
   * Has a command carried out, and answers its result.
   *
   * @param check - throws if the command must not be proposed
   * @throws {@link RequestTooLargeError}, {@link TooManyRequestsError}: nothing was done
   * @throws {@link OutcomeUnknownError} if the member fails meanwhile: it may or may not be carried out after a restart
   */
  propose<C extends Command>(command: C, check?: (command: C) => void): Promise<ResultOf<C>> {
    return new Promise((resolve, reject) => {
      const { proposalsMax } = this.#parts.settings;
      check?.(command);
      if (this.#waiters.count >= proposalsMax) throw new TooManyRequestsError('proposals waiting', proposalsMax);
      this.#propose(command, resolve as Waiter['resolve'], reject);
    });
  }

  /** As {@link propose}, but never refused because many others wait: for what the member itself must get done. */
  proposeFirst(command: Command): Promise<CommandResult> {
    return new Promise((resolve, reject) => this.#propose(command, resolve, reject));
  }

  /** Calls `read` on a state that holds every write acknowledged by now, and answers what it returns or throws. */
  read<T>(read: () => T): Promise<T> {
    const ended = this.#ended();
    return ended === undefined ? this.#reads.linearizable(read) : Promise.reject(ended);
  }

  /** Begins to free what was compacted. */
  scrub(): void {
    this.#scrubber.run().catch(this.#fail);
  }

  /** Frees what was compacted; resolves once that is done and durable. */
  async scrubbed(): Promise<void> {
    try {
      await this.#scrubber.run();
      await this.#parts.backend.flush();
    } catch (error) {
      this.#fail(error as Error);
      throw this.#failure as Error;
    }
  }

  /** Throws if it has ended or is about to. */
  assertRunning(): void {
    const ended = this.#ended();
    if (ended !== undefined) throw ended;
  }

  /** Answers whoever waits, makes everything durable, and ends. Closing twice, or after a failure, does no harm. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  #propose(command: Command, resolve: Waiter['resolve'], reject: Waiter['reject']): void {
    this.assertRunning();
    const data = encodeCommand(command);
    const { requestBytesMax } = this.#parts.settings;
    if (data.length > requestBytesMax) throw new RequestTooLargeError(data.length, requestBytesMax);
    const { index, term } = this.#parts.raft.propose(data);
    this.#waiters.add({ index, term, resolve, reject });
    this.#driver.wake();
  }

  #applied(entries: readonly Entry[]): void {
    const { raft, isSoleVoter } = this.#parts;
    const last = entries.at(-1);
    // A sole voter has no follower to bring up to date: what is applied is needed only by a restart, from the log's files.
    if (isSoleVoter && last !== undefined) raft.compactTo(last.index);
    this.#purger.applied(entries);
    if (this.#hasCaughtUp) this.#onCaughtUp?.();
  }

  /** The first entry of its own term tells a leader that it has applied everything that was committed before. */
  get #hasCaughtUp(): boolean {
    const { raft, machine } = this.#parts;
    return raft.role === 'leader' && machine.appliedTerm === raft.term;
  }

  /**
   * A sole voter that has committed in its term needs no round: it is its own majority, and nothing is committed that it
   * does not know of (Ongaro 2014, section 6.4). Raft would say so too, but only in its next Ready, and so after the
   * append under way; a read that writes nothing need not wait for a disk.
   */
  #askIndex(context: number): number | undefined {
    const { raft, isSoleVoter } = this.#parts;
    if (isSoleVoter && this.#hasCaughtUp) return raft.commitIndex;
    raft.readIndex(context);
    this.#driver.wake();
    return undefined;
  }

  #ended(): Error | undefined {
    return this.#failure ?? (this.#closing === undefined ? undefined : new ClosedError('the member'));
  }

  /** What cannot be made durable must not be believed: from here on, nothing is acknowledged. */
  readonly #fail = (cause: Error): void => {
    if (this.#failure !== undefined) return;
    const failure = new MemberStoppedError(cause.message, { cause });
    this.#failure = failure;
    this.#parts.logger.error({ error: cause }, 'the member stops, because it cannot keep its promises');
    this.#waiters.rejectAll(
      this.#driver.lastIndexHandedOver,
      () => new OutcomeUnknownError('the write', { cause: failure }),
      () => failure,
    );
    this.#reads.rejectAll(failure);
    void this.#driver.stop();
    this.#resolveStopped(failure);
    void this.close();
  };

  async #close(): Promise<void> {
    await Promise.all([this.#waiters.emptied(), this.#reads.emptied()]);
    await this.#driver.stop();
    await this.#scrubber.stop();
    await this.#purger.stop();
    // Closing the backend flushes it. Where that fails, the log still has everything that was acknowledged.
    for (const part of [this.#parts.backend, this.#parts.log]) await part.close().catch(this.#fail);
    this.#resolveStopped(this.#failure);
  }
}
