import { once } from 'node:events';
import { type AddressInfo, createServer, type Server as NetServer, type Socket } from 'node:net';
import { Server, ServerCredentials } from '@grpc/grpc-js';
import { ClosedError } from '../base/errors.js';
import type { Logger } from '../base/logger.js';
import { Handlers } from './grpc-handlers.js';
import type { ServedMember } from './ports.js';
import { DEFAULT_LIMITS, type RpcLimits } from './rpc-limits.js';

/** Room for what a message has beside the largest command, as etcd allows it. */
const MESSAGE_OVERHEAD_BYTES = 512 * 1024;

/** Where to listen, and for which member. */
export interface ServeOptions {
  readonly host: string;
  /** 0 picks a free one. */
  readonly port: number;
  readonly member: ServedMember;
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
 * Serves etcd's KV, Watch, Lease, Cluster, Maintenance and Auth, and what Conclave has beside them, over gRPC.
 *
 * @throws the operating system's error if the address cannot be listened on
 */
export async function serveGrpc(options: ServeOptions): Promise<GrpcServer> {
  const carrier = new Carrier(options, { ...DEFAULT_LIMITS, ...options.limits });
  await carrier.listen(options.host, options.port);
  return carrier;
}

/** The services of a member, for whatever carries them. Their streams end with the member. */
export function handlersOf(options: ServeOptions, limits: RpcLimits): Handlers {
  const { member, logger } = options;
  const handlers = new Handlers({ member, logger, limits, watchMessageBytesMax: messageBytesMaxOf(options) });
  void member.stopped.then((error) => handlers.endStreams(error ?? new ClosedError('the member')));
  return handlers;
}

/** Bytes of the largest message that is taken. */
export function messageBytesMaxOf({ maxRequestBytes }: ServeOptions): number {
  return maxRequestBytes + MESSAGE_OVERHEAD_BYTES;
}

class Carrier implements GrpcServer {
  readonly #options: ServeOptions;
  readonly #limits: RpcLimits;
  readonly #grpc: Server;
  readonly #listener: NetServer;
  readonly #sockets = new Set<Socket>();
  readonly #handlers: Handlers;
  #closing: Promise<void> | undefined;

  constructor(options: ServeOptions, limits: RpcLimits) {
    this.#options = options;
    this.#limits = limits;
    this.#grpc = new Server({
      'grpc.max_receive_message_length': messageBytesMaxOf(options),
      'grpc.max_send_message_length': -1,
      'grpc.max_concurrent_streams': limits.streamsPerConnectionMax,
      'grpc.keepalive_time_ms': limits.keepAliveMs,
      'grpc.keepalive_timeout_ms': limits.keepAliveTimeoutMs,
      'grpc.enable_channelz': 0,
    });
    this.#handlers = handlersOf(options, limits);
    this.#handlers.addTo(this.#grpc);
    // Our own listener, not grpc-js's: it gives the system's errors, bounds connections, and can later be shared.
    const injector = this.#grpc.createConnectionInjector(ServerCredentials.createInsecure());
    this.#listener = createServer({ noDelay: true }, (socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
      injector.injectConnection(socket);
    });
    this.#listener.maxConnections = limits.connectionsMax;
  }

  get host(): string {
    return this.#options.host;
  }

  get port(): number {
    return (this.#listener.address() as AddressInfo | null)?.port ?? 0;
  }

  async listen(host: string, port: number): Promise<void> {
    this.#listener.listen({ host, port });
    try {
      await once(this.#listener, 'listening');
    } catch (error) {
      this.#handlers.close();
      throw error;
    }
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const { clock } = this.#options.member;
    const listenerClosed = once(this.#listener, 'close');
    this.#listener.close();
    this.#handlers.endStreams(new ClosedError('the server'));
    this.#handlers.close();
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
}
