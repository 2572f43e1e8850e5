import { EventEmitter } from 'node:events';
import type { Server, Socket } from 'node:net';
import { asBuffer } from '../../../base/bytes.js';
import type { Endpoint } from '../../../peer/address.js';
import type { Sockets } from '../../../peer/sockets.js';
import type { Life } from '../process/virtual-process.js';
import type { ConnectionEnd, EndReason } from './connection-end.js';
import type { VirtualNetwork } from './virtual-network.js';

/** Bytes that the two machines of a connection hold for whoever does not read; past them, writes wait. */
const BUFFER_BYTES = 256 * 1024;

interface Sent {
  readonly buffers: readonly Uint8Array[];
  readonly bytes: number;
  /** Called when the reader has taken it. */
  readonly onRead: () => void;
}

/**
 * As much of a `net.Socket` as the transport between members uses, over a connection of the virtual network. Whoever reads
 * owns the bytes that were written: like the kernel's, they are not to be changed.
 */
class VirtualSocket extends EventEmitter {
  #end: ConnectionEnd | undefined;
  #giveUp: () => void = () => undefined;
  #corked: Uint8Array[] | undefined;
  #onTaken: (() => void)[] = [];
  /** Written, and not read at the other end. */
  #unreadBytes = 0;
  #waiting: { readonly bytesBefore: number; readonly taken: () => void }[] = [];
  #isPaused = false;
  #unread: Sent[] = [];
  /** What is told once everything that came before has been read. */
  #lastWord: EndReason | undefined;
  destroyed = false;
  closed = false;

  /** For whoever dials. */
  static connecting(network: VirtualNetwork, life: Life, to: Endpoint, onConnected: () => void): VirtualSocket {
    const socket = new VirtualSocket();
    socket.#giveUp = network.connect(life, to, {
      onOpen: (end) => {
        socket.#use(end);
        onConnected();
      },
      onRefused: () => socket.#fail('ECONNREFUSED'),
    });
    return socket;
  }

  /** For whoever listens. */
  static accepted(end: ConnectionEnd): VirtualSocket {
    const socket = new VirtualSocket();
    socket.#use(end);
    return socket;
  }

  get writableLength(): number {
    return Math.max(0, this.#unreadBytes - BUFFER_BYTES);
  }

  cork(): void {
    this.#corked ??= [];
  }

  uncork(): void {
    const buffers = this.#corked;
    this.#corked = undefined;
    const taken = this.#onTaken.splice(0);
    if (buffers !== undefined && buffers.length > 0) this.#send(buffers, () => taken.forEach((tell) => tell()));
  }

  write(buffer: Uint8Array, taken?: () => void): boolean {
    if (this.#corked === undefined) this.#send([buffer], taken);
    else {
      this.#corked.push(buffer);
      if (taken !== undefined) this.#onTaken.push(taken);
    }
    return this.writableLength === 0;
  }

  pause(): this {
    this.#isPaused = true;
    return this;
  }

  isPaused(): boolean {
    return this.#isPaused;
  }

  resume(): this {
    this.#isPaused = false;
    // Not from inside: whoever resumes may be in the middle of reading.
    queueMicrotask(() => this.#read());
    return this;
  }

  /** Closes when what was written has left. */
  destroySoon(): void {
    this.destroy();
  }

  destroy(): this {
    if (this.destroyed) return this;
    this.destroyed = true;
    this.#giveUp();
    this.#end?.close();
    this.#closeSoon();
    return this;
  }

  setNoDelay(): this {
    return this;
  }

  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }

  #use(end: ConnectionEnd): void {
    this.#end = end;
    end.events = {
      onReceive: (payload) => this.#receive(payload as Sent),
      onClose: (reason) => this.#hearLast(reason),
    };
  }

  #send(buffers: readonly Uint8Array[], taken?: () => void): void {
    const bytes = buffers.reduce((sum, { length }) => sum + length, 0);
    const bytesBefore = this.#unreadBytes + bytes - BUFFER_BYTES;
    this.#unreadBytes += bytes;
    if (taken !== undefined && bytesBefore <= 0) queueMicrotask(taken);
    else if (taken !== undefined) this.#waiting.push({ bytesBefore, taken });
    if (this.#end === undefined) return;
    const { trace } = this.#end.life.process.world;
    for (const buffer of buffers) trace.bytes(buffer);
    this.#end.send({ buffers, bytes, onRead: () => this.#wasRead(bytes) } satisfies Sent);
  }

  /** The window opens. That the other machine's word of it takes no time changes nothing for who is not at the limit. */
  #wasRead(bytes: number): void {
    this.#unreadBytes -= bytes;
    for (const waiting of this.#waiting.splice(0)) {
      const bytesBefore = waiting.bytesBefore - bytes;
      if (bytesBefore <= 0) this.#end?.life.clock.soon(waiting.taken);
      else this.#waiting.push({ ...waiting, bytesBefore });
    }
  }

  #receive(sent: Sent): void {
    this.#unread.push(sent);
    this.#read();
  }

  #read(): void {
    while (!this.#isPaused && !this.destroyed) {
      const sent = this.#unread.shift();
      if (sent === undefined) break;
      sent.onRead();
      for (const buffer of sent.buffers) if (!this.destroyed) this.emit('data', asBuffer(buffer));
    }
    if (this.#lastWord === undefined || this.#isPaused || this.destroyed) return;
    if (this.#lastWord === 'reset') return this.#fail('ECONNRESET');
    this.emit('end');
    this.destroy();
  }

  #hearLast(reason: EndReason): void {
    this.#lastWord = reason;
    // A reset throws away what has not been read.
    if (reason === 'reset') this.#fail('ECONNRESET');
    else this.#read();
  }

  #fail(code: string): void {
    if (this.destroyed) return;
    this.destroyed = true;
    this.#end?.close();
    this.emit('error', Object.assign(new Error(code), { code }));
    this.#closeSoon();
  }

  #closeSoon(): void {
    for (const { taken } of this.#waiting.splice(0)) queueMicrotask(taken);
    queueMicrotask(() => {
      this.closed = true;
      this.emit('close');
    });
  }
}

