import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { resetSocket } from '../../testing/reset-socket.js';

/** What is held back for one direction of one connection; past it, its source is not read. */
const HELD_BYTES_MAX = 4 * 1024 * 1024;

/** Which way bytes go: from who dialled to the target, or back. */
export type Way = 'toTarget' | 'fromTarget';

/** What the proxy does with connections. */
export type ProxyMode =
  /** Carries everything. */
  | { readonly type: 'pass' }
  /** Swallows what goes these ways; connections look up from both sides, and new ones look as if they came about. */
  | { readonly type: 'drop'; readonly ways: readonly Way[] }
  /** Nobody listens, as after the end of a process: connections are closed, new ones refused by the system. */
  | { readonly type: 'refuse' }
  /** Connections are reset, and new ones as soon as they are made. */
  | { readonly type: 'reset' }
  /** Carries everything, later. */
  | { readonly type: 'delay'; readonly ms: number };

/** A TCP proxy for tests: one port in front of one target, whose way can be disturbed while it runs. */
export class TcpProxy {
  readonly #targetPort: number;
  readonly #host: string;
  #port: number;
  #server: Server | undefined;
  #mode: ProxyMode = { type: 'pass' };
  readonly #passages = new Set<Passage>();

  private constructor(targetPort: number, port: number, host: string) {
    this.#targetPort = targetPort;
    this.#port = port;
    this.#host = host;
  }

  /**
   * Listens in front of a target, which need not listen yet.
   *
   * @param port - 0 picks a free one, which stays the same for as long as the proxy lives
   */
  static async start(targetPort: number, { port = 0, host = '127.0.0.1' } = {}): Promise<TcpProxy> {
    const proxy = new TcpProxy(targetPort, port, host);
    await proxy.#listen();
    return proxy;
  }

  get port(): number {
    return this.#port;
  }

  get url(): string {
    return `http://${this.#host}:${this.#port}`;
  }

  get mode(): ProxyMode {
    return this.#mode;
  }

  /** Connections that are open through it. */
  get connectionCount(): number {
    return this.#passages.size;
  }

  /**
   * Changes what it does, at once and also with connections that are open. One that has lost bytes is reset when it would
   * carry again: what came after them would make no sense to anybody.
   */
  async set(mode: ProxyMode): Promise<void> {
    this.#mode = mode;
    if (mode.type === 'refuse') await this.#shut();
    else if (this.#server === undefined) await this.#listen();
    for (const passage of this.#passages) passage.update(mode);
  }

  async close(): Promise<void> {
    await this.#shut();
  }

  async #listen(): Promise<void> {
    const server = createServer({ noDelay: true }, (near) => this.#arrived(near));
    this.#server = server;
    server.listen({ port: this.#port, host: this.#host });
    await once(server, 'listening');
    this.#port = (server.address() as AddressInfo).port;
  }

  async #shut(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (server === undefined) return;
    const closed = once(server, 'close');
    server.close();
    for (const passage of this.#passages) passage.close();
    await closed;
  }

  #arrived(near: Socket): void {
    const passage = new Passage(near, this.#host, this.#targetPort, () => this.#passages.delete(passage));
    this.#passages.add(passage);
    passage.update(this.#mode);
  }
}

/** One connection through the proxy. */
class Passage {
  readonly #near: Socket;
  readonly #far: Socket;
  #mode: ProxyMode = { type: 'pass' };
  #hasLost = false;

  constructor(near: Socket, host: string, port: number, onClosed: () => void) {
    this.#near = near;
    this.#far = connect({ port, host, noDelay: true });
    this.#carry('toTarget', near, this.#far);
    this.#carry('fromTarget', this.#far, near);
    for (const socket of [near, this.#far]) {
      socket.on('close', () => {
        if (near.closed && this.#far.closed) onClosed();
      });
    }
  }

  update(mode: ProxyMode): void {
    this.#mode = mode;
    const isLossy = mode.type === 'drop' && mode.ways.length > 0;
    if (mode.type === 'reset' || (this.#hasLost && !isLossy)) this.#reset();
  }

  close(): void {
    this.#near.destroy();
    this.#far.destroy();
  }

  #reset(): void {
    resetSocket(this.#near);
    resetSocket(this.#far);
  }

  #carry(way: Way, source: Socket, sink: Socket): void {
    const isDropped = () => this.#mode.type === 'drop' && this.#mode.ways.includes(way);
    const delayMs = () => (this.#mode.type === 'delay' ? this.#mode.ms : 0);
    const line = new DelayLine(source, sink);
    source.on('data', (chunk: Buffer) => {
      if (isDropped()) this.#hasLost = true;
      else line.push(chunk, delayMs());
    });
    source.on('error', () => {});
    source.on('close', () => {
      // Who is cut off does not hear of an end either.
      if (isDropped()) this.#hasLost = true;
      else line.end(delayMs());
    });
  }
}

/** Bytes on their way from one socket to another, in order, some of them later. */
class DelayLine {
  readonly #source: Socket;
  readonly #sink: Socket;
  /** What has not been handed on, and when it may be; without bytes: the end. */
  readonly #held: { readonly chunk?: Buffer; readonly dueMs: number }[] = [];
  #heldBytes = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(source: Socket, sink: Socket) {
    this.#source = source;
    this.#sink = sink;
    sink.on('drain', () => this.#pump());
  }

  push(chunk: Buffer, delayMs: number): void {
    this.#held.push({ chunk, dueMs: performance.now() + delayMs });
    this.#heldBytes += chunk.length;
    if (this.#heldBytes > HELD_BYTES_MAX) this.#source.pause();
    this.#pump();
  }

  end(delayMs: number): void {
    this.#held.push({ dueMs: performance.now() + delayMs });
    this.#pump();
  }

  #pump(): void {
    clearTimeout(this.#timer);
    for (let next = this.#held[0]; next !== undefined; next = this.#held[0]) {
      const waitMs = next.dueMs - performance.now();
      if (waitMs > 0) {
        this.#timer = setTimeout(() => this.#pump(), Math.ceil(waitMs));
        break;
      }
      if (this.#sink.writableNeedDrain && !this.#sink.destroyed) break;
      this.#held.shift();
      this.#heldBytes -= next.chunk?.length ?? 0;
      if (next.chunk === undefined) this.#sink.destroySoon();
      else if (!this.#sink.destroyed) this.#sink.write(next.chunk);
    }
    if (this.#heldBytes <= HELD_BYTES_MAX && this.#source.isPaused()) this.#source.resume();
  }
}
