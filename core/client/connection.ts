import { status } from '@grpc/grpc-js';
import { onAbort } from '../base/abort.js';
import type { Timer } from '../base/clock.js';
import type { ResponseHeader } from '../rpc/gen/header.js';
import { CallFailure } from './call-failure.js';
import type { Call, CallEnd, CallListener, GrpcSession, Method } from './grpc-session.js';
import { type Owed, OwedAnswers } from './owed-answers.js';
import { deadlineAfter } from './patient-timer.js';
import { type ClientSettings, type EndpointAddress, nameOf } from './settings.js';

/** What etcd's answers have in common. */
export interface Headed {
  readonly header?: ResponseHeader | undefined;
}

/** How one attempt is made. */
export interface UnaryOptions {
  readonly signal: AbortSignal | undefined;
  /** Whether it may change something; then it is not called off for the endpoint's sake before it has to be. */
  readonly isWrite: boolean;
}

/** Where the answers of a stream go. */
export interface StreamListener<Response> {
  readonly onMessage: (message: Response) => void;
  /** It has ended, in good order or not. Told once, unless it was cancelled. */
  readonly onEnd: (failure: CallFailure) => void;
}

/** What a connection tells the pool that it belongs to. */
export interface ConnectionEvents {
  /** It will take no more calls, by its own. Told once. */
  readonly onLost: (connection: Connection) => void;
  /** An answer has been owed for longer than an endpoint should take. */
  readonly onSuspect: (connection: Connection) => void;
  /** It is closed, and nothing is under way on it any more. Told once. */
  readonly onClosed: (connection: Connection) => void;
}

/** One connection to one endpoint. It never reconnects: once lost it stays lost, and the pool opens another. */
export class Connection {
  readonly address: EndpointAddress;
  readonly name: string;
  readonly #session: GrpcSession;
  readonly #settings: ClientSettings;
  readonly #events: ConnectionEvents;
  readonly #owed: OwedAnswers;
  readonly #streams = new Set<(failure: CallFailure) => void>();
  #state: 'open' | 'left' | 'closed' = 'open';
  #hasAnswered = false;
  #lastHeardMs: number;
  /** The latest term of the cluster that an answer told; 0 before the first. */
  #term = 0;
  #grace: Timer | undefined;

