import type { Event as EventMessage } from '../../rpc/gen/mvcc.js';
import type { WatchCreateRequest, WatchRequest, WatchResponse } from '../../rpc/gen/watch.js';
import { header, watchMessage, type WatchWire } from './scripted-server.js';

/** One creation that a watch stream asked for, and the means to answer it. */
export class Creation {
  constructor(
    readonly wire: WatchWire,
    readonly request: WatchCreateRequest,
    /** Which stream it came on, from 1. */
    readonly stream: number,
  ) {}

  get id(): bigint {
    return this.request.watchId;
  }

  get isProbe(): boolean {
    return this.request.key.equals(this.request.rangeEnd);
  }

  created(revision: number): this {
    return this.send({ created: true, header: header(revision) });
  }

  /** Answers a creation that failed, as etcd does: without its id. */
  refused(reason: string): this {
    return this.send({ created: true, canceled: true, watchId: -1n, cancelReason: reason });
  }

  /** Sends puts of these revisions, each of a key named for it. */
  events(revisions: readonly number[], part: Partial<WatchResponse> = {}): this {
    return this.send({ events: revisions.map((revision) => putOf(revision)), header: header(9_999), ...part });
  }

  send(part: Partial<WatchResponse>): this {
    this.wire.write(watchMessage({ watchId: this.id, ...part }));
    return this;
  }
}

export function putOf(revision: number, value = ''): EventMessage {
  const kv = { key: Buffer.from(`k${revision}`), value: Buffer.from(value), version: 1, lease: 0n };
  return { type: 0, kv: { ...kv, createRevision: revision, modRevision: revision }, prevKv: undefined };
}

/** Takes the watch streams of a scripted server, and hands out what they ask for in order. */
export class WatchDesk {
  streamCount = 0;
  readonly cancelled: bigint[] = [];
  readonly #arrived: Creation[] = [];
  readonly #waiting: ((creation: Creation) => void)[] = [];

  /** To be used as the script's `watch`. */
  readonly accept = (wire: WatchWire): void => {
    this.streamCount += 1;
    const stream = this.streamCount;
    wire.on('data', ({ requestUnion: request }: WatchRequest) => {
      if (request?.$case === 'createRequest') this.#arrive(new Creation(wire, request.createRequest, stream));
      if (request?.$case === 'cancelRequest') this.cancelled.push(request.cancelRequest.watchId);
    });
    wire.on('end', () => wire.end());
  };

  /** Creations that were asked for and not yet taken. */
  get waitingCount(): number {
    return this.#arrived.length;
  }

  /** The next creation that was asked for. */
  creation(): Promise<Creation> {
    const arrived = this.#arrived.shift();
    return arrived ? Promise.resolve(arrived) : new Promise((resolve) => this.#waiting.push(resolve));
  }

  #arrive(creation: Creation): void {
    const waiting = this.#waiting.shift();
    if (waiting) waiting(creation);
    else this.#arrived.push(creation);
  }
}
