import { assert } from '../base/assert.js';
import type { Clock } from '../base/clock.js';
import type { Raft } from '../raft/raft.js';
import type { Append, Entry, SnapshotPosition } from '../raft/types.js';
import type { CatchUps } from './catch-ups.js';
import type { DurableLog } from './durable-log.js';
import { LogPurger, type LogPurgerParts } from './log-purger.js';
import { Scrubber } from './scrubber.js';
import type { MemberSettings } from './settings.js';
import type { State } from './state-store.js';

export interface StateInForceParts {
  readonly raft: Raft;
  readonly log: DurableLog;
  /** As it was found; a snapshot may put another in its place. */
  readonly state: State;
  readonly clock: Clock;
  readonly settings: Pick<MemberSettings, 'scrubRecordsPerStep'> & LogPurgerParts['settings'];
  readonly catchUps: CatchUps;
  /** Whether no other member receives the log. */
  readonly isAlone: () => boolean;
  /** Resolves when no committed entry waits to be applied. */
  readonly idle: () => Promise<void>;
  /** Puts the snapshot that was received in the place of the current state. */
  readonly install: (position: SnapshotPosition, current: State) => Promise<State>;
  /** Another state is in force. */
  readonly onReplaced: (state: State, position: SnapshotPosition) => void;
  readonly onFailure: (error: Error) => void;
}

/**
 * The state that is in force, and what is done about it beside applying entries: what compaction left is freed, what the
 * log need not keep is let go of, and a snapshot is put in its place. Nobody else keeps a reference to it.
 */
export class StateInForce {
  readonly #parts: StateInForceParts;
  readonly #scrubber: Scrubber;
  readonly #purger: LogPurger;
  #state: State;
  #installing: Promise<void> | undefined;
  #compactRevision: number;

  constructor(parts: StateInForceParts) {
    const { state, settings, clock, onFailure } = parts;
    this.#parts = parts;
    this.#state = state;
    this.#compactRevision = state.machine.keyspace.compactRevision;
    this.#scrubber = new Scrubber(() => this.#state, settings.scrubRecordsPerStep, clock);
    this.#purger = new LogPurger({ ...parts, state: () => this.#state });
    state.backend.onFailure(onFailure);
  }

  /** Not to be looked at while {@link StateInForce.installing}. */
  get state(): State {
    return this.#state;
  }

  /** While a snapshot is being put in force: resolves when it is. */
  get installing(): Promise<void> | undefined {
    return this.#installing;
  }

  /** Entries have been applied to it. */
  applied(entries: readonly Entry[]): void {
    const { raft, isAlone } = this.#parts;
    const last = entries.at(-1);
    // Without followers to bring up to date, what is applied is needed only by a restart, from the log's files.
    if (last !== undefined && isAlone()) raft.compactTo(last.index);
    this.#purger.applied(entries);
    const { compactRevision } = this.#state.machine.keyspace;
    if (compactRevision === this.#compactRevision) return;
    this.#compactRevision = compactRevision;
    this.scrub();
  }

  /** Some time has passed. */
  sweep(): void {
    this.#purger.sweep();
  }

  /** Begins to free what was compacted. */
  scrub(): void {
    this.#scrubber.run().catch(this.#parts.onFailure);
  }

  /** Frees what was compacted; resolves once that is done and durable. Rejects with the engine's error. */
  async scrubbed(): Promise<void> {
    await this.#scrubber.run();
    await this.#state.backend.flush();
  }

  /** In this order, so that a crash in between is found and finished at the next start: first the state, then the log. */
  async install({ snapshot, hardState, entries }: Append & Required<Pick<Append, 'snapshot'>>): Promise<void> {
    const { idle, install, log, onReplaced } = this.#parts;
    let installed!: () => void;
    this.#installing = new Promise((resolve) => (installed = resolve));
    try {
      await idle();
      await this.hold();
      const state = await install(snapshot, this.#state);
      assert(state.machine.appliedIndex === snapshot.index, 'the state installed is the one that was announced');
      assert(hardState !== undefined, 'a snapshot is installed in a known term');
      await log.reset(snapshot, hardState);
      if (entries.length > 0) await log.append(undefined, entries);
      this.#putInForce(state);
      onReplaced(state, snapshot);
    } finally {
      this.#installing = undefined;
      installed();
    }
  }

  /** Resolves when nothing is being freed or let go of, and nothing will be. */
  async hold(): Promise<void> {
    await this.#scrubber.hold();
    await this.#purger.hold();
  }

  #putInForce(state: State): void {
    this.#state = state;
    this.#compactRevision = state.machine.keyspace.compactRevision;
    state.backend.onFailure(this.#parts.onFailure);
    this.#scrubber.release();
    this.#purger.release();
    this.scrub();
  }
}
