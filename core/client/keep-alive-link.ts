import type { Timer } from '../base/clock.js';
import type { LeaseId } from '../base/key-value.js';
import { type LeaseKeepAliveRequest, type LeaseKeepAliveResponse, LeaseService } from '../rpc/gen/lease.js';
import { fromInt64 } from '../rpc/int64.js';
import { CallFailure } from './call-failure.js';
import type { DuplexStream } from './channel.js';
import type { Connection } from './connection.js';
import { onAbort } from '../base/abort.js';
import type { ClientSettings } from './settings.js';

/** An unused stream would keep the process alive; the next renewal opens another. */
const IDLE_MS = 60_000;

interface Renewal {
  readonly resolve: (ttlSeconds: number) => void;
  readonly reject: (error: Error) => void;
}

interface Link {
  readonly connection: Connection;
  readonly stream: DuplexStream<LeaseKeepAliveRequest, LeaseKeepAliveResponse>;
  /** For each lease those who wait for its renewal, in the order of asking: the answers come in that order. */
  readonly waiting: Map<LeaseId, Renewal[]>;
}

/** All renewals of a store, over one stream on the connection in use. */
export class KeepAliveLink {
  readonly #settings: ClientSettings;
  #link: Link | undefined;
  #idle: Timer | undefined;

  constructor(settings: ClientSettings) {
    this.#settings = settings;
  }

  /**
   * Renews a lease once.
   *
   * @returns its TTL in seconds; 0 if it does not exist
   * @throws {@link CallFailure} if the stream ended, no answer came in `requestTimeoutMs`, or the endpoint was left
   * @throws the signal's reason if it aborts; the lease may have been renewed
   */
  renew(connection: Connection, id: LeaseId, signal: AbortSignal | undefined): Promise<number> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason as Error);
      const link = this.#linkOn(connection);
      const settle = () => {
        stopListening();
        connection.settled(owed);
      };
      const owed = { isWrite: false, fail: (failure: CallFailure) => this.#fail(link, failure) };
      const fail = (error: Error) => (settle(), reject(error));
      const stopListening = onAbort(signal, (reason) => fail(reason as Error));
      connection.owes(owed);
      this.#idle?.cancel();
      const waiting = link.waiting.get(id) ?? [];
      link.waiting.set(id, waiting);
      waiting.push({
        resolve: (ttlSeconds) => (settle(), resolve(ttlSeconds)),
        reject: fail,
      });
      link.stream.write({ ID: id });
    });
  }

  close(): void {
    this.#idle?.cancel();
    if (this.#link) this.#fail(this.#link, CallFailure.lost('the store was closed'));
  }

  #linkOn(connection: Connection): Link {
    if (this.#link?.connection === connection) return this.#link;
    // The old stream's answers may still come; it ends by itself once the server has sent them.
    this.#link?.stream.end();
    const link: Link = { connection, stream: connection.stream(LeaseService.leaseKeepAlive), waiting: new Map() };
    link.stream.on('data', (answer: LeaseKeepAliveResponse) => this.#answered(link, answer));
    link.stream.on('error', (error: Error) => this.#fail(link, connection.toFailure(error)));
    link.stream.on('end', () => this.#fail(link, CallFailure.lost(`${connection.name} ended the stream`)));
    this.#link = link;
    return link;
  }

  #answered(link: Link, answer: LeaseKeepAliveResponse): void {
    const waiting = link.waiting.get(answer.ID);
    const renewal = waiting?.shift();
    if (waiting?.length === 0) link.waiting.delete(answer.ID);
    renewal?.resolve(fromInt64(answer.TTL));
    if (link.waiting.size === 0) this.#endWhenIdle(link);
  }

  #endWhenIdle(link: Link): void {
    this.#idle?.cancel();
    this.#idle = this.#settings.clock.after(IDLE_MS, () => {
      if (this.#link === link) this.#link = undefined;
      link.stream.end();
    });
  }

  #fail(link: Link, failure: CallFailure): void {
    if (this.#link === link) this.#link = undefined;
    const waiting = [...link.waiting.values()].flat();
    link.waiting.clear();
    for (const renewal of waiting) renewal.reject(failure);
    link.stream.cancel();
  }
}
