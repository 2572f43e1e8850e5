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
import { ClosedError, TooManyRequestsError } from '../base/errors.js';
import type { Logger } from '../base/logger.js';
import { Admission } from './admission.js';
import type { CallCounts } from './call-counts.js';
import { credentialsOf } from './credentials.js';
import { callerReasonOf, toWireError } from './errors.js';
import { AdminService as AdminDefinition } from './gen/admin.js';
import { AuthService as AuthDefinition } from './gen/auth.js';
import { ClusterService as ClusterDefinition } from './gen/cluster.js';
import { ElectionService as ElectionDefinition, type LeaderRequest, type LeaderResponse } from './gen/election.js';
import { KVService as KvDefinition, type RangeRequest, type RangeStreamResponse } from './gen/kv.js';
import {
  type LeaseKeepAliveRequest,
  type LeaseKeepAliveResponse,
  LeaseService as LeaseDefinition,
} from './gen/lease.js';
import { LockService as LockDefinition } from './gen/lock.js';
import {
  MaintenanceService as MaintenanceDefinition,
  type SnapshotRequest,
  type SnapshotResponse,
} from './gen/maintenance.js';
import { WatchService as WatchDefinition, type WatchRequest, type WatchResponse } from './gen/watch.js';
import { Malformed, tolerant } from './malformed.js';
import { OrderedReplies } from './ordered-replies.js';
import { sendAll } from './paced-stream.js';
import type { MemberPorts, ServedMember, WatchPort } from './ports.js';
import { rangeStream } from './range-stream.js';
import type { RpcLimits } from './rpc-limits.js';
import { passedOn } from './service-errors.js';
import { Services } from './services.js';
import { WatchSession } from './watch.js';

/** What the handlers answer for. */
export interface HandlerParts {
  readonly member: ServedMember;
  readonly logger: Logger;
  readonly limits: RpcLimits;
  /** Counts calls. Absent: nobody asks. */
  readonly counts?: CallCounts | undefined;
  /** The common name of the certificate with which a call's connection proved itself. Absent: none is asked for. */
  readonly commonName?: ((call: Call) => string | undefined) | undefined;
  /** Bytes of one message of events. */
  readonly watchMessageBytesMax: number;
  /** Bytes of keys and values in one message of a range that is streamed. Default: 1.5 MiB. */
  readonly rangeChunkBytes?: number;
}

/** A call of any kind. */
export type Call = ServerUnaryCall<unknown, unknown> | Stream;
type Stream = ServerDuplexStream<unknown, unknown> | ServerWritableStream<unknown, unknown>;
type Handler = handleUnaryCall<never, never> & UntypedHandleCall;

/** A stream that is being served. */
interface OpenStream {
  /** Ends it with an error. */
  readonly fail: (error: unknown) => undefined;
  /** Whether neither side has ended it. */
  readonly isOpen: () => boolean;
}

/** One request that is answered with many messages. */
interface Download<Request, Response> {
  /** What there are at most so many of at one time. */
  readonly what: string;
  readonly most: number;
  /** How long a client may take nothing. */
  readonly stallMs: number;
  readonly forLearners: boolean;
  readonly messages: (services: Services, request: Request, signal: AbortSignal) => AsyncIterable<Response>;
  /** What is answered for an error. Absent: the error. */
  readonly sent?: (error: unknown) => unknown;
}

/** As etcd's default of `--max-request-bytes`. */
const RANGE_CHUNK_BYTES = 1.5 * 1024 * 1024;

/** How long one who observes may take nothing: there is little to take. */
const NO_HURRY_MS = 600_000;

const same = (error: unknown) => error;
const never = () => false;
const always = () => true;

/** The services, as grpc-js calls them: admission, malformed messages, errors as statuses, streams until they end. */
export class Handlers {
  readonly #parts: HandlerParts;
  readonly #admission: Admission;
  /** How to end each open stream. */
  readonly #streams = new Set<(reason: Error) => void>();
  readonly #services = new WeakMap<MemberPorts, Services>();
  /** How many of each kind are under way. */
  readonly #underWay = new Map<string, number>();

  constructor(parts: HandlerParts) {
    this.#parts = parts;
    this.#admission = new Admission(parts.member, parts.member.clock, parts.limits.leaderLossMs);
  }

