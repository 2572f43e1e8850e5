import type { FrameSender } from './frames.js';

/** Bytes of one call that may be under way in one direction (RFC 9113, 6.9.2). */
const WINDOW_BYTES = 65_535;

interface Waiting {
  readonly bytes: Buffer;
  readonly written: () => void;
}

/** The messages of one call in both directions: sent as long as the other end reads, read as they are asked for. */
export class MessageFlow {
  readonly #id: number;
  readonly #sender: FrameSender;
  readonly #onMessage: (bytes: Buffer) => void;
  readonly #onEnd: () => void;
  #unreadBytes = 0;
  readonly #waiting: Waiting[] = [];
  readonly #arrived: Buffer[] = [];
  #hasEnded = false;
  #toldEnd = false;
  #isAsked = false;
  #readBytes = 0;

  /** @param onEnd - called when the last message has been read */
  constructor(id: number, sender: FrameSender, onMessage: (bytes: Buffer) => void, onEnd: () => void) {
    this.#id = id;
    this.#sender = sender;
    this.#onMessage = onMessage;
    this.#onEnd = onEnd;
  }

  /** Whether everything that arrived has been read. */
  get isEmpty(): boolean {
    return this.#arrived.length === 0;
  }

  /** @param written - called once it has left */
  send(bytes: Buffer, written: () => void = () => undefined): void {
    if (this.#unreadBytes >= WINDOW_BYTES) return void this.#waiting.push({ bytes, written });
    this.#unreadBytes += bytes.length;
    this.#sender.send({ type: 'message', id: this.#id, bytes });
    process.nextTick(written);
  }

  /** Calls back once what was given to it has left. */
  drained(callback: () => void): void {
    const last = this.#waiting.pop();
    if (last === undefined) return callback();
    const written = () => (last.written(), callback());
    this.#waiting.push({ bytes: last.bytes, written });
  }

  /** The other end has read so much. */
  opened(bytes: number): void {
    this.#unreadBytes -= bytes;
    while (this.#unreadBytes < WINDOW_BYTES) {
      const next = this.#waiting.shift();
      if (next === undefined) return;
      this.send(next.bytes, next.written);
    }
  }

  arrived(bytes: Buffer): void {
    this.#arrived.push(bytes);
    this.#deliver();
  }

  ended(): void {
    this.#hasEnded = true;
    this.#deliver();
  }

  /** Asks for one message more. */
  read(): void {
    this.#isAsked = true;
    this.#deliver();
  }

  #deliver(): void {
    while (this.#isAsked) {
      const bytes = this.#arrived.shift();
      if (bytes === undefined) break;
      this.#isAsked = false;
      this.#readBytes += bytes.length;
      if (this.#readBytes >= WINDOW_BYTES / 2) {
        this.#sender.send({ type: 'window', id: this.#id, bytes: this.#readBytes });
        this.#readBytes = 0;
      }
      this.#onMessage(bytes);
    }
    if (!this.#hasEnded || this.#toldEnd || this.#arrived.length > 0) return;
    this.#toldEnd = true;
    this.#onEnd();
  }
}
