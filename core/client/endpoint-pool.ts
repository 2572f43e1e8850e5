import { abortable } from '../base/abort.js';
import { sleep } from '../base/clock.js';
import { ClosedError, InvalidArgumentError, UnavailableError } from '../base/errors.js';
import type { Connection } from './connection.js';
import { dial } from './dial.js';

import { backoffMs, type ClientSettings, type EndpointAddress, nameOf } from './settings.js';

interface Endpoint {
  readonly address: EndpointAddress;
  /** Failures since it last answered. */
  failures: number;
  /** It is not tried before, unless every other one failed more recently. */
  retryAtMs: number;
}

/**
 * The endpoints of one cluster, and the connection to the one in use. It stays with an endpoint as long as that
 * answers; one that fails is passed over for a while that grows with each failure.
 */
export class EndpointPool {
  readonly #endpoints: readonly Endpoint[];
  readonly #settings: ClientSettings;
  readonly #closing = new AbortController();
  /** The one in use, and those that were left while something was under way on them. */
  readonly #connections = new Set<Connection>();
  #next: number;
  #current: Connection | undefined;
  #connecting: Promise<Connection> | undefined;

  /** @throws {@link InvalidArgumentError} if there is no endpoint */
  constructor(addresses: readonly EndpointAddress[], settings: ClientSettings) {
    if (addresses.length === 0) throw new InvalidArgumentError('endpoints', 'empty', 'at least one address');
    this.#endpoints = addresses.map((address) => ({ address: copyOf(address), failures: 0, retryAtMs: 0 }));
    this.#settings = settings;
    // Clients that were given the same list begin at different places of it.
    this.#next = Math.floor(settings.prng.next() * addresses.length);
  }

  /**
   * The connection in use, or a new one.
   *
   * @throws {@link UnavailableError} if no endpoint could be reached within `dialTimeoutMs`
   * @throws {@link ClosedError} once the pool is closed
   * @throws the signal's reason if it aborts
   */
  async connection(signal?: AbortSignal): Promise<Connection> {
    if (this.#current && !this.#current.isLost) return this.#current;
    if (this.#closing.signal.aborted) throw new ClosedError();
    this.#connecting ??= this.#connect().finally(() => (this.#connecting = undefined));
    signal?.throwIfAborted();
    return abortable(this.#connecting, signal);
  }

  /** Leaves an endpoint that cannot serve at present; what is under way on it goes on. */
  avoid(connection: Connection): void {
    const endpoint = this.#endpoints.find(({ address }) => address === connection.address);
    if (!endpoint || this.#current !== connection || this.#endpoints.length === 1) return;
    this.#left(endpoint, connection);
    connection.retire();
  }

  close(): void {
    this.#closing.abort(new ClosedError());
    for (const connection of [...this.#connections]) connection.lose('the store was closed');
  }

  async #connect(): Promise<Connection> {
    const { clock, dialTimeoutMs } = this.#settings;
    const deadlineMs = clock.now() + dialTimeoutMs;
    for (;;) {
      const endpoint = this.#choose();
      const waitMs = Math.max(0, Math.min(endpoint.retryAtMs, deadlineMs) - clock.now());
      if (waitMs > 0) await sleep(clock, waitMs, this.#closing.signal);
      try {
        return this.#use(endpoint, await dial(endpoint.address, this.#settings, this.#closing.signal));
      } catch (error) {
        if (this.#closing.signal.aborted) throw error;
        this.#failed(endpoint);
        if (clock.now() >= deadlineMs) throw this.#unreachable(error);
      }
    }
  }

  /** The first in turn that need not wait; if all must, the one whose wait ends first. */
  #choose(): Endpoint {
    const nowMs = this.#settings.clock.now();
    const count = this.#endpoints.length;
    let best = this.#endpoints[this.#next % count] as Endpoint;
    for (let step = 0; step < count; step += 1) {
      const endpoint = this.#endpoints[(this.#next + step) % count] as Endpoint;
      if (endpoint.retryAtMs <= nowMs) return endpoint;
      if (endpoint.retryAtMs < best.retryAtMs) best = endpoint;
    }
    return best;
  }

  #use(endpoint: Endpoint, connection: Connection): Connection {
    this.#next = this.#endpoints.indexOf(endpoint);
    this.#current = connection;
    this.#connections.add(connection);
    connection.onLost(() => {
      this.#connections.delete(connection);
      if (this.#current === connection) this.#left(endpoint, connection);
    });
    this.#settings.logger.debug({ endpoint: nameOf(endpoint.address) }, 'connected');
    return connection;
  }

  #left(endpoint: Endpoint, connection: Connection): void {
    this.#current = undefined;
    if (this.#closing.signal.aborted) return;
    if (connection.hasAnswered) endpoint.failures = 0;
    this.#failed(endpoint);
  }

  #failed(endpoint: Endpoint): void {
    endpoint.failures += 1;
    endpoint.retryAtMs = this.#settings.clock.now() + backoffMs(this.#settings, endpoint.failures);
    this.#next = (this.#endpoints.indexOf(endpoint) + 1) % this.#endpoints.length;
    const { failures } = endpoint;
    this.#settings.logger.debug({ endpoint: nameOf(endpoint.address), failures }, 'endpoint failed');
  }

  #unreachable(cause: unknown): UnavailableError {
    const names = this.#endpoints.map(({ address }) => nameOf(address)).join(', ');
    return new UnavailableError(`none of ${names} could be reached within ${this.#settings.dialTimeoutMs} ms`, {
      cause,
    });
  }
}

/** What the caller does to its own object later changes nothing. */
function copyOf({ host, port, tls = false }: EndpointAddress): EndpointAddress {
  return { host, port, tls };
}
