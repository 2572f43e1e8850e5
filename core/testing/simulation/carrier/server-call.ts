import {
  type handleBidiStreamingCall,
  type handleServerStreamingCall,
  type handleUnaryCall,
  Metadata,
  status,
} from '@grpc/grpc-js';
import type { PartialStatusObject } from '@grpc/grpc-js/build/src/call-interface.js';
import type { ServerInterceptingCallInterface } from '@grpc/grpc-js/build/src/server-interceptors.js';
import {
  ServerDuplexStreamImpl,
  serverErrorToStatus,
  ServerUnaryCallImpl,
  ServerWritableStreamImpl,
} from '@grpc/grpc-js/build/src/server-call.js';
import type { Frame, FrameSender } from './frames.js';
import { MessageFlow } from './message-flow.js';
import type { ServedMethod } from './virtual-server.js';

export interface ServerCallParts {
  readonly id: number;
  readonly path: string;
  readonly metadata: Metadata;
  readonly method: ServedMethod;
  readonly sender: FrameSender;
  /** The largest message that is taken. */
  readonly messageBytesMax: number;
  readonly onEnded: () => void;
}

type Stream = ServerDuplexStreamImpl<unknown, unknown> | ServerWritableStreamImpl<unknown, unknown>;

/**
 * One call at the server, between the network and the handler. What the handler sees of it are grpc-js's own classes;
 * this is what lies below them.
 */
export class ServerCall {
  readonly #parts: ServerCallParts;
  readonly #flow: MessageFlow;
  /** Of a stream. */
  #stream: Stream | undefined;
  /** Of a call with one request, until it is there. */
  #request: { readonly message: unknown } | undefined;
  #isOver = false;

  constructor(parts: ServerCallParts) {
    this.#parts = parts;
    const { id, sender } = parts;
    this.#flow = new MessageFlow(
      id,
      sender,
      (bytes) => this.#heard(bytes),
      () => this.#heardAll(),
    );
  }

  /** A stream of requests begins with its first word; all else with its one request. */
  begin(): void {
    const { definition, handle } = this.#parts.method;
    if (!definition.requestStream) return this.#flow.read();
    const stream = new ServerDuplexStreamImpl<unknown, unknown>(this.#parts.path, this.#face(), this.#parts.metadata);
    this.#stream = stream;
    (handle as handleBidiStreamingCall<unknown, unknown>)(stream);
  }

  receive(frame: Frame): void {
    if (frame.type === 'message') this.#flow.arrived(frame.bytes);
    else if (frame.type === 'window') this.#flow.opened(frame.bytes);
    else if (frame.type === 'end') this.#flow.ended();
    else if (frame.type === 'cancel') {
      this.cancelled();
      this.#parts.onEnded();
    }
  }

  /** The client called it off, or is gone. */
  cancelled(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    if (this.#stream === undefined) return;
    this.#stream.cancelled = true;
    this.#stream.emit('cancelled', 'cancelled');
    this.#stream.destroy();
  }

  #heard(bytes: Buffer): void {
    if (this.#isOver) return;
    const { messageBytesMax, method } = this.#parts;
    if (bytes.length > messageBytesMax) {
      const details = `Received message larger than max (${bytes.length} vs. ${messageBytesMax})`;
      return this.#end({ code: status.RESOURCE_EXHAUSTED, details });
    }
    const message = method.definition.requestDeserialize(bytes);
    if (method.definition.requestStream) (this.#stream as ServerDuplexStreamImpl<unknown, unknown>).push(message);
    else {
      this.#request = { message };
      this.#flow.read();
    }
  }

  #heardAll(): void {
    if (this.#isOver) return;
    const { method, path, metadata } = this.#parts;
    const { requestStream, responseStream } = method.definition;
    if (requestStream) return void (this.#stream as ServerDuplexStreamImpl<unknown, unknown>).push(null);
    const request = this.#request?.message;
    if (!responseStream) return this.#answerOnce(request);
    const stream = new ServerWritableStreamImpl<unknown, unknown>(path, this.#face(), metadata, request);
    this.#stream = stream;
    (method.handle as handleServerStreamingCall<unknown, unknown>)(stream);
  }

  #answerOnce(request: unknown): void {
    const { method, path, metadata } = this.#parts;
    const call = new ServerUnaryCallImpl<unknown, unknown>(path, this.#face(), metadata, request);
    (method.handle as handleUnaryCall<unknown, unknown>)(call, (error, value) => {
      if (error) return this.#end(serverErrorToStatus(error));
      this.#say(value, () => this.#end({ code: status.OK, details: 'OK' }));
    });
  }

  /** As much of what lies below grpc-js's classes as they use for what our handlers ask of them. */
  #face(): ServerInterceptingCallInterface {
    const face: Pick<ServerInterceptingCallInterface, 'startRead' | 'sendMessage' | 'sendStatus'> = {
      startRead: () => this.#flow.read(),
      sendMessage: (message, written) => this.#say(message, written),
      sendStatus: (ending) => this.#end(ending),
    };
    return face as ServerInterceptingCallInterface;
  }

  #say(message: unknown, written: () => void): void {
    if (this.#isOver) return void process.nextTick(written);
    this.#flow.send(this.#parts.method.definition.responseSerialize(message), written);
  }

  #end({ code, details }: PartialStatusObject): void {
    if (this.#isOver) return;
    this.#isOver = true;
    const { id, sender, method, onEnded } = this.#parts;
    const ending = { code: code ?? status.UNKNOWN, details: details ?? '', metadata: new Metadata() };
    const isAnswer = !method.definition.responseStream;
    this.#flow.drained(() => {
      sender.send({ type: 'status', id, status: ending, isAnswer });
      onEnded();
    });
  }
}
