import {
  type MethodDefinition,
  type sendUnaryData,
  type Server,
  type ServerErrorResponse,
  type ServerUnaryCall,
  type ServiceDefinition,
  status,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import type { EventEmitter } from 'node:events';

/** What was counted of one method. */
export class MethodCounts {
  startedCount = 0;
  receivedCount = 0;
  sentCount = 0;
  /** How calls ended, by status. */
  readonly handled = new Map<status, number>();

  constructor(
    readonly service: string,
    readonly method: string,
    readonly type: 'unary' | 'server_stream' | 'bidi_stream',
  ) {}

  ended(code: status): void {
    this.handled.set(code, (this.handled.get(code) ?? 0) + 1);
  }
}

type Definition = MethodDefinition<unknown, unknown>;
type Unary = (call: ServerUnaryCall<unknown, unknown>, callback: sendUnaryData<unknown>) => void;
type Streaming = (call: EventEmitter) => void;

/** Counts calls, their messages and bytes, whatever carries them. */
export class CallCounts {
  receivedBytes = 0;
  sentBytes = 0;
  readonly #methods = new Map<string, MethodCounts>();

  get methods(): Iterable<MethodCounts> {
    return this.#methods.values();
  }

  /** The same carrier, with everything counted that is added to it by this. */
  on(server: Pick<Server, 'addService'>): Pick<Server, 'addService'> {
    return {
      addService: (service, implementation) => {
        const methods = Object.entries(service) as [string, Definition][];
        const counted = methods.map(([name, method]) => [name, this.#counted(method, this.#countsOf(method))]);
        server.addService(Object.fromEntries(counted) as ServiceDefinition, this.#counting(methods, implementation));
      },
    };
  }

  #countsOf({ path, requestStream, responseStream }: Definition): MethodCounts {
    const known = this.#methods.get(path);
    if (known !== undefined) return known;
    const [, service = '', method = ''] = path.split('/');
    const type = requestStream ? 'bidi_stream' : responseStream ? 'server_stream' : 'unary';
    const counts = new MethodCounts(service, method, type);
    this.#methods.set(path, counts);
    return counts;
  }

  #counted(method: Definition, counts: MethodCounts): Definition {
    return {
      ...method,
      requestDeserialize: (bytes) => {
        counts.receivedCount += 1;
        this.receivedBytes += bytes.length;
        return method.requestDeserialize(bytes);
      },
      responseSerialize: (message) => {
        const bytes = method.responseSerialize(message);
        counts.sentCount += 1;
        this.sentBytes += bytes.length;
        return bytes;
      },
    };
  }

  #counting(
    methods: readonly [string, Definition][],
    implementation: UntypedServiceImplementation,
  ): UntypedServiceImplementation {
    const counting: UntypedServiceImplementation = {};
    for (const [name, method] of methods) {
      const handle = implementation[name];
      if (handle === undefined) continue;
      const counts = this.#countsOf(method);
      counting[name] =
        counts.type === 'unary'
          ? (countingUnary(handle as Unary, counts) as never)
          : (countingStream(handle as unknown as Streaming, counts) as never);
    }
    return counting;
  }
}

function countingUnary(handle: Unary, counts: MethodCounts): Unary {
  return (call, callback) => {
    counts.startedCount += 1;
    handle(call, (error, ...rest) => {
      counts.ended(error ? (error.code ?? status.UNKNOWN) : status.OK);
      callback(error, ...rest);
    });
  };
}

/** A stream ends once, in whichever way comes first. */
function countingStream(handle: Streaming, counts: MethodCounts): Streaming {
  return (call) => {
    counts.startedCount += 1;
    let hasEnded = false;
    const end = (code: status) => {
      if (!hasEnded) counts.ended(code);
      hasEnded = true;
    };
    call.once('error', (error: ServerErrorResponse) => end(error.code ?? status.UNKNOWN));
    call.once('cancelled', () => end(status.CANCELLED));
    call.once('finish', () => end(status.OK));
    handle(call);
  };
}
