import { InvalidArgumentError, TlsFailedError } from '../base/errors.js';
import { backoffMs, type ClientSettings, type EndpointAddress, nameOf } from './settings.js';

/**
 * One endpoint and what is known of it. It is healthy as long as nothing went wrong since it last answered; down, with
 * a time before which it is not tried again, after a failure.
 */
export interface Endpoint {
  readonly address: EndpointAddress;
  readonly name: string;
  /** Failures since it last answered well. */
  failures: number;
  /** Not tried before, unless every other one must wait longer. On the clock, in milliseconds. */
  retryAtMs: number;
  /** Why it failed last. */
  why: string | undefined;
  /** What is wrong with TLS there, if that is why. */
  tlsFailure: TlsFailedError | undefined;
}

/** One walk over the endpoints, each at most once. */
export interface Round {
  /** The next one that may be tried now; undefined if there is none. */
  next(): Endpoint | undefined;
  /** Whether all have been given out. */
  readonly isOver: boolean;
}

/**
 * The endpoints of one cluster: which of them may be tried, and in which order. Chance picks among those that may, so
 * that the clients of a member which fails spread over all the others and do not fall upon the one next to it.
 */
export class EndpointList {
  readonly #endpoints: readonly Endpoint[];
  readonly #settings: ClientSettings;
  #next = 0;

  /** @throws {@link InvalidArgumentError} if there is no endpoint */
  constructor(addresses: readonly EndpointAddress[], settings: ClientSettings) {
    if (addresses.length === 0) throw new InvalidArgumentError('endpoints', 'empty', 'at least one address');
    this.#endpoints = addresses.map((address) => ({
      address: copyOf(address),
      name: nameOf(address),
      failures: 0,
      retryAtMs: 0,
      why: undefined,
      tlsFailure: undefined,
    }));
    this.#settings = settings;
  }

  get count(): number {
    return this.#endpoints.length;
  }

  /** Milliseconds until the first of them may be tried. */
  get waitMs(): number {
    const first = Math.min(...this.#endpoints.map(({ retryAtMs }) => retryAtMs));
    return Math.max(0, first - this.#settings.clock.now());
  }

  at(address: EndpointAddress): Endpoint {
    return this.#endpoints.find((endpoint) => endpoint.address === address) as Endpoint;
  }

  /** Begins a walk, leaving one out where it is given. */
  round(except?: Endpoint): Round {
    const left = this.#inTurn().filter((endpoint) => endpoint !== except);
    const { clock, prng } = this.#settings;
    return {
      next() {
        const ready = left.filter(({ retryAtMs }) => retryAtMs <= clock.now());
        const picked = ready[Math.floor(prng.next() * ready.length)];
        if (picked) left.splice(left.indexOf(picked), 1);
        return picked;
      },
      get isOver() {
        return left.length === 0;
      },
    };
  }

  /** It is in use from now on. */
  chosen(endpoint: Endpoint): void {
    this.#next = this.#endpoints.indexOf(endpoint);
  }

  /** It answered something well. */
  answered(endpoint: Endpoint): void {
    endpoint.failures = 0;
    endpoint.retryAtMs = 0;
    endpoint.tlsFailure = undefined;
  }

  /** Why waiting does not help: TLS failed with each of them. */
  get tlsFailure(): TlsFailedError | undefined {
    const failures = this.#endpoints.map(({ tlsFailure }) => tlsFailure);
    return failures.includes(undefined) ? undefined : failures[0];
  }

  /** It is passed over for a while that grows with each failure, between half and all of what it grew to. */
  failed(endpoint: Endpoint, why: string, cause?: unknown): void {
    const tlsFailure = cause instanceof TlsFailedError ? cause : undefined;
    // Said aloud once: others may serve meanwhile, and nobody would learn of it.
    if (tlsFailure !== undefined && tlsFailure.problem !== endpoint.tlsFailure?.problem) {
      this.#settings.logger.warn({ endpoint: endpoint.name, problem: tlsFailure.problem }, tlsFailure.message);
    }
    endpoint.tlsFailure = tlsFailure;
    endpoint.failures += 1;
    endpoint.retryAtMs = this.#settings.clock.now() + backoffMs(this.#settings, endpoint.failures);
    endpoint.why = why;
    this.#next = (this.#endpoints.indexOf(endpoint) + 1) % this.#endpoints.length;
    const { name, failures } = endpoint;
    this.#settings.logger.debug({ endpoint: name, failures, why }, 'endpoint failed');
  }

  /** Every endpoint with why it failed last, for a person to read. */
  describe(): string {
    return this.#endpoints.map(({ name, why }) => (why === undefined ? name : `${name} (${why})`)).join(', ');
  }

  #inTurn(): Endpoint[] {
    return [...this.#endpoints.slice(this.#next), ...this.#endpoints.slice(0, this.#next)];
  }
}

/** What the caller does to its own object later changes nothing. */
function copyOf({ host, port, path, tls = false }: EndpointAddress): EndpointAddress {
  return { host, port, ...(path !== undefined && { path }), tls };
}
