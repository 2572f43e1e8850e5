import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

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
    near.on('close', onClosed);
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
    this.#near.resetAndDestroy();
    this.#far.resetAndDestroy();
  }

  #carry(way: Way, source: Socket, sink: Socket): void {
    let heldBytes = 0;
    const isDropped = () => this.#mode.type === 'drop' && this.#mode.ways.includes(way);
    const deliver = (chunk: Buffer) => {
      heldBytes -= chunk.length;
      if (source.isPaused() && heldBytes + sink.writableLength <= HELD_BYTES_MAX) source.resume();
      if (!sink.destroyed && !sink.write(chunk)) {
        source.pause();
        sink.once('drain', () => source.resume());
      }
    };
    source.on('data', (chunk: Buffer) => {
      if (isDropped()) {
        this.#hasLost = true;
        return;
      }
      heldBytes += chunk.length;
      if (this.#mode.type !== 'delay') return deliver(chunk);
      if (heldBytes > HELD_BYTES_MAX) source.pause();
      setTimeout(() => deliver(chunk), this.#mode.ms);
    });
    source.on('error', () => {});
    // Who is cut off does not hear of an end either.
    source.on('close', () => {
      if (isDropped()) this.#hasLost = true;
      else if (this.#mode.type === 'delay') setTimeout(() => sink.destroySoon(), this.#mode.ms);
      else sink.destroySoon();
    });
  }
}
