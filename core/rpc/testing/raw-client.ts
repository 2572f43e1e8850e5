import {
  Client,
  type ClientDuplexStream,
  type ClientReadableStream,
  credentials,
  Metadata,
  type MethodDefinition,
  type ServiceError,
} from '@grpc/grpc-js';

/** As much of grpc-js's client as is needed. */
export type RawCarrier = Pick<
  Client,
  'makeUnaryRequest' | 'makeBidiStreamRequest' | 'makeServerStreamRequest' | 'close'
>;

/** A gRPC client with nothing in between: what it is given is sent, what arrives is shown. */
export class RawClient {
  readonly #client: RawCarrier;

  /** @param to - where a server listens, or what carries calls to one */
  constructor(to: { readonly host: string; readonly port: number } | RawCarrier) {
    this.#client = 'host' in to ? RawClient.#dial(to) : to;
  }

  static #dial({ host, port }: { readonly host: string; readonly port: number }): Client {
    return new Client(`${host}:${port}`, credentials.createInsecure(), {
      'grpc.use_local_subchannel_pool': 1,
      'grpc.max_receive_message_length': -1,
      'grpc.max_send_message_length': -1,
      'grpc.enable_retries': 0,
    });
  }

  unary<Request, Response>(
    method: MethodDefinition<Request, Response>,
    request: Request,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Response> {
    const { path, requestSerialize, responseDeserialize } = method;
    const metadata = toMetadata(headers);
    return new Promise((resolve, reject) => {
      this.#client.makeUnaryRequest(
        path,
        requestSerialize,
        responseDeserialize,
        request,
        metadata,
        (error, response) => (error ? reject(error) : resolve(response as Response)),
      );
    });
  }

  /** Sends bytes in place of a message. */
  bytes(path: string, message: Buffer): Promise<Buffer> {
    const same = (bytes: Buffer) => bytes;
    return this.unary<Buffer, Buffer>({ path, requestSerialize: same, responseDeserialize: same } as never, message);
  }

  stream<Request, Response>(
    method: MethodDefinition<Request, Response>,
    headers: Readonly<Record<string, string>> = {},
  ): RawStream<Request, Response> {
    const { path, requestSerialize, responseDeserialize } = method;
    const metadata = toMetadata(headers);
    return new RawStream(this.#client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize, metadata));
  }

  /** One request, answered with a stream. */
  download<Request, Response>(
    method: MethodDefinition<Request, Response>,
    request: Request,
    headers: Readonly<Record<string, string>> = {},
  ): RawStream<Request, Response> {
    const { path, requestSerialize, responseDeserialize } = method;
    const metadata = toMetadata(headers);
    return new RawStream(
      this.#client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, request, metadata),
    );
  }

  close(): void {
    this.#client.close();
  }
}

function toMetadata(headers: Readonly<Record<string, string>>): Metadata {
  const metadata = new Metadata();
  for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
  return metadata;
}

/** A stream that hands out what arrives one by one. */
export class RawStream<Request, Response> {
  readonly #call: ClientDuplexStream<Request, Response> | ClientReadableStream<Response>;
  /** How it ended: an error of grpc-js, or undefined for a good end. */
  readonly ended: Promise<ServiceError | undefined>;

  constructor(call: ClientDuplexStream<Request, Response> | ClientReadableStream<Response>) {
    this.#call = call;
    this.ended = new Promise((resolve) => {
      call.on('error', (error: ServiceError) => resolve(error));
      call.on('end', () => setImmediate(() => resolve(undefined)));
    });
  }

  send(request: Request): void {
    (this.#call as ClientDuplexStream<Request, Response>).write(request);
  }

  /** The next message. Nothing is read unless it is asked for. */
  async next(): Promise<Response> {
    for (;;) {
      const message = this.#call.read() as Response | null;
      if (message !== null) return message;
      await new Promise((resolve) => this.#call.once('readable', resolve));
    }
  }

  /** Says that no more requests come. */
  halfClose(): void {
    (this.#call as ClientDuplexStream<Request, Response>).end();
  }

  /** Says that no more requests come, and reads to the end. */
  end(): void {
    this.halfClose();
    this.#call.resume();
  }

  /** Reads and forgets, so that the end can be seen. */
  drain(): this {
    this.#call.resume();
    return this;
  }

  cancel(): void {
    this.#call.cancel();
  }
}
