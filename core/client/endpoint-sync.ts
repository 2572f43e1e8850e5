import type { Timer } from '../base/clock.js';
import { ClusterService, type Member } from '../rpc/gen/cluster.js';
import type { Caller } from './caller.js';
import type { EndpointPool } from './endpoint-pool.js';
import { parseEndpointUrl } from './endpoint-url.js';
import type { ClientSettings, EndpointAddress, TlsOptions } from './settings.js';

/** A cluster has seven members at most, and each an address or two; what is told beyond is left out. */
export const LEARNED_MAX = 100;

/** How the client speaks to the endpoints that it was given. */
export interface GivenSecurity {
  readonly isSecure: boolean;
  /** The certificates for it, if any were given. */
  readonly tls: TlsOptions | undefined;
}

/**
 * Asks the cluster where its members serve clients, at once and then every `autoSyncIntervalMs`, and has the pool connect
 * to those. Source: etcd's clientv3, `Sync` and `AutoSyncInterval`.
 */
export class EndpointSync {
  readonly #caller: Caller;
  readonly #pool: EndpointPool;
  readonly #settings: ClientSettings;
  readonly #given: GivenSecurity;
  readonly #closing = new AbortController();
  #timer: Timer | undefined;

  constructor(caller: Caller, pool: EndpointPool, given: readonly EndpointAddress[], settings: ClientSettings) {
    this.#caller = caller;
    this.#pool = pool;
    this.#settings = settings;
    this.#given = securityOf(given);
    if (settings.autoSyncIntervalMs > 0) void this.#run();
  }

  close(): void {
    this.#closing.abort();
    this.#timer?.cancel();
  }

  /** Between two questions nothing keeps the process running, for nobody waits. */
  async #run(): Promise<void> {
    const { clock, logger, autoSyncIntervalMs } = this.#settings;
    const { signal } = this.#closing;
    try {
      await this.#sync();
    } catch (error) {
      if (!signal.aborted) logger.warn({ error }, 'could not learn where the members are');
    }
    if (!signal.aborted) this.#timer = clock.after(autoSyncIntervalMs, () => void this.#run());
  }

  async #sync(): Promise<void> {
    const plan = { asked: { what: 'member list' }, isRepeatable: true, signal: this.#closing.signal };
    const { members } = await this.#caller.unary(ClusterService.memberList, { linearizable: true }, plan);
    const addresses = addressesOf(members, this.#given);
    if (addresses.length > 0) return this.#pool.learn(addresses);
    const told = members.flatMap(({ clientURLs }) => clientURLs);
    this.#settings.logger.warn({ told }, 'members tell no address that can be used');
  }
}

/** Whoever gave an address with TLS does not want his password to be sent without. */
export function securityOf(given: readonly EndpointAddress[]): GivenSecurity {
  const all = given.map(({ tls = false }) => tls);
  return { isSecure: all.some((tls) => tls !== false), tls: all.find((tls) => typeof tls === 'object') };
}

/**
 * Where members that vote serve clients: a learner does not. What cannot be connected to is passed over, and what is not
 * secured where the given endpoints are.
 */
export function addressesOf(members: readonly Member[], { isSecure, tls }: GivenSecurity): EndpointAddress[] {
  return members
    .filter(({ isLearner }) => !isLearner)
    .flatMap(({ clientURLs }) => clientURLs)
    .map((url) => parseEndpointUrl(url, tls))
    .filter((address) => address !== undefined)
    .filter((address) => (address.port > 0 || address.path !== undefined) && (!isSecure || address.tls !== undefined))
    .slice(0, LEARNED_MAX);
}
