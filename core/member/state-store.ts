import type { Backend } from '../backend/backend.js';
import type { Machine } from '../machine/machine.js';
import type { SnapshotPosition } from '../raft/types.js';

/** What a member has applied: an engine, and the state machine over it. Installing a snapshot puts another in its place. */
export interface State {
  readonly backend: Backend;
  readonly machine: Machine;
}

/** A snapshot that has arrived whole and was checked, but is not in force. */
export interface ReceivedSnapshot {
  /** The last entry whose effects it holds, and the configuration at that point. */
  readonly position: SnapshotPosition;
  /** Lets go of it. Once it was installed, or discarded before, nothing happens. */
  discard(): Promise<void>;
}

/** Where snapshots of another member are received and put in force. One at a time. */
export interface StateStore {
  /**
   * Receives a snapshot beside the state in force, and checks the whole of it.
   *
   * @throws {@link SnapshotDamagedError} if what arrived is not what was sent; nothing is left behind
   */
  receive(chunks: AsyncIterable<Uint8Array>): Promise<ReceivedSnapshot>;
  /**
   * Durably puts a received snapshot in the place of the current state: a crash at any point leaves the one or the
   * other. It closes `current.backend` and moves `current.machine.watch` over to the new state. Nobody may be reading or
   * writing the current state meanwhile, nor ever again.
   */
  install(received: ReceivedSnapshot, current: State): Promise<State>;
  /**
   * Gives back the space that the current state's engine does not use, while it goes on; see {@link Backend.defragment}. One
   * who asks while that is under way waits for its end. A snapshot that arrives ends it.
   *
   * @throws {@link UnavailableError} if a snapshot is about to take the state's place, {@link DataDirError} if it cannot be
   * written; what there was goes on
   */
  defragment(current: State): Promise<void>;
}
