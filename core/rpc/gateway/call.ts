import { EventEmitter } from 'node:events';
import { Duplex, type DuplexOptions } from 'node:stream';
import type { Metadata, ServerErrorResponse } from '@grpc/grpc-js';
import { status } from '@grpc/grpc-js';
import type { WireError } from '../errors.js';

/** What a call knows of itself, whatever its kind. */
export interface CallFacts {
  /** Of gRPC, such as `/etcdserverpb.KV/Range`. */
  readonly path: string;
  readonly metadata: Metadata;
  /** Where the client is. */
  readonly peer: string;
}

/** As much of grpc-js's calls as handlers may use: they do not see that this one came by HTTP/1.1. */
export class UnaryCall extends EventEmitter {
  readonly metadata: Metadata;
  cancelled = false;
  readonly #facts: CallFacts;

  constructor(
    facts: CallFacts,
    readonly request: unknown,
  ) {
    super();
    this.#facts = facts;
    this.metadata = facts.metadata;
  }

  /** The client is gone, or would not wait. */
  cancel(): void {
    if (this.cancelled) return;
    this.cancelled = true;
    this.emit('cancelled', 'cancelled');
  }

  getPath(): string {
    return this.#facts.path;
  }

  getPeer(): string {
    return this.#facts.peer;
  }

  /** Certificates do not name callers of the gateway (etcd: the same). */
  getAuthContext(): Record<string, never> {
    return {};
  }
}

/** What carries a stream. */
export interface StreamCarrier {
  /** Asks for more requests. */
  read(): void;
  /** Sends an answer; calls back when there is room for another. */
  write(message: unknown, written: (error?: Error) => void): void;
  /** Everything was said. @param failure - undefined if it ended well */
  end(failure: WireError | undefined): void;
}

/** A stream of answers, and of requests where there are several: in the shape of grpc-js's. */
export class StreamCall extends Duplex {
  readonly metadata: Metadata;
  cancelled = false;
  readonly #facts: CallFacts;
  readonly #carrier: StreamCarrier;
  #failure: WireError | undefined;

  /** @param request - of a stream with one request */
  constructor(
    facts: CallFacts,
    carrier: StreamCarrier,
    readonly request?: unknown,
  ) {
    super({ objectMode: true, emitClose: true, autoDestroy: true } satisfies DuplexOptions);
    this.#facts = facts;
    this.#carrier = carrier;
    this.metadata = facts.metadata;
    // Handlers end a stream by this event, as grpc-js has it.
    this.on('error', (error: ServerErrorResponse) => {
      if (this.cancelled) return;
      this.#failure ??= { grpc: error.code ?? status.UNKNOWN, text: error.details ?? error.message };
      this.end();
    });
  }

  /** The client is gone, or would not wait. */
  cancel(): void {
    if (this.cancelled) return;
    this.cancelled = true;
    this.emit('cancelled', 'cancelled');
    this.destroy();
  }

  getPath(): string {
    return this.#facts.path;
  }

  getPeer(): string {
    return this.#facts.peer;
  }

  /** Certificates do not name callers of the gateway (etcd: the same). */
  getAuthContext(): Record<string, never> {
    return {};
  }

  override _read(): void {
    this.#carrier.read();
  }

  override _write(message: unknown, _encoding: BufferEncoding, written: (error?: Error) => void): void {
    this.#carrier.write(message, written);
  }

  override _final(ended: (error?: Error) => void): void {
    this.#carrier.end(this.#failure);
    ended();
  }
}
