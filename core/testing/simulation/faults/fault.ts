import type { Dice } from '../../../raft/testing/dice.js';
import type { AdminFault } from './admin-faults.js';
import type { ClockFault } from './clock-faults.js';
import type { DiskFault } from './disk-faults.js';
import type { Ground } from './ground.js';
import type { NetworkFault } from './network-faults.js';
import type { ProcessFault } from './process-faults.js';
import type { SeedOptions } from './seed-options.js';

/**
 * Something that happens to a world, as plain data: drawn from the seed before the run, printed when the seed fails, read
 * again from a file. Whom it falls on is decided when it strikes.
 */
export type Fault = ProcessFault | NetworkFault | DiskFault | ClockFault | AdminFault;

/** What all faults have. */
export interface Timed {
  /** Milliseconds of simulated time at which it strikes. */
  readonly atMs: number;
}

/** What faults have in common by what they do. */
export type FaultGroup = 'process' | 'network' | 'disk' | 'clock' | 'admin';

/** One kind of fault: how often it is there, what its particulars may be, and what it does. */
export interface FaultKind<F> {
  /** In which part of the seeds it may happen at all. */
  readonly share: number;
  /** How many there are of it beside others, where it may happen. */
  readonly weight: number;
  /** More of it than this are in no seed. Default: no limit. */
  readonly most?: number;
  /** Its particulars; `undefined` where there is nothing that it could happen to. */
  readonly draw: (dice: Dice, options: SeedOptions) => Particulars<F> | undefined;
  /**
   * Lets it happen; resolves when it is over, at the latest when the ground heals.
   *
   * @returns whether it had an effect
   */
  readonly strike: (fault: F, ground: Ground) => Promise<boolean>;
}

/** A fault without when and what. */
export type Particulars<F> = Omit<F, 'atMs' | 'kind'>;

/** Every kind of a group, by name. */
export type FaultKinds<F extends Timed & { readonly kind: string }> = {
  readonly [Kind in F['kind']]: FaultKind<Extract<F, { readonly kind: Kind }>>;
};
