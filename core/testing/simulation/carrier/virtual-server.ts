import {
  type MethodDefinition,
  type ServiceDefinition,
  type UntypedHandleCall,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import { ClosedError } from '../../../base/errors.js';
import { type GrpcServer, handlersOf, messageBytesMaxOf, type ServeOptions } from '../../../rpc/grpc-carrier.js';
import type { Handlers } from '../../../rpc/grpc-handlers.js';
import { DEFAULT_LIMITS, type RpcLimits } from '../../../rpc/rpc-limits.js';
import type { ConnectionEnd } from '../network/connection-end.js';
import type { VirtualNetwork } from '../network/virtual-network.js';
import type { Life } from '../process/virtual-process.js';
import { ServerConnection } from './server-connection.js';

/** A method of a service, with what answers it. */
export interface ServedMethod {
  readonly definition: MethodDefinition<unknown, unknown>;
  readonly handle: UntypedHandleCall;
}

/** Serves a member's clients over the virtual network. @throws an error with the code `EADDRINUSE` */
export async function serveVirtually(network: VirtualNetwork, life: Life, options: ServeOptions): Promise<GrpcServer> {
  return new VirtualServer(network, life, options);
}

class VirtualServer implements GrpcServer {
  readonly host: string;
  readonly port: number;
  readonly #options: ServeOptions;
  readonly #limits: RpcLimits;
  readonly #handlers: Handlers;
  readonly #methods = new Map<string, ServedMethod>();
  readonly #connections = new Set<ServerConnection>();
  readonly #stopListening: () => void;
  #onIdle: () => void = () => undefined;
  #closing: Promise<void> | undefined;

  constructor(network: VirtualNetwork, life: Life, options: ServeOptions) {
    const { host, port } = options;
    this.host = host;
    this.port = port;
    this.#options = options;
    this.#limits = { ...DEFAULT_LIMITS, ...options.limits };
    this.#handlers = handlersOf(options, this.#limits);
    this.#handlers.addTo({ addService: (service, handlers) => this.#add(service, handlers) });
    const stopListening = network.listen(life, port, (end) => this.#connected(end));
    if (stopListening === undefined) {
      this.#handlers.close();
      throw Object.assign(new Error(`listen EADDRINUSE ${host}:${port}`), { code: 'EADDRINUSE' });
    }
    this.#stopListening = stopListening;
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#stopListening();
    this.#handlers.endStreams(new ClosedError('the server'));
    this.#handlers.close();
    for (const connection of this.#connections) connection.sayGoodbye();
    await this.#idle();
    for (const connection of this.#connections) connection.close();
  }

  /** No call is under way, or they have had their time. */
  #idle(): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.#options.member.clock.after(this.#limits.drainMs, resolve);
      this.#onIdle = () => {
        if ([...this.#connections].some(({ callCount }) => callCount > 0)) return;
        timer.cancel();
        resolve();
      };
      this.#onIdle();
    });
  }

  #add(service: ServiceDefinition, handlers: UntypedServiceImplementation): void {
    for (const [name, definition] of Object.entries(service)) {
      const handle = handlers[name];
      if (handle !== undefined) this.#methods.set(definition.path, { definition, handle });
    }
  }

  #connected(end: ConnectionEnd): void {
    const connection: ServerConnection = new ServerConnection(end, {
      methods: this.#methods,
      messageBytesMax: messageBytesMaxOf(this.#options),
      clock: this.#options.member.clock,
      limits: this.#limits,
      onIdle: () => this.#onIdle(),
      onClosed: () => {
        this.#connections.delete(connection);
        this.#onIdle();
      },
    });
    this.#connections.add(connection);
  }
}
