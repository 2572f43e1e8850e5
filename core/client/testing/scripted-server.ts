import { once } from 'node:events';
import { type AddressInfo, createServer, type Server as NetServer, type Socket } from 'node:net';
import {
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServerUnaryCall,
  type sendUnaryData,
  status,
} from '@grpc/grpc-js';
import { ClusterService, type MemberListRequest, type MemberListResponse } from '../../rpc/gen/cluster.js';
import type { ResponseHeader } from '../../rpc/gen/header.js';
import {
  type CompactionRequest,
  type CompactionResponse,
  KVService,
  type PutRequest,
  type PutResponse,
  type RangeRequest,
  type RangeResponse,
  type TxnRequest,
  type TxnResponse,
} from '../../rpc/gen/kv.js';
import {
  type LeaseGrantRequest,
  type LeaseGrantResponse,
  type LeaseKeepAliveRequest,
  type LeaseKeepAliveResponse,
  type LeaseRevokeRequest,
  type LeaseRevokeResponse,
  LeaseService,
  type LeaseTimeToLiveRequest,
  type LeaseTimeToLiveResponse,
} from '../../rpc/gen/lease.js';
import { type WatchRequest, type WatchResponse, WatchService } from '../../rpc/gen/watch.js';

export type WatchWire = ServerDuplexStream<WatchRequest, WatchResponse>;
export type KeepAliveWire = ServerDuplexStream<LeaseKeepAliveRequest, LeaseKeepAliveResponse>;

/** Never answers. */
export const SILENT = Symbol('silent');
type Said<T> = T | Error | typeof SILENT;
type Answer<T> = Said<T> | Promise<Said<T>>;

/** What the server does with each call; a test sets what it needs. Without a script a call is not implemented. */
export interface Script {
  range?: (request: RangeRequest) => Answer<RangeResponse>;
  put?: (request: PutRequest) => Answer<PutResponse>;
  txn?: (request: TxnRequest) => Answer<TxnResponse>;
  compact?: (request: CompactionRequest) => Answer<CompactionResponse>;
  leaseGrant?: (request: LeaseGrantRequest) => Answer<LeaseGrantResponse>;
  leaseRevoke?: (request: LeaseRevokeRequest) => Answer<LeaseRevokeResponse>;
  leaseTimeToLive?: (request: LeaseTimeToLiveRequest) => Answer<LeaseTimeToLiveResponse>;
  memberList?: (request: MemberListRequest) => Answer<MemberListResponse>;
  watch?: (wire: WatchWire) => void;
  keepAlive?: (wire: KeepAliveWire) => void;
}

/** A gRPC server that does what a test tells it, and counts what it was asked. */
export class ScriptedServer {
  readonly host = '127.0.0.1';
  readonly script: Script = {};
  /** Calls received, by method; a stream counts once. */
  readonly counts = new Map<string, number>();
  readonly #grpc = new Server({ 'grpc.max_receive_message_length': 2 ** 21 });
  readonly #sockets = new Set<Socket>();
  readonly #listener: NetServer;
  readonly #waiters: { readonly method: string; readonly count: number; readonly resolve: () => void }[] = [];

  private constructor() {
    const unary =
      (method: keyof Script) =>
      (call: ServerUnaryCall<never, unknown>, callback: sendUnaryData<unknown>): void => {
        const act = this.script[method] as ((request: never) => Answer<unknown>) | undefined;
        const answer = act ? act(call.request) : failure(status.UNIMPLEMENTED, `no script for ${method}`);
        this.#received(method);
        const say = (said: Said<unknown>) => {
          if (said === SILENT) return;
          if (said instanceof Error) callback(said);
          else callback(null, said);
        };
        if (answer instanceof Promise) void answer.then(say);
        else say(answer);
      };
    const stream =
      <Wire>(method: 'watch' | 'keepAlive') =>
      (wire: Wire): void => {
        (wire as WatchWire).on('error', () => {});
        (this.script[method] as ((wire: Wire) => void) | undefined)?.(wire);
        this.#received(method);
      };
    this.#grpc.addService(KVService, {
      range: unary('range'),
      put: unary('put'),
      txn: unary('txn'),
      compact: unary('compact'),
    } as never);
    this.#grpc.addService(LeaseService, {
      leaseGrant: unary('leaseGrant'),
      leaseRevoke: unary('leaseRevoke'),
      leaseTimeToLive: unary('leaseTimeToLive'),
      leaseKeepAlive: stream<KeepAliveWire>('keepAlive'),
    } as never);
    this.#grpc.addService(ClusterService, { memberList: unary('memberList') } as never);
    this.#grpc.addService(WatchService, { watch: stream<WatchWire>('watch') });
    const injector = this.#grpc.createConnectionInjector(ServerCredentials.createInsecure());
    this.#listener = createServer({ noDelay: true }, (socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
      injector.injectConnection(socket);
    });
  }

  static async start(script: Script = {}): Promise<ScriptedServer> {
    const server = new ScriptedServer();
    Object.assign(server.script, script);
    server.#listener.listen({ host: server.host, port: 0 });
    await once(server.#listener, 'listening');
    return server;
  }

  get port(): number {
    return (this.#listener.address() as AddressInfo).port;
  }

  /** Breaks every connection, without a word. */
  dropConnections(): void {
    for (const socket of [...this.#sockets]) socket.destroy();
  }

  /** Asks clients to go: calls under way are still answered. */
  sayGoodbye(): void {
    this.#grpc.tryShutdown(() => {});
  }

  count(method: keyof Script): number {
    return this.counts.get(method) ?? 0;
  }

  /** Resolves once the method has been called so many times in all. */
  async received(method: keyof Script, count = 1): Promise<void> {
    if (this.count(method) >= count) return;
    await new Promise<void>((resolve) => this.#waiters.push({ method, count, resolve }));
  }

  async close(): Promise<void> {
    const closed = once(this.#listener, 'close');
    this.#listener.close();
    this.#grpc.forceShutdown();
    this.dropConnections();
    await closed;
  }

  #received(method: keyof Script): void {
    this.counts.set(method, this.count(method) + 1);
    for (const waiter of this.#waiters) {
      if (waiter.method === method && this.count(method) >= waiter.count) waiter.resolve();
    }
  }
}

export function header(revision: number): ResponseHeader {
  return { clusterId: 1n, memberId: 2n, revision, raftTerm: 3 };
}

/** An answer that fails with this status. */
export function failure(code: status, text: string): Error {
  return Object.assign(new Error(text), { code, details: text });
}

export function rangeAnswer(revision: number): RangeResponse {
  return { header: header(revision), kvs: [], more: false, count: 0 };
}

export function putAnswer(revision: number): PutResponse {
  return { header: header(revision), prevKv: undefined };
}

/** A message of a watch stream; what is not given is empty. */
export function watchMessage(part: Partial<WatchResponse>): WatchResponse {
  return {
    header: header(1),
    watchId: 0n,
    created: false,
    canceled: false,
    compactRevision: 0,
    cancelReason: '',
    fragment: false,
    events: [],
    ...part,
  };
}
