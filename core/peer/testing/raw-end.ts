import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { PREAMBLE } from '../frame.js';
import { FrameReader } from '../frame-reader.js';
import { encodeHello, encodeWelcome, type Purpose } from '../greeting.js';
import type { Greeting } from '../types.js';

const BODY_BYTES_MAX = 2 ** 24;

/** One end of a connection whose bytes a test writes and sees itself. */
export class RawEnd {
  readonly socket: Socket;
  /** The pieces in which bytes arrived. */
  readonly pieces: Buffer[] = [];
  /** The frames in them. */
  readonly frames: { readonly kind: number; readonly body: Buffer }[] = [];
  version: number | undefined;
  isClosed = false;

  constructor(socket: Socket) {
    this.socket = socket;
    const reader = new FrameReader(BODY_BYTES_MAX, {
      onPreamble: (version) => (this.version = version),
      onFrame: (kind, body) => this.frames.push({ kind, body }),
    });
    socket.setNoDelay(true);
    socket.on('data', (piece) => {
      this.pieces.push(piece);
      reader.push(piece);
    });
    socket.on('error', () => {});
    socket.on('close', () => (this.isClosed = true));
  }

  /** Whether a frame of this kind has come. */
  hasHeard(kind: number): boolean {
    return this.frames.some((frame) => frame.kind === kind);
  }

  /** The body of the first frame of this kind. */
  bodyOf(kind: number): Buffer {
    const frame = this.frames.find((each) => each.kind === kind);
    if (frame === undefined) throw new Error(`no frame of kind ${kind} came`);
    return frame.body;
  }

  get receivedBytes(): number {
    return this.pieces.reduce((bytes, piece) => bytes + piece.length, 0);
  }

  write(...parts: readonly Uint8Array[]): void {
    this.socket.write(Buffer.concat(parts));
  }
}

/** Connects to a member by hand. */
export async function dialRaw(url: string): Promise<RawEnd> {
  const end = new RawEnd(connect(Number(new URL(url).port), '127.0.0.1'));
  await once(end.socket, 'connect');
  return end;
}

/** The first bytes of a dialler that does everything right. */
export function helloBytes(greeting: Greeting, target: bigint, purpose: Purpose = 'messages'): Buffer {
  return Buffer.concat([PREAMBLE, encodeHello({ purpose, greeting, target })]);
}

/** Listens by hand. */
export class RawListener {
  readonly ends: RawEnd[] = [];
  readonly #server = createServer((socket) => {
    const end = new RawEnd(socket);
    this.ends.push(end);
    this.onConnection(end);
  });
  /** What it does with whoever connects; by default nothing. */
  onConnection: (end: RawEnd) => void = () => {};

  static async start(): Promise<RawListener> {
    const listener = new RawListener();
    listener.#server.listen(0, '127.0.0.1');
    await once(listener.#server, 'listening');
    return listener;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Welcomes whoever connects, without waiting for a hello. */
  welcomes(greeting: Greeting): void {
    this.onConnection = (end) => end.write(PREAMBLE, encodeWelcome(greeting));
  }

  /** Stops listening, as a process does that ends. */
  async close(): Promise<void> {
    if (!this.#server.listening) return;
    const closed = once(this.#server, 'close');
    this.#server.close();
    for (const { socket } of this.ends) socket.destroy();
    await closed;
  }
}
