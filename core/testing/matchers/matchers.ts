/**
 * What tests of recipes ask about, as matchers for `expect.extend()`: of jest, and of whatever else takes matchers of this
 * form. `conclave/testing/jest` registers them, and tells TypeScript of them.
 */
import { hasCode } from '../../base/coordination-error.js';
import type { Store } from '../../store.js';
import { put } from '../../txn.js';
import type { Held } from '../../../recipes/held.js';
import type { Place } from '../../../recipes/line/place.js';

/** What a matcher answers. */
export interface Answer {
  readonly pass: boolean;
  /** What to say if that is not what was expected; with `.not`, the message speaks of the opposite. */
  readonly message: () => string;
}

/** A hold by its number: an acquired lock, a leadership, or their fencing token. */
export type Hold = number | Pick<Held, 'fencingToken'>;

/** Something that shows who holds it: a `Mutex`. */
export interface Inspected {
  readonly name?: string;
  inspect(): Promise<{ readonly holder?: Place }>;
}

/** Something that shows who leads: an `Election`. */
export interface Led {
  readonly name: string;
  leader(): Promise<Place | undefined>;
}

/** Guarded writes that a test makes go here, and are removed again. */
const PROBE = 'conclave/testing/stale-fence';

/** Whether the store says that this hold is the one that stands. */
export async function toBeHeldBy(mutex: Inspected, hold: Hold): Promise<Answer> {
  const { holder } = await mutex.inspect();
  return standing(`the lock ${mutex.name ?? ''}`.trim(), 'held', holder, hold);
}

/** Whether nobody holds the lock, by the store's word. */
export async function toBeFree(mutex: Inspected): Promise<Answer> {
  const { holder } = await mutex.inspect();
  const pass = holder === undefined;
  return {
    pass,
    message: () => (pass ? 'somebody was to hold the lock, and it is free' : `the lock is held by ${shown(holder)}`),
  };
}

/** Whether the store says that this leadership is the one that stands. */
export async function toBeLedBy(election: Led, hold: Hold): Promise<Answer> {
  return standing(`the election ${election.name}`, 'led', await election.leader(), hold);
}

/**
 * Whether the store rejects what a holder writes that has lost its hold: the guard of that hold is put to a write, which
 * must be refused, and of which nothing may be there afterwards.
 */
export async function toRejectStaleFence(store: Store, stale: Pick<Held, 'guard' | 'fencingToken'>): Promise<Answer> {
  const { fencingToken } = stale;
  const key = `${PROBE}/${fencingToken}`;
  try {
    await stale.guard(store.txn()).do(put(key, 'written by a stale holder')).commit();
    await store.delete(key);
    return { pass: false, message: () => `a guarded write with the fencing token ${fencingToken} was carried out` };
  } catch (error) {
    if (!hasCode(error, 'HOLD_LOST') && !hasCode(error, 'NOT_HELD')) throw error;
    const left = await store.get(key);
    return {
      pass: left === undefined,
      message: () =>
        left === undefined
          ? `a guarded write with the fencing token ${fencingToken} was to be carried out, and was rejected`
          : `a guarded write with the fencing token ${fencingToken} was called rejected, and is there`,
    };
  }
}

function standing(what: string, verb: string, holder: Place | undefined, hold: Hold): Answer {
  const token = typeof hold === 'number' ? hold : hold.fencingToken;
  const pass = holder?.fencingToken === token;
  return {
    pass,
    message: () =>
      pass
        ? `${what} is ${verb} with the fencing token ${token}, and was not to be`
        : `${what} was to be ${verb} with the fencing token ${token}, and is ${verb} by ${shown(holder)}`,
  };
}

function shown(holder: Place | undefined): string {
  if (holder === undefined) return 'nobody';
  const { fencingToken, host = 'somebody', pid = '?' } = holder;
  return `${host} (${pid}) with the fencing token ${fencingToken}`;
}
