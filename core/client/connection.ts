import { Metadata, type MethodDefinition, type ServiceError, status } from '@grpc/grpc-js';
import { onAbort } from '../base/abort.js';
import type { Timer } from '../base/clock.js';
import type { ResponseHeader } from '../rpc/gen/header.js';
import { CallFailure } from './call-failure.js';
import type { CallCarrier, DuplexStream } from './channel.js';
import { type Owed, OwedAnswers } from './owed-answers.js';
import { deadlineAfter } from './patient-timer.js';
import { type ClientSettings, type EndpointAddress, nameOf } from './settings.js';

/**
 * etcd, and Conclave, then refuse at once what they could not answer while they know no leader, instead of staying
 * silent; a stream that is open ends when the leader has been lost for a while.
 */
const REQUIRE_LEADER = new Metadata();
REQUIRE_LEADER.set('hasleader', 'true');
/** For what any member may answer, whether or not it knows a leader. */
const REQUIRE_NOTHING = new Metadata();

/** grpc-js says with these texts that a call never left this process, or that the server did not take it up (RFC 9113, 8.7). */
const NOT_SENT =
  /^(No connection established|Failed to start HTTP\/2 stream|Channel closed before call started|Stream refused by server)/;

/** Statuses that grpc-js makes itself when a connection breaks; nobody at the other end said them. */
const LOCAL = new Set<status>([status.UNAVAILABLE, status.INTERNAL, status.CANCELLED]);

/** One method of a generated service, with its codecs. */
export type UnaryMethod<Request, Response> = MethodDefinition<Request, Response>;

/** What etcd's answers have in common. */
export interface Headed {
  readonly header?: ResponseHeader | undefined;
}

/** How one attempt is made. */
export interface UnaryOptions {
  readonly signal: AbortSignal | undefined;
  /** Whether it may change something; then it is not called off for the endpoint's sake before it has to be. */
  readonly isWrite: boolean;
  /** It does not say who asks. Default: it does, where the client says so. */
  readonly isAnonymous?: boolean;
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

/**
 * One connection to one endpoint. It never reconnects: once lost it stays lost, and the pool opens another. (A channel
 * of grpc-js would reconnect by itself, by its own rules and without telling.)
 */
export class Connection {
  readonly name: string;
  readonly #carrier: CallCarrier;
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