  addTo(server: Pick<Server, 'addService'>): void {
    const target = this.#parts.counts?.on(server) ?? server;
    const add = (definition: ServiceDefinition, handlers: Record<string, Handler | UntypedHandleCall>) =>
      target.addService(tolerant(definition), handlers);
    add(KvDefinition, this.#kv());
    add(LeaseDefinition, this.#lease());
    add(WatchDefinition, { watch: (call: ServerDuplexStream<WatchRequest, WatchResponse>) => void this.#watch(call) });
    add(ClusterDefinition, this.#cluster());
    add(MaintenanceDefinition, this.#maintenance());
    add(AuthDefinition, this.#auth());
    add(LockDefinition, this.#lock());
    add(ElectionDefinition, this.#election());
    add(AdminDefinition, {
      replaceMember: this.#unary(AdminDefinition.replaceMember, ({ admin }, request) => admin.replaceMember(request)),
    });
  }

  endStreams(reason: Error): void {
    for (const end of [...this.#streams]) end(reason);
  }

  close(): void {
    this.#admission.close();
  }

  // --- Services -----------------------------------------------------------------------------------------------------

  #kv() {
    return {
      range: this.#unary(
        KvDefinition.range,
        ({ kv }, request) => kv.range(request),
        ({ serializable }) => serializable,
      ),
      put: this.#unary(KvDefinition.put, ({ kv }, request) => kv.put(request)),
      deleteRange: this.#unary(KvDefinition.deleteRange, ({ kv }, request) => kv.deleteRange(request)),
      txn: this.#unary(KvDefinition.txn, ({ kv }, request) => kv.txn(request)),
      compact: this.#unary(KvDefinition.compact, ({ kv }, request) => kv.compact(request)),
      rangeStream: (call: ServerWritableStream<RangeRequest, RangeStreamResponse>) => void this.#rangeStream(call),
    };
  }

  #lease() {
    return {
      leaseGrant: this.#unary(LeaseDefinition.leaseGrant, ({ lease }, request) => lease.leaseGrant(request)),
      leaseRevoke: this.#unary(LeaseDefinition.leaseRevoke, ({ lease }, request) => lease.leaseRevoke(request)),
      leaseTimeToLive: this.#unary(LeaseDefinition.leaseTimeToLive, ({ lease }, request) =>
        lease.leaseTimeToLive(request),
      ),
      leaseLeases: this.#unary(LeaseDefinition.leaseLeases, ({ lease }) => lease.leaseLeases()),
      leaseKeepAlive: (call: ServerDuplexStream<LeaseKeepAliveRequest, LeaseKeepAliveResponse>) =>
        void this.#keepAlive(call),
    };
  }

  #cluster() {
    return {
      memberAdd: this.#unary(ClusterDefinition.memberAdd, ({ cluster }, request) => cluster.memberAdd(request)),
      memberRemove: this.#unary(ClusterDefinition.memberRemove, ({ cluster }, request) =>
        cluster.memberRemove(request),
      ),
      memberUpdate: this.#unary(ClusterDefinition.memberUpdate, ({ cluster }, request) =>
        cluster.memberUpdate(request),
      ),
      memberList: this.#unary(ClusterDefinition.memberList, ({ cluster }, request) => cluster.memberList(request)),
      memberPromote: this.#unary(ClusterDefinition.memberPromote, ({ cluster }, request) =>
        cluster.memberPromote(request),
      ),
    };
  }

  #maintenance() {
    return {
      alarm: this.#unary(MaintenanceDefinition.alarm, ({ maintenance }, request) => maintenance.alarm(request)),
      status: this.#unary(MaintenanceDefinition.status, ({ maintenance }) => maintenance.status(), always),
      hashKv: this.#unary(MaintenanceDefinition.hashKv, ({ maintenance }, request) => maintenance.hashKv(request)),
      hash: this.#unary(MaintenanceDefinition.hash, ({ maintenance }) => maintenance.hash()),
      downgrade: this.#unary(MaintenanceDefinition.downgrade, ({ maintenance }, request) =>
        maintenance.downgrade(request),
      ),
      moveLeader: this.#unary(MaintenanceDefinition.moveLeader, ({ maintenance }, request) =>
        maintenance.moveLeader(request),
      ),
      snapshot: (call: ServerWritableStream<SnapshotRequest, SnapshotResponse>) => void this.#snapshot(call),
    };
  }

