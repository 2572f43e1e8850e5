import {
  type handleUnaryCall,
  type MethodDefinition,
  type sendUnaryData,
  type Server,
  type ServerDuplexStream,
  type ServerErrorResponse,
  type ServerUnaryCall,
  type ServerWritableStream,
  type ServiceDefinition,
  type UntypedHandleCall,
} from '@grpc/grpc-js';
import { TooManyRequestsError } from '../base/errors.js';
import type { Logger } from '../base/logger.js';
import { AdminService } from './admin.js';
import { Admission } from './admission.js';
import { ClusterService } from './cluster.js';
import { toWireError } from './errors.js';
import { AdminService as AdminDefinition } from './gen/admin.js';
import { ClusterService as ClusterDefinition } from './gen/cluster.js';
import { KVService as KvDefinition } from './gen/kv.js';
import {
  type LeaseKeepAliveRequest,
  type LeaseKeepAliveResponse,
  LeaseService as LeaseDefinition,
} from './gen/lease.js';
import {
  MaintenanceService as MaintenanceDefinition,
  type SnapshotRequest,
  type SnapshotResponse,
} from './gen/maintenance.js';
import { WatchService as WatchDefinition, type WatchRequest, type WatchResponse } from './gen/watch.js';
import { KvService } from './kv.js';
import { LeaseService } from './lease.js';
import { MaintenanceService } from './maintenance.js';
import { Malformed, tolerant } from './malformed.js';
import { OrderedReplies } from './ordered-replies.js';
import { sendAll } from './paced-stream.js';
import type { MemberPorts } from './ports.js';
import type { RpcLimits } from './rpc-limits.js';
import { WatchSession } from './watch.js';

/** What the handlers answer for. */
export interface HandlerParts {
  readonly member: MemberPorts;
  readonly logger: Logger;
  readonly limits: RpcLimits;
  /** Bytes of one message of events. */
  readonly watchMessageBytesMax: number;
}

type Stream = ServerDuplexStream<unknown, unknown> | ServerWritableStream<unknown, unknown>;
type Handler = handleUnaryCall<never, never> & UntypedHandleCall;

const never = () => false;
const always = () => true;

/** The services, as grpc-js calls them: admission, malformed messages, errors as statuses, streams until they end. */
export class Handlers {
  readonly #parts: HandlerParts;
  readonly #admission: Admission;
  /** How to end each open stream. */
  readonly #streams = new Set<(reason: Error) => void>();
  #snapshotCount = 0;

  constructor(parts: HandlerParts) {
    this.#parts = parts;
    this.#admission = new Admission(parts.member, parts.member.clock, parts.limits.leaderLossMs);
  }

