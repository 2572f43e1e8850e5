import type { SeedTask } from './seed-result.js';

/** A seed that once found something wrong with the product. */
export interface FailedSeed extends SeedTask {
  /** What was wrong. */
  readonly found: string;
}

/**
 * Every seed that ever failed because of a bug of the product, with its world and its faults pinned as data, so that it
 * stays the same when drawing changes. They are run before any other.
 */
export const FAILED_SEEDS: readonly FailedSeed[] = [];
