import { assert } from '../base/assert.js';
import type { Backend } from '../backend/backend.js';
import type { Machine } from '../machine/machine.js';
import type { Raft } from '../raft/raft.js';
import type { Entry, Ready } from '../raft/types.js';
import type { DurableLog } from './durable-log.js';
import type { Reads } from './reads.js';
import type { Waiters } from './waiters.js';

export interface DriverParts {
  readonly raft: Raft;
  readonly log: DurableLog;
  readonly backend: Backend;
  readonly machine: Machine;
  readonly waiters: Waiters;
  readonly reads: Reads;
  /** Called after each turn with what it applied. */
  readonly onApplied: (entries: readonly Entry[]) => void;
  /** Called once, with the reason, if a turn fails. The driver does nothing more then. */
  readonly onFailure: (error: Error) => void;
}

/**
 * The only loop of a member: it carries out what raft decides. Group commit falls out of its shape. While one append is
 * on its way to the disk, proposals gather in raft; the next turn takes them all. A lone caller waits for nobody.
 */
export class Driver {
  readonly #parts: DriverParts;
  #looping: Promise<void> | undefined;
  #stopped = false;
  /** The last index that was handed to the log, durable or not. What was proposed later certainly is not in it. */
  #lastIndexHandedOver: number;

  constructor(parts: DriverParts) {
    this.#parts = parts;
    this.#lastIndexHandedOver = parts.raft.lastIndex;
  }

  get lastIndexHandedOver(): number {
    return this.#lastIndexHandedOver;
  }

  /** Tells it that raft may have something to do. The loop starts behind whatever else runs in this turn. */
  wake(): void {
    if (this.#looping !== undefined || this.#stopped) return;
    // Whoever proposes in the same turn of the event loop comes along.
    this.#looping = Promise.resolve().then(this.#loop);
  }

  /** Ends after the turn under way; resolves when it has. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#looping;
  }

  readonly #loop = async (): Promise<void> => {
    try {
      while (!this.#stopped && this.#parts.raft.hasReady()) await this.#turn(this.#parts.raft.ready());
    } catch (error) {
      this.#stopped = true;
      this.#parts.onFailure(error as Error);
    }
    this.#looping = undefined;
  };

  /** The order of these lines is the safety argument. */
  async #turn(ready: Ready): Promise<void> {
    const { raft, backend, machine, waiters, reads } = this.#parts;
    assert(ready.messages.length + ready.messagesAfterAppend.length === 0, 'a sole voter has nobody to write to');

    // The disk works on the new entries while those that were durable before are applied: the two never overlap.
    const appended = this.#append(ready);
    assert(lastIndex(ready.committed) < firstIndex(ready.entries), 'only what has been durable before is applied');

    if (ready.committed.length > 0 && backend.overfull) await backend.drained();
    const applied = machine.applyAll(ready.committed);
    waiters.settle(ready.committed, applied);
    reads.release(ready.readStates);

    // Raft counts its own copy, and so commits these entries, only behind this line.
    await appended;
    raft.advance(ready);
    this.#parts.onApplied(ready.committed);
  }

  #append({ hardState, entries }: Ready): Promise<void> | undefined {
    if (hardState === undefined && entries.length === 0) return undefined;
    this.#lastIndexHandedOver = Math.max(this.#lastIndexHandedOver, lastIndex(entries));
    const appended = this.#parts.log.append(hardState, entries);
    // If applying fails first, that is the reason given; this one must not count as unhandled.
    appended.catch(() => undefined);
    return appended;
  }
}

function firstIndex(entries: readonly Entry[]): number {
  return entries[0]?.index ?? Number.POSITIVE_INFINITY;
}

function lastIndex(entries: readonly Entry[]): number {
  return entries.at(-1)?.index ?? 0;
}
