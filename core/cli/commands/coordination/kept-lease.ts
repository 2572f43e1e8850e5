import { status } from '@grpc/grpc-js';
import { systemClock } from '../../../base/system-clock.js';
import { type LeaseGrantResponse, LeaseService } from '../../../rpc/gen/lease.js';
import { CallError } from '../../asking/call-error.js';
import type { MemberClient } from '../../asking/member-client.js';
import { pause } from '../../asking/patience.js';

const RENEWALS_PER_TTL = 3;
const RETRY_MS = 250;

/** The lease that a lock or a candidacy lived by has ended, or may have. */
export class LeaseLostError extends Error {
  constructor() {
    super('session expired');
  }
}

/** A lease of our own, kept alive until it is revoked. */
export class KeptLease {
  readonly #client: MemberClient;
  readonly #ttlMs: number;
  readonly #lost = new AbortController();
  readonly #over = new AbortController();
  readonly id: bigint;
  /** Until when it lives for certain: counted from before it was asked for. */
  #deadline: number;

  private constructor(client: MemberClient, { ID, TTL }: LeaseGrantResponse, askedAt: number) {
    this.#client = client;
    this.id = ID;
    this.#ttlMs = Number(TTL) * 1_000;
    this.#deadline = askedAt + this.#ttlMs;
    void this.#keep();
  }

  /** @throws {@link CallError} */
  static async grant(client: MemberClient, ttlSeconds: bigint): Promise<KeptLease> {
    const askedAt = systemClock.now();
    return new KeptLease(client, await client.ask(LeaseService.leaseGrant, { TTL: ttlSeconds, ID: 0n }), askedAt);
  }

  /** Aborts with a {@link LeaseLostError} when it has ended, or may have: before anybody else can hold what it held. */
  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  /** Ends it, and with it its keys. @throws {@link CallError}; it ends by itself then */
  async revoke(): Promise<void> {
    this.#over.abort();
    if (this.lost.aborted) return;
    try {
      await this.#client.ask(LeaseService.leaseRevoke, { ID: this.id });
    } catch (error) {
      const isGone = error instanceof CallError && error.code === status.NOT_FOUND;
      if (!isGone) throw error;
    }
  }

  /** Renews it whenever a third of its time has passed, and more often while nobody answers. */
  async #keep(): Promise<void> {
    try {
      for (let isRenewed = true; ; isRenewed = await this.#renew()) {
        const leftMs = this.#deadline - systemClock.now();
        if (leftMs <= 0) throw new LeaseLostError();
        const nextMs = isRenewed ? this.#ttlMs / RENEWALS_PER_TTL : RETRY_MS;
        await pause(Math.min(nextMs, leftMs), this.#over.signal);
      }
    } catch {
      this.#lose();
    }
  }

  /** @returns whether it was renewed. @throws if it is gone, or cannot be */
  async #renew(): Promise<boolean> {
    const askedAt = systemClock.now();
    const leftMs = this.#deadline - askedAt;
    try {
      const { TTL } = await this.#client.exchange(LeaseService.leaseKeepAlive, { ID: this.id }, leftMs);
      if (TTL <= 0n) throw new LeaseLostError();
      this.#deadline = askedAt + this.#ttlMs;
      return true;
    } catch (error) {
      if (error instanceof CallError && error.isPassing) return false;
      throw error;
    }
  }

  #lose(): void {
    if (!this.#over.signal.aborted) this.#lost.abort(new LeaseLostError());
    this.#over.abort();
  }
}
