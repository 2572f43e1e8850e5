import type { StandardSchemaV1 } from '@standard-schema/spec';
import { z } from 'zod';
import type { Logger } from '../../../core/base/logger.js';
import { open } from '../../../core/embedded/open.js';
import type { Store } from '../../../core/store.js';
import { ManualClock } from '../../../core/testing/manual-clock.js';
import { WaywardStore } from '../../mirror/testing/wayward-store.js';
import { ConfigWatcher, type ConfigWatcherOptions } from '../config-watcher.js';

export const schema = z.object({
  limits: z.object({ max: z.number().positive(), min: z.number().default(0) }),
  hosts: z.array(z.string()).default([]),
});

export type Schema = typeof schema;

/** A document with this maximum. */
export const max = (value: number) => ({ limits: { max: value } });

/** Watchers of one configuration in an embedded store, and whatever may stand between them. */
export class ConfigWorld {
  readonly #watchers: AsyncDisposable[] = [];

  private constructor(
    readonly clock: ManualClock,
    readonly real: Store,
    readonly wayward: WaywardStore,
    /** What was logged as a warning or an error. */
    readonly logged: readonly string[],
  ) {}

  static async open(): Promise<ConfigWorld> {
    const clock = new ManualClock();
    const logged: string[] = [];
    const log = (_: object, message: string) => void logged.push(message);
    const logger: Logger = { debug: () => {}, info: () => {}, warn: log, error: log };
    const real = await open({ memory: true }, { clock, logger });
    return new ConfigWorld(clock, real, new WaywardStore(real), logged);
  }

  /** A watcher whose network is in the test's hand; `store: real` for another process, whose network is sound. */
  watcher(options: ConfigWatcherOptions<Schema> & { readonly store?: Store } = {}): ConfigWatcher<Schema> {
    return this.watcherOf(schema, options);
  }

  watcherOf<S extends StandardSchemaV1>(
    other: S,
    { store = this.wayward, ...options }: ConfigWatcherOptions<S> & { readonly store?: Store } = {},
  ): ConfigWatcher<S> {
    const watcher = new ConfigWatcher<S>(store, { name: 'payments', schema: other, ...options });
    this.#watchers.push(watcher);
    return watcher;
  }

  /** Turns the clock until the promise has settled, for at most ten minutes. */
  async turning<T>(promise: Promise<T>): Promise<T> {
    let isSettled = false;
    const settled = promise.finally(() => (isSettled = true));
    settled.catch(() => undefined);
    for (let turn = 0; turn < 600 && !isSettled; turn += 1) await this.clock.advance(1_000);
    return settled;
  }

  async close(): Promise<void> {
    this.wayward.comeBack();
    await this.turning(Promise.all(this.#watchers.map((watcher) => watcher[Symbol.asyncDispose]())));
    await this.real.close();
  }
}
