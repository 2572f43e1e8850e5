import { asBuffer } from '../base/bytes.js';
import type * as pb from './gen/lease.js';
import { fromInt64 } from './int64.js';
import { headerOf, type LeasePort } from './ports.js';

/** etcd's Lease service over a member, whatever carries its messages. Each call throws what the member throws. */
export class LeaseService {
  readonly #port: LeasePort;

  constructor(port: LeasePort) {
    this.#port = port;
  }

  async leaseGrant(request: pb.LeaseGrantRequest): Promise<pb.LeaseGrantResponse> {
    const granted = await this.#port.leaseGrant(request.ID, fromInt64(request.TTL));
    return {
      header: headerOf(this.#port, granted.revision),
      ID: granted.id,
      TTL: BigInt(granted.ttlSeconds),
      error: '',
    };
  }

  async leaseRevoke(request: pb.LeaseRevokeRequest): Promise<pb.LeaseRevokeResponse> {
    const { revision } = await this.#port.leaseRevoke(request.ID);
    return { header: headerOf(this.#port, revision) };
  }

  /** One renewal of a stream of them. A lease that does not exist is answered with a TTL of 0, and the stream goes on. */
  async leaseKeepAlive(request: pb.LeaseKeepAliveRequest): Promise<pb.LeaseKeepAliveResponse> {
    const { revision, ttlSeconds } = await this.#port.leaseKeepAlive(request.ID);
    return { header: headerOf(this.#port, revision), ID: request.ID, TTL: BigInt(ttlSeconds) };
  }

  /** A lease that does not exist is answered with a TTL of -1, not with an error. */
  async leaseTimeToLive(request: pb.LeaseTimeToLiveRequest): Promise<pb.LeaseTimeToLiveResponse> {
    const status = await this.#port.leaseTimeToLive(request.ID, request.keys);
    const exists = status.remainingTtlSeconds >= 0;
    return {
      header: headerOf(this.#port, status.revision),
      ID: request.ID,
      TTL: exists ? BigInt(Math.floor(status.remainingTtlSeconds)) : -1n,
      grantedTTL: exists ? BigInt(status.grantedTtlSeconds) : 0n,
      keys: status.keys.map(asBuffer),
    };
  }

  async leaseLeases(): Promise<pb.LeaseLeasesResponse> {
    const { revision, ids } = await this.#port.leases();
    return { header: headerOf(this.#port, revision), leases: ids.map((ID) => ({ ID })) };
  }
}
