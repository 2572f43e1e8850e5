import { createServer, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { HttpFront } from './http-face.js';

/** Between looks for requests that take too long to arrive. */
const CHECK_MS = 1_000;

/** HTTP/1.1 on connections that somebody else accepted. */
export class InjectedHttp {
  readonly #server: Server;
  readonly #answering = new Set<ServerResponse>();
  #onIdle: (() => void) | undefined;

  constructor(front: HttpFront) {
    this.#server = createServer({ noDelay: true, connectionsCheckingInterval: CHECK_MS }, (request, response) => {
      this.#answering.add(response);
      response.once('close', () => {
        this.#answering.delete(response);
        if (this.#answering.size === 0) this.#onIdle?.();
      });
      // Whoever is asked to close says so, and does once it has answered.
      if (this.#onIdle !== undefined) response.setHeader('connection', 'close');
      front.handle(request, response);
    });
    front.configure?.(this.#server);
    // Node begins to look after slow requests when a server listens, which this one never does by itself.
    this.#server.emit('listening');
  }

  take(socket: Socket): void {
    this.#server.emit('connection', socket);
  }

  /** Closes what is idle. Resolves once everything that was asked for has been answered. */
  drained(): Promise<void> {
    return new Promise((resolve) => {
      this.#onIdle = resolve;
      this.#server.close();
      if (this.#answering.size === 0) resolve();
    });
  }
}
