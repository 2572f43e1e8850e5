import type { Timer } from '../../core/base/clock.js';
import type { LeaseId } from '../../core/base/key-value.js';
import type { Lease, Store } from '../../core/store.js';

/** A lease that will be the alarm of a key, once a transaction has put the key with it. */
export interface StoreTimer {
  readonly lease: LeaseId;
  readonly durationMs: number;
}

/**
 * Alarms that outlive whoever sets them: a key that lives by a lease of the alarm's length, and that is gone when the
 * alarm is due. Leases count in whole seconds (and etcd's last two at least), so the process that set the alarm also
 * measures it, to the millisecond, and ends the lease on time; if it has died, the store ends it a little later.
 */
export class StoreTimers {
  readonly #store: Store;
  readonly #armed = new Map<LeaseId, Timer>();

  constructor(store: Store) {
    this.#store = store;
  }

  /** How many this process measures. */
  get armedCount(): number {
    return this.#armed.size;
  }

  async grant(durationMs: number, signal?: AbortSignal): Promise<StoreTimer> {
    const lease = await this.#store.grantLease(durationMs, signal ? { signal } : {});
    return { lease: lease.id, durationMs };
  }

  /** The key has been put: measure from now on. */
  arm(timer: StoreTimer, onDue: () => void): void {
    const alarm = this.#store.clock.after(timer.durationMs, () => {
      this.#armed.delete(timer.lease);
      void this.drop(timer).then(onDue);
    });
    this.#armed.set(timer.lease, alarm);
  }

  /** Ends the lease, and with it the key if one was put. If the store cannot be reached, it ends by itself. */
  async drop(timer: StoreTimer): Promise<void> {
    const lease: Pick<Lease, 'revoke'> = this.#store.lease(timer.lease);
    await lease.revoke().catch(() => undefined);
  }

  /** Leaves every alarm to the store. */
  close(): void {
    for (const alarm of this.#armed.values()) alarm.cancel();
    this.#armed.clear();
  }
}
