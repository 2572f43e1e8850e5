import { sleep } from '../../core/base/clock.js';
import { hasCode } from '../../core/base/errors.js';
import type { Store } from '../../core/store.js';
import type { Election } from '../election/election.js';
import type { Leadership } from '../election/leadership.js';
import { withCurrentHeld } from '../mutex/current-held.js';
import { linkSignals, onAbort } from '../wait.js';

/** What a leader does for as long as it leads. */
type Work = (leadership: Leadership<unknown>) => Promise<void>;

/** How long a candidate rests before it stands again: at least, and at most, after a row of failures. */
const REST_LEAST_MS = 1_000;
const REST_MOST_MS = 30_000;

/**
 * Stands in one election from the start of an app to its end. While it leads, the works run, and {@link during} lets calls
 * through. It resigns only when both have come to their end.
 */
export class LeaderLoop {
  readonly #calls = new Set<Promise<unknown>>();
  #leadership: Leadership<unknown> | undefined;

  /**
   * @param works - called together when elected; without any, it leads until the leadership ends
   * @param staysLeader - whether to go on leading when all works have returned
   */
  constructor(
    private readonly store: Store,
    private readonly election: Election<unknown>,
    private readonly works: readonly Work[],
    private readonly staysLeader: boolean,
  ) {}

  /** Does something under the leadership that this process has; `undefined` if it has none at present. */
  during<R>(call: () => R | Promise<R>): Promise<R> | undefined {
    const leadership = this.#leadership;
    if (!leadership || !isHeld(leadership)) return undefined;
    const result = withCurrentHeld(leadership, async () => call());
    const settled = result.then(ignore, ignore).finally(() => this.#calls.delete(settled));
    this.#calls.add(settled);
    return result;
  }

  /**
   * Resolves once the signal has aborted and the works have ended. Never rejects.
   *
   * @param onError - told of what the election threw, and not of what the works did, nor of losses, which are what
   * elections are for
   */
  async run(signal: AbortSignal, onError: (error: unknown) => void): Promise<void> {
    let failures = 0;
    while (!signal.aborted) {
      failures = (await this.#standOnce(signal, onError)) ? 0 : failures + 1;
      const restMs = Math.min(REST_LEAST_MS * 2 ** Math.max(0, failures - 1), REST_MOST_MS);
      await sleep(this.store.clock, restMs, signal).catch(ignore);
    }
  }

  /** @returns whether it led, and nothing failed */
  async #standOnce(signal: AbortSignal, onError: (error: unknown) => void): Promise<boolean> {
    const term = linkSignals(signal);
    let hasLed = false;
    try {
      const lead = async (leadership: Leadership<unknown>) => {
        hasLed = true;
        await this.#lead(leadership, (error) => term.abort(error));
      };
      await this.election.lead(lead, { signal: term.signal });
      return true;
    } catch (error) {
      // A work that failed has aborted the term with its error, and has been reported.
      if (!term.signal.aborted && !isLoss(error)) onError(error);
      return hasLed && isLoss(error);
    } finally {
      term.unlink();
    }
  }

  /** @param end - ends the term, for all works, because one has failed */
  async #lead(leadership: Leadership<unknown>, end: (error: unknown) => void): Promise<void> {
    this.#leadership = leadership;
    await Promise.all(this.works.map((work) => work(leadership).catch(end)));
    if (this.staysLeader) await ended(leadership.signal);
    this.#leadership = undefined;
    await Promise.all(this.#calls);
  }
}

/** Whether an error only says that a leadership, or a place in line, was lost. */
export function isLoss(error: unknown): boolean {
  return ['HOLD_LOST', 'SESSION_LOST', 'PLACE_LOST'].some((code) => hasCode(error, code));
}

/** By the local deadline, also if the process was blocked and no timer has fired yet. */
function isHeld(leadership: Leadership<unknown>): boolean {
  try {
    leadership.assertHeld();
  } catch {
    return false;
  }
  return !leadership.signal.aborted;
}

function ended(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => onAbort(signal, () => resolve()));
}

function ignore(): void {}
