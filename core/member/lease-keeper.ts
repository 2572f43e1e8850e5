import type { Clock, Timer } from '../base/clock.js';
import { hasCode } from '../base/errors.js';
import type { LeaseId } from '../base/key-value.js';
import type { Logger } from '../base/logger.js';
import type { Lessor } from '../lease/lessor.js';

export interface LeaseKeeperParts {
  readonly lessor: Lessor;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly settings: {
    readonly leaseScanMs: number;
    readonly leaseRevokesPerScan: number;
    readonly electionTimeoutMs: number;
  };
  /** Makes a read linearizable, and so confirms that this member leads. */
  readonly read: <T>(read: () => T) => Promise<T>;
  /** Proposes the end of a lease. */
  readonly revoke: (id: LeaseId) => Promise<unknown>;
}

/**
 * The leader's half of leases: it knows when each was last renewed, and proposes the end of those that have run out.
 *
 * A lease never ends early. Its time is counted from when its grant was applied or its renewal confirmed, both of them
 * before the client has its answer; and a new leader, who knows of no renewals, lets every lease begin anew.
 */
export class LeaseKeeper {
  readonly #parts: LeaseKeeperParts;
  #timer: Timer | undefined;
  #stopped = false;

  constructor(parts: LeaseKeeperParts) {
    this.#parts = parts;
  }

  /**
   * Begins to keep time. To be called by a new leader that has applied all that earlier ones committed: every lease gets
   * its full TTL, and an election timeout for renewals that were answered by the leader before.
   */
  start(): void {
    this.#parts.lessor.extendAll(this.#parts.settings.electionTimeoutMs);
    this.#scan();
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }

  /** Starts a granted lease's time at once, not at the next scan. */
  granted(id: LeaseId): void {
    this.#renew(id);
  }

  /**
   * Renews a lease, once leadership is confirmed by a round of ReadIndex that all renewals waiting share: a member that
   * was paused must not promise time that another leader has already let run out.
   *
   * @returns its TTL; 0 if it does not exist, or has run out and is about to be revoked
   */
  keepAlive(id: LeaseId): Promise<number> {
    return this.#parts.read(() => this.#renew(id));
  }

  #renew(id: LeaseId): number {
    try {
      return this.#parts.lessor.renew(id, this.#parts.clock.now());
    } catch (error) {
      if (hasCode(error, 'LEASE_NOT_FOUND')) return 0;
      throw error;
    }
  }

  readonly #scan = (): void => {
    const { lessor, clock, settings } = this.#parts;
    if (this.#stopped) return;
    this.#timer = clock.after(settings.leaseScanMs, this.#scan);
    for (const id of lessor.expire(clock.now(), settings.leaseRevokesPerScan)) void this.#end(id);
  };

  /** One that cannot be revoked now is named again by the lessor. */
  async #end(id: LeaseId): Promise<void> {
    const { revoke, logger } = this.#parts;
    const lease = id.toString(16);
    try {
      await revoke(id);
      logger.debug({ lease }, 'a lease expired');
    } catch (error) {
      if (!hasCode(error, 'LEASE_NOT_FOUND')) logger.debug({ lease, error }, 'an expired lease is not revoked yet');
    }
  }
}
