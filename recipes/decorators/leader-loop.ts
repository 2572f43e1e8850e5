import { sleep } from '../../core/base/clock.js';
import { hasCode } from '../../core/base/errors.js';
import type { Store } from '../../core/store.js';
import type { Election } from '../election/election.js';
import type { Leadership } from '../election/leadership.js';
import { onAbort } from '../wait.js';

/** What a leader does for as long as it leads. */
type Work = (leadership: Leadership<unknown>) => unknown;

/** The least and the most that a candidate rests before it stands again; twice as long after each failure. */
const REST_LEAST_MS = 1_000;
const REST_MOST_MS = 30_000;

/** Stands in one election from the start of an app to its end, and has the app's methods called while it leads. */
export class LeaderLoop {
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

  /** The leadership that this process has, if it leads at present. */
  get leadership(): Leadership<unknown> | undefined {
    return this.#leadership?.signal.aborted ? undefined : this.#leadership;
  }

  /** Resolves once the signal has aborted and the works have ended. Never rejects. */
  async run(signal: AbortSignal, onError: (error: unknown) => void): Promise<void> {
    let restMs = REST_LEAST_MS;
    while (!signal.aborted) {
      try {
        await this.election.lead((leadership) => this.#lead(leadership), { signal });
        restMs = REST_LEAST_MS;
      } catch (error) {
        if (signal.aborted) return;
        if (!isLoss(error)) onError(error);
        restMs = Math.min(2 * restMs, REST_MOST_MS);
      }
      await sleep(this.store.clock, restMs, signal).catch(() => undefined);
    }
  }

  async #lead(leadership: Leadership<unknown>): Promise<void> {
    this.#leadership = leadership;
    try {
      const outcomes = await Promise.allSettled(this.works.map(async (work) => work(leadership)));
      const failed = outcomes.find((outcome) => outcome.status === 'rejected');
      if (failed) throw failed.reason;
      if (this.staysLeader) await ended(leadership.signal);
    } finally {
      this.#leadership = undefined;
    }
  }
}

function ended(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => onAbort(signal, () => resolve()));
}

/** Losing a leadership, or a place in line, is what elections are for; nobody needs to be told of it as of an error. */
function isLoss(error: unknown): boolean {
  return ['HOLD_LOST', 'SESSION_LOST', 'PLACE_LOST'].some((code) => hasCode(error, code));
}
