import {
  Client,
  type ClientReadableStream,
  connectivityState,
  credentials,
  type MethodDefinition,
  type ServiceError,
  status,
} from '@grpc/grpc-js';
import { InvalidArgumentError } from '../../base/errors.js';
import { systemClock } from '../../base/system-clock.js';
import { meaningOf } from '../../rpc/errors.js';

/** A member did not do what it was asked to; the message is its own text, or says why it could not be asked. */
export class AdminCallError extends Error {
  constructor(
    readonly endpoint: string,
    /** Whether it is this member that cannot answer, while another one may. Nothing was done then. */
    readonly isOfThisMember: boolean,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

interface Patience {
  readonly timeoutMs: number;
  /** How long the connection may take. */
  readonly connectMs: number;
}

const CHANNEL_OPTIONS = {
  'grpc.use_local_subchannel_pool': 1,
  'grpc.enable_retries': 0,
  'grpc.service_config_disable_resolution': 1,
  'grpc.enable_http_proxy': 0,
  'grpc.max_receive_message_length': -1,
} as const;

/** Asks members what an operator asks of them: one after the other, and nothing twice that may have been done. */
export class AdminClient {
  readonly #clients = new Map<string, Client>();

  /**
   * @param endpoints - `host:port` or `http://host:port` each
   * @param timeoutMs - how long one command may take
   * @throws {@link InvalidArgumentError} if an endpoint is not of that form
   */
  constructor(
    readonly endpoints: readonly string[],
    readonly timeoutMs: number,
  ) {
    for (const endpoint of endpoints) targetOf(endpoint);
  }

  /**
   * Asks the first member that can be reached and answers: a learner or a member without a leader refers to the next.
   *
   * @throws {@link AdminCallError} with what the last one said
   */
  async ask<Request, Response>(method: MethodDefinition<Request, Response>, request: Request): Promise<Response> {
    const deadline = systemClock.now() + this.timeoutMs;
    let failure: unknown = new InvalidArgumentError('--endpoints', '', 'one or more addresses');
    for (const [index, endpoint] of this.endpoints.entries()) {
      const timeoutMs = Math.max(1, deadline - systemClock.now());
      try {
        const connectMs = timeoutMs / (this.endpoints.length - index);
        return await this.#call(endpoint, method, request, { timeoutMs, connectMs });
      } catch (error) {
        failure = error;
        if (!(error instanceof AdminCallError && error.isOfThisMember)) break;
      }
    }
    throw failure;
  }

  /** Asks one member. @throws {@link AdminCallError} */
  askOne<Request, Response>(
    endpoint: string,
    method: MethodDefinition<Request, Response>,
    request: Request,
  ): Promise<Response> {
    return this.#call(endpoint, method, request, { timeoutMs: this.timeoutMs, connectMs: this.timeoutMs });
  }

  /**
   * What one member streams. Each message may take as long as a command.
   *
   * @throws {@link AdminCallError}
   */
  async *download<Request, Response>(
    endpoint: string,
    { path, requestSerialize, responseDeserialize }: MethodDefinition<Request, Response>,
    request: Request,
  ): AsyncGenerator<Response, void, undefined> {
    const client = this.#clientOf(endpoint);
    const call = client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, request);
    const impatience = new Impatience(this.timeoutMs, () => call.cancel());
    try {
      for await (const message of call as ClientReadableStream<Response> & AsyncIterable<Response>) {
        impatience.stop();
        yield message;
        impatience.restart();
      }
    } catch (error) {
      throw this.#failure(endpoint, error as ServiceError, impatience.isOver);
    } finally {
      impatience.stop();
      call.cancel();
    }
  }

  close(): void {
    for (const client of this.#clients.values()) client.close();
    this.#clients.clear();
  }

  #call<Request, Response>(
    endpoint: string,
    { path, requestSerialize, responseDeserialize }: MethodDefinition<Request, Response>,
    request: Request,
    { timeoutMs, connectMs }: Patience,
  ): Promise<Response> {
    const client = this.#clientOf(endpoint);
    return new Promise((resolve, reject) => {
      const call = client.makeUnaryRequest(path, requestSerialize, responseDeserialize, request, (error, response) => {
        impatience.stop();
        connecting.stop();
        if (error) reject(this.#failure(endpoint, error, impatience.isOver || connecting.isOver));
        else resolve(response as Response);
      });
      const impatience = new Impatience(timeoutMs, () => call.cancel());
      const connecting = new Impatience(connectMs, () => {
        if (!isConnected(client)) call.cancel();
      });
    });
  }

  #failure(endpoint: string, error: ServiceError, isOver: boolean): AdminCallError {
    const wasConnected = isConnected(this.#clientOf(endpoint));
    if (isOver && error.code === status.CANCELLED) {
      const why = wasConnected ? 'it did not answer in time' : 'it could not be reached in time';
      return new AdminCallError(endpoint, !wasConnected, `${endpoint}: ${why}`, { cause: error });
    }
    const meaning = meaningOf(error.details);
    if (meaning === undefined && error.code === status.UNAVAILABLE) {
      return new AdminCallError(endpoint, !wasConnected, `${endpoint}: ${plainly(error.details)}`, { cause: error });
    }
    const isOfThisMember = meaning === 'LEARNER_REFUSES' || meaning === 'NO_LEADER';
    return new AdminCallError(endpoint, isOfThisMember, error.details, { cause: error });
  }

  #clientOf(endpoint: string): Client {
    const known = this.#clients.get(endpoint);
    if (known) return known;
    const client = new Client(targetOf(endpoint), credentials.createInsecure(), CHANNEL_OPTIONS);
    this.#clients.set(endpoint, client);
    return client;
  }
}

/** What grpc-js says of a connection, without its wrapping. */
function plainly(details: string): string {
  return details
    .replace(/^No connection established\. Last error: (?:Error: )?/, '')
    .replace(/\. Resolution note: .*$/s, '');
}

/** Runs out once, unless it is stopped before. */
class Impatience {
  #timer: ReturnType<typeof setTimeout> | undefined;
  isOver = false;

  constructor(
    private readonly ms: number,
    private readonly act: () => void,
  ) {
    this.restart();
  }

  restart(): void {
    this.#timer = setTimeout(() => {
      this.isOver = true;
      this.act();
    }, this.ms);
  }

  stop(): void {
    clearTimeout(this.#timer);
  }
}

function isConnected(client: Client): boolean {
  return client.getChannel().getConnectivityState(false) === connectivityState.READY;
}

/** An endpoint as gRPC names it. */
function targetOf(endpoint: string): string {
  const url = endpoint.includes('://') ? endpoint : `http://${endpoint}`;
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  const isPlain = parsed?.protocol === 'http:' && parsed.hostname !== '' && parsed.pathname === '/';
  if (!isPlain) throw new InvalidArgumentError('--endpoints', endpoint, 'host:port or http://host:port');
  return `dns:${parsed.hostname}:${parsed.port === '' ? '80' : parsed.port}`;
}
