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
  /** Those that the client was given. */
  readonly #given: readonly Endpoint[];
  /** Those that are known to be the cluster's: the given ones, until its members are learned. */
  #known: readonly Endpoint[];
  readonly #settings: ClientSettings;
  /** Of all of them, where the next walk begins. */
  #next = 0;

  /** @throws {@link InvalidArgumentError} if there is no endpoint */
  constructor(addresses: readonly EndpointAddress[], settings: ClientSettings) {
    if (addresses.length === 0) throw new InvalidArgumentError('endpoints', 'empty', 'at least one address');
    this.#given = addresses.map(untried);
    this.#known = this.#given;
    this.#settings = settings;
  }

  /** Of all that may come to be tried. */
  get count(): number {
    return this.#all().length;
  }

  /**
   * The cluster has told where its members are, at least one. What is known of those that stay is kept.
   *
   * @returns whether they are others than before
   */
  learn(addresses: readonly EndpointAddress[]): boolean {
    const before = this.#known;
    const known = new Map(this.#all().map((endpoint) => [endpoint.name, endpoint]));
    const told = new Map(addresses.map((address) => [nameOf(address), address]));
    const after = [...told].map(([name, address]) => known.get(name) ?? untried(address));
    if (after.length === before.length && after.every((one) => before.includes(one))) return false;
    this.#known = after;
    this.#next = 0;
    return true;
  }

  /** Milliseconds until the first of them may be tried. */
  get waitMs(): number {
    const first = Math.min(...this.#candidates().map(({ retryAtMs }) => retryAtMs));
    return Math.max(0, first - this.#settings.clock.now());
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
    this.#next = Math.max(0, this.#all().indexOf(endpoint));
  }

  /** It answered something well. */
  answered(endpoint: Endpoint): void {
    endpoint.failures = 0;
    endpoint.retryAtMs = 0;
    endpoint.tlsFailure = undefined;
  }

  /** Why waiting does not help: TLS failed with each of them. */
  get tlsFailure(): TlsFailedError | undefined {
    const failures = this.#candidates().map(({ tlsFailure }) => tlsFailure);
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
    this.#next = (this.#all().indexOf(endpoint) + 1) % this.count;
    const { name, failures } = endpoint;
    this.#settings.logger.debug({ endpoint: name, failures, why }, 'endpoint failed');
  }

  /** Every endpoint with why it failed last, for a person to read. */
  describe(): string {
    return this.#candidates()
      .map(({ name, why }) => (why === undefined ? name : `${name} (${why})`))
      .join(', ');
  }

  #inTurn(): Endpoint[] {
    const all = this.#all();
    const candidates = this.#candidates();
    return [...all.slice(this.#next), ...all.slice(0, this.#next)].filter((one) => candidates.includes(one));
  }

  /**
   * Where all of the known ones have just failed, those that the client was given are tried too: the members may all have
   * been replaced while it could not ask, or be told with addresses that are of no use from here.
   */
  #candidates(): readonly Endpoint[] {
    const { clock, dialTimeoutMs } = this.#settings;
    const sinceMs = clock.now() - dialTimeoutMs;
    const areLost = this.#known.every(({ failures, retryAtMs }) => failures > 0 && retryAtMs > sinceMs);
    return areLost ? this.#all() : this.#known;
  }

  /** The known ones, and the given ones that are not among them. */
  #all(): readonly Endpoint[] {
    return [...new Set([...this.#known, ...this.#given])];
  }
}

function untried(address: EndpointAddress): Endpoint {
  const name = nameOf(address);
  return { address: copyOf(address), name, failures: 0, retryAtMs: 0, why: undefined, tlsFailure: undefined };
}

/** What the caller does to its own object later changes nothing. */
function copyOf({ host, port, path, tls = false }: EndpointAddress): EndpointAddress {
  return { host, port, ...(path !== undefined && { path }), tls };
}
