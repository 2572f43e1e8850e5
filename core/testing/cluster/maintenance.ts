import { Client, credentials, type ServiceError } from '@grpc/grpc-js';
import { MaintenanceService } from '../../rpc/gen/maintenance.js';

const TIMEOUT_MS = 2_000;

/** What a member says of itself. */
export interface EndpointStatus {
  readonly clusterId: bigint;
  readonly memberId: bigint;
  /** 0: it knows none. */
  readonly leader: bigint;
  readonly term: number;
  readonly revision: number;
  readonly raftIndex: number;
  readonly appliedIndex: number;
  readonly isLearner: boolean;
  readonly errors: readonly string[];
}

/** A hash over the history of the keyspace, that all members must have in common. */
export interface EndpointHash {
  readonly hash: number;
  readonly compactRevision: number;
}

interface Method<Request, Response> {
  readonly path: string;
  readonly requestSerialize: (request: Request) => Buffer;
  readonly responseDeserialize: (bytes: Buffer) => Response;
}

/** Asks ONE member, of Conclave or of etcd, about itself. Nothing is repeated; every call ends within its time. */
export class Maintenance {
  readonly #client: Client;

  /** @param clientUrl - where that member serves clients, as `http://127.0.0.1:2379` */
  constructor(clientUrl: string) {
    this.#client = new Client(new URL(clientUrl).host, credentials.createInsecure(), {
      'grpc.use_local_subchannel_pool': 1,
      'grpc.enable_retries': 0,
      'grpc.service_config_disable_resolution': 1,
      // A member that was started again shall be found at once.
      'grpc.initial_reconnect_backoff_ms': 50,
      'grpc.max_reconnect_backoff_ms': 100,
    });
  }

  /** @throws if it does not answer in time */
  async status(timeoutMs = TIMEOUT_MS): Promise<EndpointStatus> {
    const answer = await this.#ask(MaintenanceService.status, {}, timeoutMs);
    const { header, leader, raftTerm, raftIndex, raftAppliedIndex, isLearner, errors } = answer;
    return {
      clusterId: header?.clusterId ?? 0n,
      memberId: header?.memberId ?? 0n,
      leader,
      term: raftTerm,
      revision: header?.revision ?? 0,
      raftIndex,
      appliedIndex: raftAppliedIndex,
      isLearner,
      errors,
    };
  }

  /** @throws if it does not answer in time, or if the revision is in its future or compacted */
  async hashKv(revision: number, timeoutMs = TIMEOUT_MS): Promise<EndpointHash> {
    const answer = await this.#ask(MaintenanceService.hashKv, { revision: BigInt(revision) }, timeoutMs);
    return { hash: answer.hash, compactRevision: answer.compactRevision };
  }

  /** Has the leader, which this must be, hand over. */
  async moveLeader(targetId: bigint, timeoutMs = 2 * TIMEOUT_MS): Promise<void> {
    await this.#ask(MaintenanceService.moveLeader, { targetID: targetId }, timeoutMs);
  }

  close(): void {
    this.#client.close();
  }

  #ask<Request, Response>(method: Method<Request, Response>, request: Request, timeoutMs: number): Promise<Response> {
    return new Promise((resolve, reject) => {
      const settle = (error: ServiceError | null, response?: Response) => {
        clearTimeout(timer);
        if (error) reject(error);
        else resolve(response as Response);
      };
      const { path, requestSerialize, responseDeserialize } = method;
      const call = this.#client.makeUnaryRequest(path, requestSerialize, responseDeserialize, request, settle);
      const timer = setTimeout(() => call.cancel(), timeoutMs);
    });
  }
}
