import { type Clock, turn } from '../base/clock.js';
import { EmptyKeyError } from '../base/errors.js';
import type { KeyRange, KeyValue } from '../base/key-value.js';
import type { RangePage, RangePageRequest, RangeRequest } from '../base/operation.js';
import { fromRangeMessage } from './convert-requests.js';
import { toKeyValueMessage } from './convert-results.js';
import type * as pb from './gen/kv.js';
import { headerOf, type KvPort } from './ports.js';
import { UnsupportedRangeError } from './service-errors.js';

/** What a stream of a range asks of a member. */
export interface RangeStreamPort extends Pick<KvPort, 'rangePage' | 'clusterId' | 'memberId' | 'term' | 'revision'> {
  readonly clock: Clock;
}

/** Keys of the first message, so that it comes soon; each that follows may have twice as many, up to the bounds. */
const FIRST_CHUNK_KEYS = 10;
/** Keys of one message. More of them would take the event loop for too long, however small they are. */
const CHUNK_KEYS_MAX = 500;
/** Keys that are looked at in one go. */
const VISITS_MAX = 4_000;

/**
 * Reads a range piece by piece, all of it as of one revision: that of the first piece. Between two pieces everything else
 * that is ready to run has its turn; whoever asks for no more of them ends the reading.
 *
 * The messages put together are the answer to the same request at once: header, count and `more` are in the last one.
 *
 * @param chunkBytes - of keys and values in one message; one key is told even if it is larger
 * @throws {@link EmptyKeyError}, {@link InvalidArgumentError}, {@link UnsupportedRangeError}; {@link CompactedError} also
 * when its revision is compacted on the way, and {@link PermissionDeniedError} also when the right to it is taken away
 *
 * @remarks Source: etcd v3.7.1, `RangeStream`.
 */
export async function* rangeStream(
  port: RangeStreamPort,
  message: pb.RangeRequest,
  chunkBytes: number,
): AsyncGenerator<pb.RangeStreamResponse, void, undefined> {
  const reading = new RangeReading(port, checked(message), chunkBytes);
  let ahead = await reading.chunk();
  while (!reading.isDone) {
    const chunk = ahead;
    ahead = await reading.chunk();
    // What holds no key says nothing by itself: whether there is another one is known once it was found.
    if (ahead.length === 0) ahead = chunk;
    else yield { rangeResponse: { header: undefined, kvs: chunk.map(toKeyValueMessage), more: false, count: 0 } };
  }
  const { count, more } = reading;
  const header = headerOf(port, reading.revision);
  yield { rangeResponse: { header, kvs: ahead.map(toKeyValueMessage), more, count } };
}

function checked(message: pb.RangeRequest): RangeRequest {
  if (message.key.length === 0) throw new EmptyKeyError();
  const request = fromRangeMessage(message);
  const { sortOrder, sortTarget } = request;
  const isInOrder = sortOrder === 'none' || (sortOrder === 'ascend' && sortTarget === 'key');
  if (!isInOrder) throw new UnsupportedRangeError('custom sort orders');
  if (request.minModRevision || request.maxModRevision || request.minCreateRevision || request.maxCreateRevision)
    throw new UnsupportedRangeError('revision filters');
  return request;
}

/** How far a range has been read. */
class RangeReading {
  /** The store's when it began. */
  revision = 0;
  /** Keys so far, those beyond the limit included. */
  count = 0;
  isDone = false;
  readonly #port: RangeStreamPort;
  readonly #request: RangeRequest;
  readonly #chunkBytes: number;
  /** Where to go on. */
  #target: KeyRange;
  #keysWanted = FIRST_CHUNK_KEYS;
  /** Keys that are still to be told, as far as the limit goes. */
  #keysLeft: number;
  #toldCount = 0;

  constructor(port: RangeStreamPort, request: RangeRequest, chunkBytes: number) {
    const { key, end, limit = 0, countOnly } = request;
    this.#port = port;
    this.#request = request;
    this.#chunkBytes = chunkBytes;
    this.#target = { key, ...(end !== undefined && { end }) };
    this.#keysLeft = countOnly ? 0 : limit > 0 ? limit : Number.POSITIVE_INFINITY;
  }

  /** Whether the limit cut some off. */
  get more(): boolean {
    return !this.#request.countOnly && this.count > this.#toldCount;
  }

  /** The next keys; none where nothing was left but to count. Done, once there are no more of either. */
  async chunk(): Promise<readonly KeyValue[]> {
    while (!this.isDone) {
      const { kvs } = await this.#page(Math.min(this.#keysWanted, this.#keysLeft));
      if (kvs.length === 0) continue;
      this.#keysLeft -= kvs.length;
      this.#toldCount += kvs.length;
      this.#keysWanted = Math.min(2 * this.#keysWanted, CHUNK_KEYS_MAX);
      return kvs;
    }
    return [];
  }

  async #page(keysMax: number): Promise<RangePage> {
    const { serializable = false, keysOnly = false, revision = 0 } = this.#request;
    const isFirst = this.revision === 0;
    if (!isFirst) await turn(this.#port.clock);
    // The first piece is as fresh as was asked for. The member that had it has the revision for the others too.
    const request: RangePageRequest = {
      ...this.#target,
      revision: revision > 0 ? revision : this.revision,
      serializable: serializable || !isFirst,
      keysOnly,
      keysMax,
      bytesMax: this.#chunkBytes,
      visitsMax: VISITS_MAX,
      isContinued: !isFirst,
    };
    const page = await this.#port.rangePage(request);
    if (isFirst) this.revision = page.revision;
    this.count += page.count;
    if (page.next === undefined) this.isDone = true;
    else this.#target = { ...this.#target, key: page.next };
    return page;
  }
}
