import type { WaitOptions } from '../wait.js';
import type { Instance, InstanceUpdate } from './instance.js';

/**
 * What to do if another registration has the same id:
 *
 * - `replace`: take it over. The other one ends with {@link InstanceReplacedError} and does not come back. Right where ids
 *   name places, such as a pod's or a host's: the latest process is the one that runs there.
 * - `reject`: throw {@link InstanceExistsError}. The id is free again once the other one unregistered or its lease ended.
 */
export type ConflictPolicy = 'replace' | 'reject';

/**
 * - `registered`: the store has it, under a session that lives
 * - `rejoining`: the session was lost, or the record vanished; it is being registered anew
 * - `ended`: unregistered, or replaced
 */
export type RegistrationState = 'registered' | 'rejoining' | 'ended';

/** A registered instance, kept registered until it is disposed. */
export interface Registration<M> extends AsyncDisposable {
  readonly service: string;
  readonly id: string;
  /** What is, or is about to be, registered. */
  readonly instance: Instance<M>;
  readonly state: RegistrationState;
  /**
   * Aborts when the registration has ended for good: with {@link InstanceReplacedError} if another one took the id over,
   * with {@link ClosedError} if it was unregistered. A lost session does not end it.
   */
  readonly signal: AbortSignal;
  /**
   * Changes what is registered, and waits until the store has it. Updates that come together are written together; what is
   * registered anew after a lost session is always the latest.
   *
   * @throws {@link InvalidArgumentError}: nothing was changed
   * @throws {@link TimeoutError} or the signal's reason: the update stands, and will be written once the store answers
   * @throws the reason of {@link signal} if the registration has ended
   */
  update(change: InstanceUpdate<M>, options?: WaitOptions): Promise<void>;
  /** Takes the instance out of the registry, so that nobody picks it any more. Idempotent; never rejects. */
  unregister(): Promise<void>;
}

export interface RegisterOptions extends WaitOptions {
  /** What to do if the id is taken. Default `'replace'`. */
  readonly onConflict?: ConflictPolicy;
}
