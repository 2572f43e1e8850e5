import { onAbort } from '../base/abort.js';
import type { Clock, Timer } from '../base/clock.js';

/** Whom to try, and how. */
export interface Race<Candidate, Result> {
  /** The next one to try; undefined if nobody is left, or may be tried now. */
  readonly next: () => Candidate | undefined;
  /** Whether nobody else will come. */
  readonly isOver: () => boolean;
  readonly attempt: (candidate: Candidate, signal: AbortSignal) => Promise<Result>;
  /** One who began before the winner and had not ended when it did. */
  readonly overtaken: (candidate: Candidate) => void;
  /** What somebody got who was not the first. */
  readonly discard: (result: Result) => void;
}

/** Nobody could be tried. */
export class NobodyError extends Error {
  override readonly name = 'NobodyError';
}

/**
 * Tries one after another until one succeeds: the next as soon as one fails, or beside it once it has taken
 * `staggerMs`. So one that hangs costs that long, and the common case makes one attempt. Who is still trying when the
 * first has succeeded is called off.
 *
 * @throws the last failure once all have failed; {@link NobodyError} if nobody may be tried
 * @throws the signal's reason if it aborts
 *
 * @remarks Source: the staggered connection attempts of RFC 8305, "Happy Eyeballs", section 5.
 */
export function firstOf<Candidate, Result>(
  race: Race<Candidate, Result>,
  { clock, staggerMs, signal }: { readonly clock: Clock; readonly staggerMs: number; readonly signal: AbortSignal },
): Promise<Result> {
  return new Promise((resolve, reject) => {
    const others = new AbortController();
    /** Those that are trying, in the order in which they began. */
    const trying = new Set<Candidate>();
    let timer: Timer | undefined = undefined;
    let isDecided = false;
    let failure: unknown = new NobodyError();
    const decide = (how: () => void) => {
      isDecided = true;
      timer?.cancel();
      stopListening();
      others.abort(new Error('another was first'));
      how();
    };
    const lost = (error: Error) => decide(() => reject(error));
    const won = (candidate: Candidate, result: Result) => {
      if (isDecided) return race.discard(result);
      for (const other of trying) {
        if (other === candidate) break;
        race.overtaken(other);
      }
      decide(() => resolve(result));
    };
    const failed = (candidate: Candidate, error: unknown) => {
      trying.delete(candidate);
      failure = error;
      if (!isDecided) begin();
    };
    const begin = () => {
      timer?.cancel();
      const candidate = race.next();
      if (candidate !== undefined) {
        trying.add(candidate);
        race.attempt(candidate, others.signal).then(
          (result) => won(candidate, result),
          (error: unknown) => failed(candidate, error),
        );
      }
      if (trying.size === 0) return lost(failure as Error);
      if (!race.isOver()) timer = clock.after(staggerMs, begin);
    };
    if (signal.aborted) return reject(signal.reason as Error);
    const stopListening = onAbort(signal, (reason) => lost(reason as Error));
    begin();
  });
}
