import { once } from 'node:events';
import { type AddressInfo, createServer, type Server as NetServer, type Socket } from 'node:net';
import {
  type handleUnaryCall,
  type MethodDefinition,
  type sendUnaryData,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServerErrorResponse,
  type ServerUnaryCall,
  type UntypedHandleCall,
} from '@grpc/grpc-js';
import { ClosedError } from '../base/errors.js';
import type { Logger } from '../base/logger.js';
import { toWireError } from './errors.js';
import { KVService as KvDefinition } from './gen/kv.js';
import {
  type LeaseKeepAliveRequest,
  type LeaseKeepAliveResponse,
  LeaseService as LeaseDefinition,
} from './gen/lease.js';
import { WatchService as WatchDefinition, type WatchRequest, type WatchResponse } from './gen/watch.js';
import { KvService } from './kv.js';
import { LeaseService } from './lease.js';
import { Malformed, tolerant } from './malformed.js';
import { OrderedReplies } from './ordered-replies.js';
import type { MemberPorts } from './ports.js';
import { WatchSession } from './watch.js';

/** Room for what a message has beside the largest command, as etcd allows it. */
const MESSAGE_OVERHEAD_BYTES = 512 * 1024;

/** What a server may be told. Times are in milliseconds. */
export interface RpcLimits {
  /** Connections at one time; one more is closed at once. */
  readonly connectionsMax: number;
  /** Calls and streams under way on one connection; a client holds back what is over it. */
  readonly streamsPerConnectionMax: number;
  /** Watches of one stream. */
  readonly watchersPerStreamMax: number;
  /** Bytes of events that wait to be sent on one stream; what follows stays in the member. */
  readonly streamBufferBytesMax: number;
  /** Renewals of one stream that are under way; past them no more are read. */
  readonly keepAlivesPerStreamMax: number;
  /** Between the progress notifications of an idle watch (etcd: `--watch-progress-notify-interval`). */
  readonly watchProgressNotifyMs: number;
  /** Between pings to a client, and how long one may stay unanswered before the connection is closed. */
  readonly keepAliveMs: number;
  readonly keepAliveTimeoutMs: number;
  /** How long calls under way may take to end when the server closes. */
  readonly drainMs: number;
}

const DEFAULT_LIMITS: RpcLimits = {
  connectionsMax: 10_000,
  streamsPerConnectionMax: 10_000,
  watchersPerStreamMax: 100_000,
  streamBufferBytesMax: 1024 * 1024,
  keepAlivesPerStreamMax: 1_000,
  watchProgressNotifyMs: 600_000,
  keepAliveMs: 60_000,
  keepAliveTimeoutMs: 20_000,
  drainMs: 5_000,
};

/** Where to listen, and for which member. */
export interface ServeOptions {
  readonly host: string;
  /** 0 picks a free one. */
  readonly port: number;
  readonly member: MemberPorts;
  /** Bytes of one command; a message may be 512 KiB larger. */
  readonly maxRequestBytes: number;
  readonly logger: Logger;
  readonly limits?: Partial<RpcLimits>;
}

/** A server that listens. */
export interface GrpcServer {
  readonly host: string;
  readonly port: number;
  /** Ends streams, lets calls under way finish for `drainMs`, then closes every connection. Idempotent. */
  close(): Promise<void>;
}

/**
 * Serves etcd's KV, Watch and Lease over gRPC.
 *
 * @throws the operating system's error if the address cannot be listened on
 */
export async function serveGrpc(options: ServeOptions): Promise<GrpcServer> {
  const carrier = new Carrier(options, { ...DEFAULT_LIMITS, ...options.limits });
  await carrier.listen(options.host, options.port);
  return carrier;
}

type Stream = ServerDuplexStream<unknown, unknown>;

class Carrier implements GrpcServer {
  readonly #options: ServeOptions;
  readonly #limits: RpcLimits;
  readonly #grpc: Server;
  readonly #listener: NetServer;
  readonly #sockets = new Set<Socket>();
  /** How to end each open stream. */
  readonly #streams = new Set<(reason: Error) => void>();
  #closing: Promise<void> | undefined;

