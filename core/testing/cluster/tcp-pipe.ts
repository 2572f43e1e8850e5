import type { Socket } from 'node:net';

/** Bytes held back by a delay; past it the source is not read, as on a wire that is full. */
const HELD_BYTES_MAX = 1024 * 1024;

/**
 * What one direction of a link does to bytes: nothing; hold them all back, as a network that lost its way and will find it
 * again; or let them through later, or only so many a second.
 */
export interface Direction {
  readonly isSilent: boolean;
  readonly delayMs: number;
  /** Default: as many as come. */
  readonly bytesPerSecond?: number;
}

/** An unharmed direction. */
export const OPEN: Direction = { isSilent: false, delayMs: 0 };

interface Held {
  readonly bytes: Buffer;
  readonly dueMs: number;
}

/** One direction of one connection. Keeps at most a bounded number of bytes, and their order. */
export class TcpPipe {
  readonly #from: Socket;
  readonly #to: Socket;
  readonly #direction: () => Direction;
  readonly #held: Held[] = [];
  #heldBytes = 0;
  /** When the wire has carried all that it was given. */
  #carriedMs = 0;
  #isDead = false;
  #isFull = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(from: Socket, to: Socket, direction: () => Direction) {
    this.#from = from;
    this.#to = to;
    this.#direction = direction;
    from.on('data', (bytes: Buffer) => this.#arrived(bytes));
    from.on('end', () => this.#whenEmpty(() => this.#isDead || to.end()));
    to.on('drain', () => {
      this.#isFull = false;
      this.update();
    });
    to.on('close', () => clearTimeout(this.#timer));
    this.update();
  }

  /** The direction has changed: goes by what it is now. */
  update(): void {
    if (this.#isDead) return;
    const { isSilent } = this.#direction();
    if (isSilent || this.#isFull || this.#heldBytes > HELD_BYTES_MAX) this.#from.pause();
    else this.#from.resume();
    if (!isSilent) this.#deliver();
  }

  /** From now on everything is taken and nothing delivered, and neither end hears of it: the link is half open. */
  die(): void {
    this.#isDead = true;
    clearTimeout(this.#timer);
    this.#held.length = 0;
    this.#heldBytes = 0;
    this.#from.resume();
  }

  #arrived(bytes: Buffer): void {
    if (this.#isDead) return;
    const { delayMs, isSilent, bytesPerSecond = Infinity } = this.#direction();
    if (delayMs === 0 && !isSilent && bytesPerSecond === Infinity && this.#held.length === 0) return this.#write(bytes);
    const arrivedMs = performance.now() + delayMs;
    this.#carriedMs = Math.max(this.#carriedMs, arrivedMs) + (bytes.length * 1_000) / bytesPerSecond;
    this.#held.push({ bytes, dueMs: bytesPerSecond === Infinity ? arrivedMs : this.#carriedMs });
    this.#heldBytes += bytes.length;
    this.update();
  }

  #deliver(): void {
    clearTimeout(this.#timer);
    for (let first = this.#held[0]; first; first = this.#held[0]) {
      const waitMs = first.dueMs - performance.now();
      if (waitMs > 0) {
        this.#timer = setTimeout(() => this.update(), waitMs);
        return;
      }
      this.#held.shift();
      this.#heldBytes -= first.bytes.length;
      this.#write(first.bytes);
    }
  }

  #write(bytes: Buffer): void {
    if (this.#to.destroyed || this.#to.write(bytes)) return;
    this.#isFull = true;
    this.#from.pause();
  }

  #whenEmpty(end: () => void): void {
    if (this.#held.length === 0) return end();
    setTimeout(() => this.#whenEmpty(end), 10).unref();
  }
}
