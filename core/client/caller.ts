import pRetry from 'p-retry';
import { onAbort } from '../base/abort.js';
import { sleep } from '../base/clock.js';
import {
  ClosedError,
  type CoordinationError,
  OutcomeUnknownError,
  TooManyRequestsError,
  UnavailableError,
} from '../base/errors.js';
import { EventLoopHold } from '../base/event-loop-hold.js';
import { CallFailure } from './call-failure.js';
import type { Connection, Headed, UnaryMethod } from './connection.js';
import type { EndpointPool } from './endpoint-pool.js';
import { type Asked, explain } from './explain.js';
import { backoffMs, type ClientSettings } from './settings.js';

/** How one call is to be made. */
export interface CallPlan {
  /** What was asked, so that an error can name it. */
  readonly asked: Asked;
  /** Whether it may be carried out twice. What may not is repeated only where it is known that nothing was done. */
  readonly isRepeatable: boolean;
  readonly signal: AbortSignal | undefined;
}

/** Carries out calls: on the endpoint in use, again where that is right, and with the errors that every store throws. */
export class Caller {
  readonly #pool: EndpointPool;
  readonly #settings: ClientSettings;
  readonly #closed = new AbortController();
  readonly #loop: EventLoopHold;
  #pendingCount = 0;

  constructor(pool: EndpointPool, settings: ClientSettings) {
    this.#pool = pool;
    this.#settings = settings;
    this.#loop = new EventLoopHold(settings.clock);
  }

  /**
   * One request, one answer.
   *
   * @throws {@link OutcomeUnknownError} if it is not repeatable, was sent, and its answer was lost; cause: what happened
   * @throws {@link UnavailableError} if no endpoint could answer
   * @throws {@link TooManyRequestsError} if `pendingCallsMax` calls are under way
   */
  unary<Request, Response extends Headed>(
    method: UnaryMethod<Request, Response>,
    request: Request,
    plan: CallPlan,
  ): Promise<Response> {
    const options = { signal: plan.signal, isWrite: !plan.isRepeatable };
    return this.attempts(plan, (connection) => connection.unary(method, request, options));
  }

  /**
   * A write that may be carried out twice, repeated as a read is.
   *
   * @param memory - remembers, also where this throws, whether an attempt that was not answered may have been carried out
   */
  repeated<Request, Response extends Headed>(
    method: UnaryMethod<Request, Response>,
    request: Request,
    { asked, signal }: Omit<CallPlan, 'isRepeatable'>,
    memory: { mayHaveHappened: boolean },
  ): Promise<Response> {
    return this.attempts({ asked, isRepeatable: true, signal }, async (connection) => {
      try {
        return await connection.unary(method, request, { signal, isWrite: false });
      } catch (error) {
        if (error instanceof CallFailure && error.kind === 'unknown') memory.mayHaveHappened = true;
        throw error;
      }
    });
  }

