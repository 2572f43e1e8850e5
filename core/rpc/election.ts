import { asBuffer, equalBytes } from '../base/bytes.js';
import type { KeyValue } from '../base/key-value.js';
import { toKeyValueMessage } from './convert-results.js';
import type * as pb from './gen/election.js';
import { fromInt64, toInt64 } from './int64.js';
import { headerOf } from './ports.js';
import { ElectionNoLeaderError, ElectionNotLeaderError, LeaderKeyMissingError } from './service-errors.js';
import { deleteIfSame, type LinePort, type Place, putIfSame, WaitingLine } from './waiting-line.js';
import { watchedRange } from './watched-range.js';

/** A leader as it was seen, and the store's revision then. */
interface Seen {
  readonly kv: KeyValue;
  readonly revision: number;
}

/** etcd's Election service over a member, whatever carries its messages. Each call throws what the member throws. */
export class ElectionService {
  readonly #port: LinePort;

  constructor(port: LinePort) {
    this.#port = port;
  }

  /**
   * Waits until the caller leads. Who leads already proclaims the value.
   *
   * @param signal - aborts when nobody waits for the answer any more: then the candidacy is given up
   * @throws the signal's reason; {@link LeaseNotFoundError}; {@link ElectionNotLeaderError} if the lease ended meanwhile
   * (etcd would say that the caller leads, though its key is gone)
   */
  async campaign({ name, lease, value }: pb.CampaignRequest, signal: AbortSignal): Promise<pb.CampaignResponse> {
    const line = new WaitingLine(this.#port, name);
    return line.pass({ lease, value, signal }, async (place, wait) => {
      if (!equalBytes(place.value, value)) await this.#reproclaim({ ...place, value });
      if (!place.isFirst) {
        await wait();
        await this.#confirm(place);
      }
      const leader = {
        ...{ name, key: asBuffer(place.key), lease: place.lease },
        rev: toInt64('revision', place.createRevision),
      };
      return { header: headerOf(this.#port, place.revision), leader };
    });
  }

  /** @throws {@link LeaderKeyMissingError}, {@link ElectionNotLeaderError} */
  async proclaim({ leader, value }: pb.ProclaimRequest): Promise<pb.ProclaimResponse> {
    if (leader === undefined) throw new LeaderKeyMissingError();
    const { key, lease } = leader;
    const { revision, succeeded } = await putIfSame(this.#port, {
      ...{ key, lease, value },
      createRevision: fromInt64(leader.rev),
    });
    if (!succeeded) throw new ElectionNotLeaderError();
    return { header: headerOf(this.#port, revision) };
  }

  /** Who does not lead is not refused. @throws {@link LeaderKeyMissingError} */
  async resign({ leader }: pb.ResignRequest): Promise<pb.ResignResponse> {
    if (leader === undefined) throw new LeaderKeyMissingError();
    const { revision } = await deleteIfSame(this.#port, leader.key, fromInt64(leader.rev));
    return { header: headerOf(this.#port, revision) };
  }

  /** @throws {@link ElectionNoLeaderError} */
  async leader({ name }: pb.LeaderRequest): Promise<pb.LeaderResponse> {
    const { kvs, revision } = await new WaitingLine(this.#port, name).first();
    const [kv] = kvs;
    if (kv === undefined) throw new ElectionNoLeaderError();
    return { header: headerOf(this.#port, revision), kv: toKeyValueMessage(kv) };
  }

  /** Every leader, and everything that one proclaims, from the present one on. @throws the signal's reason */
  async *observe({ name }: pb.LeaderRequest, signal: AbortSignal): AsyncGenerator<pb.LeaderResponse, void, undefined> {
    const line = new WaitingLine(this.#port, name);
    let toldRevision = 0;
    for (;;) {
      signal.throwIfAborted();
      for await (const { kv, revision } of this.#reign(line, signal)) {
        // After a compaction the same leader is found once more.
        if (kv.modRevision === toldRevision) continue;
        toldRevision = kv.modRevision;
        yield { header: headerOf(this.#port, revision), kv: toKeyValueMessage(kv) };
      }
    }
  }

  /** What the present leader, or else the next one, proclaims, until it leads no more or its history is compacted. */
  async *#reign(line: WaitingLine, signal: AbortSignal): AsyncGenerator<Seen, void, undefined> {
    const found = await line.first();
    const [kv] = found.kvs;
    const seen = kv ? { kv, revision: found.revision } : await this.#next(line, found.revision, signal);
    if (seen === undefined) return;
    yield seen;
    const request = { target: { key: seen.kv.key }, from: seen.revision + 1 };
    for await (const { events, revision } of watchedRange(this.#port, request, signal)) {
      for (const event of events) {
        if (event.type === 'delete') return;
        yield { kv: event.kv, revision };
      }
    }
  }

  async #next(line: WaitingLine, revision: number, signal: AbortSignal): Promise<Seen | undefined> {
    const request = { target: line.range, from: revision + 1, only: 'put' } as const;
    for await (const { events } of watchedRange(this.#port, request, signal)) {
      const [event] = events;
      if (event) return { kv: event.kv, revision: event.kv.modRevision };
    }
    return undefined;
  }

  async #reproclaim(place: Place): Promise<void> {
    const { succeeded } = await putIfSame(this.#port, place);
    if (!succeeded) throw new ElectionNotLeaderError();
  }

  async #confirm({ key, createRevision }: Place): Promise<void> {
    const { kvs } = await this.#port.range({ type: 'range', key });
    if (kvs[0]?.createRevision !== createRevision) throw new ElectionNotLeaderError();
  }
}
