import type { ClientDuplexStream, Metadata, ServiceError } from '@grpc/grpc-js';
import type { ClientSettings, EndpointAddress } from './settings.js';

/** A stream of requests and answers, as grpc-js has it. */
export type DuplexStream<Request, Response> = ClientDuplexStream<Request, Response>;

/** What carries the calls of one connection: as much of grpc-js's `Client` as is used of it. */
export interface CallCarrier {
  makeUnaryRequest<Request, Response>(
    path: string,
    serialize: (value: Request) => Buffer,
    deserialize: (bytes: Buffer) => Response,
    request: Request,
    metadata: Metadata,
    callback: (error: ServiceError | null, response?: Response) => void,
  ): { cancel(): void };
  makeBidiStreamRequest<Request, Response>(
    path: string,
    serialize: (value: Request) => Buffer,
    deserialize: (bytes: Buffer) => Response,
    metadata: Metadata,
  ): DuplexStream<Request, Response>;
  close(): void;
}

/** A channel to one endpoint that is ready for calls. */
export interface OpenedChannel {
  readonly carrier: CallCarrier;
  /** Calls back, once, when it takes no more calls by its own; at once if that is so already. */
  readonly onLost: (callback: () => void) => void;
}

/**
 * Opens a channel to one endpoint. gRPC over the network, unless a simulation has a network of its own.
 *
 * @throws {@link UnavailableError} if it cannot be reached within `connectTimeoutMs`
 * @throws the signal's reason if it aborts
 */
export type OpenChannel = (
  address: EndpointAddress,
  settings: ClientSettings,
  signal: AbortSignal,
) => Promise<OpenedChannel>;
