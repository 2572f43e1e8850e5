import type { IncomingMessage, Server, ServerResponse } from 'node:http';

/** What answers everything on a client port that is not gRPC. */
export interface HttpFront {
  readonly handle: (request: IncomingMessage, response: ServerResponse) => void;
  /** Sets the times that a request may take to arrive. */
  readonly configure?: (server: Server) => void;
  close(): void;
}

/** Where nothing but gRPC is served. */
export const GRPC_ONLY: HttpFront = {
  handle(_request, response) {
    response.writeHead(404, { 'content-type': 'text/plain; charset=utf-8' }).end('404 page not found\n');
  },
  close() {},
};
