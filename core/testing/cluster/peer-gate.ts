import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { resetSocket } from '../reset-socket.js';
import { type Direction, TcpPipe } from './tcp-pipe.js';

/** What holds between two members, as the gate asks for it anew whenever it matters. */
export interface GateRules {
  /** The member that dials, by its near port; undefined if it is not one of ours. */
  dialer(nearPort: number, gatePort: number): string | undefined;
  /** What befalls bytes from one member to another. */
  direction(from: string | undefined, to: string | undefined): Direction;
  /** Whether connections between the two are broken and refused. */
  isRefused(one: string | undefined, other: string | undefined): boolean;
}

interface Passage {
  readonly dialer: string | undefined;
  readonly near: Socket;
  far: Socket | undefined;
  pipes: readonly TcpPipe[];
  /** Its ends do not hear of each other any more. */
  isHalfOpen: boolean;
}

/** A TCP proxy before one member's peer port. It tells the members that dial apart, so that each pair can be cut by itself. */
export class PeerGate {
  readonly port: number;
  readonly #member: string;
  readonly #targetPort: number;
  readonly #rules: GateRules;
  readonly #passages = new Set<Passage>();
  #server: Server | undefined;

  private constructor(member: string, port: number, targetPort: number, rules: GateRules) {
    this.#member = member;
    this.port = port;
    this.#targetPort = targetPort;
    this.#rules = rules;
  }

  /** A gate at `port` (0: one that is free) to the port on which the member listens. */
  static async open(
    member: string,
    { port, targetPort, rules }: { port: number; targetPort: number; rules: GateRules },
  ): Promise<PeerGate> {
    const server = createServer({ noDelay: true }).listen(port, '127.0.0.1');
    await once(server, 'listening');
    const gate = new PeerGate(member, (server.address() as AddressInfo).port, targetPort, rules);
    gate.#serve(server);
    return gate;
  }

  /** Nobody is behind it any more: connections break, and new ones are refused by the system, as a dead process's are. */
  async shut(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    for (const passage of [...this.#passages]) this.#break(passage);
    if (server) await once(server.close(), 'close');
  }

  /** Takes connections again. */
  async reopen(): Promise<void> {
    if (this.#server) return;
    const server = createServer({ noDelay: true }).listen(this.port, '127.0.0.1');
    this.#serve(server);
    await once(server, 'listening');
  }

  /** The rules have changed. */
  update(): void {
    for (const passage of [...this.#passages]) {
      if (this.#rules.isRefused(passage.dialer, this.#member)) this.#break(passage);
      else if (passage.far) for (const pipe of passage.pipes) pipe.update();
      else if (!passage.isHalfOpen) this.#pass(passage);
    }
  }

  /** The connections that this one has made break; new ones come about. */
  reset(dialer: string | undefined): void {
    for (const passage of this.#from(dialer)) this.#break(passage);
  }

  /**
   * The connections that this one has made carry nothing any more, and nobody is told, as when a router forgot them or
   * the machine at the other end is gone. New ones come about.
   */
  halfOpen(dialer: string | undefined): void {
    for (const passage of this.#from(dialer)) {
      passage.isHalfOpen = true;
      for (const pipe of passage.pipes) pipe.die();
    }
  }

  #from(dialer: string | undefined): Passage[] {
    return [...this.#passages].filter((passage) => passage.dialer === dialer);
  }

  #serve(server: Server): void {
    this.#server = server;
    server.on('connection', (near) => this.#arrived(near));
  }

  #arrived(near: Socket): void {
    near.on('error', () => undefined);
    const dialer = this.#rules.dialer(near.remotePort ?? 0, this.port);
    const passage: Passage = { dialer, near, far: undefined, pipes: [], isHalfOpen: false };
    this.#passages.add(passage);
    near.on('close', () => this.#closed(passage));
    near.pause();
    if (this.#rules.isRefused(dialer, this.#member)) this.#break(passage);
    else this.#pass(passage);
  }

  /** A connection comes about only while both directions work; until then it waits, taken but unanswered. */
  #pass(passage: Passage): void {
    const { dialer, near } = passage;
    const there = () => this.#rules.direction(dialer, this.#member);
    const back = () => this.#rules.direction(this.#member, dialer);
    if (there().isSilent || back().isSilent) return;
    const far = connect({ host: '127.0.0.1', port: this.#targetPort, noDelay: true, allowHalfOpen: true });
    far.on('error', () => undefined);
    far.on('close', () => this.#closed(passage));
    passage.far = far;
    passage.pipes = [new TcpPipe(near, far, there), new TcpPipe(far, near, back)];
  }

  #closed(passage: Passage): void {
    const isWholeGone = passage.near.destroyed && passage.far?.destroyed !== false;
    if (!passage.isHalfOpen || isWholeGone) this.#break(passage);
  }

  #break(passage: Passage): void {
    this.#passages.delete(passage);
    if (!passage.near.destroyed) resetSocket(passage.near);
    if (passage.far && !passage.far.destroyed) passage.far.destroy();
  }
}
