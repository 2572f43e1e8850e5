import {
  type CallOptions,
  Client,
  type ClientReadableStream,
  connectivityState,
  Metadata,
  type MethodDefinition,
  type ServiceError,
  status,
} from '@grpc/grpc-js';
import { InvalidArgumentError } from '../../base/errors.js';
import { systemClock } from '../../base/system-clock.js';
import { meaningOf } from '../../rpc/errors.js';
import { CallError } from './call-error.js';
import { type CallStream, callStream } from './call-stream.js';
import { credentialsFor, parseEndpoint, type TlsFlags } from './endpoint.js';
import { Impatience } from './impatience.js';
import { type Credentials, isOutdated, SessionToken } from './session-token.js';

/** How members are asked. Times are in milliseconds. */
export interface MemberClientSettings {
  /** Their addresses. */
  readonly endpoints: readonly string[];
  /** How long one command may take. */
  readonly timeoutMs: number;
  /** How long connecting to one member may take. */
  readonly dialMs: number;
  readonly keepAliveMs: number;
  readonly keepAliveTimeoutMs: number;
  readonly tls: TlsFlags;
  readonly user?: Credentials | undefined;
}

interface Patience {
  readonly timeoutMs: number;
  /** How long the connection may take. */
  readonly connectMs: number;
}

/** gRPC's own clients test no connection more often, and etcd ends those of clients that do. */
const KEEP_ALIVE_LEAST_MS = 10_000;

/** Asks members what a user asks of them: one after the other, and nothing twice that may have been done. */
export class MemberClient {
  readonly #clients = new Map<string, Promise<Client>>();
  readonly #token: SessionToken;

  /** @throws {@link InvalidArgumentError} if an endpoint is no address */
  constructor(readonly settings: MemberClientSettings) {
    for (const endpoint of settings.endpoints) parseEndpoint(endpoint);
    this.#token = new SessionToken(settings.user);
  }

  get endpoints(): readonly string[] {
    return this.settings.endpoints;
  }

  /**
   * Asks the first member that can be reached and answers: a learner or a member without a leader refers to the next.
   *
   * @throws {@link CallError} with what the last one said
   */
  async ask<Request, Response>(method: MethodDefinition<Request, Response>, request: Request): Promise<Response> {
    const { timeoutMs } = this.settings;
    return this.#firstOf(timeoutMs, (endpoint, patience) => this.#authenticated(endpoint, method, request, patience));
  }

  /** Asks one member. @throws {@link CallError} */
  async askOne<Request, Response>(
    endpoint: string,
    method: MethodDefinition<Request, Response>,
    request: Request,
  ): Promise<Response> {
    const { timeoutMs } = this.settings;
    return this.#authenticated(endpoint, method, request, { timeoutMs, connectMs: timeoutMs });
  }

