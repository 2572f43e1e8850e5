/**
 * The messages with entries that are under way to one follower. Whoever sends stops when it is full: a follower that is
 * slow, or whose answers are lost, never has more than this to take in.
 */
export class InflightWindow {
  readonly #messagesMax: number;
  readonly #bytesMax: number;
  #messages: { readonly lastIndex: number; readonly bytes: number }[] = [];
  #bytes = 0;

  constructor({ messagesMax, bytesMax }: { readonly messagesMax: number; readonly bytesMax: number }) {
    this.#messagesMax = messagesMax;
    this.#bytesMax = bytesMax;
  }

  get isFull(): boolean {
    return this.#messages.length >= this.#messagesMax || this.#bytes >= this.#bytesMax;
  }

  /** A message was sent whose last entry is at `lastIndex`. */
  add(lastIndex: number, bytes: number): void {
    this.#messages.push({ lastIndex, bytes });
    this.#bytes += bytes;
  }

  /** What ends at `index` or before has arrived. */
  freeTo(index: number): void {
    let count = 0;
    for (const { lastIndex, bytes } of this.#messages) {
      if (lastIndex > index) break;
      this.#bytes -= bytes;
      count += 1;
    }
    if (count > 0) this.#messages.splice(0, count);
  }

  clear(): void {
    this.#messages = [];
    this.#bytes = 0;
  }
}
