import { between } from '../../../base/prng.js';
import {
  KEYS,
  keepAtIt as keepAtItAnywhere,
  rest as restOn,
  type Surroundings as OnAnyStore,
} from '../../cluster/workload/surroundings.js';
import type { History } from '../../checkers/history/history.js';
import type { Chronicle } from '../invariants/chronicle.js';
import type { LeasePromises } from '../invariants/lease-promises.js';
import type { Judge } from './judge.js';

export { KEYS };

/** What everybody who works in a world is given. */
export interface Surroundings extends OnAnyStore {
  /** Of this user, and of nobody else in the world. */
  readonly name: string;
  readonly history: Judge;
  /** Who was granted which lock and which office, when, by the world's time. */
  readonly holds: History;
  readonly chronicle: Chronicle;
  readonly leases: LeasePromises;
  /** The world's time. */
  readonly nowMs: () => number;
  /** Whether its process still runs. */
  readonly isAlive: () => boolean;
  /** Whether its process stands still at this moment. */
  readonly isPaused: () => boolean;
  /** Something failed that must not, unless the process is about to end. */
  readonly failed: (what: string) => void;
  /** Notes that something was done, or was met, which a campaign must meet now and then. */
  readonly count: (what: string) => void;
}

/** Does something again and again until work shall end. Passing failures are waited out, all others are findings. */
export function keepAtIt(surroundings: Surroundings, what: string, work: () => Promise<void>): Promise<void> {
  return keepAtItAnywhere(failingQuietly(surroundings), what, work);
}

/** The same, for work whose only findings are failures: those of a process that is about to end are none. */
export function failingQuietly<S extends Surroundings>(surroundings: S): S {
  return { ...surroundings, verdict: { ...surroundings.verdict, violation: surroundings.failed } };
}

/** Waits by the process's clock; less long if work shall end meanwhile. */
export function rest({ signal, store }: Pick<Surroundings, 'signal' | 'store'>, ms: number): Promise<void> {
  return restOn(ms, signal, store.clock);
}

/** Waits for any time up to this. */
export function restUpTo(surroundings: Surroundings, mostMs: number): Promise<void> {
  return rest(surroundings, between(surroundings.prng, 0, mostMs));
}

/** Something with so much probability. */
export function chance({ prng }: Pick<Surroundings, 'prng'>, probability: number): boolean {
  return prng.next() < probability;
}