/** As much of a `net.Server` as the transport between members uses. */
class VirtualListener extends EventEmitter {
  readonly #network: VirtualNetwork;
  readonly #life: Life;
  readonly #onConnection: (socket: Socket) => void;
  readonly #sockets = new Set<VirtualSocket>();
  #stop: (() => void) | undefined;
  #port = 0;

  constructor(network: VirtualNetwork, life: Life, onConnection: (socket: Socket) => void) {
    super();
    this.#network = network;
    this.#life = life;
    this.#onConnection = onConnection;
  }

  get listening(): boolean {
    return this.#stop !== undefined;
  }

  address(): { readonly port: number } {
    return { port: this.#port };
  }

  listen({ port }: { readonly port: number }): this {
    this.#port = port;
    this.#stop = this.#network.listen(this.#life, port, (end) => this.#accept(end));
    const outcome = this.#stop === undefined ? ['error', new Error('EADDRINUSE')] : ['listening'];
    queueMicrotask(() => this.emit(...(outcome as [string])));
    return this;
  }

  close(): this {
    this.#stop?.();
    this.#stop = undefined;
    queueMicrotask(() => this.#closeIfEmpty());
    return this;
  }

  #accept(end: ConnectionEnd): void {
    const socket = VirtualSocket.accepted(end);
    this.#sockets.add(socket);
    socket.once('close', () => {
      this.#sockets.delete(socket);
      this.#closeIfEmpty();
    });
    this.#onConnection(socket as unknown as Socket);
  }

  #closeIfEmpty(): void {
    if (this.#stop === undefined && this.#sockets.size === 0) this.emit('close');
  }
}

/** The sockets of one run of a process. The casts hold for what `core/peer` uses of them. */
export function virtualSockets(network: VirtualNetwork, life: Life): Sockets {
  return {
    connect: (endpoint, _tls, onConnected) =>
      VirtualSocket.connecting(network, life, endpoint, onConnected) as unknown as Socket,
    createServer: (onConnection) => new VirtualListener(network, life, onConnection) as unknown as Server,
  };
}
