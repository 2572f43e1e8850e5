/** Which handler answers which method of etcd's services, and of our own one. */
import type { ServiceDefinition } from '@grpc/grpc-js';
import { AdminService } from '../gen/admin.js';
import { AuthService } from '../gen/auth.js';
import { ClusterService } from '../gen/cluster.js';
import { ElectionService, type LeaderRequest } from '../gen/election.js';
import { KVService, type RangeRequest } from '../gen/kv.js';
import { LeaseService } from '../gen/lease.js';
import { LockService } from '../gen/lock.js';
import { MaintenanceService } from '../gen/maintenance.js';
import { WatchService } from '../gen/watch.js';
import { rangeStream } from '../range-stream.js';
import { passedOn } from '../service-errors.js';
import type { Services } from '../services.js';
import type { CallGate } from './call-gate.js';
import { type Download, downloadHandler, NO_HURRY_MS } from './download-handler.js';
import { keepAliveHandler } from './keep-alive-handler.js';
import type { LastingCalls } from './lasting-calls.js';
import type { Call, Handler, HandlerParts, ServiceHandlers } from './parts.js';
import { UnaryHandlers } from './unary-handlers.js';
import { watchHandler } from './watch-handler.js';

/** As etcd's default of `--max-request-bytes`. */
const RANGE_CHUNK_BYTES = 1.5 * 1024 * 1024;

/** What services that are clients of the store, as etcd has them, answer for an error. */
const PASSED_ON = { sent: passedOn } as const;

/** The services, each with its handlers. */
export class EtcdServices {
  readonly #parts: HandlerParts;
  readonly #gate: CallGate;
  readonly #lasting: LastingCalls;
  readonly #who: (call: Call) => Promise<Services>;
  readonly #unary: UnaryHandlers<Services>;

  constructor(parts: HandlerParts, gate: CallGate, lasting: LastingCalls) {
    this.#parts = parts;
    this.#gate = gate;
    this.#lasting = lasting;
    this.#who = (call) => gate.servicesFor(call);
    this.#unary = new UnaryHandlers(gate, lasting, this.#who, parts.limits.waitingCallsMax);
  }