  addTo(server: Pick<Server, 'addService'>): void {
    const { member } = this.#parts;
    const add = (definition: ServiceDefinition, handlers: Record<string, Handler | UntypedHandleCall>) =>
      server.addService(tolerant(definition), handlers);
    add(KvDefinition, this.#kv(new KvService(member)));
    add(LeaseDefinition, this.#lease(new LeaseService(member)));
    add(WatchDefinition, { watch: (call: ServerDuplexStream<WatchRequest, WatchResponse>) => this.#watch(call) });
    add(ClusterDefinition, this.#cluster(new ClusterService(member)));
    add(MaintenanceDefinition, this.#maintenance(new MaintenanceService(member)));
    const admin = new AdminService(member);
    add(AdminDefinition, {
      replaceMember: this.#unary(AdminDefinition.replaceMember, (request) => admin.replaceMember(request)),
    });
  }

  endStreams(reason: Error): void {
    for (const end of [...this.#streams]) end(reason);
  }

  close(): void {
    this.#admission.close();
  }

  // --- Services -----------------------------------------------------------------------------------------------------

  #kv(kv: KvService) {
    return {
      range: this.#unary(
        KvDefinition.range,
        (request) => kv.range(request),
        ({ serializable }) => serializable,
      ),
      put: this.#unary(KvDefinition.put, (request) => kv.put(request)),
      deleteRange: this.#unary(KvDefinition.deleteRange, (request) => kv.deleteRange(request)),
      txn: this.#unary(KvDefinition.txn, (request) => kv.txn(request)),
      compact: this.#unary(KvDefinition.compact, (request) => kv.compact(request)),
    };
  }

  #lease(lease: LeaseService) {
    return {
      leaseGrant: this.#unary(LeaseDefinition.leaseGrant, (request) => lease.leaseGrant(request)),
      leaseRevoke: this.#unary(LeaseDefinition.leaseRevoke, (request) => lease.leaseRevoke(request)),
      leaseTimeToLive: this.#unary(LeaseDefinition.leaseTimeToLive, (request) => lease.leaseTimeToLive(request)),
      leaseLeases: this.#unary(LeaseDefinition.leaseLeases, () => lease.leaseLeases()),
      leaseKeepAlive: (call: ServerDuplexStream<LeaseKeepAliveRequest, LeaseKeepAliveResponse>) =>
        this.#keepAlive(call, lease),
    };
  }

  #cluster(cluster: ClusterService) {
    return {
      memberAdd: this.#unary(ClusterDefinition.memberAdd, (request) => cluster.memberAdd(request)),
      memberRemove: this.#unary(ClusterDefinition.memberRemove, (request) => cluster.memberRemove(request)),
      memberUpdate: this.#unary(ClusterDefinition.memberUpdate, (request) => cluster.memberUpdate(request)),
      memberList: this.#unary(ClusterDefinition.memberList, (request) => cluster.memberList(request)),
      memberPromote: this.#unary(ClusterDefinition.memberPromote, (request) => cluster.memberPromote(request)),
    };
  }

  #maintenance(maintenance: MaintenanceService) {
    return {
      alarm: this.#unary(MaintenanceDefinition.alarm, (request) => maintenance.alarm(request)),
      status: this.#unary(MaintenanceDefinition.status, () => maintenance.status(), always),
      hashKv: this.#unary(MaintenanceDefinition.hashKv, (request) => maintenance.hashKv(request)),
      moveLeader: this.#unary(MaintenanceDefinition.moveLeader, (request) => maintenance.moveLeader(request)),
      snapshot: (call: ServerWritableStream<SnapshotRequest, SnapshotResponse>) =>
        void this.#snapshot(call, maintenance),
    };
  }

  // --- Calls of one request and one answer --------------------------------------------------------------------------

  /** @param forLearners - whether a learner answers such a request too */
  #unary<Request, Response>(
    _method: MethodDefinition<Request, Response>,
    answer: (request: Request) => Promise<Response>,
    forLearners: (request: Request) => boolean = never,
  ): Handler {
    const handle = (call: ServerUnaryCall<Request, Response>, callback: sendUnaryData<Response>) => {
      const { request } = call;
      if (request instanceof Malformed) return callback(this.#toStatus(request.error));
      const refusal = this.#admission.refusal(call.metadata, forLearners(request));
      if (refusal) return callback(this.#toStatus(refusal));
      answer(request).then(
        (response) => callback(null, response),
        (error: unknown) => callback(this.#toStatus(error)),
      );
    };
    return handle as Handler;
  }

  // --- Streams ------------------------------------------------------------------------------------------------------

  #watch(call: ServerDuplexStream<WatchRequest, WatchResponse>): void {
    const { member, limits, watchMessageBytesMax } = this.#parts;
    const fail = this.#open(call, () => session.close());
    const session = new WatchSession(
      member,
      member.clock,
      { ...limits, watchMessageBytesMax },
      { send: (response, sent) => call.write(response, sent), fail },
    );
    if (!this.#admit(call, never(), fail)) return;
    call.on('data', (request: WatchRequest | Malformed) => {
      if (request instanceof Malformed) return fail(request.error);
      session.handle(request);
      if (session.isBehind(() => call.resume())) call.pause();
    });
    // As in etcd, the watches of a client that asks for nothing more go on. Without any, nothing can come any more.
    call.on('end', () => {
      if (session.isIdle) call.end();
    });
  }

  #keepAlive(call: ServerDuplexStream<LeaseKeepAliveRequest, LeaseKeepAliveResponse>, lease: LeaseService): void {
    const { keepAlivesPerStreamMax } = this.#parts.limits;
    const fail = this.#open(call, () => {});
    if (!this.#admit(call, never(), fail)) return;
    const replies = new OrderedReplies<LeaseKeepAliveResponse>((reply) => {
      if (!call.writableEnded) call.write(reply);
    }, fail);
    let hasEnded = false;
    const isBehind = () => replies.pendingCount >= keepAlivesPerStreamMax || call.writableNeedDrain;
    const settled = () => {
      if (hasEnded && replies.pendingCount === 0) call.end();
      else if (!isBehind() && !call.destroyed) call.resume();
    };
    call.on('drain', settled);
    call.on('data', (request: LeaseKeepAliveRequest | Malformed) => {
      // What came in behind a failure is not answered any more.
      if (call.writableEnded) return;
      if (request instanceof Malformed) return fail(request.error);
      replies.push(lease.leaseKeepAlive(request), settled);
      if (isBehind()) call.pause();
    });
    call.on('end', () => {
      hasEnded = true;
      if (replies.pendingCount === 0) call.end();
    });
  }

  async #snapshot(
    call: ServerWritableStream<SnapshotRequest, SnapshotResponse>,
    maintenance: MaintenanceService,
  ): Promise<void> {
    const { member, limits } = this.#parts;
    const ending = new AbortController();
    const fail = this.#open(call, () => ending.abort());
    if (call.request instanceof Malformed) return fail(call.request.error);
    if (!this.#admit(call, always(), fail)) return;
    if (this.#snapshotCount >= limits.snapshotsMax)
      return fail(new TooManyRequestsError('snapshots', limits.snapshotsMax));
    this.#snapshotCount += 1;
    try {
      await sendAll(call, maintenance.snapshot(), {
        clock: member.clock,
        stallMs: limits.snapshotStallMs,
        signal: ending.signal,
      });
      if (!ending.signal.aborted) call.end();
    } catch (error) {
      fail(error);
    } finally {
      this.#snapshotCount -= 1;
    }
  }

  /** Whether a stream just opened is taken; one that is not has ended. */
  #admit(call: Stream, forLearners: boolean, fail: (error: unknown) => void): boolean {
    const refusal = this.#admission.refusal(call.metadata, forLearners);
    if (refusal) fail(refusal);
    return refusal === undefined;
  }

  /**
   * Keeps a stream until it ends, from whichever side.
   *
   * @returns ends it with an error
   */
  #open(call: Stream, release: () => void): (error: unknown) => void {
    let isOpen = true;
    const close = () => {
      if (!isOpen) return;
      isOpen = false;
      this.#streams.delete(fail);
      unguard();
      release();
    };
    const fail = (error: unknown) => {
      if (!isOpen) return;
      close();
      call.emit('error', this.#toStatus(error));
    };
    const unguard = this.#admission.watchOver(call.metadata, fail);
    this.#streams.add(fail);
    call.on('cancelled', close);
    call.on('close', close);
    call.on('error', close);
    return fail;
  }

  #toStatus(error: unknown): ServerErrorResponse {
    const { grpc, text } = toWireError(error);
    if (text === 'internal error') this.#parts.logger.error({ error }, 'a call failed in a way that it must not');
    return Object.assign(new Error(text), { code: grpc, details: text });
  }
}
