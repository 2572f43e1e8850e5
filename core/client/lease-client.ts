import { type Duration, toMilliseconds } from '../base/duration.js';
import { hasCode, LeaseNotFoundError, OutcomeUnknownError } from '../base/errors.js';
import { type LeaseId, NO_LEASE } from '../base/key-value.js';
import type { LeaseStatus } from '../base/operation.js';
import { type Prng, randomId } from '../base/prng.js';
import { LeaseService } from '../rpc/gen/lease.js';
import { fromInt64, toInt64, toLeaseInt64 } from '../rpc/int64.js';
import type { CallOptions, GrantOptions, Lease } from '../store.js';
import { type Caller, isPassing } from './caller.js';
import { KeepAliveLink } from './keep-alive-link.js';
import type { ClientSettings } from './settings.js';

/** A lease by its id alone, as `Store.lease` gives it. */
export type LeaseHandle = Pick<Lease, 'id' | 'keepAlive' | 'timeToLive' | 'revoke'>;

/** The lease calls of a store over gRPC. */
export class LeaseClient {
  readonly #caller: Caller;
  readonly #prng: Prng;
  readonly #link: KeepAliveLink;

  constructor(caller: Caller, settings: ClientSettings) {
    this.#caller = caller;
    this.#prng = settings.prng;
    this.#link = new KeepAliveLink(settings);
  }

  /**
   * Grants a lease under an id that is chosen here, so that a lost answer can be recognised: granting again then says
   * that it exists. A first request that arrives after all, late, is refused for the same reason; or, if the lease has
   * ended by then, grants it again to nobody, to end by itself.
   */
  async grant(ttl: Duration, { id, signal }: GrantOptions): Promise<Lease> {
    const wantedSeconds = Math.ceil(toMilliseconds(ttl, 'ttl') / 1_000);
    const isOurs = id === undefined || id === NO_LEASE;
    const lease = isOurs ? randomId(this.#prng) : toLeaseInt64(id);
    const message = { TTL: toInt64('ttl', wantedSeconds), ID: lease };
    const asked = { what: 'lease grant', lease, ttlSeconds: wantedSeconds };
    const memory = { mayHaveHappened: false };
    try {
      const granted = await this.#caller.repeated(LeaseService.leaseGrant, message, { asked, signal }, memory);
      return { ...this.handle(granted.ID, isOurs), ttlSeconds: fromInt64(granted.TTL) };
    } catch (error) {
      if (!memory.mayHaveHappened) throw error;
      if (!hasCode(error, 'LEASE_EXISTS'))
        throw isPassing(error) ? new OutcomeUnknownError('lease grant', { cause: error }) : error;
      // Our first request was carried out; unless the caller chose the id, for then it may be somebody else's.
      if (!isOurs) throw new OutcomeUnknownError('lease grant', { cause: error });
      const { grantedTtlSeconds, remainingTtlSeconds } = await this.#timeToLive(lease, signal ? { signal } : {});
      if (remainingTtlSeconds < 0) throw new LeaseNotFoundError(lease);
      return { ...this.handle(lease, isOurs), ttlSeconds: grantedTtlSeconds };
    }
  }

  /** @param isOurs - whether the id was chosen here by chance, so that nobody can ever grant another lease under it */
  handle(id: LeaseId, isOurs = false): LeaseHandle {
    return {
      id,
      keepAlive: (options = {}) => this.#keepAlive(id, options),
      timeToLive: (options = {}) => this.#timeToLive(id, options),
      revoke: (options = {}) => this.#revoke(id, isOurs, options),
    };
  }

  async list({ signal }: CallOptions): Promise<readonly LeaseId[]> {
    const asked = { what: 'leases' };
    const answer = await this.#caller.unary(LeaseService.leaseLeases, {}, { asked, isRepeatable: true, signal });
    return answer.leases.map((lease) => lease.ID);
  }

  close(): void {
    this.#link.close();
  }

  async #keepAlive(id: LeaseId, { signal }: CallOptions): Promise<void> {
    const plan = { asked: { what: 'lease keep-alive', lease: id }, isRepeatable: true, signal };
    const ttlSeconds = await this.#caller.attempts(plan, (connection) =>
      this.#link.renew(connection, toLeaseInt64(id), signal),
    );
    if (ttlSeconds <= 0) throw new LeaseNotFoundError(id);
  }

  async #timeToLive(
    id: LeaseId,
    { signal, keys = false }: CallOptions & { readonly keys?: boolean },
  ): Promise<LeaseStatus> {
    const asked = { what: 'lease time to live', lease: id };
    const message = { ID: toLeaseInt64(id), keys };
    const plan = { asked, isRepeatable: true, signal };
    const answer = await this.#caller.unary(LeaseService.leaseTimeToLive, message, plan);
    return {
      id,
      grantedTtlSeconds: fromInt64(answer.grantedTTL),
      remainingTtlSeconds: fromInt64(answer.TTL),
      keys: answer.keys,
    };
  }

  /**
   * Revoking twice does no harm where the id will never be another lease's, and a lease that is gone when it is asked for
   * again is what was wanted. Of an id that a caller chose neither is known, so that is not repeated.
   */
  async #revoke(id: LeaseId, isOurs: boolean, { signal }: CallOptions): Promise<void> {
    const asked = { what: 'lease revoke', lease: id };
    const message = { ID: toLeaseInt64(id) };
    if (!isOurs) {
      await this.#caller.unary(LeaseService.leaseRevoke, message, { asked, isRepeatable: false, signal });
      return;
    }
    const memory = { mayHaveHappened: false };
    try {
      await this.#caller.repeated(LeaseService.leaseRevoke, message, { asked, signal }, memory);
    } catch (error) {
      if (!memory.mayHaveHappened) throw error;
      if (!hasCode(error, 'LEASE_NOT_FOUND'))
        throw isPassing(error) ? new OutcomeUnknownError('lease revoke', { cause: error }) : error;
    }
  }
}