  constructor(options: ServeOptions, limits: RpcLimits) {
    this.#options = options;
    this.#limits = limits;
    this.#grpc = new Server({
      'grpc.max_receive_message_length': options.maxRequestBytes + MESSAGE_OVERHEAD_BYTES,
      'grpc.max_send_message_length': -1,
      'grpc.max_concurrent_streams': limits.streamsPerConnectionMax,
      'grpc.keepalive_time_ms': limits.keepAliveMs,
      'grpc.keepalive_timeout_ms': limits.keepAliveTimeoutMs,
      'grpc.enable_channelz': 0,
    });
    this.#addServices();
    // Our own listener, not grpc-js's: it gives the system's errors, bounds connections, and can later be shared.
    const injector = this.#grpc.createConnectionInjector(ServerCredentials.createInsecure());
    this.#listener = createServer({ noDelay: true }, (socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
      injector.injectConnection(socket);
    });
    this.#listener.maxConnections = limits.connectionsMax;
    void options.member.stopped.then((error) => this.#endStreams(error ?? new ClosedError('the member')));
  }

  get host(): string {
    return this.#options.host;
  }

  get port(): number {
    return (this.#listener.address() as AddressInfo | null)?.port ?? 0;
  }

  async listen(host: string, port: number): Promise<void> {
    this.#listener.listen({ host, port });
    await once(this.#listener, 'listening');
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const { clock } = this.#options.member;
    const listenerClosed = once(this.#listener, 'close');
    this.#listener.close();
    this.#endStreams(new ClosedError('the server'));
    const drained = new Promise<void>((resolve) => {
      const timer = clock.after(this.#limits.drainMs, resolve);
      this.#grpc.tryShutdown(() => {
        timer.cancel();
        resolve();
      });
    });
    await drained;
    this.#grpc.forceShutdown();
    for (const socket of this.#sockets) socket.destroy();
    await listenerClosed;
  }

  #endStreams(reason: Error): void {
    for (const end of [...this.#streams]) end(reason);
  }

  #addServices(): void {
    const kv = new KvService(this.#options.member);
    const lease = new LeaseService(this.#options.member);
    this.#grpc.addService(tolerant(KvDefinition), {
      range: this.#unary(KvDefinition.range, (request) => kv.range(request)),
      put: this.#unary(KvDefinition.put, (request) => kv.put(request)),
      deleteRange: this.#unary(KvDefinition.deleteRange, (request) => kv.deleteRange(request)),
      txn: this.#unary(KvDefinition.txn, (request) => kv.txn(request)),
      compact: this.#unary(KvDefinition.compact, (request) => kv.compact(request)),
    });
    this.#grpc.addService(tolerant(LeaseDefinition), {
      leaseGrant: this.#unary(LeaseDefinition.leaseGrant, (request) => lease.leaseGrant(request)),
      leaseRevoke: this.#unary(LeaseDefinition.leaseRevoke, (request) => lease.leaseRevoke(request)),
      leaseTimeToLive: this.#unary(LeaseDefinition.leaseTimeToLive, (request) => lease.leaseTimeToLive(request)),
      leaseLeases: this.#unary(LeaseDefinition.leaseLeases, () => lease.leaseLeases()),
      leaseKeepAlive: (call: ServerDuplexStream<LeaseKeepAliveRequest, LeaseKeepAliveResponse>) =>
        this.#keepAlive(call, lease),
    });
    this.#grpc.addService(tolerant(WatchDefinition), {
      watch: (call: ServerDuplexStream<WatchRequest, WatchResponse>) => this.#watch(call),
    });
  }

  #unary<Request, Response>(
    _method: MethodDefinition<Request, Response>,
    answer: (request: Request) => Promise<Response>,
  ): handleUnaryCall<Request, Response> & UntypedHandleCall {
    const handle = (call: ServerUnaryCall<Request, Response>, callback: sendUnaryData<Response>) => {
      const { request } = call;
      if (request instanceof Malformed) return callback(this.#toStatus(request.error));
      answer(request).then(
        (response) => callback(null, response),
        (error: unknown) => callback(this.#toStatus(error)),
      );
    };
    return handle as handleUnaryCall<Request, Response> & UntypedHandleCall;
  }

  #watch(call: ServerDuplexStream<WatchRequest, WatchResponse>): void {
    const { member, maxRequestBytes } = this.#options;
    const limits = { ...this.#limits, watchMessageBytesMax: maxRequestBytes + MESSAGE_OVERHEAD_BYTES };
    const fail = this.#open(call, () => session.close());
    const session = new WatchSession(member, member.clock, limits, {
      send: (response, sent) => call.write(response, sent),
      fail,
    });
    call.on('data', (request: WatchRequest | Malformed) => {
      if (request instanceof Malformed) return fail(request.error);
      session.handle(request);
      if (session.isBehind(() => call.resume())) call.pause();
    });
    call.on('end', () => {
      session.close();
      call.end();
    });
  }

  #keepAlive(call: ServerDuplexStream<LeaseKeepAliveRequest, LeaseKeepAliveResponse>, lease: LeaseService): void {
    const { keepAlivesPerStreamMax } = this.#limits;
    const fail = this.#open(call, () => {});
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
      release();
    };
    const fail = (error: unknown) => {
      if (!isOpen) return;
      close();
      call.emit('error', this.#toStatus(error));
    };
    this.#streams.add(fail);
    call.on('cancelled', close);
    call.on('close', close);
    call.on('error', close);
    return fail;
  }

  #toStatus(error: unknown): ServerErrorResponse {
    const { grpc, text } = toWireError(error);
    if (text === 'internal error') this.#options.logger.error({ error }, 'a call failed in a way that it must not');
    return Object.assign(new Error(text), { code: grpc, details: text });
  }
}
