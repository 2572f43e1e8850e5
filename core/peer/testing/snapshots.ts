import { seededPrng } from '../../base/prng.js';

/** Bytes that say where they are. */
export function pattern(bytes: number): Buffer {
  const prng = seededPrng(bytes);
  const block = Buffer.from(Array.from({ length: 4_096 }, () => Math.floor(prng.next() * 256)));
  return Buffer.alloc(bytes, block);
}

/** A source that gives all of it. */
export async function* chunksOf(bytes: Uint8Array, chunkBytes: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += chunkBytes) yield bytes.subarray(at, at + chunkBytes);
}

/** A source that waits for the test before every chunk, and knows whether it was ended. */
export class Source implements AsyncIterable<Uint8Array> {
  isEnded = false;
  pulled = 0;
  #give: (() => void) | undefined;
  #fail: ((error: Error) => void) | undefined;

  give(): void {
    this.#give?.();
  }

  fail(error: Error): void {
    this.#fail?.(error);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    try {
      for (;;) {
        this.pulled += 1;
        await new Promise<void>((resolve, reject) => {
          this.#give = resolve;
          this.#fail = reject;
        });
        yield pattern(1_000);
      }
    } finally {
      this.isEnded = true;
    }
  }
}

/** How a promise ends, without anybody having to wait for it. */
export function outcome(promise: Promise<unknown>): { value: string | undefined } {
  const seen: { value: string | undefined } = { value: undefined };
  promise.then(
    () => (seen.value = 'done'),
    (error: Error) => (seen.value = error.message),
  );
  return seen;
}