  #auth() {
    return {
      authEnable: this.#unary(AuthDefinition.authEnable, ({ auth }) => auth.authEnable()),
      authDisable: this.#unary(AuthDefinition.authDisable, ({ auth }) => auth.authDisable()),
      authStatus: this.#unary(AuthDefinition.authStatus, ({ auth }) => auth.authStatus()),
      authenticate: this.#unary(AuthDefinition.authenticate, ({ auth }, request) => auth.authenticate(request)),
      userAdd: this.#unary(AuthDefinition.userAdd, ({ auth }, request) => auth.userAdd(request)),
      userGet: this.#unary(AuthDefinition.userGet, ({ auth }, request) => auth.userGet(request)),
      userList: this.#unary(AuthDefinition.userList, ({ auth }) => auth.userList()),
      userDelete: this.#unary(AuthDefinition.userDelete, ({ auth }, request) => auth.userDelete(request)),
      userChangePassword: this.#unary(AuthDefinition.userChangePassword, ({ auth }, request) =>
        auth.userChangePassword(request),
      ),
      userGrantRole: this.#unary(AuthDefinition.userGrantRole, ({ auth }, request) => auth.userGrantRole(request)),
      userRevokeRole: this.#unary(AuthDefinition.userRevokeRole, ({ auth }, request) => auth.userRevokeRole(request)),
      roleAdd: this.#unary(AuthDefinition.roleAdd, ({ auth }, request) => auth.roleAdd(request)),
      roleGet: this.#unary(AuthDefinition.roleGet, ({ auth }, request) => auth.roleGet(request)),
      roleList: this.#unary(AuthDefinition.roleList, ({ auth }) => auth.roleList()),
      roleDelete: this.#unary(AuthDefinition.roleDelete, ({ auth }, request) => auth.roleDelete(request)),
      roleGrantPermission: this.#unary(AuthDefinition.roleGrantPermission, ({ auth }, request) =>
        auth.roleGrantPermission(request),
      ),
      roleRevokePermission: this.#unary(AuthDefinition.roleRevokePermission, ({ auth }, request) =>
        auth.roleRevokePermission(request),
      ),
    };
  }

  #lock() {
    return {
      lock: this.#waiting(LockDefinition.lock, ({ lock }, request, signal) => lock.lock(request, signal)),
      unlock: this.#unary(LockDefinition.unlock, ({ lock }, request) => lock.unlock(request), never, passedOn),
    };
  }

  #election() {
    const { waitingCallsMax } = this.#parts.limits;
    const observers = { what: 'observers of elections', most: waitingCallsMax, stallMs: NO_HURRY_MS };
    return {
      campaign: this.#waiting(ElectionDefinition.campaign, ({ election }, request, signal) =>
        election.campaign(request, signal),
      ),
      proclaim: this.#unary(
        ElectionDefinition.proclaim,
        ({ election }, request) => election.proclaim(request),
        ...([never, passedOn] as const),
      ),
      leader: this.#unary(
        ElectionDefinition.leader,
        ({ election }, request) => election.leader(request),
        ...([never, passedOn] as const),
      ),
      resign: this.#unary(
        ElectionDefinition.resign,
        ({ election }, request) => election.resign(request),
        ...([never, passedOn] as const),
      ),
      observe: (call: ServerWritableStream<LeaderRequest, LeaderResponse>) =>
        void this.#download(call, {
          ...{ ...observers, forLearners: never(), sent: passedOn },
          messages: ({ election }, request, signal) => election.observe(request, signal),
        }),
    };
  }

  /** The services as whoever makes the call may use them. */
  async #servicesFor(call: Call): Promise<Services> {
    const { member, commonName } = this.#parts;
    const caller = await member.callers.of(credentialsOf(call.metadata, commonName?.(call)));
    const known = this.#services.get(caller);
    if (known !== undefined) return known;
    const services = new Services(caller);
    this.#services.set(caller, services);
    return services;
  }

  // --- Calls of one request and one answer --------------------------------------------------------------------------

  /**
   * @param forLearners - whether a learner answers such a request too
   * @param sent - what is answered for an error
   */
  #unary<Request, Response>(
    _method: MethodDefinition<Request, Response>,
    answer: (services: Services, request: Request) => Promise<Response>,
    forLearners: (request: Request) => boolean = never,
    sent: (error: unknown) => unknown = same,
  ): Handler {
    const handle = (call: ServerUnaryCall<Request, Response>, callback: sendUnaryData<Response>) => {
      const { request } = call;
      if (request instanceof Malformed) return callback(this.#toStatus(request.error));
      const refusal = this.#admission.refusal(call.metadata, forLearners(request));
      if (refusal) return callback(this.#toStatus(refusal));
      this.#servicesFor(call)
        .then((services) => answer(services, request))
        .then(
          (response) => callback(null, response),
          (error: unknown) => callback(this.#toStatus(sent(error))),
        );
    };
    return handle as Handler;
  }

  /** A call that may take as long as its client waits: it ends with its client, and with the server. */
  #waiting<Request, Response>(
    method: MethodDefinition<Request, Response>,
    answer: (services: Services, request: Request, signal: AbortSignal) => Promise<Response>,
  ): Handler {
    const wait = async (call: ServerUnaryCall<Request, Response>, request: Request): Promise<Response> => {
      const { waitingCallsMax } = this.#parts.limits;
      const ending = new AbortController();
      const end = (reason: Error) => ending.abort(reason);
      const release = this.#count(method.path, waitingCallsMax);
      this.#streams.add(end);
      call.on('cancelled', () => end(new ClosedError('the call')));
      if (call.cancelled) end(new ClosedError('the call'));
      try {
        return await answer(await this.#servicesFor(call), request, ending.signal);
      } catch (error) {
        // That the server closes is not the store's word, and another member may be asked.
        throw ending.signal.aborted ? ending.signal.reason : passedOn(error);
      } finally {
        this.#streams.delete(end);
        release();
      }
    };
    const handle = (call: ServerUnaryCall<Request, Response>, callback: sendUnaryData<Response>) => {
      const { request } = call;
      if (request instanceof Malformed) return callback(this.#toStatus(request.error));
      const refusal = this.#admission.refusal(call.metadata, never());
      if (refusal) return callback(this.#toStatus(refusal));
      wait(call, request).then(
        (response) => callback(null, response),
        (error: unknown) => callback(this.#toStatus(error)),
      );
    };
    return handle as Handler;
  }

  /** Counts a call that is under way. @returns what counts it off @throws {@link TooManyRequestsError} */
  #count(what: string, most: number): () => void {
    const underWay = this.#underWay.get(what) ?? 0;
    if (underWay >= most) throw new TooManyRequestsError(what, most);
    this.#underWay.set(what, underWay + 1);
    return () => void this.#underWay.set(what, (this.#underWay.get(what) as number) - 1);
  }

  // --- Streams ------------------------------------------------------------------------------------------------------

  async #watch(call: ServerDuplexStream<WatchRequest, WatchResponse>): Promise<void> {
    const { member, limits, watchMessageBytesMax } = this.#parts;
    let session: WatchSession | undefined;
    const stream = this.#open(call, () => session?.close());
    if (!this.#admit(call, never(), stream)) return;
    const port = await this.#watchPortFor(call).catch((error: unknown) => stream.fail(error));
    if (port === undefined || !stream.isOpen()) return;
    const begun = (session = new WatchSession(
      port,
      member.clock,
      { ...limits, watchMessageBytesMax },
      { send: (response, sent) => call.write(response, sent), fail: stream.fail },
    ));
    call.on('data', (request: WatchRequest | Malformed) => {
      if (request instanceof Malformed) return stream.fail(request.error);
      begun.handle(request);
      if (begun.isBehind(() => call.resume())) call.pause();
    });
    // As in etcd, the watches of a client that asks for nothing more go on. Without any, nothing can come any more.
    call.on('end', () => {
      if (begun.isIdle) call.end();
    });
  }

  /** A stream whose caller is not known opens all the same, as etcd's does; it is its watches that are refused. */
  async #watchPortFor(call: Stream): Promise<WatchPort> {
    try {
      const { member } = await this.#servicesFor(call);
      return member;
    } catch (error) {
      if (callerReasonOf(error) === undefined) throw error;
      return refusingWatches(this.#parts.member, error as Error);
    }
  }

  async #keepAlive(call: ServerDuplexStream<LeaseKeepAliveRequest, LeaseKeepAliveResponse>): Promise<void> {
    const { keepAlivesPerStreamMax } = this.#parts.limits;
    const stream = this.#open(call, () => {});
    if (!this.#admit(call, never(), stream)) return;
    const services = await this.#servicesFor(call).catch((error: unknown) => stream.fail(error));
    if (services === undefined || !stream.isOpen()) return;
    const replies = new OrderedReplies<LeaseKeepAliveResponse>((reply) => {
      if (!call.writableEnded) call.write(reply);
    }, stream.fail);
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
      if (request instanceof Malformed) return stream.fail(request.error);
      replies.push(services.lease.leaseKeepAlive(request), settled);
      if (isBehind()) call.pause();
    });
    call.on('end', () => {
      hasEnded = true;
      if (replies.pendingCount === 0) call.end();
    });
  }

  #snapshot(call: ServerWritableStream<SnapshotRequest, SnapshotResponse>): Promise<void> {
    const { snapshotsMax, snapshotStallMs } = this.#parts.limits;
    return this.#download(call, {
      ...{ what: 'snapshots', most: snapshotsMax, stallMs: snapshotStallMs, forLearners: always() },
      messages: ({ maintenance }) => maintenance.snapshot(),
    });
  }

  #rangeStream(call: ServerWritableStream<RangeRequest, RangeStreamResponse>): Promise<void> {
    const { rangeStreamsMax, rangeStallMs } = this.#parts.limits;
    const { rangeChunkBytes = RANGE_CHUNK_BYTES } = this.#parts;
    return this.#download(call, {
      ...{ what: 'streams of ranges', most: rangeStreamsMax, stallMs: rangeStallMs, forLearners: never() },
      messages: ({ member }, request) => rangeStream(member, request, rangeChunkBytes),
    });
  }

  /** One request that is answered with many messages, no faster than its client takes them. */
  async #download<Request, Response>(
    call: ServerWritableStream<Request, Response>,
    { what, most, stallMs, forLearners, messages, sent = same }: Download<Request, Response>,
  ): Promise<void> {
    const ending = new AbortController();
    const stream = this.#open(call, () => ending.abort());
    const { fail } = stream;
    if (call.request instanceof Malformed) return fail(call.request.error);
    if (!this.#admit(call, forLearners, stream)) return;
    let release = () => {};
    try {
      const services = await this.#servicesFor(call);
      if (!stream.isOpen()) return;
      release = this.#count(what, most);
      const { clock } = this.#parts.member;
      await sendAll(call, messages(services, call.request, ending.signal), { clock, stallMs, signal: ending.signal });
      if (!ending.signal.aborted) call.end();
    } catch (error) {
      fail(sent(error));
    } finally {
      release();
    }
  }

  /** Whether a stream just opened is taken; one that is not has ended. */
  #admit(call: Stream, forLearners: boolean, { fail }: OpenStream): boolean {
    const refusal = this.#admission.refusal(call.metadata, forLearners);
    if (refusal) fail(refusal);
    return refusal === undefined;
  }

  /** Keeps a stream until it ends, from whichever side. */
  #open(call: Stream, release: () => void): OpenStream {
    let isOpen = true;
    const close = () => {
      if (!isOpen) return;
      isOpen = false;
      this.#streams.delete(fail);
      unguard();
      release();
    };
    const fail = (error: unknown): undefined => {
      if (!isOpen) return;
      close();
      call.emit('error', this.#toStatus(error));
    };
    const unguard = this.#admission.watchOver(call.metadata, fail);
    this.#streams.add(fail);
    call.on('cancelled', close);
    call.on('close', close);
    call.on('error', close);
    return { fail, isOpen: () => isOpen };
  }

  #toStatus(error: unknown): ServerErrorResponse {
    const { grpc, text } = toWireError(error);
    if (text === 'internal error') this.#parts.logger.error({ error }, 'a call failed in a way that it must not');
    return Object.assign(new Error(text), { code: grpc, details: text });
  }
}

/** Answers, in the words of a member, that whoever asks may not watch. */
function refusingWatches(member: ServedMember, error: Error): WatchPort {
  const { clusterId, memberId, term, revision } = member;
  return {
    ...{ clusterId, memberId, term, revision },
    watch: () => {
      throw error;
    },
  };
}
