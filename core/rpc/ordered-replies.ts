/**
 * Answers of a stream in the order of its requests, while the requests are worked on side by side: one that takes long
 * holds up the answers behind it, but not their work.
 */
export class OrderedReplies<Reply> {
  readonly #send: (reply: Reply) => void;
  readonly #fail: (error: unknown) => void;
  #last: Promise<void> = Promise.resolve();
  #pendingCount = 0;

  constructor(send: (reply: Reply) => void, fail: (error: unknown) => void) {
    this.#send = send;
    this.#fail = fail;
  }

  /** Replies that have not been sent. */
  get pendingCount(): number {
    return this.#pendingCount;
  }

  /** @param settled - called once this reply has been sent, or the stream has failed */
  push(reply: Promise<Reply>, settled: () => void): void {
    this.#pendingCount += 1;
    const previous = this.#last;
    this.#last = (async () => {
      try {
        const value = await reply;
        await previous;
        this.#send(value);
      } catch (error) {
        this.#fail(error);
      } finally {
        this.#pendingCount -= 1;
        settled();
      }
    })();
  }
}
