import type { PeerLimits } from './limits.js';
import type { Link } from './link.js';

/**
 * What waits to leave on one connection: the frames of this turn of the event loop, and those that the operating system
 * has not taken yet. Both together are bounded, so that a member that does not read costs no more than that, or than one
 * frame where that is larger.
 */
export class SendQueue {
  readonly #link: Link;
  readonly #limits: PeerLimits;
  #frames: Buffer[] = [];
  #bytes = 0;
  /** Frames that were written and not taken. */
  #framesUnderWay = 0;

  constructor(link: Link, limits: PeerLimits) {
    this.#link = link;
    this.#limits = limits;
  }

  /** @returns false if it has no room for the frame, which is dropped */
  push(frame: Buffer): boolean {
    const { frameBytesMax, queueBytesMax, queueFramesMax } = this.#limits;
    // The other end would close the connection on it.
    if (frame.length > frameBytesMax) return false;
    const waitingBytes = this.#bytes + this.#link.waitingBytes;
    // One that is larger than all that may wait would otherwise never leave, and is sent anew for ever.
    if (waitingBytes > 0 && waitingBytes + frame.length > queueBytesMax) return false;
    if (this.#frames.length + this.#framesUnderWay >= queueFramesMax) return false;
    this.#frames.push(frame);
    this.#bytes += frame.length;
    return true;
  }

  /** Writes in one go what was pushed since the last time. */
  flush(): void {
    const count = this.#frames.length;
    if (count === 0) return;
    this.#framesUnderWay += count;
    this.#link.write(this.#frames, () => (this.#framesUnderWay -= count));
    this.#frames = [];
    this.#bytes = 0;
  }
}
