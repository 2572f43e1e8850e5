import { World, type WorldOptions } from './simulation/world.js';

/** A simulation did not end well: with which seed, when in its own time, and what had happened before. */
export class SimulationError extends Error {
  override readonly name = 'SimulationError';
  /** Simulate this one again, and the same happens. */
  readonly seed: number;
  /** Milliseconds of the world's time. */
  readonly atMs: number;
  /** What happened in the world before, oldest first. */
  readonly lastEvents: readonly string[];

  constructor(world: World, cause: unknown, toldMax: number) {
    const { seed } = world;
    const atMs = world.scheduler.now();
    const lastEvents = world.trace.last();
    const told = lastEvents.slice(-toldMax).map((event) => `\n  ${event}`);
    const why = cause instanceof Error ? cause.message : String(cause);
    super(`seed ${seed}, after ${(atMs / 1_000).toFixed(3)} simulated seconds: ${why}\nbefore:${told.join('')}`, {
      cause,
    });
    this.seed = seed;
    this.atMs = atMs;
    this.lastEvents = lastEvents;
  }
}

/** How a simulation is made, where it is not as usual. */
export interface SimulateOptions extends WorldOptions {
  /** How many of the world's last events the error's text tells. Default 30. */
  readonly toldMax?: number;
  /** Milliseconds of the world's time after which it is given up. Default: ten minutes. */
  readonly limitMs?: number;
}

const TOLD_MAX = 30;
const LIMIT_MS = 600_000;

/**
 * Makes a world from a number and lets something happen in it: members, clients, recipes and whatever is built on them, on a
 * virtual clock, network and disk. The same number makes the same happen, to the last message. Within `body` time is the
 * world's: wait with `world.scheduler.sleep()`, or with what a store's `clock` offers.
 *
 * ```ts
 * await simulate(42, async (world) => {
 *   await world.startCluster(3);
 *   const mutex = new Mutex(world.addClient('billing').store(), { name: 'invoices', ttl: '10s' });
 *   const held = await mutex.acquire();
 *   world.members.find(({ leads }) => leads)?.crash('none');
 *   await expect(mutex).toBeHeldBy(held);
 * });
 * ```
 *
 * @param seed - a whole number; from it follows all that is left to chance
 * @returns what `body` returned
 * @throws {@link SimulationError} if `body` throws, a promise of the store is broken, or it does not come to an end; its
 * cause is what was thrown
 */
export async function simulate<T>(
  seed: number,
  body: (world: World) => Promise<T>,
  { toldMax = TOLD_MAX, limitMs = LIMIT_MS, ...options }: SimulateOptions = {},
): Promise<T> {
  const world = new World(seed, options);
  world.scheduler.at(limitMs, () => world.violation(`it is not over after ${limitMs} ms`));
  try {
    return await world.run(() => body(world));
  } catch (error) {
    throw new SimulationError(world, error, toldMax);
  } finally {
    await world.close();
  }
}

/** Which seeds. */
export interface Seeds {
  /** Default 1. */
  readonly from?: number;
  readonly count: number;
}

/**
 * Simulates one seed after the other, until one does not end well.
 *
 * @throws {@link SimulationError} of the first such seed; give its `seed` to {@link simulate} to look closer
 */
export async function simulateSeeds(
  { from = 1, count }: Seeds,
  body: (world: World) => Promise<unknown>,
  options?: SimulateOptions,
): Promise<void> {
  for (let seed = from; seed < from + count; seed += 1) await simulate(seed, body, options);
}
