import type { Prng } from '../../../base/prng.js';
import type { Store } from '../../../store.js';
import { systemClock } from '../../../base/system-clock.js';
import { type Clock, sleep } from '../../../base/clock.js';
import type { Verdict } from './verdict.js';
import type { History } from '../../checkers/history/history.js';
import type { Progress } from './progress.js';

/** The keys of all workloads begin with this; recipes keep theirs elsewhere. */
export const KEYS = 'w/';
/** What holders of locks and elections write under their protection. */
export const GUARDED = `${KEYS}guarded/`;

/** What everybody who works on the store is given. */
export interface Surroundings {
  readonly store: Store;
  readonly prng: Prng;
  /** What is asked of the keys that nobody else changes, and what is answered. */
  readonly history: History;
  readonly progress: Progress;
  readonly verdict: Pick<Verdict, 'violation' | 'earlyEnd'>;
  /** Aborts when work shall end. */
  readonly signal: AbortSignal;
}

/** Codes of errors that say: a condition did not hold, so nothing was done. */
const CONDITIONS = new Set(['HOLD_LOST', 'NOT_HELD', 'LEASE_NOT_FOUND', 'SESSION_LOST']);

/** Whether a write that failed may have been carried out all the same, or may be later, by the error's own word. */
export function mayHaveHappened(error: unknown): boolean {
  const { code, retry } = error as { code?: string; retry?: string };
  return retry !== 'safe' && !CONDITIONS.has(code ?? '');
}

/** Whether an error says no more than that it did not work this time. */
export function isPassing(error: unknown): boolean {
  const { code, retry } = error as { code?: string; retry?: string };
  return retry === 'if-idempotent' || retry === 'safe' || CONDITIONS.has(code ?? '') || code === 'TIMEOUT';
}

/** Waits; less long if work shall end meanwhile. */
export async function rest(ms: number, signal: AbortSignal, clock: Clock = systemClock): Promise<void> {
  await sleep(clock, ms, signal).catch(() => undefined);
}

/** Does something again and again until work shall end. Passing failures are waited out, all others are findings. */
export async function keepAtIt(
  { store, signal, verdict }: Pick<Surroundings, 'store' | 'signal' | 'verdict'>,
  what: string,
  work: () => Promise<void>,
): Promise<void> {
  while (!signal.aborted) {
    try {
      await work();
    } catch (error) {
      if (signal.aborted) return;
      if (!isPassing(error)) {
        return verdict.violation(`${what} failed: ${error instanceof Error ? (error.stack ?? '') : String(error)}`);
      }
      await rest(50, signal, store.clock);
    }
  }
}
