import { TooManyRequestsError } from '../../base/errors.js';
import type { CallGate } from './call-gate.js';
import type { Stream } from './parts.js';

/** A stream that is being served. */
export interface OpenStream {
  /** Ends it with an error. */
  readonly fail: (error: unknown) => undefined;
  /** Whether neither side has ended it. */
  readonly isOpen: () => boolean;
}

/** Calls that last until somebody ends them, streams and calls that wait: how many there are, and how each is ended. */
export class LastingCalls {
  readonly #gate: CallGate;
  /** How to end each. */
  readonly #ends = new Set<(reason: Error) => void>();
  /** How many of each kind are under way. */
  readonly #counts = new Map<string, number>();

  constructor(gate: CallGate) {
    this.#gate = gate;
  }

  /** Keeps what ends a call. @returns lets go of it */
  add(end: (reason: Error) => void): () => void {
    this.#ends.add(end);
    return () => void this.#ends.delete(end);
  }

  /** Ends every one. */
  endAll(reason: Error): void {
    for (const end of [...this.#ends]) end(reason);
  }

  /** Counts a call that is under way. @returns what counts it off @throws {@link TooManyRequestsError} */
  count(what: string, most: number): () => void {
    const count = this.#counts.get(what) ?? 0;
    if (count >= most) throw new TooManyRequestsError(what, most);
    this.#counts.set(what, count + 1);
    return () => void this.#counts.set(what, (this.#counts.get(what) as number) - 1);
  }

  /** Keeps a stream until it ends, from whichever side. @param release - called once, when it ends */
  open(call: Stream, release: () => void): OpenStream {
    let isOpen = true;
    const close = () => {
      if (!isOpen) return;
      isOpen = false;
      letGo();
      unguard();
      release();
    };
    const fail = (error: unknown): undefined => {
      if (!isOpen) return;
      close();
      call.emit('error', this.#gate.toStatus(error));
    };
    const unguard = this.#gate.watchOver(call.metadata, fail);
    const letGo = this.add(fail);
    call.on('cancelled', close);
    call.on('close', close);
    call.on('error', close);
    return { fail, isOpen: () => isOpen };
  }

  /** Whether a stream just opened is taken; one that is not has ended. */
  admit(call: Stream, forLearners: boolean, { fail }: OpenStream): boolean {
    const refusal = this.#gate.refusal(call, forLearners);
    if (refusal) fail(refusal);
    return refusal === undefined;
  }
}