  constructor(session: GrpcSession, address: EndpointAddress, settings: ClientSettings, events: ConnectionEvents) {
    this.address = address;
    this.name = nameOf(address);
    this.#session = session;
    this.#settings = settings;
    this.#events = events;
    this.#lastHeardMs = settings.clock.now();
    const suspectMs = Math.round(settings.suspectMs * (1 + settings.prng.next() / 2));
    const limits = { suspectMs, timeoutMs: settings.requestTimeoutMs };
    this.#owed = new OwedAnswers(settings.clock, limits, {
      suspect: () => this.#events.onSuspect(this),
      overdue: (owed, sinceMs) => this.#overdue(owed, sinceMs),
    });
    session.onGone((why) => this.#lost(why));
  }

  /** Whether it takes calls. */
  get isUsable(): boolean {
    return this.#state === 'open';
  }

  /** Whether it has answered anything as a healthy endpoint does. */
  get hasAnswered(): boolean {
    return this.#hasAnswered;
  }

  /**
   * One request, one answer, within `requestTimeoutMs`.
   *
   * @throws {@link CallFailure} without an answer, or with an error as the answer
   * @throws the signal's reason if it aborts
   */
  unary<Request, Response extends Headed>(
    method: Method<Request, Response>,
    request: Request,
    { signal, isWrite }: UnaryOptions,
  ): Promise<Response> {
    return new Promise((resolve, reject) => {
      if (!this.isUsable) return reject(this.#notSent());
      if (signal?.aborted) return reject(signal.reason as Error);
      const settle = () => {
        stopListening();
        return this.settled(owed);
      };
      const fail = (error: Error) => {
        if (!settle()) return;
        reject(error);
        call.cancel();
      };
      const owed = { isWrite, fail };
      let response: Response | undefined = undefined;
      const listener = {
        onMessage: (message: Response) => (response = message),
        onEnd: (end: CallEnd) => {
          if (!settle()) return;
          if (end.code !== status.OK || response === undefined) return reject(this.#toFailure(end));
          this.#heard(response);
          resolve(response);
        },
      };
      const call = this.#open(method, listener, !isSerializable(request));
      this.#owed.add(owed);
      const stopListening = onAbort(signal, (reason) => fail(reason as Error));
      call.write(request);
      call.end();
    });
  }

  /**
   * A stream in both directions. The caller cancels it; it ends when the connection is left.
   *
   * @throws {@link CallFailure} if the connection takes no calls any more
   */
  stream<Request, Response extends Headed>(
    method: Method<Request, Response>,
    { onMessage, onEnd }: StreamListener<Response>,
  ): Call<Request> {
    if (!this.isUsable) throw this.#notSent();
    const ended = (failure: CallFailure) => {
      this.#streams.delete(fail);
      onEnd(failure);
      this.#closeIfDone();
    };
    const call = this.#open(method, {
      onMessage: (message) => {
        this.#heard(message);
        onMessage(message);
      },
      onEnd: (end) => ended(end.code === status.OK ? CallFailure.lost(`${this.name} ended it`) : this.#toFailure(end)),
    });
    const fail = (failure: CallFailure) => {
      call.cancel();
      ended(failure);
    };
    this.#streams.add(fail);
    const cancel = () => {
      call.cancel();
      if (this.#streams.delete(fail)) this.#closeIfDone();
    };
    return { ...call, cancel };
  }

  /** Something was asked over a stream: it is given up, and its endpoint suspected, as any call is. */
  owes(owed: Owed): void {
    this.#owed.add(owed);
  }

  /** @returns whether it was still owed */
  settled(owed: Owed): boolean {
    const wasOwed = this.#owed.delete(owed);
    if (wasOwed) this.#closeIfDone();
    return wasOwed;
  }

  /**
   * Takes no more calls. What can be asked elsewhere fails at once; writes are still waited for, for `graceMs` at most
   * where it is given; then it closes.
   */
  leave(why: string, graceMs?: number): void {
    if (!this.isUsable) return;
    this.#state = 'left';
    if (graceMs !== undefined) this.#grace = deadlineAfter(this.#settings.clock, graceMs, () => this.close(why));
    this.#failAll(CallFailure.lost(`${this.name}: ${why}`), ({ isWrite }) => !isWrite);
    this.#closeIfDone();
  }

  /** Gives it up: everything under way on it fails. */
  close(why: string): void {
    if (this.#state === 'closed') return;
    const wasUsable = this.isUsable;
    this.#state = 'closed';
    this.#grace?.cancel();
    if (wasUsable) this.#events.onLost(this);
    this.#failAll(CallFailure.lost(`${this.name}: ${why}`));
    this.#owed.close();
    this.#session.close();
    this.#events.onClosed(this);
  }

  /** A call may be slow for its own reasons; an endpoint from which nothing at all came meanwhile hangs. */
  closeIfSilentSince(sinceMs: number): void {
    if (this.#lastHeardMs <= sinceMs) this.close('it stopped answering');
  }

  /** It broke, or the server said goodbye. Writes under way may still be answered; all else is asked elsewhere. */
  #lost(why: string): void {
    if (!this.isUsable) return;
    // Whoever is told that a call failed finds that the pool has left this connection.
    this.#events.onLost(this);
    this.leave(why);
  }

  /** @throws {@link CallFailure} if nothing could be sent */
  #open<Request, Response>(
    method: Method<Request, Response>,
    listener: CallListener<Response>,
    wantsLeader = true,
  ): Call<Request> {
    try {
      return this.#session.open(method, listener, wantsLeader);
    } catch (error) {
      throw CallFailure.notSent(`${this.name}: ${(error as Error).message}`, { cause: error });
    }
  }

  #toFailure(end: CallEnd): CallFailure {
    const what = `${this.name}: ${end.details}`;
    if (end.isNotSent) return CallFailure.notSent(what);
    if (end.by === 'connection') return CallFailure.lost(what);
    if (end.by === 'stream') return new CallFailure('unknown', what, true);
    const failure = CallFailure.ofStatus(this.name, end);
    if (!failure.isSick) this.#heard();
    return failure;
  }

  #failAll(failure: CallFailure, which?: (owed: Owed) => boolean): void {
    this.#owed.failAll(failure, which);
    const streams = [...this.#streams];
    this.#streams.clear();
    for (const fail of streams) fail(failure);
  }

  #overdue(owed: Owed, sinceMs: number): void {
    owed.fail(CallFailure.lost(`${this.name} did not answer within ${this.#settings.requestTimeoutMs} ms`));
    this.closeIfSilentSince(sinceMs);
  }

  #heard(response?: Headed): void {
    this.#hasAnswered = true;
    this.#lastHeardMs = this.#settings.clock.now();
    const term = response?.header?.raftTerm ?? 0;
    if (term <= this.#term) return;
    if (this.#term > 0) this.#leaderChanged();
    this.#term = term;
  }

  /**
   * Writes that were handed to a leader before it fell are answered soon after the next one serves, or, mostly, never:
   * the member that took them would keep their callers waiting for all of its own timeout. They may still be carried
   * out, should the old leader come back with them.
   */
  #leaderChanged(): void {
    const writes = this.#owed.writes();
    if (writes.length === 0) return;
    deadlineAfter(this.#settings.clock, this.#settings.abandonedWriteMs, () => {
      const why = `${this.name}: the leader changed before it was answered`;
      for (const write of writes) write.fail(new CallFailure('unknown', why, true));
    });
  }

  #closeIfDone(): void {
    if (this.#state === 'left' && this.#owed.count === 0) this.close('it is no longer used');
  }

  #notSent(): CallFailure {
    return CallFailure.notSent(`the connection to ${this.name} was given up`);
  }
}

/** Whether a request asks for the state of the one member that answers, whether or not there is a leader. */
function isSerializable(request: unknown): boolean {
  return (request as { readonly serializable?: boolean }).serializable === true;
}
