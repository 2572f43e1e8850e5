import { once } from 'node:events';
import type { AddressInfo, Server, Socket } from 'node:net';
import {
  checkServerIdentity,
  createServer as createTlsServer,
  type Server as TlsServer,
  type TLSSocket,
} from 'node:tls';
import type { Clock } from '../base/clock.js';
import type { TlsMaterial } from '../tls/tls-material.js';
import { formatUrl } from './address.js';
import type { PeerLimits } from './limits.js';
import type { PacedLog } from '../base/paced-log.js';
import type { Sockets } from './sockets.js';
import type { PeerTls } from './types.js';

/** Where to listen. */
export interface ListenAddress {
  readonly host: string;
  /** 0 picks a free one. */
  readonly port: number;
  /** Whether with TLS; absent: if there are certificates. */
  readonly isTls?: boolean;
}

/** Certificates, and what becomes of them as their files change. */
export interface Security {
  readonly tls: PeerTls;
  readonly material: TlsMaterial;
}

/** An accepted connection of which it is not known who is at its other end. It ends by itself if that stays so. */
export class Stranger {
  readonly #strangers: Set<Stranger>;
  readonly #forget: () => void;

  constructor(socket: Socket, strangers: Set<Stranger>, clock: Clock, limits: PeerLimits) {
    this.#strangers = strangers;
    strangers.add(this);
    const timer = clock.after(limits.greetingTimeoutMs, () => socket.destroy());
    this.#forget = () => timer.cancel();
    socket.on('error', () => {});
    socket.once('close', () => this.introduced());
  }

  /** It is known now, or gone. */
  introduced(): void {
    this.#forget();
    this.#strangers.delete(this);
  }
}

/** Accepts connections on one address, a bounded number of strangers at a time, and leads them through TLS. */
export class Listener {
  readonly #server: Server;
  readonly #tls: TlsServer | undefined;
  readonly #host: string;
  readonly #sockets = new Set<Socket>();
  /** Those in the middle of TLS's greeting, by where they come from. */
  readonly #inTls = new Map<string, Stranger>();

  /**
   * @param strangers - of all listeners together
   * @param onConnection - a connection that may be greeted on
   */
  constructor(
    address: ListenAddress,
    security: Security | undefined,
    shared: {
      readonly clock: Clock;
      readonly limits: PeerLimits;
      readonly log: PacedLog;
      readonly sockets: Sockets;
    },
    strangers: Set<Stranger>,
    onConnection: (socket: Socket, stranger: Stranger) => void,
  ) {
    const { clock, limits, log, sockets } = shared;
    this.#host = address.host;
    const isTls = address.isTls ?? security !== undefined;
    this.#tls = isTls && security !== undefined ? this.#secure(security, log, onConnection) : undefined;
    let generation = security?.material.current().generation;
    this.#server = sockets.createServer((socket) => {
      if (strangers.size >= limits.strangersMax) {
        log.warn(
          'strangers',
          { limit: limits.strangersMax },
          'too many connections at once whose other end is unknown',
        );
        socket.destroy();
        return;
      }
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
      const stranger = new Stranger(socket, strangers, clock, limits);
      if (this.#tls === undefined) return onConnection(socket, stranger);
      const origin = originOf(socket);
      this.#inTls.set(origin, stranger);
      socket.once('close', () => this.#inTls.delete(origin));
      const inForce = (security as Security).material.current();
      if (inForce.generation !== generation) this.#tls.setSecureContext(inForce.options);
      generation = inForce.generation;
      this.#tls.emit('connection', socket);
    });
  }

  /** Where it listens, with the port that was picked. */
  get url(): string {
    const { port } = this.#server.address() as AddressInfo;
    return formatUrl({ host: this.#host, port, isTls: this.#tls !== undefined });
  }

  /** @throws the operating system's error if the address cannot be listened on */
  async listen(port: number): Promise<void> {
    this.#server.listen({ host: this.#host, port });
    await once(this.#server, 'listening');
  }

  /** Stops listening, at once; resolves when every connection that it accepted has closed. */
  async close(): Promise<void> {
    if (!this.#server.listening) return;
    const closed = once(this.#server, 'close');
    this.#server.close();
    await closed;
  }

  /** Ends all connections that it accepted. */
  destroySockets(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  #secure(
    { tls, material }: Security,
    log: PacedLog,
    onConnection: (socket: Socket, stranger: Stranger) => void,
  ): TlsServer {
    const { requireClientCert } = tls;
    const server = createTlsServer({
      ...material.current().options,
      requestCert: requireClientCert,
      rejectUnauthorized: requireClientCert,
    });
    server.on('secureConnection', (socket) => {
      const origin = originOf(socket);
      const stranger = this.#inTls.get(origin);
      this.#inTls.delete(origin);
      if (stranger === undefined) return void socket.destroy();
      if (isAllowed(socket, tls)) return onConnection(socket, stranger);
      log.warn('tls', { why: 'NAME_NOT_ALLOWED' }, 'refused a connection: its certificate is for somebody else');
      socket.destroy();
    });
    server.on('tlsClientError', (error: NodeJS.ErrnoException) =>
      log.warn('tls', { why: error.code ?? 'UNKNOWN' }, 'refused a connection: its TLS greeting failed'),
    );
    return server;
  }
}

/** Whether a certificate, which was verified, is for one of those whom we let in. */
function isAllowed(socket: TLSSocket, { allowedCommonNames, allowedHostnames }: PeerTls): boolean {
  if (allowedCommonNames === undefined && allowedHostnames === undefined) return true;
  const certificate = socket.getPeerCertificate();
  if (certificate.subject === undefined) return false;
  const names = [certificate.subject.CN].flat();
  const isForName = allowedCommonNames?.some((name) => names.includes(name)) ?? true;
  return isForName && (allowedHostnames?.some((host) => checkServerIdentity(host, certificate) === undefined) ?? true);
}

/** TLS makes a new socket of an accepted one. Both come from the same place, where no other does at the same time. */
function originOf(socket: Socket): string {
  return `${socket.remoteAddress} ${socket.remotePort} ${socket.localAddress}`;
}
