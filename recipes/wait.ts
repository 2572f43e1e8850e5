/** The one place that combines a caller's signal with a timeout. */
import { abortable, onAbort } from '../core/base/abort.js';
import type { Clock } from '../core/base/clock.js';
import { type Duration, toMilliseconds } from '../core/base/duration.js';
import { TimeoutError } from '../core/base/errors.js';

export { abortable, onAbort };

/** What every wait of a recipe takes. */
export interface WaitOptions {
  /** Calls the wait off; it then rejects with the signal's reason, and nothing is left in the store. */
  readonly signal?: AbortSignal;
  /** The longest wait; then {@link TimeoutError}, and nothing is left in the store. Default: as long as it takes. */
  readonly timeout?: Duration;
}

/**
 * Does work that waits, within a caller's bounds.
 *
 * The work gets one signal that stands for both bounds and must end soon after it aborts. It is waited for to its end, so
 * what it gained at the last moment is returned, never dropped. The timer is called off and no listener stays behind.
 *
 * @param what - what is waited for, for the text of the {@link TimeoutError}
 * @param work - may let the link follow further signals; their reasons are then thrown, too
 * @throws {@link TimeoutError} if the timeout passed; the reason of `options.signal` if that aborted; else what work throws
 */
export async function bounded<T>(
  clock: Clock,
  what: string,
  options: WaitOptions,
  work: (signal: AbortSignal, link: LinkedSignal) => Promise<T>,
): Promise<T> {
  const timeoutMs = options.timeout === undefined ? undefined : toMilliseconds(options.timeout, 'timeout');
  options.signal?.throwIfAborted();
  const link = linkSignals(options.signal);
  const timer =
    timeoutMs === undefined ? undefined : clock.after(timeoutMs, () => link.abort(new TimeoutError(what, timeoutMs)));
  try {
    return await work(link.signal, link);
  } catch (error) {
    // However the work words its being called off, the caller reads the reason.
    link.signal.throwIfAborted();
    throw error;
  } finally {
    timer?.cancel();
    link.unlink();
  }
}

/** A signal that aborts with the first of several, or by itself. */
export interface LinkedSignal {
  readonly signal: AbortSignal;
  abort(reason: unknown): void;
  /** Aborts with this one, too. */
  follow(source: AbortSignal | undefined): void;
  /** Takes its listeners off the signals it follows. To be called when done: they may live much longer. */
  unlink(): void;
}

/**
 * Follows several signals. `AbortSignal.any` would do the same but cannot be taken off again, so that a signal that lives
 * as long as the process gathers one dependant for each wait.
 */
export function linkSignals(...sources: readonly (AbortSignal | undefined)[]): LinkedSignal {
  const controller = new AbortController();
  const abort = (reason: unknown) => controller.abort(reason);
  const undo: (() => void)[] = [];
  const follow = (source: AbortSignal | undefined) => {
    if (source) undo.push(onAbort(source, abort));
  };
  for (const source of sources) follow(source);
  return { signal: controller.signal, abort, follow, unlink: () => undo.splice(0).forEach((off) => off()) };
}
