import { expect } from '@jest/globals';
import { toText } from '../../base/bytes.js';
import type { KeyValue } from '../../base/key-value.js';
import type { WatchBatch } from '../../base/operation.js';
import type { Store, WatchStream } from '../../store.js';

/** One of the stores that the suite runs on. `store` is open while its tests run. */
export interface StoreUnderTest {
  readonly store: Store;
  /** It is a part of a larger one. */
  readonly isNamespace: boolean;
}

let keysMade = 0;

/** A key prefix that no other test uses, so that tests share a store without meeting. */
export function freshPrefix(): string {
  keysMade += 1;
  return `conformance/${keysMade}/`;
}

/** A key-value as text, for a readable comparison. */
export function texts(kvs: readonly KeyValue[]): string[] {
  return kvs.map((kv) => `${toText(kv.key)}=${toText(kv.value)}`);
}

export function keyTexts(kvs: readonly KeyValue[]): string[] {
  return kvs.map((kv) => toText(kv.key));
}

/** Expects the call to fail with this stable code; answers the error for a closer look. */
export async function failsWith(code: string, call: () => Promise<unknown>): Promise<Error> {
  try {
    await call();
  } catch (error) {
    expect((error as { code?: unknown }).code).toBe(code);
    return error as Error;
  }
  throw new Error(`expected a failure with code ${code}, but the call succeeded`);
}

/** Reads a watch until it has delivered so many events; fails the test if it ends before. Leaves the watch open. */
export class WatchReader {
  readonly batches: WatchBatch[] = [];
  readonly #iterator: AsyncIterator<WatchBatch>;

  constructor(readonly stream: WatchStream) {
    this.#iterator = stream[Symbol.asyncIterator]();
  }

  /** The next events, as `put key=value` or `delete key`, in the order of delivery. */
  async events(count: number): Promise<string[]> {
    const described: string[] = [];
    while (described.length < count) {
      const next = await this.#iterator.next();
      if (next.done) throw new Error(`the watch ended after ${described.length} of ${count} events`);
      this.batches.push(next.value);
      for (const { type, kv } of next.value.events) {
        described.push(type === 'put' ? `put ${toText(kv.key)}=${toText(kv.value)}` : `delete ${toText(kv.key)}`);
      }
    }
    return described;
  }

  next(): Promise<IteratorResult<WatchBatch>> {
    return this.#iterator.next();
  }

  async close(): Promise<void> {
    await this.stream[Symbol.asyncDispose]();
  }
}
