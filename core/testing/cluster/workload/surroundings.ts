import type { Prng } from '../../../base/prng.js';
import type { Store } from '../../../store.js';
import { systemClock } from '../../../base/system-clock.js';
import { sleep } from '../../../base/clock.js';
import type { Verdict } from './verdict.js';
import type { WriteLedger } from './write-ledger.js';

/** The keys of all workloads begin with this; recipes keep theirs elsewhere. */
export const KEYS = 'w/';

/** What everybody who works on the store is given. */
export interface Surroundings {
  readonly store: Store;
  readonly prng: Prng;
  readonly ledger: WriteLedger;
  readonly verdict: Verdict;
  /** Aborts when work shall end. */
  readonly signal: AbortSignal;
}

/** What became of a write that failed, by the error's own word. */
export type FailedOutcome = 'refused' | 'unknown';

/** Codes of errors that say: a condition did not hold, so nothing was done. */
const CONDITIONS = new Set(['HOLD_LOST', 'NOT_HELD', 'LEASE_NOT_FOUND', 'SESSION_LOST']);

/** @throws what is neither of the store's operating errors nor of the recipes': a mistake of somebody */
export function outcomeOf(error: unknown): FailedOutcome {
  const { code, retry } = error as { code?: string; retry?: string };
  if (retry === 'if-idempotent') return 'unknown';
  if (retry === 'safe' || CONDITIONS.has(code ?? '')) return 'refused';
  throw error;
}

/** Whether an error says no more than that it did not work this time. */
export function isPassing(error: unknown): boolean {
  const { code, retry } = error as { code?: string; retry?: string };
  return retry === 'if-idempotent' || retry === 'safe' || CONDITIONS.has(code ?? '') || code === 'TIMEOUT';
}

/** Waits; less long if work shall end meanwhile. */
export async function rest(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(systemClock, ms, signal).catch(() => undefined);
}

/** Does something again and again until work shall end. Passing failures are waited out, all others are findings. */
export async function keepAtIt(
  { signal, verdict }: Surroundings,
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
      await rest(50, signal);
    }
  }
}