  constructor(carrier: CallCarrier, address: EndpointAddress, settings: ClientSettings, events: ConnectionEvents) {
    this.name = nameOf(address);
    this.#carrier = carrier;
    this.#settings = settings;
    this.#events = events;
    this.#lastHeardMs = settings.clock.now();
    const suspectMs = Math.round(settings.suspectMs * (1 + settings.prng.next() / 2));
    const limits = { suspectMs, timeoutMs: settings.requestTimeoutMs };
    this.#owed = new OwedAnswers(settings.clock, limits, {
      suspect: () => this.#events.onSuspect(this),
      overdue: (owed, sinceMs) => this.#overdue(owed, sinceMs),
    });
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
    method: UnaryMethod<Request, Response>,
    request: Request,
    { signal, isWrite, isAnonymous = false }: UnaryOptions,
  ): Promise<Response> {
    return new Promise((resolve, reject) => {
      if (!this.isUsable) return reject(this.#notSent());
      if (signal?.aborted) return reject(signal.reason as Error);
      let call: { cancel(): void } | undefined = undefined;
      const settle = () => {
        stopListening();
        return this.settled(owed);
      };
      const fail = (error: Error) => {
        if (!settle()) return;
        reject(error);
        call?.cancel();
      };
      const owed = { isWrite, fail };
      const stopListening = onAbort(signal, (reason) => fail(reason as Error));
      this.#owed.add(owed);
      call = this.#carrier.makeUnaryRequest(
        method.path,
        method.requestSerialize,
        method.responseDeserialize,
        request,
        this.#metadataOf(request, isAnonymous),
        (error: ServiceError | null, response?: Response) => {
          if (!settle()) return;
          if (error) return reject(this.toFailure(error));
          this.#heard(response);
          resolve(response as Response);
        },
      );
    });
  }

  /**
   * A stream in both directions. The caller cancels it; it ends with an error when the connection is left.
   *
   * @throws {@link CallFailure} if the connection takes no calls any more
   */
  stream<Request, Response extends Headed>(
    method: MethodDefinition<Request, Response>,
  ): DuplexStream<Request, Response> {
    if (!this.isUsable) throw this.#notSent();
    const stream = this.#carrier.makeBidiStreamRequest(
      method.path,
      method.requestSerialize,
      method.responseDeserialize,
      this.#named(REQUIRE_LEADER, 'leader'),
    );
    const fail = (failure: CallFailure) => {
      stream.cancel();
      stream.destroy(failure);
    };
    const ended = () => {
      if (this.#streams.delete(fail)) this.#closeIfDone();
    };
    this.#streams.add(fail);
    stream.on('data', (response: Response) => this.#heard(response));
    // The one fires when the server ends it, the other when we do.
    stream.on('status', ended);
    stream.on('close', ended);
    return stream;
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

  /** What an error of grpc-js on this connection means. */
  toFailure(error: Error): CallFailure {
    if (error instanceof CallFailure) return error;
    if (!isServiceError(error)) return CallFailure.lost(`${this.name}: ${error.message}`, { cause: error });
    if (LOCAL.has(error.code) && NOT_SENT.test(error.details)) {
      return CallFailure.notSent(`${this.name}: ${error.details}`, { cause: error });
    }
    const failure = CallFailure.ofStatus(this.name, error);
    if (!failure.isSick && !LOCAL.has(error.code)) this.#heard();
    return failure;
  }

  /** The carrier has lost it, or the server said goodbye. Writes under way may still be answered; all else is asked elsewhere. */
  lost(why: string): void {
    if (!this.isUsable) return;
    this.leave(why);
    this.#events.onLost(this);
  }

  /**
   * Takes no more calls. What can be asked elsewhere fails at once; writes are still waited for, for `graceMs` at most
   * where it is given; then it closes.
   */
  leave(why: string, graceMs?: number): void {
    if (!this.isUsable) return;
    this.#state = 'left';
    this.#failAll(CallFailure.lost(`${this.name}: ${why}`), ({ isWrite }) => !isWrite);
    if (graceMs !== undefined) this.#grace = deadlineAfter(this.#settings.clock, graceMs, () => this.close(why));
    this.#closeIfDone();
  }

  /** Gives it up: everything under way on it fails. */
  close(why: string): void {
    if (this.#state === 'closed') return;
    const wasUsable = this.isUsable;
    this.#state = 'closed';
    this.#grace?.cancel();
    this.#failAll(CallFailure.lost(`${this.name}: ${why}`));
    this.#carrier.close();
    if (wasUsable) this.#events.onLost(this);
    this.#events.onClosed(this);
  }

  /** A call may be slow for its own reasons; an endpoint from which nothing at all came meanwhile hangs. */
  closeIfSilentSince(sinceMs: number): void {
    if (this.#lastHeardMs <= sinceMs) this.close('it stopped answering');
  }

  #metadataOf(request: unknown, isAnonymous: boolean): Metadata {
    if (isAnonymous) return REQUIRE_LEADER;
    return isSerializable(request) ? this.#named(REQUIRE_NOTHING, 'nothing') : this.#named(REQUIRE_LEADER, 'leader');
  }

  /** With the token of whom the client speaks for. */
  #named(metadata: Metadata, name: string): Metadata {
    return this.#settings.session?.metadata(metadata, name) ?? metadata;
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

function isServiceError(error: Error): error is ServiceError {
  return typeof (error as Partial<ServiceError>).code === 'number';
}

/** Whether a request asks for the state of the one member that answers. */
function isSerializable(request: unknown): boolean {
  return (request as { readonly serializable?: boolean }).serializable === true;
}