  /**
   * What one member streams. Each message may take as long as a command.
   *
   * @throws {@link CallError}
   */
  async *download<Request, Response>(
    endpoint: string,
    { path, requestSerialize, responseDeserialize }: MethodDefinition<Request, Response>,
    request: Request,
  ): AsyncGenerator<Response, void, undefined> {
    const { timeoutMs } = this.settings;
    const client = await this.#clientOf(endpoint);
    const metadata = await this.#metadata(endpoint, { timeoutMs, connectMs: timeoutMs });
    const call = client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, request, metadata);
    const impatience = new Impatience(timeoutMs, () => call.cancel());
    try {
      for await (const message of call as ClientReadableStream<Response> & AsyncIterable<Response>) {
        impatience.stop();
        yield message;
        impatience.restart();
      }
    } catch (error) {
      throw failureOf(endpoint, client, error as ServiceError, impatience.isOver);
    } finally {
      impatience.stop();
      call.cancel();
    }
  }

  /**
   * Opens a stream to the first member that can be reached. A member that has no leader for long ends it.
   *
   * @throws {@link CallError}
   */
  async open<Request, Response>(
    method: MethodDefinition<Request, Response>,
    timeoutMs = this.settings.timeoutMs,
  ): Promise<CallStream<Request, Response>> {
    return this.#firstOf(timeoutMs, async (endpoint, patience) => {
      const client = await this.#clientOf(endpoint);
      const metadata = await this.#metadata(endpoint, patience);
      metadata.set('hasleader', 'true');
      await untilConnected(endpoint, client, patience.connectMs);
      const { path, requestSerialize, responseDeserialize } = method;
      const call = client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize, metadata);
      return callStream(endpoint, call, (error) => {
        if (isOutdated(error.details)) this.#token.forget();
        return failureOf(endpoint, client, error, false);
      });
    });
  }

  /**
   * Sends one request over a stream of its own, and takes the first answer: {@link ask}, for methods that are streams.
   *
   * @param timeoutMs - how long it may take in all
   * @throws {@link CallError} also if there is no answer in time
   */
  async exchange<Request, Response>(
    method: MethodDefinition<Request, Response>,
    request: Request,
    timeoutMs = this.settings.timeoutMs,
  ): Promise<Response> {
    const begun = systemClock.now();
    const stream = await this.open(method, timeoutMs);
    const { endpoint } = stream;
    const impatience = new Impatience(timeoutMs - (systemClock.now() - begun), () => stream.close());
    try {
      stream.send(request);
      for await (const answer of stream) return answer;
    } finally {
      impatience.stop();
      stream.close();
    }
    const why = impatience.isOver ? 'it did not answer in time' : 'it ended the stream';
    throw new CallError(endpoint, false, `${endpoint}: ${why}`, status.UNAVAILABLE);
  }

  /**
   * Has the next call fetch a new token.
   *
   * @returns whether there is anybody to be known as
   */
  forgetToken(): boolean {
    this.#token.forget();
    return this.#token.isNeeded;
  }

  close(): void {
    for (const client of this.#clients.values()) void client.then((one) => one.close()).catch(() => {});
    this.#clients.clear();
  }

  async #firstOf<Response>(
    timeoutMs: number,
    ask: (endpoint: string, patience: Patience) => Promise<Response>,
  ): Promise<Response> {
    const { endpoints, dialMs } = this.settings;
    const deadline = systemClock.now() + timeoutMs;
    let failure: unknown = new InvalidArgumentError('--endpoints', '', 'one or more addresses');
    for (const [index, endpoint] of endpoints.entries()) {
      const leftMs = Math.max(1, deadline - systemClock.now());
      try {
        const connectMs = Math.min(dialMs, leftMs / (endpoints.length - index));
        return await ask(endpoint, { timeoutMs: leftMs, connectMs });
      } catch (error) {
        failure = error;
        if (!(error instanceof CallError && error.isOfThisMember)) break;
      }
    }
    throw failure;
  }

  /** Asks with a token where there is one, and once more with a new one if it is no longer accepted. */
  async #authenticated<Request, Response>(
    endpoint: string,
    method: MethodDefinition<Request, Response>,
    request: Request,
    patience: Patience,
  ): Promise<Response> {
    try {
      return await this.#call(endpoint, method, request, patience, await this.#metadata(endpoint, patience));
    } catch (error) {
      if (!this.#token.isNeeded || !isOutdated((error as Error).message)) throw error;
      this.#token.forget();
      return this.#call(endpoint, method, request, patience, await this.#metadata(endpoint, patience));
    }
  }

  async #metadata(endpoint: string, patience: Patience): Promise<Metadata> {
    const metadata = new Metadata();
    const token = await this.#token.get((method, request) =>
      this.#call(endpoint, method, request, patience, new Metadata()),
    );
    if (token !== undefined) metadata.set('token', token);
    return metadata;
  }

  async #call<Request, Response>(
    endpoint: string,
    { path, requestSerialize, responseDeserialize }: MethodDefinition<Request, Response>,
    request: Request,
    { timeoutMs, connectMs }: Patience,
    metadata: Metadata,
  ): Promise<Response> {
    const client = await this.#clientOf(endpoint);
    return new Promise((resolve, reject) => {
      const options: CallOptions = {};
      const answered = (error: ServiceError | null, response?: Response): void => {
        impatience.stop();
        connecting.stop();
        const isOver = impatience.isOver || connecting.isOver;
        if (error) reject(failureOf(endpoint, client, error, isOver));
        else resolve(response as Response);
      };
      const args = [path, requestSerialize, responseDeserialize, request, metadata, options, answered] as const;
      const call = client.makeUnaryRequest(...args);
      const impatience = new Impatience(timeoutMs, () => call.cancel());
      const connecting = new Impatience(connectMs, () => {
        if (!isConnected(client)) call.cancel();
      });
    });
  }

  #clientOf(endpoint: string): Promise<Client> {
    const known = this.#clients.get(endpoint);
    if (known) return known;
    const client = this.#newClient(endpoint);
    this.#clients.set(endpoint, client);
    return client;
  }

  async #newClient(text: string): Promise<Client> {
    const endpoint = parseEndpoint(text);
    const { tls, keepAliveMs, keepAliveTimeoutMs } = this.settings;
    return new Client(endpoint.target, await credentialsFor(endpoint, tls), {
      'grpc.use_local_subchannel_pool': 1,
      'grpc.enable_retries': 0,
      'grpc.service_config_disable_resolution': 1,
      'grpc.enable_http_proxy': 0,
      'grpc.max_receive_message_length': -1,
      'grpc.max_send_message_length': -1,
      'grpc.keepalive_time_ms': Math.max(keepAliveMs, KEEP_ALIVE_LEAST_MS),
      'grpc.keepalive_timeout_ms': keepAliveTimeoutMs,
    });
  }
}

function failureOf(endpoint: string, client: Client, error: ServiceError, isOver: boolean): CallError {
  const wasConnected = isConnected(client);
  if (isOver && error.code === status.CANCELLED) {
    const why = wasConnected ? 'it did not answer in time' : 'it could not be reached in time';
    return new CallError(endpoint, !wasConnected, `${endpoint}: ${why}`, error.code, { cause: error });
  }
  const meaning = meaningOf(error.details);
  if (meaning === undefined && error.code === status.UNAVAILABLE) {
    const text = `${endpoint}: ${plainly(error.details)}`;
    return new CallError(endpoint, !wasConnected, text, error.code, { cause: error });
  }
  const isOfThisMember = meaning === 'LEARNER_REFUSES' || meaning === 'NO_LEADER';
  return new CallError(endpoint, isOfThisMember, error.details, error.code, { cause: error });
}

/** A stream on a connection that is not there would wait for ever; and only a call is told why it is not. */
function untilConnected(endpoint: string, client: Client, connectMs: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const nothing = () => Buffer.alloc(0);
    // No method at all: it is refused as soon as somebody is there to refuse it.
    const args = ['/', nothing, nothing, {}] as const;
    const call = client.makeUnaryRequest(...args, (error) => {
      impatience.stop();
      if (isConnected(client)) resolve();
      else reject(failureOf(endpoint, client, error as ServiceError, impatience.isOver));
    });
    const impatience = new Impatience(connectMs, () => call.cancel());
  });
}

/** What grpc-js says of a connection, without its wrapping. */
function plainly(details: string): string {
  return details
    .replace(/^No connection established\. Last error: (?:Error: )?/, '')
    .replace(/\. Resolution note: .*$/s, '');
}

function isConnected(client: Client): boolean {
  return client.getChannel().getConnectivityState(false) === connectivityState.READY;
}
