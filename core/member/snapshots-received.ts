import { assert } from '../base/assert.js';
import { UnavailableError } from '../base/errors.js';
import type { Logger } from '../base/logger.js';
import type { Raft } from '../raft/raft.js';
import type { InstallSnapshotRequest, MemberId, SnapshotPosition } from '../raft/types.js';
import type { ReceivedSnapshot, State, StateStore } from './state-store.js';

export interface SnapshotsReceivedParts {
  readonly raft: Raft;
  readonly stateStore: StateStore | undefined;
  readonly logger: Logger;
  readonly wake: () => void;
}

/** Takes in the leader's snapshots: one is received at a time, and kept until raft has had it installed or wants it no more. */
export class SnapshotsReceived {
  readonly #parts: SnapshotsReceivedParts;
  #isReceiving = false;
  #received: ReceivedSnapshot | undefined;
  #isInstalling = false;

  constructor(parts: SnapshotsReceivedParts) {
    this.#parts = parts;
  }

  /**
   * Receives a snapshot; resolves once it has arrived whole and raft knows of it.
   *
   * @throws {@link UnavailableError} if another one is being received, {@link SnapshotDamagedError}
   */
  async receive(
    from: MemberId,
    announcement: InstallSnapshotRequest,
    chunks: AsyncIterable<Uint8Array>,
  ): Promise<void> {
    const { raft, stateStore, logger, wake } = this.#parts;
    if (stateStore === undefined || this.#isReceiving || this.#isInstalling || this.#isWanted) {
      throw new UnavailableError('this member is busy with another snapshot');
    }
    if (announcement.term < raft.term)
      throw new UnavailableError(`the snapshot is of term ${announcement.term}, which is over`);
    this.#isReceiving = true;
    try {
      await this.#discard();
      const received = await stateStore.receive(chunks);
      this.#received = received;
      const { index, term } = received.position;
      if (index !== announcement.lastIndex || term !== announcement.lastTerm) {
        await this.#discard();
        throw new UnavailableError('the snapshot is not the one that was announced');
      }
      logger.info({ from: from.toString(16), index }, 'a snapshot has arrived');
      raft.step({ ...announcement, configuration: received.position.configuration });
      wake();
    } finally {
      this.#isReceiving = false;
    }
  }

  /** Puts the received snapshot, which raft decided to install, in force. */
  async install(position: SnapshotPosition, current: State): Promise<State> {
    const { stateStore, logger } = this.#parts;
    const received = this.#received;
    assert(received !== undefined && stateStore !== undefined, 'a snapshot is received before it is installed');
    assert(received.position.index === position.index, 'the snapshot that is installed is the one that was received');
    this.#received = undefined;
    this.#isInstalling = true;
    try {
      const state = await stateStore.install(received, current);
      logger.info({ index: position.index }, 'the snapshot is in force');
      return state;
    } finally {
      this.#isInstalling = false;
    }
  }

  /** Lets go of a snapshot that turned out not to be needed, because the log reached as far by then. */
  applied(index: number): void {
    if (this.#received !== undefined && this.#received.position.index <= index) void this.#discard();
  }

  /** Lets go of what was received and not installed. */
  async stop(): Promise<void> {
    await this.#discard();
  }

  /** Whether raft has decided to install what was received, and has not come to it yet. */
  get #isWanted(): boolean {
    const index = this.#received?.position.index;
    return index !== undefined && this.#parts.raft.pendingSnapshot?.index === index;
  }

  async #discard(): Promise<void> {
    const received = this.#received;
    this.#received = undefined;
    await received?.discard().catch((error: unknown) => {
      this.#parts.logger.warn({ error }, 'a snapshot that is not needed could not be removed');
    });
  }
}
