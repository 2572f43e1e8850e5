import type { IncomingMessage, ServerResponse } from 'node:http';
import type {
  handleUnaryCall,
  MethodDefinition,
  Server,
  ServerErrorResponse,
  ServiceDefinition,
  UntypedHandleCall,
  UntypedServiceImplementation,
} from '@grpc/grpc-js';
import { status } from '@grpc/grpc-js';
import type { Clock } from '../../base/clock.js';
import type { WireError } from '../errors.js';
import { Answer } from './answer.js';
import { DEADLINE_EXCEEDED, messageTooLarge, toFailure, Refusal, tooManyCalls } from './answers.js';
import { type CallFacts, StreamCall, UnaryCall } from './call.js';
import { DEFAULT_GATEWAY_LIMITS, type GatewayLimits } from './gateway-limits.js';
import { JsonCodec } from './json-codec.js';
import { JsonValues } from './json-values.js';
import { PATHS } from './paths.js';
import { type BodyLimits, BodyRoom, readBody } from './request-body.js';
import { metadataOf, timeoutMsOf } from './request-metadata.js';

/** What a gateway is made from. */
export interface GatewayParts {
  readonly clock: Clock;
  /** Bytes of one binary message, as gRPC bounds them. */
  readonly messageBytesMax: number;
  readonly limits?: Partial<GatewayLimits> | undefined;
}

/** A method of a service, with what answers it. */
interface ServedMethod {
  readonly definition: MethodDefinition<unknown, unknown>;
  readonly handle: UntypedHandleCall;
  readonly codec: JsonCodec;
}

/** One request that is under way. */
interface Exchange {
  readonly request: IncomingMessage;
  readonly answer: Answer;
  readonly method: ServedMethod;
  readonly facts: CallFacts;
}

type StreamHandler = (call: StreamCall) => void;

/** JSON of a message has bytes in base64, which is a third longer, and room for its names and spaces. */
const JSON_BYTES_PER_BYTE = 2;

/**
 * The HTTP/JSON gateway: one more carrier of the services, beside gRPC. A request is given to the very same handlers, as
 * the message that it stands for.
 */
export class Gateway implements Pick<Server, 'addService'> {
  readonly #parts: GatewayParts;
  readonly #limits: GatewayLimits;
  readonly #bodyLimits: BodyLimits;
  readonly #room: BodyRoom;
  readonly #methods = new Map<string, ServedMethod>();
  #callCount = 0;

  constructor(parts: GatewayParts) {
    this.#parts = parts;
    this.#limits = { ...DEFAULT_GATEWAY_LIMITS, ...parts.limits };
    const { depthMax, bodyMs, bodiesBytesMax } = this.#limits;
    this.#bodyLimits = { depthMax, bodyMs, bytesMax: JSON_BYTES_PER_BYTE * parts.messageBytesMax };
    this.#room = new BodyRoom(bodiesBytesMax);
  }

  /** Calls under way. */
  get callCount(): number {
    return this.#callCount;
  }

  /** Bytes of requests that are arriving. */
  get bodyBytes(): number {
    return this.#room.bytes;
  }

