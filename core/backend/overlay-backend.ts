import type { Clock, Timer } from '../base/clock.js';
import { Durations } from '../base/durations.js';
import { ClosedError } from '../base/errors.js';
import type { Backend, Batch, PointInTimeView, Rewriting, ScanOptions, Table } from './backend.js';
import type { Engine, EngineSnapshot, EngineView } from './engine.js';
import { mergeScan } from './merge-scan.js';
import { Overlay } from './overlay.js';
import { RecordedBatch } from './recorded-batch.js';

/** A transaction is begun once so many entries wait, ... */
const FLUSH_ENTRIES = 2_000;
/** ... or so long after the first: a flush takes the disk from the log, so it is worth waiting for company. */
const FLUSH_DELAY_MS = 100;

/** What stays free while an engine is written anew: what a full overlay may take, twice, and as much for the log. */
const KEPT_FREE_BYTES = 64 * 1024 * 1024;

/**
 * A backend that writes to memory first and to an engine in groups. A write goes to an overlay, which reads look at
 * first; from there one transaction at a time takes everything that has gathered, whole batches always. After a crash
 * it is as of some finished transaction, so whoever writes keeps a log of what came after.
 */
export class OverlayBackend implements Backend {
  readonly #engine: Engine;
  readonly #overlayBytesMax: number;
  readonly #clock: Clock;
  readonly #views = new Set<OverlayView>();
  readonly commitDurations = new Durations();
  readonly #failureCallbacks: ((error: Error) => void)[] = [];
  /** What was written since the transaction under way began. */
  #gathering = new Overlay();
  /** What the transaction under way writes. */
  #flushing: Overlay | undefined;
  /** Settles, never rejecting, when the transaction under way is durable or has failed. */
  #underWay: Promise<void> | undefined;
  /** How many transactions are durable. */
  #flushCount = 0;
  #timer: Timer | undefined;
  #failure: Error | undefined;
  #closing: Promise<void> | undefined;
  readonly #ending = new AbortController();

  /** @param overlayBytesMax - from how many bytes not yet in the engine on it is `overfull` */
  constructor(engine: Engine, overlayBytesMax: number, clock: Clock) {
    this.#engine = engine;
    this.#overlayBytesMax = overlayBytesMax;
    this.#clock = clock;
  }

  get(table: Table, key: Uint8Array): Uint8Array | undefined {
    this.#assertOpen();
    let layered = this.#gathering.get(table, key);
    if (layered === undefined) layered = this.#flushing?.get(table, key);
    return layered === undefined ? this.#engine.get(table, key) : (layered ?? undefined);
  }

