import type { ClientDuplexStream, ServiceError } from '@grpc/grpc-js';

/** A stream of requests and answers to one member. */
export interface CallStream<Request, Response> extends AsyncIterable<Response> {
  readonly endpoint: string;
  send(request: Request): void;
  /** Ends it from our side; whoever reads gets no more. Idempotent. */
  close(): void;
}

/**
 * A stream of grpc-js as one.
 *
 * @param explain - turns what the stream failed with into what its reader is to be told
 */
export function callStream<Request, Response>(
  endpoint: string,
  call: ClientDuplexStream<Request, Response>,
  explain: (error: ServiceError) => Error,
): CallStream<Request, Response> {
  let isClosed = false;
  const arrived = call[Symbol.asyncIterator]() as AsyncIterator<Response>;
  // Its reader is told of an error; without a listener one that comes while nobody reads would end the process.
  call.on('error', () => {});
  const close = (): void => {
    isClosed = true;
    call.cancel();
  };
  const next = async (): Promise<IteratorResult<Response>> => {
    try {
      return await arrived.next();
    } catch (error) {
      if (isClosed) return { done: true, value: undefined };
      throw explain(error as ServiceError);
    }
  };
  return {
    endpoint,
    send: (request) => void (isClosed || call.write(request)),
    close,
    [Symbol.asyncIterator]: () => ({
      next,
      return: async () => (close(), { done: true, value: undefined }),
    }),
  };
}