  /** Makes attempts, each on the connection then in use, as the plan allows. */
  async attempts<T>(plan: CallPlan, attempt: (connection: Connection, number: number) => Promise<T>): Promise<T> {
    plan.signal?.throwIfAborted();
    if (this.#closed.signal.aborted) throw new ClosedError();
    const { pendingCallsMax } = this.#settings;
    if (this.#pendingCount >= pendingCallsMax) throw new TooManyRequestsError('calls under way', pendingCallsMax);
    this.#pendingCount += 1;
    this.#loop.hold();
    try {
      return await this.#attempt(attempt, 1, plan);
    } catch (error) {
      if (!(error instanceof CallFailure)) throw error;
      if (!this.#mayRepeat(error, plan)) throw this.#toError(error, plan);
      return await this.#repeat(attempt, plan, error);
    } finally {
      this.#pendingCount -= 1;
      this.#loop.release();
    }
  }

  close(): void {
    this.#closed.abort(new ClosedError());
  }

  /** The common case has gone wrong once; from here on p-retry counts, and our own clock paces. */
  async #repeat<T>(
    attempt: (connection: Connection, number: number) => Promise<T>,
    plan: CallPlan,
    failure: CallFailure,
  ): Promise<T> {
    const { clock, retriesMax, retryTimeoutMs } = this.#settings;
    const deadlineMs = clock.now() + retryTimeoutMs;
    let toldMs = failure.retryAfterMs ?? 0;
    // Whoever is told to come back after the deadline hears of it now.
    if (toldMs >= retryTimeoutMs) throw this.#toError(failure, plan);
    const stop = new AbortController();
    const stopsListening = [plan.signal, this.#closed.signal].map((signal) =>
      onAbort(signal, (why) => stop.abort(why)),
    );
    try {
      return await pRetry(
        async (repetition) => {
          await sleep(clock, toldMs + backoffMs(this.#settings, repetition), stop.signal);
          return this.#attempt(attempt, repetition + 1, plan);
        },
        {
          retries: retriesMax - 1,
          minTimeout: 0,
          maxTimeout: 0,
          shouldRetry: ({ error }) => {
            if (!(error instanceof CallFailure)) return false;
            toldMs = error.retryAfterMs ?? 0;
            return this.#mayRepeat(error, plan) && clock.now() + toldMs < deadlineMs;
          },
        },
      );
    } catch (error) {
      if (plan.signal?.aborted) throw plan.signal.reason;
      // The last attempt is the one that says what became of the call, also where it was the last that may be made.
      throw error instanceof CallFailure ? this.#toError(error, plan) : error;
    } finally {
      for (const stopListening of stopsListening) stopListening();
    }
  }

  async #attempt<T>(
    attempt: (connection: Connection, number: number) => Promise<T>,
    number: number,
    plan: CallPlan,
  ): Promise<T> {
    const connection = await this.#pool.connection(plan.signal);
    try {
      return await this.#named(connection, () => attempt(connection, number));
    } catch (error) {
      if (error instanceof CallFailure && isReasonToLeave(error, number)) this.#pool.leave(connection, error);
      throw error;
    }
  }

  /** In the name of whom the store speaks for. One whose token a member does not take gets another one, once. */
  async #named<T>(connection: Connection, attempt: () => Promise<T>): Promise<T> {
    const { session } = this.#settings;
    if (session === undefined) return attempt();
    await session.ready(connection);
    const { token } = session;
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof CallFailure && session.mayHelp(error))) throw error;
      session.forget(token);
      await session.ready(connection);
      return attempt();
    }
  }

  #mayRepeat(failure: CallFailure, plan: CallPlan): boolean {
    if (this.#settings.retriesMax === 0 || this.#closed.signal.aborted) return false;
    return failure.isHarmless || (plan.isRepeatable && failure.isPassing);
  }

  #toError(failure: CallFailure, { asked, isRepeatable }: CallPlan): CoordinationError {
    if (this.#closed.signal.aborted && (isRepeatable || failure.kind === 'notSent')) return new ClosedError();
    if (failure.kind === 'unknown' && !isRepeatable) return new OutcomeUnknownError(asked.what, { cause: failure });
    const explained = explain(failure, asked);
    if (explained) return explained;
    return new UnavailableError(`${asked.what} could not be answered: ${failure.message}`, { cause: failure });
  }
}

/** What tells of the call alone may be cured by trying again; where that did not help, another endpoint may. */
function isReasonToLeave({ isPassing, isSick, retryAfterMs }: CallFailure, attempt: number): boolean {
  // Whoever goes elsewhere because he came too fast would come too fast there.
  if (retryAfterMs !== undefined) return false;
  return isSick || (isPassing && attempt > 1);
}

/** Whether the last attempt of several says nothing of what became of the others. */
export function isPassing(error: unknown): boolean {
  return error instanceof UnavailableError || error instanceof ClosedError;
}
