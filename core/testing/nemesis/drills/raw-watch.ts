import { Client, type ClientDuplexStream, credentials } from '@grpc/grpc-js';
import { toBytes } from '../../../base/bytes.js';
import { prefix } from '../../../base/key-range.js';
import { type WatchRequest, type WatchResponse, WatchService } from '../../../rpc/gen/watch.js';

/** A watch as it is on the wire, whose reader can stop reading, so that what the server sends waits at the server. */
export class RawWatch {
  readonly #client: Client;
  readonly #stream: ClientDuplexStream<WatchRequest, WatchResponse>;
  #revision: number;
  eventCount = 0;
  /** What was out of order, in words. */
  readonly disorder: string[] = [];
  /** How the server ended it, if it did. */
  ended: string | undefined;

  /** @param from - every revision from this one on has one event with this prefix */
  constructor(clientUrl: string, keyPrefix: string, from: number) {
    this.#client = new Client(new URL(clientUrl).host, credentials.createInsecure());
    const { path, requestSerialize, responseDeserialize } = WatchService.watch;
    this.#stream = this.#client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize);
    this.#revision = from - 1;
    this.#stream.on('data', (response: WatchResponse) => this.#take(response));
    this.#stream.on('error', (error) => (this.ended ??= error.message));
    const { key, end } = { end: toBytes(''), ...prefix(keyPrefix) };
    this.#stream.write({
      requestUnion: {
        $case: 'createRequest',
        createRequest: {
          key: Buffer.from(key),
          rangeEnd: Buffer.from(end),
          startRevision: BigInt(from),
          progressNotify: false,
          filters: [],
          prevKv: false,
          watchId: 0n,
          fragment: false,
        },
      },
    });
  }

  /** The latest revision that it has seen. */
  get revision(): number {
    return this.#revision;
  }

  stopReading(): void {
    this.#stream.pause();
  }

  readOn(): void {
    this.#stream.resume();
  }

  close(): void {
    this.#stream.cancel();
    this.#client.close();
  }

  #take({ events, canceled, compactRevision, cancelReason }: WatchResponse): void {
    if (canceled) this.ended = compactRevision > 0 ? 'COMPACTED' : `cancelled: ${cancelReason}`;
    for (const { kv } of events) {
      const revision = kv?.modRevision ?? 0;
      if (revision !== this.#revision + 1) this.disorder.push(`after revision ${this.#revision} came ${revision}`);
      this.#revision = revision;
      this.eventCount += 1;
    }
  }
}
