import { AsyncLocalStorage } from 'node:async_hooks';
import { NotHeldError } from '../errors.js';
import type { Held } from '../held.js';

const CURRENT = new AsyncLocalStorage<Held>();

/**
 * The hold that the running code was called under: by `Mutex.run`, or a method decorated with `@locked`. The innermost, if
 * several are nested. It follows the call through every `await`; work that outlives its `run` still sees the hold, which then
 * answers that it was released.
 *
 * @throws {@link NotHeldError} if the code was not called under a lock
 */
export function currentHeld(): Held {
  const held = CURRENT.getStore();
  if (!held) throw new NotHeldError('a lock');
  return held;
}

/** Calls the work so that {@link currentHeld} answers this hold in it. */
export function withCurrentHeld<R>(held: Held, work: () => R): R {
  return CURRENT.run(held, work);
}
