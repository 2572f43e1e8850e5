import { TooManyRequestsError } from '../base/errors.js';
import { between, type Prng } from '../base/prng.js';
import { READS_WAITING_MAX } from './read-only.js';
import type { ReadState } from './types.js';

/** Ids begin somewhere below this and grow. */
const FIRST_ID_MAX = 2 ** 48;

interface Asked {
  readonly id: number;
  readonly contexts: readonly number[];
  ticks: number;
}

/**
 * The reads for which a member that does not lead asks the leader. One question is under way; reads that come meanwhile
 * share the next one. A question that is not answered is asked again.
 *
 * Its ids never come again, not even after a restart, which begins them at another place by chance: were one used twice,
 * the answer to the first could let the second read what was old when it began.
 */
export class ForwardedReads {
  #nextId: number;
  #waiting: number[] = [];
  #asked: Asked | undefined;

  constructor(prng: Prng) {
    this.#nextId = between(prng, 1, FIRST_ID_MAX);
  }

  /** Whether a question should be asked. */
  get hasWaiting(): boolean {
    return this.#asked === undefined && this.#waiting.length > 0;
  }

  /** @throws {@link TooManyRequestsError} at {@link READS_WAITING_MAX} */
  add(context: number): void {
    const count = this.#waiting.length + (this.#asked?.contexts.length ?? 0);
    if (count >= READS_WAITING_MAX) throw new TooManyRequestsError('reads waiting for their index', READS_WAITING_MAX);
    this.#waiting.push(context);
  }

  /** Asks for all that wait. Returns the id of the question. */
  ask(): number {
    this.#asked = { id: this.#nextId, contexts: this.#waiting, ticks: 0 };
    this.#waiting = [];
    this.#nextId += 1;
    return this.#asked.id;
  }

  /** Returns the id of the question that is to be asked again, after `patienceTicks` without an answer. */
  tick(patienceTicks: number): number | undefined {
    if (this.#asked === undefined) return undefined;
    this.#asked.ticks += 1;
    return this.#asked.ticks % patienceTicks === 0 ? this.#asked.id : undefined;
  }

  /** The leader answered. */
  answered(id: number, index: number): readonly ReadState[] {
    if (this.#asked?.id !== id) return [];
    const { contexts } = this.#asked;
    this.#asked = undefined;
    return contexts.map((context) => ({ context, index }));
  }

  /** The leader is another one, or none: whoever waits must ask anew. */
  drop(): void {
    this.#waiting = [];
    this.#asked = undefined;
  }
}