  scan(table: Table, options: ScanOptions = {}): Iterable<readonly [Uint8Array, Uint8Array]> {
    this.#assertOpen();
    return scanLayers(this.#layers(), this.#engine, table, options);
  }

  write(fill: (batch: Batch) => void): void {
    this.#assertOpen();
    if (this.#failure) throw this.#failure;
    const batch = new RecordedBatch();
    fill(batch);
    this.#gathering.add(batch);
    this.#schedule();
  }

  get overfull(): boolean {
    return this.#gathering.bytes + (this.#flushing?.bytes ?? 0) >= this.#overlayBytesMax;
  }

  async drained(): Promise<void> {
    this.#assertOpen();
    while (this.overfull) await this.#transaction();
  }

  async flush(): Promise<void> {
    this.#assertOpen();
    await this.#flushAll();
  }

  onFailure(callback: (error: Error) => void): void {
    if (this.#failure) callback(this.#failure);
    else this.#failureCallbacks.push(callback);
  }

  view(): PointInTimeView {
    this.#assertOpen();
    const [gathering, ...older] = this.#layers();
    const layers = [(gathering as Overlay).clone(), ...older];
    const view = new OverlayView(this.#engine.snapshot(), layers, () => this.#views.delete(view));
    this.#views.add(view);
    return view;
  }

  sizeBytes(): number {
    this.#assertOpen();
    return this.#engine.sizeBytes();
  }

  usedBytes(): number {
    this.#assertOpen();
    return this.#engine.usedBytes() + this.#gathering.bytes + (this.#flushing?.bytes ?? 0);
  }

  async defragment({ path, signal, putInForce }: Rewriting): Promise<void> {
    this.#assertOpen();
    if (this.#failure) throw this.#failure;
    await this.#engine.rewrite?.({
      path,
      signal: AbortSignal.any([signal, this.#ending.signal]),
      keptFreeBytes: 2 * this.#overlayBytesMax + KEPT_FREE_BYTES,
      putInForce: () =>
        putInForce().catch((error: Error) => {
          this.#fail(error);
          throw error;
        }),
    });
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /** The newest first. */
  #layers(): readonly Overlay[] {
    return this.#flushing ? [this.#gathering, this.#flushing] : [this.#gathering];
  }

  #schedule(): void {
    if (this.#underWay || this.#gathering.size === 0) return;
    if (this.#gathering.size >= FLUSH_ENTRIES || this.overfull) void this.#begin();
    else this.#timer ??= this.#clock.after(FLUSH_DELAY_MS, () => void this.#begin());
  }

  /** The transaction under way, or a new one with everything that has gathered. Rejects if the engine has failed. */
  async #transaction(): Promise<void> {
    if (!this.#failure) await (this.#underWay ?? this.#begin());
    if (this.#failure) throw this.#failure;
  }

  /** @returns what {@link OverlayBackend.#underWay} is */
  #begin(): Promise<void> {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#flushing = this.#gathering;
    this.#gathering = new Overlay();
    this.#underWay = this.#commit(this.#flushing);
    return this.#underWay;
  }

  async #commit(overlay: Overlay): Promise<void> {
    const begunMs = this.#clock.now();
    try {
      await this.#engine.commit(overlay);
    } catch (error) {
      return this.#fail(error as Error);
    }
    this.commitDurations.observe((this.#clock.now() - begunMs) / 1_000);
    this.#flushing = undefined;
    this.#flushCount += 1;
    this.#underWay = undefined;
    this.#schedule();
  }

  /** What did not reach the engine stays in the overlay, so that reads stay right until the member has stopped. */
  #fail(error: Error): void {
    if (this.#failure) return;
    this.#failure = error;
    for (const callback of this.#failureCallbacks) callback(error);
  }

  async #flushAll(): Promise<void> {
    const needed = (this.#flushing ? 1 : 0) + (this.#gathering.size > 0 ? 1 : 0);
    const goal = this.#flushCount + needed;
    while (this.#flushCount < goal) await this.#transaction();
  }

  async #close(): Promise<void> {
    this.#ending.abort(new ClosedError('the backend'));
    try {
      if (!this.#failure) await this.#flushAll();
    } finally {
      for (const view of this.#views) view.close();
      await this.#engine.close();
    }
  }

  #assertOpen(): void {
    if (this.#closing) throw new ClosedError('the backend');
  }
}

class OverlayView implements PointInTimeView {
  readonly #layers: readonly Overlay[];
  readonly #onClose: () => void;
  #snapshot: EngineSnapshot | undefined;

  constructor(snapshot: EngineSnapshot, layers: readonly Overlay[], onClose: () => void) {
    this.#snapshot = snapshot;
    this.#layers = layers;
    this.#onClose = onClose;
  }

  get(table: Table, key: Uint8Array): Uint8Array | undefined {
    const snapshot = this.#open();
    for (const layer of this.#layers) {
      const layered = layer.get(table, key);
      if (layered !== undefined) return layered ?? undefined;
    }
    return snapshot.get(table, key);
  }

  scan(table: Table, options: ScanOptions = {}): Iterable<readonly [Uint8Array, Uint8Array]> {
    return scanLayers(this.#layers, this.#open(), table, options);
  }

  close(): void {
    this.#snapshot?.done();
    this.#snapshot = undefined;
    this.#onClose();
  }

  #open(): EngineSnapshot {
    if (!this.#snapshot) throw new ClosedError('the view');
    return this.#snapshot;
  }
}

/** The newest layer first; the engine comes after all of them. */
function scanLayers(
  layers: readonly Overlay[],
  engine: EngineView,
  table: Table,
  { limit, ...bounds }: ScanOptions,
): Iterable<readonly [Uint8Array, Uint8Array]> {
  // The limit counts what is left after the merge, so no layer may stop at it.
  const scans = [...layers.map((layer) => layer.scan(table, bounds)), engine.scan(table, bounds)];
  return mergeScan(scans, limit === undefined ? bounds : { ...bounds, limit });
}