  all(): readonly (readonly [ServiceDefinition, ServiceHandlers])[] {
    return [
      [KVService, this.#kv()],
      [LeaseService, this.#lease()],
      [WatchService, { watch: watchHandler(this.#parts, this.#gate, this.#lasting) }],
      [ClusterService, this.#cluster()],
      [MaintenanceService, this.#maintenance()],
      [AuthService, this.#auth()],
      [LockService, this.#lock()],
      [ElectionService, this.#election()],
      [AdminService, this.#admin()],
    ];
  }

  #kv(): ServiceHandlers {
    const { limits, rangeChunkBytes = RANGE_CHUNK_BYTES } = this.#parts;
    const { rangeStreamsMax: most, rangeStallMs: stallMs } = limits;
    const { soon } = this.#unary;
    return {
      range: soon(KVService.range, ({ kv }, request) => kv.range(request), {
        forLearners: ({ serializable }) => serializable,
      }),
      put: soon(KVService.put, ({ kv }, request) => kv.put(request)),
      deleteRange: soon(KVService.deleteRange, ({ kv }, request) => kv.deleteRange(request)),
      txn: soon(KVService.txn, ({ kv }, request) => kv.txn(request)),
      compact: soon(KVService.compact, ({ kv }, request) => kv.compact(request)),
      rangeStream: this.#download({
        ...{ what: 'streams of ranges', most, stallMs, forLearners: false },
        messages: ({ member }, request: RangeRequest) => rangeStream(member, request, rangeChunkBytes),
      }),
    };
  }

  #lease(): ServiceHandlers {
    const { soon } = this.#unary;
    return {
      leaseGrant: soon(LeaseService.leaseGrant, ({ lease }, request) => lease.leaseGrant(request)),
      leaseRevoke: soon(LeaseService.leaseRevoke, ({ lease }, request) => lease.leaseRevoke(request)),
      leaseTimeToLive: soon(LeaseService.leaseTimeToLive, ({ lease }, request) => lease.leaseTimeToLive(request)),
      leaseLeases: soon(LeaseService.leaseLeases, ({ lease }) => lease.leaseLeases()),
      leaseKeepAlive: keepAliveHandler(this.#gate, this.#lasting, this.#parts.limits.keepAlivesPerStreamMax),
    };
  }

  #cluster(): ServiceHandlers {
    const { soon } = this.#unary;
    return {
      memberAdd: soon(ClusterService.memberAdd, ({ cluster }, request) => cluster.memberAdd(request)),
      memberRemove: soon(ClusterService.memberRemove, ({ cluster }, request) => cluster.memberRemove(request)),
      memberUpdate: soon(ClusterService.memberUpdate, ({ cluster }, request) => cluster.memberUpdate(request)),
      memberList: soon(ClusterService.memberList, ({ cluster }, request) => cluster.memberList(request)),
      memberPromote: soon(ClusterService.memberPromote, ({ cluster }, request) => cluster.memberPromote(request)),
    };
  }

  #maintenance(): ServiceHandlers {
    const { snapshotsMax: most, snapshotStallMs: stallMs } = this.#parts.limits;
    const { soon } = this.#unary;
    return {
      alarm: soon(MaintenanceService.alarm, ({ maintenance }, request) => maintenance.alarm(request)),
      status: soon(MaintenanceService.status, ({ maintenance }) => maintenance.status(), { forLearners: () => true }),
      defragment: soon(MaintenanceService.defragment, ({ maintenance }) => maintenance.defragment()),
      hashKv: soon(MaintenanceService.hashKv, ({ maintenance }, request) => maintenance.hashKv(request)),
      hash: soon(MaintenanceService.hash, ({ maintenance }) => maintenance.hash()),
      downgrade: soon(MaintenanceService.downgrade, ({ maintenance }, request) => maintenance.downgrade(request)),
      moveLeader: soon(MaintenanceService.moveLeader, ({ maintenance }, request) => maintenance.moveLeader(request)),
      snapshot: this.#download({
        ...{ what: 'snapshots', most, stallMs, forLearners: true },
        messages: ({ maintenance }) => maintenance.snapshot(),
      }),
    };
  }

  #auth(): ServiceHandlers {
    const { soon } = this.#unary;
    return {
      authEnable: soon(AuthService.authEnable, ({ auth }) => auth.authEnable()),
      authDisable: soon(AuthService.authDisable, ({ auth }) => auth.authDisable()),
      authStatus: soon(AuthService.authStatus, ({ auth }) => auth.authStatus()),
      authenticate: soon(AuthService.authenticate, ({ auth }, request) => auth.authenticate(request)),
      userAdd: soon(AuthService.userAdd, ({ auth }, request) => auth.userAdd(request)),
      userGet: soon(AuthService.userGet, ({ auth }, request) => auth.userGet(request)),
      userList: soon(AuthService.userList, ({ auth }) => auth.userList()),
      userDelete: soon(AuthService.userDelete, ({ auth }, request) => auth.userDelete(request)),
      userChangePassword: soon(AuthService.userChangePassword, ({ auth }, request) => auth.userChangePassword(request)),
      userGrantRole: soon(AuthService.userGrantRole, ({ auth }, request) => auth.userGrantRole(request)),
      userRevokeRole: soon(AuthService.userRevokeRole, ({ auth }, request) => auth.userRevokeRole(request)),
      roleAdd: soon(AuthService.roleAdd, ({ auth }, request) => auth.roleAdd(request)),
      roleGet: soon(AuthService.roleGet, ({ auth }, request) => auth.roleGet(request)),
      roleList: soon(AuthService.roleList, ({ auth }) => auth.roleList()),
      roleDelete: soon(AuthService.roleDelete, ({ auth }, request) => auth.roleDelete(request)),
      roleGrantPermission: soon(AuthService.roleGrantPermission, ({ auth }, request) =>
        auth.roleGrantPermission(request),
      ),
      roleRevokePermission: soon(AuthService.roleRevokePermission, ({ auth }, request) =>
        auth.roleRevokePermission(request),
      ),
    };
  }

  #lock(): ServiceHandlers {
    const { soon, waiting } = this.#unary;
    return {
      lock: waiting(LockService.lock, ({ lock }, request, signal) => lock.lock(request, signal)),
      unlock: soon(LockService.unlock, ({ lock }, request) => lock.unlock(request), PASSED_ON),
    };
  }

  #election(): ServiceHandlers {
    const { soon, waiting } = this.#unary;
    const { waitingCallsMax: most } = this.#parts.limits;
    return {
      campaign: waiting(ElectionService.campaign, ({ election }, request, signal) =>
        election.campaign(request, signal),
      ),
      proclaim: soon(ElectionService.proclaim, ({ election }, request) => election.proclaim(request), PASSED_ON),
      leader: soon(ElectionService.leader, ({ election }, request) => election.leader(request), PASSED_ON),
      resign: soon(ElectionService.resign, ({ election }, request) => election.resign(request), PASSED_ON),
      observe: this.#download({
        ...{ what: 'observers of elections', most, stallMs: NO_HURRY_MS, forLearners: false, ...PASSED_ON },
        messages: ({ election }, request: LeaderRequest, signal) => election.observe(request, signal),
      }),
    };
  }

  #admin(): ServiceHandlers {
    const { soon } = this.#unary;
    return { replaceMember: soon(AdminService.replaceMember, ({ admin }, request) => admin.replaceMember(request)) };
  }

  #download<Request, Response>(download: Download<Services, Request, Response>): Handler {
    const { clock } = this.#parts.member;
    return downloadHandler({ lasting: this.#lasting, clock, who: this.#who }, download);
  }
}
