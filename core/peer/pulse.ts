import type { Clock, Timer } from '../base/clock.js';
import type { PeerLimits } from './limits.js';
import type { Link } from './link.js';

/** One timer for all connections: twice a second each says that it lives, and finds out whether its other end does. */
export class Pulse {
  readonly #clock: Clock;
  readonly #beatMs: number;
  readonly #quietBeatsMax: number;
  readonly #links = new Set<Link>();
  #timer: Timer | undefined;

  constructor(clock: Clock, { keepAliveMs, idleTimeoutMs }: PeerLimits) {
    this.#clock = clock;
    this.#beatMs = keepAliveMs;
    this.#quietBeatsMax = Math.ceil(idleTimeoutMs / keepAliveMs);
  }

  /** Beats for it until it has closed. */
  add(link: Link): void {
    this.#links.add(link);
    this.#timer ??= this.#clock.after(this.#beatMs, () => this.#beat());
  }

  #beat(): void {
    for (const link of this.#links) {
      if (link.isClosed) this.#links.delete(link);
      else link.beat(this.#quietBeatsMax);
    }
    this.#timer = this.#links.size === 0 ? undefined : this.#clock.after(this.#beatMs, () => this.#beat());
  }

  /** Ends what is still open, such as connections that were let go of and whose last words nobody reads. */
  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    for (const link of this.#links) link.abandon('the member stops');
    this.#links.clear();
  }
}
