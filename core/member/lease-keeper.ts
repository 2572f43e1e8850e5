import type { Clock, Timer } from '../base/clock.js';
import { hasCode } from '../base/errors.js';
import type { LeaseId } from '../base/key-value.js';
import type { Logger } from '../base/logger.js';
import type { Lessor } from '../lease/lessor.js';

export interface LeaseKeeperParts {
  /** Those of the state in force. */
  readonly lessor: () => Lessor;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly settings: {
    readonly leaseScanMs: number;
    readonly leaseRevokesPerScan: number;
    readonly electionTimeoutMs: number;
  };
  /** Does something once a majority has confirmed that this member leads, and has led in one term since it was asked. */
  readonly asLeader: <T>(work: () => T) => Promise<T>;
  /** Proposes the end of a lease, as the leader and at once. */
  readonly revoke: (id: LeaseId) => Promise<unknown>;
}

/**
 * The leader's half of leases: it knows when each was last renewed, and proposes the end of those that have run out.
 *
 * A lease never ends early. Its time is counted from when its grant was applied or its renewal confirmed, both of them
 * before the client has its answer; a new leader, who knows of no renewals, lets every lease begin anew; and one who was
 * stuck while others led, and finds leases that have run out in his eyes alone, has to ask a majority before he says so.
 */
export class LeaseKeeper {
  readonly #parts: LeaseKeeperParts;
  #timer: Timer | undefined;

  constructor(parts: LeaseKeeperParts) {
    this.#parts = parts;
  }

  /**
   * Begins to keep time. To be called when this member leads and has applied all that earlier leaders committed: every
   * lease gets its full TTL, and an election timeout for renewals that were answered by the leader before.
   */
  start(): void {
    this.#parts.lessor().extendAll(this.#parts.settings.electionTimeoutMs);
    this.#scan();
  }

  /** This member leads no more: time is another's to keep. */
  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  /** Starts a granted lease's time at once, not at the next scan. */
  granted(id: LeaseId): void {
    if (this.#timer !== undefined) this.#renew(id);
  }

  /**
   * Renews leases, once leadership is confirmed by a round of ReadIndex that all renewals waiting share: a member that
   * was paused must not promise time that another leader has already let run out.
   *
   * @returns their TTLs in seconds; 0 for one that does not exist, or has run out and is about to be revoked
   * @throws {@link MemberNotLeaderError}, {@link LeaderChangedError} if this member does not lead, or did not all along
   */
  keepAlive(ids: readonly LeaseId[]): Promise<readonly number[]> {
    return this.#parts.asLeader(() => ids.map((id) => this.#renew(id)));
  }

  /**
   * Milliseconds that are left of a lease: 0 or less if it has run out and is about to be revoked.
   *
   * @throws {@link LeaseNotFoundError} if it does not exist; as {@link keepAlive}
   */
  remainingMs(id: LeaseId): Promise<number> {
    const { asLeader, lessor, clock } = this.#parts;
    return asLeader(() => lessor().remainingMs(id, clock.now()));
  }

  #renew(id: LeaseId): number {
    try {
      return this.#parts.lessor().renew(id, this.#parts.clock.now());
    } catch (error) {
      if (hasCode(error, 'LEASE_NOT_FOUND')) return 0;
      throw error;
    }
  }

  readonly #scan = (): void => {
    const { clock, settings } = this.#parts;
    const timer = (this.#timer = clock.after(settings.leaseScanMs, this.#scan));
    void this.#endExpired(() => this.#timer === timer);
  };

  /** Ends what has run out, one part after the other for as long as there is more, until the next look takes over. */
  async #endExpired(isLatest: () => boolean): Promise<void> {
    const { lessor, clock, settings } = this.#parts;
    for (;;) {
      const expired = lessor().expire(clock.now(), settings.leaseRevokesPerScan);
      if (expired.length === 0 || !(await this.#endAll(expired))) return;
      if (expired.length < settings.leaseRevokesPerScan || !isLatest()) return;
    }
  }

  /**
   * Those that cannot be revoked now are named again by the lessor.
   *
   * @returns whether all of them have ended
   */
  async #endAll(ids: readonly LeaseId[]): Promise<boolean> {
    const { asLeader, logger } = this.#parts;
    try {
      // Proposed in the very moment of the confirmation, so in the same term.
      const ends = await asLeader(() => ids.map((id) => this.#end(id)));
      return (await Promise.all(ends)).every((hasEnded) => hasEnded);
    } catch (error) {
      logger.debug({ leases: ids.length, error }, 'expired leases are not revoked yet');
      return false;
    }
  }

  async #end(id: LeaseId): Promise<boolean> {
    const { revoke, logger } = this.#parts;
    const lease = id.toString(16);
    try {
      await revoke(id);
      logger.debug({ lease }, 'a lease expired');
      return true;
    } catch (error) {
      if (hasCode(error, 'LEASE_NOT_FOUND')) return true;
      logger.debug({ lease, error }, 'an expired lease is not revoked yet');
      return false;
    }
  }
}
