import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { Clock } from '../base/clock.js';
import type { Logger } from '../base/logger.js';
import { PacedLog } from '../base/paced-log.js';
import { listenToFirstBytes, type Spoken } from './first-bytes.js';
import type { RpcLimits } from './rpc-limits.js';
import type { ClientGreeter } from './tls-greeter.js';
import { prepareSocketFile, type SocketFile } from './unix-socket.js';

/** Where to listen. */
export type ListenPlace = { readonly host: string; readonly port: number } | SocketFile;

/** Why a connection was not taken. */
export type RefusalReason = keyof ConnectionCounts['refused'];

/** What became of connections so far, and how many there are. */
export interface ConnectionCounts {
  readonly open: number;
  /** In the middle of TLS's greeting. */
  readonly greeting: number;
  readonly refused: {
    /** It did not say in time what it speaks. */
    readonly silent: number;
    /** Plain text where TLS is spoken. */
    readonly plainText: number;
    /** TLS where plain text is spoken. */
    readonly tls: number;
    /** TLS's greeting failed: a certificate that is missing or not believed, no version or cipher in common, too slow. */
    readonly greetingFailed: number;
    /** As many greetings were under way as there may be. */
    readonly tooManyGreetings: number;
    /** A protocol that is served elsewhere. */
    readonly notHere: number;
  };
}

/** Who takes a connection once it is known what it speaks. Absent: it is not served here. */
export interface Takers {
  readonly http2: ((socket: Socket) => void) | undefined;
  readonly http1: ((socket: Socket) => void) | undefined;
}

/** What a listener meets in the world. */
export interface ListenerParts {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly limits: RpcLimits;
  /** Leads connections through TLS. Absent: they are plain. */
  readonly greeter?: ClientGreeter | undefined;
}

const WORDS: Readonly<Record<RefusalReason, string>> = {
  silent: 'closed a connection that did not say what it speaks',
  plainText: 'refused a connection: it speaks plain text where TLS is spoken',
  tls: 'refused a connection: it speaks TLS where plain text is spoken',
  greetingFailed: 'refused a connection: its TLS greeting failed',
  tooManyGreetings: 'refused a connection: too many TLS greetings are under way',
  notHere: 'refused a connection: what it speaks is served on another port',
};

/**
 * Accepts clients on one place and finds out what each of them speaks: HTTP/2, which is gRPC, or HTTP/1.1. Our own, not
 * grpc-js's: it gives the system's errors, bounds connections, and serves both on one port, as etcd does.
 */
export class ClientListener {
  readonly #parts: ListenerParts;
  readonly #takers: Takers;
  readonly #log: PacedLog;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #refused = { silent: 0, plainText: 0, tls: 0, greetingFailed: 0, tooManyGreetings: 0, notHere: 0 };
  #greetingCount = 0;

  constructor(parts: ListenerParts, takers: Takers) {
    this.#parts = parts;
    this.#takers = takers;
    this.#log = new PacedLog(parts.logger, parts.clock);
    this.#server = createServer({ noDelay: true }, (socket) => this.#accepted(socket));
    this.#server.maxConnections = parts.limits.connectionsMax;
    parts.greeter?.start({
      onGreeted: (socket) => this.#greeted(socket),
      onFailed: (why) => this.#greetingFailed(why),
    });
  }

  get counts(): ConnectionCounts {
    return { open: this.#sockets.size, greeting: this.#greetingCount, refused: { ...this.#refused } };
  }

  /** The port that was picked; 0 where there is none. */
  get port(): number {
    const address = this.#server.address();
    return address === null || typeof address === 'string' ? 0 : address.port;
  }

  /**
   * @throws the operating system's error if the place cannot be listened on
   * @throws {@link InvalidArgumentError} if something else than a socket is where a socket's file should be
   */
  async listen(place: ListenPlace): Promise<void> {
    const opened = 'path' in place ? await prepareSocketFile(place, this.#parts.clock) : undefined;
    this.#server.listen(place);
    await once(this.#server, 'listening');
    await opened?.();
  }

  /** Takes no more connections, at once. Resolves when the last one has closed. */
  async close(): Promise<void> {
    if (!this.#server.listening) return;
    const closed = once(this.#server, 'close');
    this.#server.close();
    await closed;
  }

  /** Ends all connections. */
  destroySockets(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  #accepted(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('error', () => {});
    socket.once('close', () => this.#sockets.delete(socket));
    this.#hear(socket, (spoken) => {
      const { greeter } = this.#parts;
      if (greeter === undefined) return spoken === 'tls' ? this.#refuse(socket, 'tls') : this.#take(socket, spoken);
      if (spoken !== 'tls') return this.#refuse(socket, 'plainText');
      if (this.#greetingCount >= this.#parts.limits.greetingsMax) return this.#refuse(socket, 'tooManyGreetings');
      this.#greetingCount += 1;
      greeter.greet(socket);
    });
  }

  #greeted(socket: TLSSocket): void {
    this.#greetingCount -= 1;
    socket.on('error', () => {});
    if (socket.alpnProtocol === 'h2') return this.#take(socket, 'http2');
    if (socket.alpnProtocol === 'http/1.1') return this.#take(socket, 'http1');
    this.#hear(socket, (spoken) => {
      // Node's HTTP/2 takes only connections that ALPN gave it; what it speaks is known all the same.
      if (spoken === 'http2') socket.alpnProtocol = 'h2';
      if (spoken === 'tls') this.#refuse(socket, 'tls');
      else this.#take(socket, spoken);
    });
  }

  #greetingFailed(why: string): void {
    this.#greetingCount -= 1;
    this.#refused.greetingFailed += 1;
    this.#log.warn(why, { why }, WORDS.greetingFailed);
  }

  /** Waits, for so long, for what a connection begins with. */
  #hear(socket: Socket, onSpoken: (spoken: Spoken) => void): void {
    const { clock, limits } = this.#parts;
    const timer = clock.after(limits.firstBytesMs, () => {
      stop();
      this.#refuse(socket, 'silent');
    });
    const stop = listenToFirstBytes(socket, (spoken) => {
      timer.cancel();
      onSpoken(spoken);
    });
    socket.once('close', () => timer.cancel());
  }

  #take(socket: Socket, spoken: 'http1' | 'http2'): void {
    const taker = this.#takers[spoken];
    if (taker === undefined) return this.#refuse(socket, 'notHere');
    taker(socket);
  }

  #refuse(socket: Socket, reason: RefusalReason): void {
    this.#refused[reason] += 1;
    this.#log.warn(reason, { from: socket.remoteAddress }, WORDS[reason]);
    socket.destroy();
  }
}
