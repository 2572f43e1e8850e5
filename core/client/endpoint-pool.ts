import { abortable, onAbort } from '../base/abort.js';
import { sleep } from '../base/clock.js';
import { ClosedError, UnavailableError } from '../base/errors.js';
import { CallFailure } from './call-failure.js';
import type { Connection, ConnectionEvents } from './connection.js';
import { dial } from './dial.js';
import { type Endpoint, EndpointList, type Round } from './endpoint-list.js';
import { firstOf, NobodyError } from './first-of.js';
import { type Opinion, opinionOf, outdone } from './second-opinion.js';
import { type ClientSettings, type EndpointAddress, nameOf } from './settings.js';
import { checkTls } from './tls.js';

/** An endpoint that was suspected and found well is not suspected again for so long. */
const TRUST_MS = 1_000;

/**
 * The endpoints of one cluster, and the connection to the one in use. It stays with an endpoint as long as that
 * serves. One that fails, or that another one outdoes, is passed over for a while that grows with each failure; once
 * that is over it may be picked again, but nobody returns to it for its own sake.
 */
export class EndpointPool {
  readonly #list: EndpointList;
  readonly #settings: ClientSettings;
  readonly #closing = new AbortController();
  /** The one in use, those that were left while something was under way on them, and those that are asked. */
  readonly #connections = new Set<Connection>();
  readonly #endpoints = new WeakMap<Connection, Endpoint>();
  readonly #events: ConnectionEvents = {
    onLost: (connection) => this.#lost(connection),
    onSuspect: (connection) => this.suspect(connection),
    onClosed: (connection) => void this.#connections.delete(connection),
  };
  #current: Connection | undefined;
  #connecting: Promise<Connection> | undefined;
  #isAsking = false;
  #trustedUntilMs = 0;

  /** @throws {@link InvalidArgumentError} if there is no endpoint, or certificates make no sense */
  constructor(addresses: readonly EndpointAddress[], settings: ClientSettings) {
    for (const { tls } of addresses) checkTls(tls, settings);
    this.#list = new EndpointList(addresses, settings);
    this.#settings = settings;
  }

  /**
   * The connection in use, or a new one.
   *
   * @throws {@link UnavailableError} if no endpoint could be reached within `dialTimeoutMs`
   * @throws {@link TlsFailedError} as soon as it is known that certificates keep it from each of them
   * @throws {@link ClosedError} once the pool is closed
   * @throws the signal's reason if it aborts
   */
  async connection(signal?: AbortSignal): Promise<Connection> {
    if (this.#current) return this.#current;
    if (this.#closing.signal.aborted) throw new ClosedError();
    this.#connecting ??= this.#connect().finally(() => (this.#connecting = undefined));
    signal?.throwIfAborted();
    return abortable(this.#connecting, signal);
  }

  /** Leaves an endpoint that cannot serve at present, unless it is the only one. */
  leave(connection: Connection, failure: CallFailure): void {
    if (this.#current !== connection || this.#list.count === 1) return;
    this.#current = undefined;
    this.#failed(connection, failure.message);
    connection.leave(failure.message);
  }

  /**
   * It owes an answer for longer than an endpoint should take: asks another one, and moves there if that one serves
   * while this one does not.
   */
  suspect(connection: Connection): void {
    if (this.#current !== connection || this.#list.count === 1 || this.#isAsking) return;
    if (this.#settings.clock.now() < this.#trustedUntilMs) return;
    this.#isAsking = true;
    void this.#seekSecondOpinion(connection).finally(() => (this.#isAsking = false));
  }

  /**
   * The cluster has told where its members are: from now on those are connected to. The connection in use stays as long as
   * it serves.
   */
  learn(addresses: readonly EndpointAddress[]): void {
    if (this.#list.learn(addresses)) {
      this.#settings.logger.info({ endpoints: addresses.map(nameOf) }, 'learned where the members are');
    }
  }

  close(): void {
    this.#closing.abort(new ClosedError());
    for (const connection of [...this.#connections]) connection.close('the store was closed');
  }

  // --- Connecting -------------------------------------------------------------------------------------------------

  async #connect(): Promise<Connection> {
    const { clock, dialTimeoutMs } = this.#settings;
    const deadlineMs = clock.now() + dialTimeoutMs;
    const dialed = (endpoint: Endpoint, signal: AbortSignal) => this.#dial(endpoint, signal);
    let failure: unknown = undefined;
    for (;;) {
      const waitMs = Math.min(this.#list.waitMs, Math.max(0, deadlineMs - clock.now()));
      if (waitMs > 0) await sleep(clock, waitMs, this.#closing.signal);
      if (this.#current) return this.#current;
      try {
        return this.#use(await this.#first(this.#list.round(), this.#closing.signal, dialed, drop));
      } catch (error) {
        if (this.#closing.signal.aborted) throw error;
        if (!(error instanceof NobodyError)) failure = error;
        if (this.#list.tlsFailure !== undefined) throw this.#list.tlsFailure;
        if (clock.now() >= deadlineMs) throw this.#unreachable(failure);
      }
    }
  }

  /** The one that a connection leads to. */
  #endpointOf(connection: Connection): Endpoint {
    return this.#endpoints.get(connection) as Endpoint;
  }

  #first<T>(
    round: Round,
    signal: AbortSignal,
    attempt: (endpoint: Endpoint, signal: AbortSignal) => Promise<T>,
    discard: (result: T) => void,
  ): Promise<T> {
    const { clock, connectStaggerMs } = this.#settings;
    const race = {
      next: () => round.next(),
      isOver: () => round.isOver,
      attempt,
      overtaken: (endpoint: Endpoint) => this.#list.failed(endpoint, `took longer than ${connectStaggerMs} ms`),
      discard,
    };
    return firstOf(race, { clock, staggerMs: connectStaggerMs, signal });
  }

  async #dial(endpoint: Endpoint, signal: AbortSignal): Promise<Connection> {
    try {
      const connection = await dial(endpoint.address, this.#settings, this.#events, signal);
      this.#connections.add(connection);
      this.#endpoints.set(connection, endpoint);
      return connection;
    } catch (error) {
      if (!signal.aborted) this.#list.failed(endpoint, (error as Error).message, error);
      throw error;
    }
  }

  /** Unless another one has come into use meanwhile, or this one is lost already. */
  #use(connection: Connection): Connection {
    if (this.#current) {
      drop(connection);
      return this.#current;
    }
    if (!connection.isUsable) throw CallFailure.notSent(`the connection to ${connection.name} was lost`);
    this.#current = connection;
    this.#list.chosen(this.#endpointOf(connection));
    this.#trustedUntilMs = 0;
    this.#settings.logger.debug({ endpoint: connection.name }, 'connected');
    return connection;
  }

  #unreachable(cause: unknown): UnavailableError {
    const { dialTimeoutMs } = this.#settings;
    return new UnavailableError(`none of ${this.#list.describe()} could be reached within ${dialTimeoutMs} ms`, {
      cause,
    });
  }

  // --- Leaving ----------------------------------------------------------------------------------------------------

  #lost(connection: Connection): void {
    if (this.#current !== connection) return;
    this.#current = undefined;
    if (!this.#closing.signal.aborted) this.#failed(connection, 'the connection was lost');
  }

  #failed(connection: Connection, why: string): void {
    const endpoint = this.#endpointOf(connection);
    if (connection.hasAnswered) this.#list.answered(endpoint);
    this.#list.failed(endpoint, why);
  }

  async #seekSecondOpinion(suspect: Connection): Promise<void> {
    const { clock, secondOpinionMs: patienceMs, abandonedWriteMs } = this.#settings;
    const others = new AbortController();
    const stopListening = onAbort(this.#closing.signal, (reason) => others.abort(reason));
    const { signal } = others;
    const asked = this.#first(
      this.#list.round(this.#endpointOf(suspect)),
      signal,
      (endpoint, called) => this.#askedAt(endpoint, called),
      ({ connection }) => drop(connection),
    );
    const opinion = await outdone(suspect, asked, { clock, patienceMs, signal });
    stopListening();
    if (opinion === undefined || (this.#current !== undefined && this.#current !== suspect)) {
      others.abort(new Error('the endpoint in use has answered'));
      asked.then(({ connection }) => drop(connection)).catch(() => {});
      this.#trustedUntilMs = clock.now() + TRUST_MS;
      return;
    }
    const why = `it did not answer while ${opinion.connection.name} did`;
    this.#settings.logger.warn({ endpoint: suspect.name, instead: opinion.connection.name }, 'left a silent endpoint');
    if (this.#current === suspect) {
      this.#current = undefined;
      this.#failed(suspect, why);
    }
    if (opinion.connection.isUsable) this.#use(opinion.connection);
    suspect.leave(why, abandonedWriteMs);
  }

  async #askedAt(endpoint: Endpoint, signal: AbortSignal): Promise<Opinion> {
    const connection = await this.#dial(endpoint, signal);
    try {
      return await opinionOf(connection, this.#settings.clock, signal);
    } catch (error) {
      drop(connection);
      if (!signal.aborted) this.#list.failed(endpoint, (error as Error).message);
      throw error;
    }
  }
}

function drop(connection: Connection): void {
  connection.leave('it is not needed');
}
