import { Violation } from './violation.js';

/** Turns of the event loop in which whatever waits for no timer is done, with much to spare. */
const TURNS_MAX = 5_000;

/** Lets everything that is ready run, and what that starts. */
export async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) await new Promise<void>((resolve) => setImmediate(resolve));
}

/**
 * What a piece of work comes to within so many turns.
 *
 * @throws {@link Violation} if it does not end, though nothing holds it up
 */
export async function ended<T>(work: Promise<T>, what: string, turnsMax = TURNS_MAX): Promise<T> {
  let hasEnded = false;
  const marked = work.finally(() => (hasEnded = true));
  marked.catch(() => undefined);
  for (let turn = 0; !hasEnded && turn < turnsMax; turn += 1) await turns(1);
  if (!hasEnded) throw new Violation(`${what} does not end`);
  return marked;
}
