import type { Entry, HardState } from '../../raft/types.js';
import type { DurableLog } from '../durable-log.js';

/** An append that a test decides about. */
export interface Append {
  readonly hardState: HardState | undefined;
  readonly entries: readonly Entry[];
  /** Says that it is durable. */
  succeed(): void;
  fail(error: Error): void;
}

/** A log whose appends are durable at once, or, while it is held, when the test says so. */
export class HeldLog implements DurableLog {
  readonly appends: Append[] = [];
  isHeld = false;
  isClosed = false;
  compactedTo = 0;

  append(hardState: HardState | undefined, entries: readonly Entry[]): Promise<void> {
    return new Promise((resolve, reject) => {
      this.appends.push({ hardState, entries, succeed: resolve, fail: reject });
      if (!this.isHeld) setImmediate(resolve);
    });
  }

  /** The append that was begun last. */
  get last(): Append {
    return this.appends.at(-1) as Append;
  }

  compactTo(index: number): Promise<void> {
    this.compactedTo = index;
    return Promise.resolve();
  }

  reset(): Promise<void> {
    return Promise.reject(new Error('no snapshot comes to a member that is alone'));
  }

  close(): Promise<void> {
    this.isClosed = true;
    return Promise.resolve();
  }
}
