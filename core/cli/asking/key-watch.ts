import { onAbort } from '../../base/abort.js';
import { type WatchCreateRequest, type WatchRequest, type WatchResponse, WatchService } from '../../rpc/gen/watch.js';
import type { CallStream } from './call-stream.js';
import { CallError } from './call-error.js';
import type { MemberClient } from './member-client.js';
import { patiently, pause } from './patience.js';

/** A server that ends every stream at once is not asked more often. */
const RESUME_MS = 100;

/** A watch without flags. */
export const PLAIN_WATCH: Omit<WatchCreateRequest, 'key'> = {
  rangeEnd: Buffer.alloc(0),
  startRevision: 0n,
  progressNotify: false,
  filters: [],
  prevKv: false,
  watchId: 0n,
  fragment: false,
};

/** A watch that goes on while members come and go: on another member at the revision where it was. */
export class KeyWatch {
  readonly #client: MemberClient;
  readonly #request: WatchCreateRequest;
  readonly #signal: AbortSignal;
  #stream: CallStream<WatchRequest, WatchResponse> | undefined;
  /** Where it is taken up: the first revision that has not been seen. */
  #next: bigint;
  #hasNewToken = false;

  /** @param signal - ends it */
  constructor(client: MemberClient, request: WatchCreateRequest, signal: AbortSignal) {
    this.#client = client;
    this.#request = request;
    this.#signal = signal;
    this.#next = request.startRevision;
  }

  /**
   * What the members say, one answer after the other, until the signal aborts. One that is `canceled` is the last.
   *
   * @throws {@link CallError} if no member could be reached to begin with, or one refuses in a way that stays
   */
  async *responses(): AsyncGenerator<WatchResponse, void, undefined> {
    const stopListening = onAbort(this.#signal, () => this.#stream?.close());
    try {
      let stream = await this.#begin();
      for (;;) {
        try {
          for await (const response of stream) {
            if (this.#isForNewToken(response)) break;
            this.#note(response);
            if (response.created && !response.canceled) continue;
            yield response;
            if (response.canceled) return;
          }
        } catch (error) {
          if (!(error instanceof CallError && error.isPassing)) throw error;
        }
        await pause(RESUME_MS, this.#signal);
        stream = await patiently(this.#signal, () => this.#begin());
      }
    } catch (error) {
      if (!this.#signal.aborted) throw error;
    } finally {
      stopListening();
      this.#stream?.close();
    }
  }

  /** Asks how far the member is; it answers among the responses. */
  requestProgress(): void {
    this.#stream?.send({ requestUnion: { $case: 'progressRequest', progressRequest: {} } });
  }

  /** A refusal may be meant for an old token: etcd 3.4 does not tell one from the other. So it is asked once more. */
  #isForNewToken({ canceled, cancelReason }: WatchResponse): boolean {
    if (!canceled || this.#hasNewToken || !/permission denied|invalid auth token/.test(cancelReason)) return false;
    this.#hasNewToken = true;
    return this.#client.forgetToken();
  }

  async #begin(): Promise<CallStream<WatchRequest, WatchResponse>> {
    const stream = await this.#client.open(WatchService.watch);
    this.#stream = stream;
    if (this.#signal.aborted) stream.close();
    const createRequest = { ...this.#request, startRevision: this.#next };
    stream.send({ requestUnion: { $case: 'createRequest', createRequest } });
    return stream;
  }

  /** The first answer tells from where it watches; events, and word that there are none, how far it is. */
  #note({ created, events, header, canceled }: WatchResponse): void {
    if (!canceled) this.#hasNewToken = false;
    const seen = events.at(-1)?.kv?.modRevision ?? header?.revision ?? 0;
    const isAtRevision = !canceled && (!created || this.#next === 0n);
    if (isAtRevision && BigInt(seen) >= this.#next) this.#next = BigInt(seen) + 1n;
  }
}
