import type { Backend, Batch, PointInTimeView, ScanOptions, Table } from '../../backend/backend.js';
import { openMemoryBackend } from '../../backend/memory-backend.js';
import { ClosedError } from '../../base/errors.js';
import { Machine } from '../../machine/machine.js';
import type { Settings } from '../../server/settings.js';
import { readSnapshot } from '../../snapshot/read-snapshot.js';
import type { ReceivedSnapshot, State, StateStore } from '../state-store.js';

/** An engine whose content outlives its being closed, as a disk's does. */
export class KeptBackend implements Backend {
  readonly #kept: Backend;
  #isClosed = false;
  /** Writes are not taken while this is set. */
  overfull = false;
  /** Lets it fail, as an engine whose disk does. */
  fail: (error: Error) => void = () => undefined;

  constructor(kept: Backend = openMemoryBackend()) {
    this.#kept = kept;
  }

  /** The same content, opened again. */
  reopened(): KeptBackend {
    return new KeptBackend(this.#kept);
  }

  get(table: Table, key: Uint8Array): Uint8Array | undefined {
    return this.#open().get(table, key);
  }

  scan(table: Table, options?: ScanOptions): Iterable<readonly [Uint8Array, Uint8Array]> {
    return this.#open().scan(table, options);
  }

  write(fill: (batch: Batch) => void): void {
    this.#open().write(fill);
  }

  async drained(): Promise<void> {
    this.#open();
  }

  flush(): Promise<void> {
    return this.#open().flush();
  }

  onFailure(callback: (error: Error) => void): void {
    this.fail = callback;
  }

  view(): PointInTimeView {
    return this.#open().view();
  }

  sizeBytes(): number {
    return this.#open().sizeBytes();
  }

  usedBytes(): number {
    return this.#open().usedBytes();
  }

  async defragment(): Promise<void> {
    this.#open();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
  }

  #open(): Backend {
    if (this.#isClosed) throw new ClosedError('the backend');
    return this.#kept;
  }
}

/** Snapshots are received into engines in memory; the one in force is kept for the next start. */
export class MemoryStates implements StateStore {
  readonly #settings: Settings;
  inForce: KeptBackend;
  installed = 0;
  discarded = 0;

  constructor(inForce: KeptBackend, settings: Settings) {
    this.inForce = inForce;
    this.#settings = settings;
  }

  async receive(chunks: AsyncIterable<Uint8Array>): Promise<ReceivedSnapshot & { readonly backend: KeptBackend }> {
    const backend = new KeptBackend();
    const { position } = await readSnapshot(chunks, { backend });
    return {
      position,
      backend,
      discard: async () => {
        this.discarded += 1;
        await backend.close();
      },
    };
  }

  async install(received: ReceivedSnapshot, current: State): Promise<State> {
    const { backend } = received as ReceivedSnapshot & { readonly backend: KeptBackend };
    // A moment in which there is no state, as with files that are renamed.
    await current.backend.close();
    await new Promise((resolve) => setImmediate(resolve));
    const { watchQueueEventsMax, watchCatchUpRevisionsMax } = this.#settings;
    const watch = { queueEventsMax: watchQueueEventsMax, catchUpRevisionsMax: watchCatchUpRevisionsMax };
    const machine = Machine.open(backend, { watch }, current.machine.watch);
    this.inForce = backend;
    this.installed += 1;
    return { backend, machine };
  }

  async defragment(): Promise<void> {}
}
