import { assert } from '../base/assert.js';
import { type Clock, turn } from '../base/clock.js';
import { hasCode } from '../base/errors.js';
import type { ScanOptions, Table } from './backend.js';
import { COPY_STEP, type CopyStep, EngineCopy } from './engine-copy.js';
import type { Engine, EngineSnapshot, RewriteOptions } from './engine.js';
import type { Overlay } from './overlay.js';
import { assertRoomBeside } from './room.js';

/** Opens a new engine in a folder that is not there yet. */
export type OpenEngine = (path: string) => Promise<Engine>;

/**
 * An engine that can be written anew while it is used. All goes to the engine in force. While it is being copied,
 * transactions are carried out in the copy, too; when both hold the same, transactions are held for as long as it takes to
 * rename folders, and the copy is in force. The former engine is closed once nobody reads a view of it any more.
 */
export class RewritableEngine implements Engine {
  readonly #open: OpenEngine;
  readonly #clock: Clock;
  readonly #stepMax: CopyStep;
  #engine: Engine;
  #copy: EngineCopy | undefined;
  /** The last transaction that was begun. */
  #committing: Promise<void> = Promise.resolve();
  /** While transactions are held: resolves when they may go on. */
  #held: Promise<void> | undefined;
  #rewriting: Promise<void> | undefined;
  /** Nobody knows which engine a restart would find. */
  #failure: Error | undefined;
  /** Why nothing is written anew any more. */
  #refusal: Error | undefined;
  /** How many views there are of each engine. */
  readonly #viewCounts = new Map<Engine, number>();
  /** Former engines that may still be read. */
  readonly #retired = new Set<Engine>();
  /** Former engines that are being closed. */
  readonly #closing = new Set<Promise<void>>();

  /** @param stepMax - how much is copied at a time */
  constructor(engine: Engine, open: OpenEngine, clock: Clock, stepMax: CopyStep = COPY_STEP) {
    this.#engine = engine;
    this.#open = open;
    this.#clock = clock;
    this.#stepMax = stepMax;
  }

  get(table: Table, key: Uint8Array): Uint8Array | undefined {
    return this.#engine.get(table, key);
  }

  scan(table: Table, bounds: Omit<ScanOptions, 'limit'>): Iterable<readonly [Uint8Array, Uint8Array]> {
    return this.#engine.scan(table, bounds);
  }

  commit(overlay: Overlay): Promise<void> {
    const isPlain = this.#held === undefined && this.#copy === undefined;
    this.#committing = isPlain ? this.#engine.commit(overlay) : this.#commitMeanwhile(overlay);
    return this.#committing;
  }

  snapshot(): EngineSnapshot {
    const engine = this.#engine;
    const snapshot = engine.snapshot();
    this.#viewCounts.set(engine, this.#viewsOf(engine) + 1);
    return {
      get: (table, key) => snapshot.get(table, key),
      scan: (table, bounds) => snapshot.scan(table, bounds),
      done: () => {
        snapshot.done();
        this.#viewCounts.set(engine, this.#viewsOf(engine) - 1);
        this.#closeIfUnused(engine);
      },
    };
  }

  sizeBytes(): number {
    return this.#engine.sizeBytes();
  }

  usedBytes(): number {
    return this.#engine.usedBytes();
  }

  freeBytes(): number {
    return this.#engine.freeBytes();
  }

  entryCounts(): readonly number[] {
    return this.#engine.entryCounts();
  }

  moved(path: string): void {
    this.#engine.moved(path);
  }

  /** @throws {@link DataDirError} if there is not enough room; what else may come of writing the new engine */
  rewrite(options: RewriteOptions): Promise<void> {
    assert(this.#rewriting === undefined, 'an engine is written anew once at a time');
    this.#rewriting = this.#rewrite(options).finally(() => (this.#rewriting = undefined));
    return this.#rewriting;
  }

  /** Whoever closes it has ended views, and given up what is being written anew. */
  async close(): Promise<void> {
    await this.#rewriting?.catch(() => undefined);
    for (const engine of this.#retired) this.#closeIfUnused(engine);
    await Promise.all(this.#closing);
    await this.#engine.close();
  }

  async #commitMeanwhile(overlay: Overlay): Promise<void> {
    await this.#held;
    if (this.#failure !== undefined) throw this.#failure;
    await this.#engine.commit(overlay);
    await this.#copy?.follow(overlay);
  }

  async #rewrite({ path, signal, putInForce, keptFreeBytes }: RewriteOptions): Promise<void> {
    signal.throwIfAborted();
    if (this.#refusal !== undefined) throw this.#refusal;
    const former = this.#engine;
    assertRoomBeside(path, former.usedBytes(), former.freeBytes(), keptFreeBytes);
    const fresh = await this.#open(path);
    const copy = new EngineCopy(former, fresh, this.#clock, this.#stepMax);
    try {
      // What was begun before is in the engine before the first entry is read; the copy is told of all else.
      await this.#whileHeld(async () => void (this.#copy = copy));
      await copy.run(() => {
        signal.throwIfAborted();
        assertRoomBeside(path, 0, former.freeBytes(), keptFreeBytes);
      });
      await this.#whileHeld(async () => {
        await copy.settled();
        signal.throwIfAborted();
        const counts = former.entryCounts().join();
        assert(fresh.entryCounts().join() === counts, 'a copy of an engine has as many entries as the engine');
        await this.#swap(fresh, putInForce);
      });
    } catch (error) {
      await this.#giveUp(copy, fresh);
      throw error;
    }
  }

  /** Lets no transaction begin while work is done, which begins once the one under way has ended. */
  async #whileHeld(work: () => Promise<void>): Promise<void> {
    let release!: () => void;
    this.#held = new Promise((resolve) => (release = resolve));
    try {
      await this.#committing;
      await work();
    } finally {
      this.#held = undefined;
      release();
    }
  }

  async #swap(fresh: Engine, putInForce: RewriteOptions['putInForce']): Promise<void> {
    try {
      fresh.moved(await putInForce());
    } catch (error) {
      this.#failure = error as Error;
      throw error;
    }
    const former = this.#engine;
    this.#engine = fresh;
    this.#copy = undefined;
    this.#retired.add(former);
    // A scan of it may be on its way through this turn.
    await turn(this.#clock);
    this.#closeIfUnused(former);
  }

  async #giveUp(copy: EngineCopy, fresh: Engine): Promise<void> {
    this.#copy = undefined;
    await copy.end();
    await copy.settled().catch((error: Error) => {
      // Of a database that could not be written, something may stay open: once is enough.
      if (!hasCode(error, 'DATA_DIR_FULL')) this.#refusal = error;
    });
    await fresh.close();
  }

  #viewsOf(engine: Engine): number {
    return this.#viewCounts.get(engine) ?? 0;
  }

  /** Closes a former engine, unless it is read. That it cannot be closed harms nobody: what it held is elsewhere. */
  #closeIfUnused(engine: Engine): void {
    if (this.#viewsOf(engine) > 0 || !this.#retired.delete(engine)) return;
    this.#viewCounts.delete(engine);
    const forget = () => void this.#closing.delete(closing);
    const closing: Promise<void> = engine.close().then(forget, forget);
    this.#closing.add(closing);
  }
}
