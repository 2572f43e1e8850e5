import { Server, ServerCredentials } from '@grpc/grpc-js';
import { ClosedError } from '../base/errors.js';
import type { Logger } from '../base/logger.js';
import type { TlsMaterial } from '../tls/tls-material.js';
import type { AuditSink } from './audit/audit-entry.js';
import type { CallCounts } from './call-counts.js';
import { commonNameOf, rememberCertificate } from './client-certificate.js';
import { ClientListener, type ConnectionCounts } from './client-listener.js';
import { Handlers } from './grpc-handlers.js';
import { GRPC_ONLY, type HttpFront } from './http-face.js';
import { InjectedHttp } from './injected-http.js';
import type { ServedMember } from './ports.js';
import { DEFAULT_LIMITS, type RpcLimits } from './rpc-limits.js';
import { ClientGreeter } from './tls-greeter.js';
import type { SocketFile } from './unix-socket.js';

/** Room for what a message has beside the largest command, as etcd allows it. */
const MESSAGE_OVERHEAD_BYTES = 512 * 1024;

/** Where to listen, and for which member. */
export interface ServeOptions {
  readonly host: string;
  /** 0 picks a free one. */
  readonly port: number;
  /** A unix socket to listen on, in place of host and port. */
  readonly socketFile?: SocketFile | undefined;
  readonly member: ServedMember;
  /** Bytes of one command; a message may be 512 KiB larger. */
  readonly maxRequestBytes: number;
  readonly logger: Logger;
  readonly limits?: Partial<RpcLimits>;
  /** Counts calls. Absent: nobody asks. */
  readonly counts?: CallCounts | undefined;
  /** Is told of every change that is asked for. Absent: nobody is. */
  readonly audit?: AuditSink | undefined;
  /** Certificates, for TLS. */
  readonly tls?: ServerTls | undefined;
  /** What answers HTTP/1.1, made once for a server. Absent: nothing is found there. */
  readonly http?: ((handlers: Handlers) => HttpFront) | undefined;
  /** Which of the two is served; the other one then has an address of its own. Default: both. */
  readonly serves?: 'both' | 'grpc' | 'http' | undefined;
}

/** How a server speaks TLS. */
export interface ServerTls {
  readonly material: TlsMaterial;
  /** Refuses clients without a certificate that the authorities signed. */
  readonly requireClientCert: boolean;
  /** Whether such a certificate's common name is the name of a user. */
  readonly namesUsers: boolean;
}

/** A server that listens. */
export interface GrpcServer {
  readonly host: string;
  readonly port: number;
  /** Ends streams, lets calls under way finish for `drainMs`, then closes every connection. Idempotent. */
  close(): Promise<void>;
}

/** A server on the network. */
export interface NetworkServer extends GrpcServer {
  /** What became of connections. */
  readonly counts: ConnectionCounts;
}

/**
 * Serves etcd's KV, Watch, Lease, Cluster, Maintenance and Auth, and what Conclave has beside them, over gRPC; and, on the same
 * port, what there is over HTTP/1.1.
 *
 * @throws the operating system's error if the address cannot be listened on
 */
export async function serveGrpc(options: ServeOptions): Promise<NetworkServer> {
  const carrier = new Carrier(options, { ...DEFAULT_LIMITS, ...options.limits });
  await carrier.listen();
  return carrier;
}

/** The services of a member, for whatever carries them. Their streams end with the member. */
export function handlersOf(options: ServeOptions, limits: RpcLimits): Handlers {
  const { member, logger, tls, counts, audit } = options;
  const commonName = tls?.namesUsers === true ? commonNameOf : undefined;
  const handlers = new Handlers({
    member,
    logger,
    limits,
    counts,
    commonName,
    audit,
    watchMessageBytesMax: messageBytesMaxOf(options),
    rangeChunkBytes: options.maxRequestBytes,
  });
  void member.stopped.then((error) => handlers.endStreams(error ?? new ClosedError('the member')));
  return handlers;
}

/** Bytes of the largest message that is taken. */
export function messageBytesMaxOf({ maxRequestBytes }: Pick<ServeOptions, 'maxRequestBytes'>): number {
  return maxRequestBytes + MESSAGE_OVERHEAD_BYTES;
}

class Carrier implements NetworkServer {
  readonly #options: ServeOptions;
  readonly #limits: RpcLimits;
  readonly #grpc: Server;
  readonly #front: HttpFront;
  readonly #http: InjectedHttp;
  readonly #listener: ClientListener;
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
    this.#front = options.http?.(this.#handlers) ?? GRPC_ONLY;
    this.#http = new InjectedHttp(this.#front);
    this.#listener = this.#newListener();
  }

  get host(): string {
    return this.#options.host;
  }

  get port(): number {
    return this.#listener.port;
  }

  get counts(): ConnectionCounts {
    return this.#listener.counts;
  }

  async listen(): Promise<void> {
    const { host, port, socketFile } = this.#options;
    try {
      await this.#listener.listen(socketFile ?? { host, port });
    } catch (error) {
      this.#handlers.close();
      this.#front.close();
      throw error;
    }
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const { clock } = this.#options.member;
    const listenerClosed = this.#listener.close();
    this.#handlers.endStreams(new ClosedError('the server'));
    this.#handlers.close();
    await new Promise<void>((resolve) => {
      const timer = clock.after(this.#limits.drainMs, resolve);
      void Promise.all([this.#grpcDrained(), this.#http.drained()]).then(() => {
        timer.cancel();
        resolve();
      });
    });
    this.#front.close();
    this.#grpc.forceShutdown();
    this.#listener.destroySockets();
    await listenerClosed;
  }

  #newListener(): ClientListener {
    const { logger, member, tls, serves = 'both' } = this.#options;
    const { greetingMs } = this.#limits;
    const greeter = tls && new ClientGreeter({ ...tls, greetingMs });
    const injector = this.#grpc.createConnectionInjector(ServerCredentials.createInsecure());
    return new ClientListener(
      { clock: member.clock, logger, limits: this.#limits, greeter },
      {
        http2:
          serves === 'http'
            ? undefined
            : (socket) => {
                if (tls?.namesUsers === true) rememberCertificate(socket);
                injector.injectConnection(socket);
              },
        http1: serves === 'grpc' ? undefined : (socket) => this.#http.take(socket),
      },
    );
  }

  #grpcDrained(): Promise<void> {
    return new Promise((resolve) => this.#grpc.tryShutdown(() => resolve()));
  }
}
