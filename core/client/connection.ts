import {
  type Client,
  type ClientDuplexStream,
  type ClientUnaryCall,
  Metadata,
  type MethodDefinition,
  type ServiceError,
  status,
} from '@grpc/grpc-js';
import type { Timer } from '../base/clock.js';
import { CallFailure } from './call-failure.js';
import { onAbort } from '../base/abort.js';
import { deadlineAfter } from './patient-timer.js';
import { type ClientSettings, type EndpointAddress, nameOf } from './settings.js';

/** etcd then refuses at once what it could not answer while it knows no leader, instead of staying silent. */
const REQUIRE_LEADER = new Metadata();
REQUIRE_LEADER.set('hasleader', 'true');

/** grpc-js says with these texts that a call never left this process. */
const NOT_SENT = /^(No connection established|Failed to start HTTP\/2 stream|Channel closed before call started)/;

/** One method of a generated service, with its codecs. */
export type UnaryMethod<Request, Response> = MethodDefinition<Request, Response>;
/** A stream of requests and answers, as grpc-js has it. */
export type DuplexStream<Request, Response> = ClientDuplexStream<Request, Response>;

/** What ends one attempt: its signal, or its deadline in milliseconds. */
export interface UnaryOptions {
  readonly signal: AbortSignal | undefined;
  readonly timeoutMs: number;
}

interface PendingCall {
  fail(failure: CallFailure): void;
}

/**
 * One connection to one endpoint. It never reconnects: once lost it stays lost, its calls fail, and the pool opens
 * another. (A channel of grpc-js would reconnect by itself, by its own rules and without telling.)
 */
export class Connection {
  readonly address: EndpointAddress;
  readonly name: string;
  readonly #client: Client;
  readonly #settings: ClientSettings;
  readonly #calls = new Set<PendingCall>();
  readonly #lostListeners = new Set<() => void>();
  #lost = false;
  #retired = false;
  #hasAnswered = false;
  #lastHeardMs: number;

  constructor(client: Client, address: EndpointAddress, settings: ClientSettings) {
    this.address = address;
    this.name = nameOf(address);
    this.#client = client;
    this.#settings = settings;
    this.#lastHeardMs = settings.clock.now();
  }

  get isLost(): boolean {
    return this.#lost;
  }

  /** Whether anything but the connection itself has ever come from there. */
  get hasAnswered(): boolean {
    return this.#hasAnswered;
  }

  /** Calls back once when the connection is lost or closed. */
  onLost(listener: () => void): void {
    this.#lostListeners.add(listener);
  }

  /**
   * One request, one answer.
   *
   * @throws {@link CallFailure} without an answer, or with an error as the answer
   * @throws the signal's reason if it aborts
   */
  unary<Request, Response>(
    method: UnaryMethod<Request, Response>,
    request: Request,
    { signal, timeoutMs }: UnaryOptions,
  ): Promise<Response> {
    return new Promise((resolve, reject) => {
      if (this.#lost) return reject(CallFailure.notSent(`the connection to ${this.name} was lost`));
      if (signal?.aborted) return reject(signal.reason as Error);
      const { clock } = this.#settings;
      const startedMs = clock.now();
      let timer: Timer | undefined = undefined;
      let call: ClientUnaryCall | undefined = undefined;
      const settle = () => {
        timer?.cancel();
        stopListening();
        return this.#ended(pending);
      };
      const fail = (error: Error) => {
        if (!settle()) return;
        reject(error);
        call?.cancel();
      };
      const pending = { fail };
      const stopListening = onAbort(signal, () => fail(signal?.reason as Error));
      this.#calls.add(pending);
      call = this.#client.makeUnaryRequest(
        method.path,
        method.requestSerialize,
        method.responseDeserialize,
        request,
        REQUIRE_LEADER,
        (error: ServiceError | null, response?: Response) => {
          if (!settle()) return;
          if (error) return reject(this.toFailure(error));
          this.#heard();
          resolve(response as Response);
        },
      );
      timer = deadlineAfter(clock, timeoutMs, () => {
        fail(CallFailure.lost(`${this.name} did not answer within ${timeoutMs} ms`));
        this.loseIfSilentSince(startedMs);
      });
    });
  }

  /**
   * A stream in both directions. The caller cancels it; a lost connection ends it with an error.
   *
   * @throws {@link CallFailure} if the connection is lost already
   */
  stream<Request, Response>(method: MethodDefinition<Request, Response>): DuplexStream<Request, Response> {
    if (this.#lost) throw CallFailure.notSent(`the connection to ${this.name} was lost`);
    const stream = this.#client.makeBidiStreamRequest(
      method.path,
      method.requestSerialize,
      method.responseDeserialize,
      REQUIRE_LEADER,
    );
    const pending = {
      fail: (failure: CallFailure) => {
        stream.cancel();
        stream.destroy(failure);
      },
    };
    this.#calls.add(pending);
    stream.on('data', () => this.#heard());
    // The one fires when the server ends it, the other when we do.
    stream.on('status', () => this.#ended(pending));
    stream.on('close', () => this.#ended(pending));
    return stream;
  }

  /** Lets what is under way end, then closes. */
  retire(): void {
    this.#retired = true;
    if (this.#calls.size === 0) this.lose('it is no longer used');
  }

  /** What an error of grpc-js on this connection means. */
  toFailure(error: Error): CallFailure {
    if (error instanceof CallFailure) return error;
    if (!isServiceError(error)) return CallFailure.lost(`${this.name}: ${error.message}`);
    if (error.code === status.UNAVAILABLE && NOT_SENT.test(error.details)) {
      return CallFailure.notSent(`${this.name}: ${error.details}`, { cause: error });
    }
    this.#heard();
    return CallFailure.ofStatus(this.name, error);
  }

  /** Gives the connection up: everything under way on it fails. */
  lose(why: string): void {
    if (this.#lost) return;
    this.#lost = true;
    for (const call of [...this.#calls]) call.fail(CallFailure.lost(`${this.name}: ${why}`));
    this.#client.close();
    for (const listener of this.#lostListeners) listener();
    this.#lostListeners.clear();
  }

  /** A call may be slow for its own reasons; an endpoint from which nothing at all came meanwhile hangs. */
  loseIfSilentSince(sinceMs: number): void {
    if (this.#lastHeardMs <= sinceMs) this.lose('it stopped answering');
  }

  #heard(): void {
    this.#hasAnswered = true;
    this.#lastHeardMs = this.#settings.clock.now();
  }

  /** Whether the call had not ended before. */
  #ended(call: PendingCall): boolean {
    const wasPending = this.#calls.delete(call);
    if (this.#retired && this.#calls.size === 0) this.lose('it is no longer used');
    return wasPending;
  }
}

function isServiceError(error: Error): error is ServiceError {
  return typeof (error as Partial<ServiceError>).code === 'number';
}
