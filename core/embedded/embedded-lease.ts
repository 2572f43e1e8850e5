import { LeaseNotFoundError } from '../base/errors.js';
import type { LeaseId } from '../base/key-value.js';
import type { LeaseStatus } from '../base/operation.js';
import type { Member } from '../member/member.js';
import type { CallOptions, Lease } from '../store.js';

/** Calls the member, unless the store is closed, and until the signal aborts. */
type Call = <T>(options: CallOptions, begin: (member: Member) => Promise<T>) => Promise<T>;

export class EmbeddedLease implements Lease {
  readonly #call: Call;

  constructor(
    call: Call,
    readonly id: LeaseId,
    readonly ttlSeconds: number,
  ) {
    this.#call = call;
  }

  async keepAlive(options: CallOptions = {}): Promise<void> {
    const { ttlSeconds } = await this.#call(options, (member) => member.leaseKeepAlive(this.id));
    if (ttlSeconds <= 0) throw new LeaseNotFoundError(this.id);
  }

  async timeToLive(options: CallOptions & { readonly keys?: boolean } = {}): Promise<LeaseStatus> {
    const status = await this.#call(options, (member) => member.leaseTimeToLive(this.id, options.keys ?? false));
    const { grantedTtlSeconds, remainingTtlSeconds, keys } = status;
    return { id: this.id, grantedTtlSeconds, remainingTtlSeconds, keys };
  }

  async revoke(options: CallOptions = {}): Promise<void> {
    await this.#call(options, (member) => member.leaseRevoke(this.id));
  }
}
