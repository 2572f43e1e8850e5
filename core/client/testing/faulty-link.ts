import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/** A TCP link to a server, whose faults a test can turn on and off. */
export class FaultyLink {
  readonly host = '127.0.0.1';
  readonly #target: { readonly host: string; readonly port: number };
  readonly #sockets = new Set<Socket>();
  #server: Server;
  #port = 0;
  #isFrozen = false;
  /** Connections made through it so far. */
  connectionCount = 0;

  private constructor(target: { readonly host: string; readonly port: number }) {
    this.#target = target;
    this.#server = this.#listener();
  }

  static async open(target: { readonly host: string; readonly port: number }): Promise<FaultyLink> {
    const link = new FaultyLink(target);
    await link.accept();
    return link;
  }

  get port(): number {
    return this.#port;
  }

  /** Whether it takes connections; frozen or not. */
  get isListening(): boolean {
    return this.#server.listening;
  }

  /** Breaks every connection; new ones work. */
  cut(): void {
    for (const socket of [...this.#sockets]) socket.destroy();
  }

  /** Keeps connections open and takes new ones, but lets nothing through until {@link thaw}. */
  freeze(): void {
    this.#isFrozen = true;
    for (const socket of this.#sockets) socket.pause();
  }

  thaw(): void {
    this.#isFrozen = false;
    for (const socket of this.#sockets) socket.resume();
  }

  /** Breaks every connection and refuses new ones until {@link accept}. */
  async refuse(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.cut();
    await closed;
  }

  async accept(): Promise<void> {
    this.#server = this.#listener();
    this.#server.listen({ host: this.host, port: this.#port });
    await once(this.#server, 'listening');
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    if (this.#server.listening) await this.refuse();
  }

  #listener(): Server {
    return createServer({ noDelay: true }, (near) => {
      this.connectionCount += 1;
      const far = connect({ host: this.#target.host, port: this.#target.port, noDelay: true });
      this.#join(near, far);
      this.#join(far, near);
    });
  }

  #join(from: Socket, to: Socket): void {
    this.#sockets.add(from);
    from.on('data', (bytes) => to.write(bytes));
    from.on('end', () => to.end());
    from.on('error', () => to.destroy());
    from.on('close', () => {
      this.#sockets.delete(from);
      to.destroy();
    });
    if (this.#isFrozen) from.pause();
  }
}