  addService(service: ServiceDefinition, implementation: UntypedServiceImplementation): void {
    for (const [name, definition] of Object.entries(service)) {
      const handle = implementation[name];
      const { path } = definition;
      if (handle === undefined) continue;
      let codec: JsonCodec | undefined;
      this.#methods.set(path, {
        definition,
        handle,
        // What our .proto files say is read when somebody asks by JSON, so that a start does not wait for it.
        get codec() {
          codec ??= new JsonCodec(path);
          return codec;
        },
      });
    }
  }

  /** Whether there is such a path. */
  has(path: string): boolean {
    return PATHS.has(path);
  }

  /** Answers a POST to a path that it has. */
  handle(path: string, request: IncomingMessage, response: ServerResponse): void {
    const { clock } = this.#parts;
    const answer = new Answer(response, { clock, stallMs: this.#limits.stallMs });
    this.#callCount += 1;
    answer.onEnded(() => {
      this.#callCount -= 1;
      if (!request.complete) this.#discard(request);
    });
    this.#begin(PATHS.get(path) as string, request, answer).catch((error: unknown) => answer.fail(toFailure(error)));
  }

  async #begin(path: string, request: IncomingMessage, answer: Answer): Promise<void> {
    const { callsMax } = this.#limits;
    if (this.#callCount > callsMax) throw new Refusal(tooManyCalls(callsMax));
    const method = this.#methods.get(path);
    if (method === undefined) throw new Refusal(unknownService(path));
    const metadata = metadataOf(request.headers);
    const timeoutMs = timeoutMsOf(request.headers);
    const { remoteAddress = '', remotePort = 0 } = request.socket;
    const exchange = {
      ...{ request, answer, method },
      facts: { path, metadata, peer: `${remoteAddress}:${remotePort}` },
    };
    const { requestStream, responseStream } = method.definition;
    if (requestStream) return this.#converse(exchange, timeoutMs);
    const message = await this.#readRequest(exchange);
    if (responseStream) this.#tell(exchange, message, timeoutMs);
    else this.#answerOnce(exchange, message, timeoutMs);
  }

  async #readRequest({ request, method }: Exchange): Promise<unknown> {
    const json = await readBody(request, this.#bodyLimits, this.#room, this.#parts.clock);
    return this.#toMessage(method, json);
  }

  /** The message that a JSON value stands for, as it would have come by gRPC. */
  #toMessage({ definition, codec }: ServedMethod, json: unknown): unknown {
    const { messageBytesMax } = this.#parts;
    const bytes = codec.encodeRequest(json);
    if (bytes.length > messageBytesMax) throw new Refusal(messageTooLarge(bytes.length, messageBytesMax));
    return definition.requestDeserialize(bytes);
  }

  #toJson({ definition, codec }: ServedMethod, message: unknown): unknown {
    return codec.decodeResponse(definition.responseSerialize(message));
  }

  /** Of a request that was answered before it was all there, the rest is read for a while, so that its client hears. */
  #discard(request: IncomingMessage): void {
    const timer = this.#parts.clock.after(this.#limits.discardMs, () => request.destroy());
    request.once('close', () => timer.cancel());
    request.resume();
  }

  // --- One request, one answer --------------------------------------------------------------------------------------

  #answerOnce({ answer, method, facts }: Exchange, message: unknown, timeoutMs: number | undefined): void {
    const call = new UnaryCall(facts, message);
    this.#endsWith(call, answer, timeoutMs);
    const answered = (error: Partial<ServerErrorResponse> | null, value?: unknown) => {
      if (answer.hasEnded) return;
      if (error) answer.fail({ grpc: error.code ?? status.UNKNOWN, text: error.details ?? error.message ?? '' });
      else answer.send(this.#toJson(method, value));
    };
    (method.handle as handleUnaryCall<unknown, unknown>)(call as never, answered);
  }

  // --- Streams ------------------------------------------------------------------------------------------------------

  #tell(exchange: Exchange, message: unknown, timeoutMs: number | undefined): void {
    const { answer, facts, method } = exchange;
    const call = new StreamCall(facts, { ...this.#sending(exchange), read: () => undefined }, message);
    this.#endsWith(call, answer, timeoutMs);
    call.push(null);
    (method.handle as unknown as StreamHandler)(call);
  }

  /** Requests come as they arrive, and answers go beside them. */
  #converse(exchange: Exchange, timeoutMs: number | undefined): void {
    const { request, answer, facts, method } = exchange;
    const values = new JsonValues(this.#bodyLimits);
    let held = 0;
    const hold = (bytes: number) => {
      this.#room.release(held);
      held = 0;
      this.#room.take(bytes);
      held = bytes;
    };
    answer.onEnded(() => hold(0));
    const call = new StreamCall(facts, { ...this.#sending(exchange), read: () => request.resume() });
    this.#endsWith(call, answer, timeoutMs);
    const take = (found: Generator<unknown, void, undefined>) => {
      if (call.destroyed || call.writableEnded) return;
      try {
        // Of what one piece of the body brings, all is taken: it is bounded by the piece.
        for (const json of found) if (!call.push(this.#toMessage(method, json))) request.pause();
        hold(values.pendingBytes);
      } catch (error) {
        const { grpc, text } = toFailure(error);
        call.emit('error', Object.assign(new Error(text), { code: grpc, details: text }));
      }
    };
    request.on('data', (chunk: Buffer) => take(values.push(chunk)));
    request.on('end', () => {
      take(values.end());
      if (!call.destroyed) call.push(null);
    });
    (method.handle as unknown as StreamHandler)(call);
  }

  #sending({ answer, method }: Exchange) {
    return {
      write: (message: unknown, written: (error?: Error) => void) =>
        answer.line({ result: this.#toJson(method, message) }, written),
      end: (failure: WireError | undefined) => answer.endLines(failure),
    };
  }

  /** A call ends with its client, and when its client would not wait any longer. */
  #endsWith(call: UnaryCall | StreamCall, answer: Answer, timeoutMs: number | undefined): void {
    const timer =
      timeoutMs === undefined
        ? undefined
        : this.#parts.clock.after(timeoutMs, () => {
            if (call instanceof StreamCall) answer.endLines(DEADLINE_EXCEEDED);
            else answer.fail(DEADLINE_EXCEEDED);
            call.cancel();
          });
    answer.onEnded((isComplete) => {
      timer?.cancel();
      if (!isComplete) call.cancel();
      else if (call instanceof StreamCall) call.destroy();
    });
  }
}

function unknownService(path: string): WireError {
  return { grpc: status.UNIMPLEMENTED, text: `unknown service ${path.split('/')[1]}` };
}
