import type { Socket } from 'node:net';
import { createServer, type Server, type TLSSocket } from 'node:tls';
import type { TlsMaterial } from '../tls/tls-material.js';

/** Who hears how a greeting went: one of the two, once for each. */
export interface GreetingEvents {
  readonly onGreeted: (socket: TLSSocket) => void;
  /** @param why - a code of Node's or OpenSSL's, without addresses and names */
  readonly onFailed: (why: string) => void;
}

/** What a greeter is made from. */
export interface GreeterParts {
  readonly material: TlsMaterial;
  /** Whether clients must have a certificate that the authorities signed. */
  readonly requireClientCert: boolean;
  /** How long a greeting may take; an attacker would hold it open for ever (GHSA-6vch-q96h-7gc3). */
  readonly greetingMs: number;
}

/**
 * Leads the connections of clients through TLS. A client that offers HTTP/1.1 gets that, for what speaks both is a browser
 * or curl, and gRPC offers HTTP/2 alone.
 */
export class ClientGreeter {
  readonly #material: TlsMaterial;
  readonly #server: Server;
  #generation: number;

  constructor({ material, requireClientCert, greetingMs }: GreeterParts) {
    this.#material = material;
    const { options, generation } = material.current();
    this.#generation = generation;
    this.#server = createServer({
      ...options,
      handshakeTimeout: greetingMs,
      requestCert: requireClientCert,
      rejectUnauthorized: requireClientCert,
      ALPNCallback: ({ protocols }) => ['http/1.1', 'h2'].find((one) => protocols.includes(one)),
    });
  }

  start({ onGreeted, onFailed }: GreetingEvents): void {
    this.#server.on('secureConnection', (socket) => {
      // The certificate stays what it was seen to be, for as long as the connection lasts.
      socket.disableRenegotiation();
      onGreeted(socket);
    });
    this.#server.on('tlsClientError', (error: NodeJS.ErrnoException, socket) => {
      // Set where the greeting went well, but for the client's certificate.
      const { authorizationError } = socket as { authorizationError?: unknown };
      // Node leaves open one whose greeting took too long.
      socket.destroy();
      onFailed(typeof authorizationError === 'string' ? authorizationError : (error.code ?? 'UNKNOWN'));
    });
  }

  /** Begins to greet, with the certificates that are in force now. */
  greet(socket: Socket): void {
    const { options, generation } = this.#material.current();
    if (generation !== this.#generation) {
      this.#generation = generation;
      // Another context has other keys for tickets too: nobody resumes what an older list of revoked ones let in.
      this.#server.setSecureContext(options);
    }
    this.#server.emit('connection', socket);
  }
}
